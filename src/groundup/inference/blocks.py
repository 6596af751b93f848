"""The pool of blocks: equal pieces of key-value memory, counted by how many use them.

A block holds the keys and values of `block_size` neighbouring positions of a sequence. Sequences
that begin alike share blocks, so each block counts its users and is free again when the last of
them lets go. The pool hands out numbers; the memory itself is a backend's. The idea is that of
operating systems' pages, brought to attention by Kwon et al., "PagedAttention" (2023).
"""


class BlockPool:
    """Blocks 0 to `count` - 1 and how many users each has."""

    def __init__(self, count: int) -> None:
        if count < 1:
            raise ValueError(f"a pool of {count} blocks holds nothing; give it at least 1")
        self.count = count
        """Blocks there are."""
        self._users = [0] * count
        self._free = list(range(count - 1, -1, -1))  # the last is taken first

    @property
    def free(self) -> int:
        """Blocks that nobody uses."""
        return len(self._free)

    def users(self, block: int) -> int:
        """How many use this block."""
        return self._users[block]

    def take(self) -> int:
        """A free block, which now has one user."""
        assert self._free, "a block is taken only when one is free"
        block = self._free.pop()
        self._users[block] = 1
        return block

    def share(self, block: int) -> None:
        """One more uses this block."""
        assert self._users[block] > 0, f"block {block} is free; only a block in use can be shared"
        self._users[block] += 1

    def release(self, block: int) -> int:
        """One user less; returns how many are left. A block without users is free."""
        assert self._users[block] > 0, f"block {block} is free already; it was released twice"
        self._users[block] -= 1
        if self._users[block] == 0:
            self._free.append(block)
        return self._users[block]
