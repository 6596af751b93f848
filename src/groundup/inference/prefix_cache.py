"""The prefix cache: blocks whose keys and values are computed already, found by what they hold.

What a block holds follows from all tokens up to its end. So each full block gets a key, the hash of
the key before it and of its own tokens; two sequences with the same n-th key agree in their first
n blocks, and one of them need not compute these:

    key_0 = hash(salt);  key_n = hash(key_{n-1}, tokens of block n)

A block that no sequence uses any more stays as long as there is room. When blocks are wanted, the
one that was let go first is given up. Blocks in use are never given up.

BLAKE2b with 32 bytes: whoever chooses the prompts cannot find two with one key, which would let one
person read another's text. As in vLLM's prefix caching (2024); left out: parts of blocks.
"""

import hashlib
from array import array
from collections import OrderedDict
from collections.abc import Sequence

from groundup.inference.blocks import BlockPool


def block_key(before: bytes, tokens: Sequence[int]) -> bytes:
    """The key of a block of these tokens that follows the block with the key `before`."""
    return hashlib.blake2b(before + array("q", tokens).tobytes(), digest_size=32).digest()


def extend_keys(keys: list[bytes], tokens: Sequence[int], block_size: int, salt: str = "") -> None:
    """Append the keys of those full blocks of `tokens` that `keys` does not have yet."""
    for block in range(len(keys), len(tokens) // block_size):
        before = keys[-1] if keys else hashlib.blake2b(salt.encode(), digest_size=32).digest()
        part = tokens[block * block_size : (block + 1) * block_size]
        keys.append(block_key(before, part))


class PrefixCache:
    """A pool's blocks, those remembered by key among them.

    The cache is itself a user of every block it remembers, so a remembered block with one user is
    used by no sequence: it is idle, and counts as available.
    """

    def __init__(self, pool: BlockPool) -> None:
        self._pool = pool
        self._block_of: dict[bytes, int] = {}
        self._key_of: dict[int, bytes] = {}
        self._idle: OrderedDict[int, None] = OrderedDict()  # let go first stands first

    @property
    def available(self) -> int:
        """Blocks that can be taken: free ones and idle ones."""
        return self._pool.free + len(self._idle)

    @property
    def cached(self) -> int:
        """Blocks that are remembered, in use or idle."""
        return len(self._key_of)

    def take(self, count: int) -> list[int]:
        """Blocks to write into; idle ones are given up if need be, the longest idle first."""
        assert count <= self.available, "blocks are taken only when so many are available"
        while self._pool.free < count:
            oldest = next(iter(self._idle))
            self._forget(oldest)
        return [self._pool.take() for _ in range(count)]

    def match(self, keys: Sequence[bytes]) -> list[int]:
        """The blocks remembered under the first keys, up to the first unknown; now in use."""
        found = []
        for key in keys:
            block = self._block_of.get(key)
            if block is None:
                break
            self._pool.share(block)
            self._idle.pop(block, None)
            found.append(block)
        return found

    def store(self, key: bytes, block: int) -> None:
        """Remember a full block that is in use. One that is known under this key stays instead."""
        if key in self._block_of or block in self._key_of:
            return
        self._pool.share(block)
        self._block_of[key] = block
        self._key_of[block] = key

    def release(self, blocks: Sequence[int]) -> None:
        """A sequence lets go of its blocks; what is remembered becomes idle, the end first.

        The end first, because a block is found only through those before it.
        """
        for block in reversed(blocks):
            if self._pool.release(block) == 1 and block in self._key_of:
                self._idle[block] = None

    def clear(self) -> None:
        """Forget everything; blocks in use stay in use."""
        for block in list(self._key_of):
            self._forget(block)

    def _forget(self, block: int) -> None:
        del self._block_of[self._key_of.pop(block)]
        self._idle.pop(block, None)
        self._pool.release(block)
