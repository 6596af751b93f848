"""A dictionary of byte strings in which all entries that begin at a place are found in one walk.

A node's child for byte b is at `base[node] + b`, if the slot there names the node as its parent:
one look-up a byte. The three numbers of a slot lie beside each other in one array.
Source: Aoe (1989). Leaves out compression of tails, and changes after it is built.
"""

import numba
import numpy as np

BASE, PARENT, VALUE = 0, 1, 2
"""The numbers of a slot: where its children are, whose child it is (-1: free), its entry or -1."""


def build(entries: dict[bytes, int]) -> np.ndarray:
    """The double array of the entries: int32, three numbers a slot; slot 0 is the root."""
    ordered = sorted(entries)
    data = np.frombuffer(b"".join(ordered) + b"\0", np.uint8)
    bounds = np.zeros(len(ordered) + 1, np.int64)
    np.cumsum([len(entry) for entry in ordered], out=bounds[1:])
    values = np.array([entries[entry] for entry in ordered], np.int32)
    slots: np.ndarray = _build(data, bounds, values)
    return slots


@numba.njit(cache=True, nogil=True)
def _build(data, bounds, values):
    """Breadth first: a node stands for the entries `first` to `last`, which share `depth` bytes."""
    size = 1024
    slots = np.full((size, 3), -1, np.int32)
    slots[0] = (0, np.iinfo(np.int32).max, -1)  # the root is nobody's child, and not free
    nodes = [(0, 0, len(values), 0)]
    children = np.empty(257, np.int64)
    bytes_ = np.empty(257, np.int64)
    low = hint = 256  # of the slots from here on, any can be any byte's child
    done = 0
    while done < len(nodes):
        node, first, last, depth = nodes[done]
        done += 1
        if first < last and bounds[first + 1] - bounds[first] == depth:
            slots[node, VALUE] = values[first]
            first += 1
        count = 0
        for entry in range(first, last):
            byte = np.int64(data[bounds[entry] + depth])
            if count == 0 or bytes_[count - 1] != byte:
                bytes_[count], children[count] = byte, entry
                count += 1
        children[count] = last
        if count == 0:
            continue
        while low < size and slots[low, PARENT] >= 0:
            low += 1
        # Where many children found no room for long, those that come later need not look again.
        base = began = (low if count == 1 else hint) - bytes_[0]
        while True:
            if base + 512 > size:
                grown = np.full((2 * size, 3), -1, np.int32)
                grown[:size] = slots
                slots = grown
                size *= 2
            free = True
            for i in range(count):
                if slots[base + bytes_[i], PARENT] >= 0:
                    free = False
                    break
            if free:
                break
            base += 1
        if count > 1 and base > began + 64:
            hint = base
        slots[node, BASE] = base
        for i in range(count):
            child = base + bytes_[i]
            slots[child] = (0, node, -1)
            nodes.append((child, children[i], children[i + 1], depth + 1))
    # Behind the last slot that is used, every byte of a walk must find a free one.
    used = size
    while slots[used - 1, PARENT] < 0:
        used -= 1
    return slots[: used + 256].copy() if used + 256 <= size else slots
