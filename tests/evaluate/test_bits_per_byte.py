"""Bits per byte against the definition, one token at a time."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from groundup.data.shards import Shard
from groundup.evaluate.bits_per_byte import score_model, score_ngram, windows
from groundup.models.gpt import GPT
from groundup.models.gpt_config import GPTConfig
from groundup.models.ngram import NGram

VOCABULARY, END = 11, 0


class Prefixes(nn.Module):
    """A causal model whose answer depends on every token before, and on nothing after."""

    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.table = nn.Parameter(torch.randn(VOCABULARY, VOCABULARY, generator=generator))

    def forward(self, tokens):
        assert not self.training
        return self.table[tokens].cumsum(1)


def shard(documents, size=100):
    tokens = [token for document in documents for token in [*document, END]]
    starts = np.cumsum([0, *(len(document) + 1 for document in documents)])
    return Shard(np.array(tokens, dtype=np.uint16), starts, size, END)


documents = st.lists(
    st.lists(st.integers(1, VOCABULARY - 1), max_size=30), min_size=1, max_size=5
).filter(any)


@settings(max_examples=40, deadline=None)
@given(documents, st.integers(1, 12), st.data(), st.integers(1, 4))
def test_it_is_the_sum_of_code_lengths(docs, context, data, batch_size):
    stride = data.draw(st.integers(1, context))
    model = Prefixes()
    score = score_model(model, shard(docs), context=context, stride=stride, batch_size=batch_size)
    wanted = 0.0
    for document in docs:
        stream = [END, *document]
        for i in range(1, len(stream)):
            # the first window that holds token i as a target
            begin = max(0, -(-(i - context) // stride)) * stride
            with torch.no_grad():
                logits = model.table[stream[begin:i]].sum(0)
            wanted -= float(logits.log_softmax(-1)[stream[i]]) / math.log(2)
    assert score.bits == pytest.approx(wanted, rel=1e-5)
    assert score.tokens == sum(map(len, docs))
    assert score.bits_per_byte == score.bits / 100
    assert score.nats_per_token == pytest.approx(wanted * math.log(2) / score.tokens, rel=1e-5)
    assert model.training, "the model is left as it was"


@given(st.integers(1, 60), st.integers(1, 20), st.data())
def test_windows_predict_each_token_once_with_enough_before_it(length, context, data):
    stride = data.draw(st.integers(1, context))
    tokens = np.arange(length)
    counted = []
    for window in windows(tokens, context, stride):
        assert len(window.tokens) - 1 <= context
        targets = window.tokens[1:][window.skip :]
        counted += targets.tolist()
        if window.tokens[0]:
            assert window.skip >= context - stride
    assert counted == list(range(1, length))


def test_a_uniform_model_needs_the_logarithm_of_the_vocabulary():
    class Uniform(nn.Module):
        def forward(self, tokens):
            return torch.zeros(*tokens.shape, 16)

    score = score_model(Uniform(), shard([[1] * 50, [2] * 25], size=300), context=8)
    assert score.bits == pytest.approx(75 * 4)
    assert score.bits_per_byte == pytest.approx(1.0)


def test_the_transformer_gets_the_bits_its_own_loss_says():
    config = GPTConfig(vocab_size=VOCABULARY, context=32, depth=2, width=16, heads=2)
    model = GPT(config)
    model.initialize(torch.Generator().manual_seed(1))
    document = np.random.default_rng(0).integers(1, VOCABULARY, 32)
    score = score_model(model, shard([document.tolist()]), context=32, stride=32)
    stream = torch.tensor([[END, *document]])
    with torch.no_grad():
        loss = float(model.loss(stream[:, :-1], stream[:, 1:]))
    assert score.nats_per_token == pytest.approx(loss, rel=1e-4)


def test_an_ngram_model_is_scored_on_the_same_tokens():
    docs = [[1, 2, 3, 1, 2, 3, 1, 2], [], [3, 1, 2]]
    model = NGram.fit(shard(docs).tokens, vocab_size=VOCABULARY, order=3)
    score = score_ngram(model, shard(docs))
    wanted = sum(
        -math.log2(model.probabilities([END, *document][:i])[document[i - 1]])
        for document in docs
        for i in range(1, len(document) + 1)
    )
    assert score.bits == pytest.approx(wanted)
    assert score.tokens == 11


def test_bad_requests_are_refused():
    with pytest.raises(ValueError, match="stride is 9; it must be from 1 to the context, 8"):
        score_model(Prefixes(), shard([[1]]), context=8, stride=9)
    with pytest.raises(ValueError, match="holds no text"):
        score_model(Prefixes(), shard([[]]), context=8)
