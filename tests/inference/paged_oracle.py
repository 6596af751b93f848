"""A backend whose logits are an exact function of the tokens it reads back through block tables.

Its memory holds the tokens themselves. What a token may see is read from the blocks of its
sequence, so a wrong table, a block written by two or given away too early changes the answer.
"""

import numpy as np
import torch

VOCABULARY = 40


def logits_after(tokens):
    """Of the token that follows these: fixed, but as good as random."""
    state = 1
    for token in tokens:
        state = (state * 31 + token + 1) % 1_000_003
    return np.random.default_rng(state).normal(size=VOCABULARY) * 3


class PagedOracle:
    name = "oracle"
    vocab_size = VOCABULARY

    def __init__(self, *, block_count=64, block_size=4, context=200):
        self.block_count, self.block_size, self.context = block_count, block_size, context
        self.memory = np.full((block_count, block_size), -7)
        self.batches = []
        self.fault = None

    def step(self, batch):
        if self.fault is not None:
            fault, self.fault = self.fault, None
            raise fault
        self.batches.append(batch)
        self._write(batch)
        rows = [logits_after(self._visible(batch, place)) for place in batch.wanted_R]
        return torch.tensor(np.array(rows).reshape(-1, VOCABULARY), dtype=torch.float32)

    def hidden(self, batch):
        self._write(batch)
        rows = [logits_after(self._visible(batch, place))[:8] for place in batch.wanted_R]
        return torch.tensor(np.array(rows), dtype=torch.float32)

    def bytes(self):
        return {"weights": 0, "cache": self.memory.nbytes}

    def _write(self, batch):
        written = set()
        assert np.all(np.diff(batch.sequences_T) >= 0), "a sequence's tokens stand together"
        assert np.all(np.diff(batch.wanted_R) > 0), "the asked tokens ascend"
        for token, position, row in zip(
            batch.tokens_T, batch.positions_T, batch.sequences_T, strict=True
        ):
            block = batch.blocks_SN[row, position // self.block_size]
            assert 0 <= block < self.block_count, "a token is written into a block there is"
            slot = (int(block), int(position % self.block_size))
            assert slot not in written, "two tokens of a step are written into one place"
            written.add(slot)
            self.memory[slot] = token

    def _visible(self, batch, place):
        row, length = batch.sequences_T[place], int(batch.positions_T[place]) + 1
        blocks = batch.blocks_SN[row, : -(-length // self.block_size)]
        return self.memory[blocks].reshape(-1)[:length].tolist()


def answer_by_hand(prompt, count, *, stop=()):
    """Greedy, the loop written out."""
    tokens = list(prompt)
    for _ in range(count):
        token = int(np.argmax(logits_after(tokens).astype(np.float32)))
        if token in stop:
            break
        tokens.append(token)
    return tokens[len(prompt) :]


def embedded_by_hand(prompt):
    """Mean of the hidden states, of length 1."""
    mean = np.mean([logits_after(prompt[: end + 1])[:8] for end in range(len(prompt))], 0)
    return mean / np.linalg.norm(mean)


class Letters:
    """A tokenizer of one letter a token, from A."""

    vocab_size = VOCABULARY

    def token_bytes(self, token):
        return bytes([65 + token])

    def decode(self, tokens):
        return "".join(chr(65 + token) for token in tokens)
