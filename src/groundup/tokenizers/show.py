"""A text's tokens as a person can see them: spaces, line ends and stray bytes made visible."""

from dataclasses import dataclass

from groundup.tokenizers.tokenizer import Tokenizer

_SIGNS = {" ": "·", "\n": "↵", "\t": "→", "\x7f": "␡", "\u00a0": "⍽"}


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One token of a text."""

    token: int
    text: str
    """Its bytes made visible."""
    ends_line: bool
    """Whether it holds the end of a line."""


def visible(data: bytes) -> str:
    """Spaces as ·, line ends as ↵, tabs as →, other control characters as their pictures.

    Bytes that are no UTF-8, as part of a character is none, become ⟨e2⟩, their hexadecimal digits.
    A character that cannot be seen or changes the direction of writing becomes ⟨U+200E⟩.
    """
    shown = ""
    for character in data.decode("utf-8", errors="surrogateescape"):
        code = ord(character)
        if character in _SIGNS:
            shown += _SIGNS[character]
        elif 0xDC80 <= code <= 0xDCFF:
            shown += f"⟨{code - 0xDC00:02x}⟩"
        elif code < 32:
            shown += chr(0x2400 + code)
        elif character.isprintable():
            shown += character
        else:
            shown += f"⟨U+{code:04X}⟩"
    return shown


def shown_tokens(tokenizer: Tokenizer, ids: list[int]) -> list[Shown]:
    """Each id with what it stands for. Raises ValueError if one is not in the vocabulary."""
    found = []
    for token in ids:
        data = tokenizer.token_bytes(token)
        found.append(Shown(token=token, text=visible(data), ends_line=b"\n" in data))
    return found
