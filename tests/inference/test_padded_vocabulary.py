"""A model with more ids than its tokenizer has tokens: those are never drawn nor read."""

import pytest
import torch

from groundup.inference.cpu_backend import CompileError, CPUBackend
from groundup.inference.engine import Engine, EngineConfig
from groundup.inference.request import Request
from groundup.inference.sampling import GREEDY, Sampling
from groundup.inference.torch_backend import TorchBackend
from groundup.models.gpt import GPT, GPTConfig

TOKENS, IDS, HOLE = 50, 64, 7
"""Ids below the first are tokens, except the hole; the model has as many as the second."""


class Padded:
    """A tokenizer of letters, with a hole among its ids."""

    def __init__(self, hole):
        self.hole = hole

    def token_bytes(self, token):
        if token == self.hole or not 0 <= token < TOKENS:
            raise ValueError(f"there is no token {token}")
        return bytes([65 + token])


@pytest.fixture(scope="module")
def model():
    shape = {"context": 64, "depth": 1, "width": 64, "heads": 4, "key_heads": 2, "hidden": 128}
    model = GPT(GPTConfig(vocab_size=IDS, tied=False, **shape)).eval()
    model.initialize(torch.Generator().manual_seed(0))
    with torch.no_grad():  # padding is likelier than any token, and so is the hole
        model.head.weight.normal_(generator=torch.Generator().manual_seed(1))
        model.head.weight[TOKENS:] *= 4
        model.head.weight[HOLE] *= 4
    return model


def backend_of(kind, model):
    if kind == "torch":
        return TorchBackend(model, cache_bytes=2**21)
    try:
        return CPUBackend.from_model(model, "q8", cache_bytes=2**21)
    except CompileError as problem:
        pytest.skip(str(problem))


@pytest.fixture(params=["torch", "cpu"])
def engine(request, model):
    return Engine(backend_of(request.param, model), Padded(HOLE), EngineConfig(speculate=2))


def answers(engine, requests):
    ids, deltas = [engine.submit(one) for one in requests], []
    while engine.has_work():
        deltas += engine.step()
    return [[delta for delta in deltas if delta.request_id == number] for number in ids]


SAMPLINGS = [
    GREEDY,
    Sampling(temperature=2.0, seed=1),
    Sampling(temperature=5.0, top_k=60, seed=2),
    Sampling(temperature=1.0, repetition_penalty=1.3, frequency_penalty=0.5, seed=3),
]


def test_ids_without_a_token_are_never_drawn_and_log_probabilities_are_the_models(engine, model):
    requests = [
        Request(
            prompt=(1, number), max_tokens=40, sampling=sampling, logprobs=5, index=number,
            min_tokens=3, stop_ids=frozenset({2}) if number % 2 else frozenset(), prompt_logprobs=1,
        )
        for number in range(6) for sampling in SAMPLINGS
    ]  # fmt: skip
    seen_top = set()
    for request, deltas in zip(requests, answers(engine, requests), strict=True):
        assert [delta.error for delta in deltas if delta.error] == []
        tokens = [token for delta in deltas for token in delta.tokens]
        assert len(tokens) == 40 or deltas[-1].stop_reason == 2
        assert not [token for token in tokens if token >= TOKENS or token == HOLE]
        assert "".join(delta.text for delta in deltas) == "".join(chr(65 + t) for t in tokens)
        told = [one for delta in deltas for one in delta.logprobs]
        seen_top |= {token for one in told for token, _ in one.top}
        with torch.no_grad():
            logits_TV = model(torch.tensor([[*request.prompt, *tokens]])[:, :-1])[0]
        right_T = logits_TV.log_softmax(-1)[1:].gather(-1, torch.tensor(tokens)[:, None])[:, 0]
        found_T = torch.tensor([one.logprob for one in told])
        if engine.backend.name.startswith("torch"):
            torch.testing.assert_close(found_T, right_T, atol=1e-4, rtol=1e-4)
    assert max(seen_top) >= TOKENS  # without this the test could not fail


@pytest.mark.parametrize("id_", [HOLE, TOKENS, IDS - 1])
@pytest.mark.parametrize(
    "where",
    [
        lambda token: {"prompt": (1, token)},
        lambda token: {"first_ids": (token,)},
        lambda token: {"logit_bias": ((token, 1.0),)},
        lambda token: {"stop_ids": frozenset({token})},
    ],
    ids=["prompt", "first", "bias", "stop"],
)
def test_ids_without_a_token_are_refused_with_their_reason(engine, id_, where):
    fields = {"prompt": (1, 2), "max_tokens": 2} | where(id_)
    with pytest.raises(ValueError, match=f"token id {id_} stands for nothing.*64 ids.*15 of them"):
        engine.submit(Request(**fields))
    assert not engine.has_work()


def test_texts_of_such_ids_get_no_vector(engine):
    with pytest.raises(ValueError, match="stands for nothing"):
        engine.submit_embeddings([[1], [TOKENS]])
    assert not engine.has_work()


def test_a_tokenizer_that_has_them_all_costs_nothing(model):
    class Whole:
        def token_bytes(self, token):
            return bytes([token])

    engine = Engine(TorchBackend(model, cache_bytes=2**21), Whole(), EngineConfig())
    engine.submit(Request(prompt=(1, 2), max_tokens=9, sampling=GREEDY))
    tokens = []
    while engine.has_work():
        tokens += [token for delta in engine.step() for token in delta.tokens]
    assert max(tokens) >= TOKENS or HOLE in tokens  # the same model draws what it likes best
