"""What numba has no word for: memory by its address, unaligned loads, trailing zeros.

Numba counts the references to an array whenever a function is given one, which costs more than what
the small functions of a scan do with it. So a kernel takes arrays at its door, and inside hands on
their addresses, as plain integers. Every function here trusts its caller: nothing is checked, and
the arrays must outlive the call. Those of the caller do; one that a kernel makes itself needs
`keep` behind its last use.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic


@intrinsic
def address(typingctx, array):
    """Where the items of an array begin in memory."""

    def build(context, builder, signature, args):
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        return builder.ptrtoint(data, ir.IntType(64))

    return types.int64(array), build


@intrinsic
def keep(typingctx, array):
    """Does nothing, but an array is not freed before: what has only an address is no use of it."""

    def build(context, builder, signature, args):
        return context.get_dummy_value()

    return types.void(array), build


def _load(kind: Any, bits: int, align: int) -> Callable[..., Any]:
    def load(typingctx, start, index):
        def build(context, builder, signature, args):
            whole = ir.IntType(bits)
            offset = builder.mul(args[1], ir.Constant(ir.IntType(64), align))
            place = builder.inttoptr(builder.add(args[0], offset), whole.as_pointer())
            value = builder.load(place)
            value.align = align
            return value

        return kind(types.int64, types.int64), build

    return load


def _store(kind: Any, bits: int, align: int) -> Callable[..., Any]:
    def store(typingctx, start, index, value):
        def build(context, builder, signature, args):
            whole = ir.IntType(bits)
            offset = builder.mul(args[1], ir.Constant(ir.IntType(64), align))
            place = builder.inttoptr(builder.add(args[0], offset), whole.as_pointer())
            builder.store(args[2], place, align=align)
            return context.get_dummy_value()

        return types.void(types.int64, types.int64, kind), build

    return store


load_byte = intrinsic(_load(types.uint8, 8, 1))
"""`load_byte(start, i)`: the byte at start + i."""
load_word = intrinsic(_load(types.uint64, 64, 1))
"""`load_word(start, i)`: the eight bytes from start + i on, as one little-endian number."""
load_int32 = intrinsic(_load(types.int32, 32, 4))
"""`load_int32(start, i)`: item i of an int32 array."""
load_uint64 = intrinsic(_load(types.uint64, 64, 8))
"""`load_uint64(start, i)`: item i of a uint64 array."""
load_int64 = intrinsic(_load(types.int64, 64, 8))
"""`load_int64(start, i)`: item i of an int64 array."""
store_byte = intrinsic(_store(types.uint8, 8, 1))
"""`store_byte(start, i, value)`."""
store_int32 = intrinsic(_store(types.int32, 32, 4))
"""`store_int32(start, i, value)`: sets item i of an int32 array."""
store_uint64 = intrinsic(_store(types.uint64, 64, 8))
"""`store_uint64(start, i, value)`: sets item i of a uint64 array."""
store_int64 = intrinsic(_store(types.int64, 64, 8))
"""`store_int64(start, i, value)`: sets item i of an int64 array."""
store_two = intrinsic(_store(types.uint64, 64, 4))
"""`store_two(start, i, value)`: sets items i and i + 1 of an int32 array, the low half first."""


@intrinsic
def load_like(typingctx, start, index, like):
    """Item `index` of an array whose items are of the type of `like`, as an int64."""

    def build(context, builder, signature, args):
        kind = signature.args[2]
        whole, word = ir.IntType(kind.bitwidth), ir.IntType(64)
        offset = builder.mul(args[1], ir.Constant(word, kind.bitwidth // 8))
        value = builder.load(builder.inttoptr(builder.add(args[0], offset), whole.as_pointer()))
        return builder.sext(value, word) if kind.signed else builder.zext(value, word)

    return types.int64(types.int64, types.int64, like), build


@intrinsic
def store_like(typingctx, start, index, value, like):
    """Sets item `index` of an array whose items are of the type of `like` to an int64."""

    def build(context, builder, signature, args):
        kind = signature.args[3]
        whole, word = ir.IntType(kind.bitwidth), ir.IntType(64)
        offset = builder.mul(args[1], ir.Constant(word, kind.bitwidth // 8))
        place = builder.inttoptr(builder.add(args[0], offset), whole.as_pointer())
        builder.store(builder.trunc(args[2], whole), place)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64, like), build


@intrinsic
def trailing_zeros(typingctx, word):
    """How many of the lowest bits are 0; 64 for the number 0."""

    def build(context, builder, signature, args):
        return builder.cttz(args[0], cgutils.false_bit)

    return types.uint64(types.uint64), build
