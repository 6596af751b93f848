"""What BERT does to a text before it is cut into words.

Source: Devlin et al. (2019), the released code (`tokenization.py`), as Hugging Face has it. Theirs
classes marks and controls as Unicode 8 did, this as Python's `unicodedata` does.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import regex

from groundup.tokenizers.aligned import Aligned
from groundup.tokenizers.normalize import EachCharacter, Form, Lowercase, Normalizer, normalize


@dataclass(frozen=True)
class _CleanText(EachCharacter):
    """The first step of BERT: no control characters, and each kind of white space is a space."""

    def replacement(self, character: str) -> str:
        """A space for white space, nothing for what has no business in a text."""
        if character in "\t\n\r":
            return " "
        kind = unicodedata.category(character)
        if character == "\ufffd" or kind in ("Cc", "Cf", "Co"):
            return ""
        return " " if kind[0] == "Z" else character


@dataclass(frozen=True)
class _SpaceIdeographs(EachCharacter):
    """Spaces around each ideograph, so that each is a word; Japanese and Korean letters are none.

    The ranges are those of BERT's code.
    """

    def replacement(self, character: str) -> str:
        """The character between spaces, if it is an ideograph."""
        return f" {character} " if _IDEOGRAPH.match(character) else character

    def __call__(self, text: str) -> str:
        """The text with its ideographs apart."""
        return text if text.isascii() else _IDEOGRAPH.sub(r" \g<0> ", text)


_IDEOGRAPH = regex.compile(
    "[\u4e00-\u9fff\u3400-\u4dbf\U00020000-\U0002a6df\U0002a700-\U0002b73f"
    "\U0002b740-\U0002b81f\U0002b920-\U0002ceaf\uf900-\ufaff\U0002f800-\U0002fa1f]"
)


@dataclass(frozen=True)
class _StripNonspacing(EachCharacter):
    def replacement(self, character: str) -> str:
        return "" if unicodedata.category(character) == "Mn" else character


@dataclass(frozen=True)
class BertNormalizer:
    """What BERT does to a text: clean it, set ideographs apart, strip accents, lower the case."""

    clean_text: bool = True
    handle_chinese_chars: bool = True
    strip_accents: bool | None = None
    """None: as `lowercase` says."""
    lowercase: bool = True

    def __call__(self, text: str) -> str:
        """The text as BERT's vocabulary has it."""
        return normalize(self._steps(), text)

    def aligned(self, source: Aligned) -> Aligned:
        """The same, aligned."""
        for step in self._steps():
            source = step.aligned(source)
        return source

    def _steps(self) -> list[Normalizer]:
        strip = self.lowercase if self.strip_accents is None else self.strip_accents
        steps: list[tuple[bool, Sequence[Normalizer]]] = [
            (self.clean_text, [_CleanText()]),
            (self.handle_chinese_chars, [_SpaceIdeographs()]),
            (strip, [Form("NFD"), _StripNonspacing()]),
            (self.lowercase, [Lowercase()]),
        ]
        return [step for wanted, some in steps if wanted for step in some]
