"""The pool of blocks against a dictionary that counts."""

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from groundup.inference.blocks import BlockPool

COUNT = 5


class Pool(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.pool = BlockPool(COUNT)
        self.users = {}

    @precondition(lambda self: len(self.users) < COUNT)
    @rule()
    def take(self):
        block = self.pool.take()
        assert block not in self.users
        assert 0 <= block < COUNT
        self.users[block] = 1

    @precondition(lambda self: self.users)
    @rule(data=st.data())
    def share(self, data):
        block = data.draw(st.sampled_from(sorted(self.users)))
        self.pool.share(block)
        self.users[block] += 1

    @precondition(lambda self: self.users)
    @rule(data=st.data())
    def release(self, data):
        block = data.draw(st.sampled_from(sorted(self.users)))
        self.users[block] -= 1
        assert self.pool.release(block) == self.users[block]
        if not self.users[block]:
            del self.users[block]

    @precondition(lambda self: len(self.users) < COUNT)
    @rule(data=st.data())
    def what_is_free_cannot_be_released_or_shared(self, data):
        free = sorted(set(range(COUNT)) - set(self.users))
        block = data.draw(st.sampled_from(free))
        with pytest.raises(AssertionError, match="released twice"):
            self.pool.release(block)
        with pytest.raises(AssertionError, match="only a block in use"):
            self.pool.share(block)

    @precondition(lambda self: len(self.users) == COUNT)
    @rule()
    def nothing_is_left_to_take(self):
        with pytest.raises(AssertionError, match="only when one is free"):
            self.pool.take()

    @invariant()
    def every_block_is_free_or_counted(self):
        assert self.pool.free == COUNT - len(self.users)
        assert [self.pool.users(block) for block in range(COUNT)] == [
            self.users.get(block, 0) for block in range(COUNT)
        ]


TestPool = Pool.TestCase


def test_a_pool_of_nothing_is_refused():
    with pytest.raises(ValueError, match="a pool of 0 blocks"):
        BlockPool(0)
