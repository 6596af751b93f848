"""The divergence of two models, against torch's and by hand."""

import numpy as np
import pytest
import torch

from groundup.data.shards import Shard
from groundup.evaluate.divergence import divergence, pieces
from groundup.models.gpt import GPT, GPTConfig

END = 0


def shard(*documents):
    parts = [np.array([*document, END], np.uint16) for document in documents]
    starts = np.cumsum([0, *map(len, parts)])
    return Shard(np.concatenate(parts), starts, sum(map(len, documents)), END)


def model(seed):
    torch.manual_seed(seed)
    made = GPT(GPTConfig(vocab_size=50, context=16, depth=1, width=32, heads=1)).eval()
    with torch.no_grad():
        made.embedding.weight.mul_(20)
    return made


def test_documents_are_cut_into_pieces_that_begin_anew():
    text = shard([1, 2, 3, 4, 5], [6], [])
    assert [p.tolist() for p in pieces(text, 3)] == [[0, 1, 2, 3], [0, 4, 5], [0, 6]]
    assert [p.tolist() for p in pieces(text, 3, 4)] == [[0, 1, 2, 3], [0, 4]]


@pytest.mark.reference
def test_figures_are_those_of_torch():
    rng = np.random.default_rng(0)
    documents = [rng.integers(1, 50, size).tolist() for size in (40, 3, 17)]
    ours, other = model(0), model(1)
    found = divergence(ours, other, shard(*documents), context=16)
    kl, errors, same = [], [], []
    with torch.no_grad():
        for part in pieces(shard(*documents), 16):
            tokens = torch.from_numpy(part)
            p = ours(tokens[None, :-1])[0].log_softmax(-1)
            q = other(tokens[None, :-1])[0].log_softmax(-1)
            kl += torch.nn.functional.kl_div(q, p, reduction="none", log_target=True).sum(-1)
            rows = torch.arange(len(tokens) - 1)
            errors += (p[rows, tokens[1:]] - q[rows, tokens[1:]]).abs()
            same += p.argmax(-1) == q.argmax(-1)
    assert found.tokens == len(kl) == 60
    assert found.kl == pytest.approx(float(torch.stack(kl).mean()), rel=1e-5)
    assert found.worst_kl == pytest.approx(float(torch.stack(kl).max()), rel=1e-5)
    assert found.logprob_error == pytest.approx(float(torch.stack(errors).mean()), rel=1e-5)
    assert found.agreement == pytest.approx(float(torch.stack(same).float().mean()))
    assert found.kl > 0.1
    for nats, theirs in ((found.reference_nats, ours), (found.nats, other)):
        losses = [
            torch.nn.functional.cross_entropy(
                theirs(torch.from_numpy(part)[None, :-1])[0],
                torch.from_numpy(part)[1:],
                reduction="sum",
            )
            for part in pieces(shard(*documents), 16)
        ]
        assert nats == pytest.approx(float(sum(losses).detach()) / 60, rel=1e-5)


def test_a_model_does_not_diverge_from_itself():
    found = divergence(model(0), model(0), shard([1, 2, 3]), context=8)
    assert (found.kl, found.worst_kl, found.logprob_error, found.agreement) == (0, 0, 0, 1)
    assert found.nats == found.reference_nats > 0


def test_by_hand():
    def coin(p):
        return lambda tokens: torch.tensor([1 - p, p]).log().expand(1, tokens.shape[1], 2)

    found = divergence(coin(0.5), coin(0.25), shard([1, 1]), context=8)
    assert found.kl == pytest.approx(0.5 * np.log(2) + 0.5 * np.log(2 / 3), rel=1e-5)
    assert found.logprob_error == pytest.approx(np.log(2), rel=1e-5)
    assert found.tokens == 2


def test_no_text_is_refused():
    with pytest.raises(ValueError, match="the shard holds no text"):
        divergence(model(0), model(0), shard([]), context=8)
