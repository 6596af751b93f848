"""Protocol Buffers on the wire: just enough to read and write one file format by hand.

A message is a row of fields, each a key and a value; the key's low three bits say how the value is
kept, the rest is the field's number:

    key = number << 3 | wire type      0: varint   1: 8 bytes   2: length, bytes   5: 4 bytes

A varint keeps seven bits a byte, the lowest first, and its last byte is below 128. A message inside
a message is a field of bytes, which is read only when somebody asks for it: nothing here recurses.

Source: Google, "Encoding" in the Protocol Buffers documentation. Leaves out schemas, groups (wire
types 3 and 4, which nobody writes any more), packed lists and zigzag numbers.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

VARINT, EIGHT_BYTES, BYTES, FOUR_BYTES = 0, 1, 2, 5
_SIZES = {EIGHT_BYTES: 8, FOUR_BYTES: 4}
_LONGEST_VARINT = 10  # bytes: enough for 64 bits
_LARGEST_NUMBER = (1 << 29) - 1


class Field(NamedTuple):
    """One field of a message. Each reading of its value raises ValueError if it is not so kept."""

    number: int
    wire_type: int
    value: int | memoryview

    def integer(self) -> int:
        """The value as a signed number of 64 bits; negative ones are kept as two's complement."""
        if not isinstance(self.value, int):
            raise ValueError(f"field {self.number} holds bytes where a number was wanted")
        return self.value - (1 << 64) if self.value >> 63 else self.value

    def boolean(self) -> bool:
        """The value as a truth value: anything but 0 is true."""
        return self.integer() != 0

    def float32(self) -> float:
        """The value as the number that its four bytes are."""
        if self.wire_type != FOUR_BYTES or isinstance(self.value, int):
            raise ValueError(f"field {self.number} is no number of four bytes")
        number: float = struct.unpack("<f", self.value)[0]
        return number

    def message(self) -> memoryview:
        """The value as bytes, such as a message inside this one."""
        if self.wire_type != BYTES or isinstance(self.value, int):
            raise ValueError(f"field {self.number} holds a number where bytes were wanted")
        return self.value

    def text(self) -> str:
        """The value as text in UTF-8."""
        data = bytes(self.message())
        try:
            return data.decode()
        except UnicodeDecodeError as problem:
            raise ValueError(f"field {self.number} holds {data[:20]!r}, not UTF-8") from problem


def fields(message: bytes | memoryview) -> Iterator[Field]:
    """The fields of a message, in their order; of bytes nothing is copied.

    Raises ValueError if the message is cut off, or holds what is no field.
    """
    data, at = memoryview(message), 0
    while at < len(data):
        key, at = _varint(data, at)
        number, wire_type = key >> 3, key & 7
        if not 0 < number <= _LARGEST_NUMBER:
            raise ValueError(f"a field before byte {at} has the number {number}")
        if wire_type == VARINT:
            value, at = _varint(data, at)
            yield Field(number, wire_type, value)
            continue
        if wire_type == BYTES:
            size, at = _varint(data, at)
        elif wire_type in _SIZES:
            size = _SIZES[wire_type]
        else:
            raise ValueError(f"field {number} has wire type {wire_type}, which is not built")
        if size > len(data) - at:
            raise ValueError(
                f"field {number} says it has {size} bytes, and only {len(data) - at} follow"
            )
        yield Field(number, wire_type, data[at : at + size])
        at += size


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    """The number that begins at `at`, and where it ends."""
    number = 0
    for i, byte in enumerate(data[at : at + _LONGEST_VARINT]):
        number |= (byte & 127) << 7 * i
        if byte < 128:
            if number >> 64:
                raise ValueError(f"the number at byte {at} has more than 64 bits")
            return number, at + i + 1
    raise ValueError(f"the number at byte {at} does not end")


def varint(number: int) -> bytes:
    """A number as a varint; negative ones as two's complement of 64 bits."""
    if not -(1 << 63) <= number < 1 << 64:
        raise ValueError(f"{number} does not fit into 64 bits")
    number &= (1 << 64) - 1
    data = bytearray()
    while number > 127:
        data.append(number & 127 | 128)
        number >>= 7
    data.append(number)
    return bytes(data)


def field(number: int, value: bool | int | float | str | bytes) -> bytes:
    """One field: text and bytes with their length, fractions as float32, the rest as a varint."""
    match value:
        case float():
            return varint(number << 3 | FOUR_BYTES) + struct.pack("<f", value)
        case bytes() | str():
            data = value.encode() if isinstance(value, str) else value
            return varint(number << 3 | BYTES) + varint(len(data)) + data
    return varint(number << 3 | VARINT) + varint(int(value))
