"""The prefix cache against a model that knows what each block holds."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from groundup.inference.blocks import BlockPool
from groundup.inference.prefix_cache import PrefixCache, block_key, extend_keys

SIZE, COUNT = 2, 6
TOKENS = st.lists(st.integers(0, 1), min_size=1, max_size=8)
SALTS = st.sampled_from(["", "tenant"])


def keys_of(tokens, salt=""):
    keys = []
    extend_keys(keys, tokens, SIZE, salt)
    return keys


class Sharing(RuleBasedStateMachine):
    """Sequences come, share what is there, write the rest, and go."""

    def __init__(self):
        super().__init__()
        self.pool = BlockPool(COUNT)
        self.cache = PrefixCache(self.pool)
        self.content = {}  # block: (salt, all tokens up to its end)
        self.sequences = []  # lists of blocks

    @rule(tokens=TOKENS, salt=SALTS, is_stored=st.booleans())
    def come(self, tokens, salt, is_stored):
        keys = keys_of(tokens, salt)
        found = self.cache.match(keys)
        for place, block in enumerate(found):
            assert self.content[block] == (salt, tuple(tokens[: (place + 1) * SIZE]))
        needed = -(-len(tokens) // SIZE) - len(found)
        if self.cache.available < needed:
            self.cache.release(found)
            return
        new = self.cache.take(needed)
        in_use = {block for blocks in self.sequences for block in blocks} | set(found)
        assert not in_use & set(new)  # nothing in use is given up
        blocks = found + new
        for place in range(len(found), len(blocks)):
            self.content[blocks[place]] = (salt, tuple(tokens[: (place + 1) * SIZE]))
            if is_stored and place < len(keys):
                self.cache.store(keys[place], blocks[place])
        self.sequences.append(blocks)

    @precondition(lambda self: self.sequences)
    @rule(data=st.data())
    def go(self, data):
        which = data.draw(st.integers(0, len(self.sequences) - 1))
        self.cache.release(self.sequences.pop(which))

    @rule()
    def forget_everything(self):
        self.cache.clear()
        assert self.cache.cached == 0

    @invariant()
    def what_no_sequence_uses_is_available(self):
        in_use = {block for blocks in self.sequences for block in blocks}
        assert self.cache.available == COUNT - len(in_use)

    @invariant()
    def users_are_the_sequences_and_the_cache(self):
        held = [block for blocks in self.sequences for block in blocks]
        counted = sum(self.pool.users(block) for block in range(COUNT))
        assert counted == len(held) + self.cache.cached


TestSharing = Sharing.TestCase


def filled(cache, tokens):
    """A sequence that came and went."""
    keys = keys_of(tokens)
    blocks = cache.take(len(keys))
    for key, block in zip(keys, blocks, strict=True):
        cache.store(key, block)
    cache.release(blocks)
    return blocks


def test_the_longest_idle_goes_first_and_the_end_of_a_sequence_before_its_beginning():
    cache = PrefixCache(BlockPool(4))
    old, new = filled(cache, [0, 0, 0, 0]), filled(cache, [1, 1, 1, 1])
    assert cache.take(1) == [old[1]]
    assert cache.match(keys_of([0, 0, 0, 0])) == [old[0]]  # in use now, so the other one goes
    assert cache.take(1) == [new[1]]
    assert cache.match(keys_of([1, 1, 1, 1])) == [new[0]]
    assert cache.available == 0


def test_one_of_two_equal_blocks_is_remembered():
    cache = PrefixCache(BlockPool(2))
    key = keys_of([1, 1])[0]
    first, second = cache.take(2)
    cache.store(key, first)
    cache.store(key, second)
    assert cache.cached == 1
    assert cache.match([key]) == [first]


def test_a_key_is_the_hash_of_all_before_it():
    start = hashlib.blake2b(b"salt", digest_size=32).digest()
    first = hashlib.blake2b(start + bytes([3, *[0] * 7, 4, *[0] * 7]), digest_size=32).digest()
    assert keys_of([3, 4, 5, 6, 7], "salt") == [first, block_key(first, [5, 6])]


@given(a=TOKENS, b=TOKENS, salts=st.tuples(SALTS, SALTS))
def test_keys_agree_exactly_as_far_as_the_tokens_do(a, b, salts):
    for place, pair in enumerate(zip(keys_of(a, salts[0]), keys_of(b, salts[1]), strict=False)):
        length = (place + 1) * SIZE
        alike = salts[0] == salts[1] and a[:length] == b[:length]
        assert (pair[0] == pair[1]) == alike


@given(tokens=TOKENS, cut=st.integers(0, 8))
def test_keys_can_be_extended_bit_by_bit(tokens, cut):
    keys = []
    extend_keys(keys, tokens[:cut], SIZE)
    extend_keys(keys, tokens, SIZE)
    assert keys == keys_of(tokens)
