"""What SentencePiece does to a text before its model sees it.

    "  Hello   World "  ->  "▁Hello▁World"

A table of replacements goes first, then spaces: several become one and those at the ends go, one is
put in front, and each becomes visible. User-defined tokens are left as they are.

Source: Kudo and Richardson (2018), `normalizer.cc`. Leaves out bytes that are no UTF-8, which a
text cannot hold here, and user-defined tokens that begin with a mark which the table would join to
the letter before it.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from groundup.tokenizers.aligned import Aligned, Edit
from groundup.tokenizers.normalize import Normalizer, Prepend, Replace
from groundup.tokenizers.precompiled import Precompiled

SPACE = "▁"
"""U+2581, the visible space."""
_IN_FRONT, _DOUBLED, _EXTRA = map(re.compile, ("^ +", "(?<= ) +", "^ +|(?<= ) +"))


@dataclass(frozen=True)
class SentencePieceNormalizer:
    """All of it, with the options of SentencePiece's `normalizer_spec`."""

    charsmap: bytes = b""
    """The table of replacements, see `precompiled`; empty: there is none."""
    add_dummy_prefix: bool = True
    """Whether a space is put in front, so that a word is the same at the start and inside."""
    remove_extra_whitespaces: bool = True
    """Whether spaces at the ends go, and of several in a row one is kept."""
    escape_whitespaces: bool = True
    """Whether spaces become "▁"."""
    whitespace_as_suffix: bool = False
    """Whether the space is put at the end instead of in front."""
    kept: tuple[str, ...] = ()
    """User-defined tokens, which the table does not change."""

    def __post_init__(self) -> None:
        Precompiled(self.charsmap)

    def __call__(self, text: str) -> str:
        """The text as the model sees it."""
        if not text:
            return text
        if self.kept and (self.charsmap or self.remove_extra_whitespaces):
            return self.aligned(Aligned.of(text)).text
        text = Precompiled(self.charsmap)(text) if self.charsmap else text
        if self.remove_extra_whitespaces:
            text = _EXTRA.sub("", text)
        front, behind = self._added(text)
        text = front + text
        if self.escape_whitespaces:
            text = text.replace(" ", SPACE)
        if self.remove_extra_whitespaces:
            text = text.rstrip(self._space)
        return text + behind

    def aligned(self, source: Aligned) -> Aligned:
        """The same, aligned: a space that is put in stands for nothing in the source."""
        if not source.text:
            return source
        source = _joined(self._stretches(source))
        front, behind = self._added(source.text)
        source = source.edited([Edit(0, 0, front)] if front else [])
        if self.escape_whitespaces:
            spaces = (i for i, character in enumerate(source.text) if character == " ")
            source = source.edited(Edit(i, i + 1, SPACE) for i in spaces)
        if self.remove_extra_whitespaces:
            source = source.cut(0, len(source.text.rstrip(self._space)))
        end = len(source.text)
        return source.edited([Edit(end, end, behind)] if behind else [])

    def _stretches(self, source: Aligned) -> Iterator[Aligned]:
        """The kept tokens and what stands between them, replaced, and without extra spaces."""
        table = Precompiled(self.charsmap)
        end, behind_space = 0, True
        kept = _any_of(self.kept).finditer(source.text) if self.kept else ()
        for found in [*kept, None]:
            start, stop = found.span() if found else (len(source.text), len(source.text))
            plain = table.aligned(source.cut(end, start))
            for part, is_kept in ((plain, False), (source.cut(start, stop), True)):
                if self.remove_extra_whitespaces:
                    extra = _DOUBLED if not behind_space else _IN_FRONT if is_kept else _EXTRA
                    if not is_kept or behind_space:
                        spans = [match.span() for match in extra.finditer(part.text)]
                        part = part.edited(Edit(*span, "") for span in spans)
                    behind_space = part.text.endswith(" ") if part.text else behind_space
                yield part
            end = stop

    @property
    def _space(self) -> str:
        return SPACE if self.escape_whitespaces else " "

    def _added(self, text: str) -> tuple[str, str]:
        """The space put in front, or behind; where extra ones go, none is put beside nothing."""
        if not self.add_dummy_prefix or (self.remove_extra_whitespaces and not text):
            return "", ""
        return ("", self._space) if self.whitespace_as_suffix else (self._space, "")

    # tokenizer.json

    def steps(self) -> tuple[Normalizer, ...]:
        """The same in steps that Hugging Face's libraries have, but for the tokens that are kept.

        There is none for a space at the end; their table works by grapheme, see `precompiled`.
        """
        steps: list[Normalizer] = [Precompiled(self.charsmap)] if self.charsmap else []
        if self.remove_extra_whitespaces:
            steps += [Replace(r"\A +", "", is_regex=True), Replace(" {2,}", " ", is_regex=True)]
        if self.add_dummy_prefix and not self.whitespace_as_suffix:
            steps.append(Prepend(self._space))
        if self.escape_whitespaces:
            steps.append(Replace(" ", SPACE))
        if self.remove_extra_whitespaces:
            # Not "$", which is the end of any line to one library, and of the text to the other.
            steps.append(Replace(rf"{self._space}+(?![\s\S])", "", is_regex=True))
        return tuple(steps)

    def options(self) -> dict[str, Any]:
        """All but the table, as JSON has it."""
        return {name: value for name, value in vars(self).items() if name != "charsmap"}

    @classmethod
    def of(cls, charsmap: bytes, options: dict[str, Any]) -> "SentencePieceNormalizer":
        """The inverse of `options`. Raises ValueError if they are no such options."""
        kept = options.get("kept", ())
        flags = {name: value for name, value in options.items() if name != "kept"}
        known = cls().options().keys()
        if (
            not flags.keys() <= known
            or not all(isinstance(flag, bool) for flag in flags.values())
            or not all(isinstance(name, str) and name for name in kept)
        ):
            raise ValueError(f"its normalizer's options {options} are not SentencePiece's")
        return cls(charsmap, **flags, kept=tuple(kept))


def _joined(parts: Iterable[Aligned]) -> Aligned:
    kept = list(parts)
    return Aligned(
        "".join([part.text for part in kept]), [span for part in kept for span in part.spans]
    )


@lru_cache(maxsize=64)
def _any_of(texts: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, sorted(texts, key=len, reverse=True))))
