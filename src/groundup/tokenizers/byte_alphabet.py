"""GPT-2's 256 characters that stand for the 256 bytes in tokenizer files.

JSON holds text, not bytes, and a space or a newline inside a token would be hard to see. So each
byte has one visible character: the printable ones of Latin-1 stand for themselves, the 68 others
for U+0100 and up, in order. A space is written `Ġ` (U+0120), a newline `Ċ` (U+010A).

Source: Radford et al. (2019), the released code's vocabulary files.
"""

_PRINTABLE = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
_OTHERS = [byte for byte in range(256) if byte not in _PRINTABLE]

BYTE_ORDER: tuple[int, ...] = (*_PRINTABLE, *_OTHERS)
"""All 256 bytes in the order of their characters: the order in which they get their ids."""
CHARACTERS: tuple[str, ...] = tuple(
    chr(byte) if byte in _PRINTABLE else chr(0x100 + _OTHERS.index(byte)) for byte in range(256)
)
"""The character of each byte: `CHARACTERS[0x20] == "Ġ"`."""
_BYTES = {character: byte for byte, character in enumerate(CHARACTERS)}


def to_characters(data: bytes) -> str:
    """Bytes as text: `b" def"` is `"Ġdef"`."""
    return "".join([CHARACTERS[byte] for byte in data])


def to_bytes(text: str) -> bytes:
    """The inverse of `to_characters`.

    A text with any character outside the alphabet stands for its own UTF-8: that is how Hugging
    Face's decoder reads the added tokens of other scripts.
    """
    try:
        return bytes([_BYTES[character] for character in text])
    except KeyError:
        return text.encode("utf-8", errors="replace")
