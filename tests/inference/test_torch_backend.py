"""The plain backend: paged memory gives what the model gives in one piece."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from groundup import swap
from groundup.inference.backend import Batch
from groundup.inference.engine import Engine, EngineConfig
from groundup.inference.generate import generate
from groundup.inference.request import Request
from groundup.inference.sampling import GREEDY, Sampling
from groundup.inference.torch_backend import TorchBackend
from groundup.layers.attention import attend
from groundup.models.gpt import GPT, GPTConfig
from groundup.tokenizers.bpe import BPE

V = 61
KINDS = {
    "qwen3": {},
    "llama": {"qk_norm": False, "tied": False},
    "gpt2": {
        "positions": "learned",
        "norm": "layer",
        "activation": "gelu_tanh",
        "qk_norm": False,
        "key_heads": None,
        "attention_bias": "all",
        "mlp_bias": True,
    },
    "window": {"window": 5, "window_layers": (1,), "softcap": 5.0, "attention_softcap": 3.0},
    "plain": {"attention": "plain", "norms": "plain"},
}


def model_of(kind, dtype=torch.float64, **changes):
    shape = {"vocab_size": V, "context": 64, "depth": 2, "width": 32, "heads": 4, "key_heads": 2}
    settings = shape | {"embedding_std": 0.5, "initial_std": 0.6} | KINDS[kind] | changes
    model = GPT(GPTConfig(**settings))
    model.initialize(torch.Generator().manual_seed(0))
    return GPT.from_weights(
        model.config, {name: tensor.to(dtype) for name, tensor in model.state_dict().items()}
    ).eval()


MODELS = {kind: model_of(kind) for kind in KINDS}


def batch_of(parts, tables, wanted):
    """`parts`: of each sequence, tokens and the position of the first."""
    rows = [row for row, (tokens, _) in enumerate(parts) for _ in tokens]
    positions = [start + place for tokens, start in parts for place in range(len(tokens))]
    width = max(map(len, tables))
    blocks = [table + [-1] * (width - len(table)) for table in tables]
    lists = ([token for tokens, _ in parts for token in tokens], positions, rows, blocks, wanted)
    names = ("tokens_T", "positions_T", "sequences_T", "blocks_SN", "wanted_R")
    return Batch(**{n: np.array(x, np.int32) for n, x in zip(names, lists, strict=True)})


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_any_chunks_in_any_blocks_give_the_logits_of_the_whole(kind, data):
    model, size = MODELS[kind], data.draw(st.integers(1, 5))
    texts = data.draw(
        st.lists(st.lists(st.integers(0, V - 1), min_size=1, max_size=20), min_size=1, max_size=3)
    )
    count = sum(-(-len(text) // size) for text in texts)
    backend = TorchBackend(model, block_size=size, block_count=count + 2)
    free = data.draw(st.permutations(range(count + 2)))
    tables = [[free.pop() for _ in range(-(-len(text) // size))] for text in texts]
    done, got = [0] * len(texts), [[] for _ in texts]
    while any(end < len(text) for end, text in zip(done, texts, strict=True)):
        ends = [data.draw(st.integers(d, len(t))) for d, t in zip(done, texts, strict=True)]
        going = [n for n in range(len(texts)) if ends[n] > done[n]]
        if not going:
            ends, going = (
                [len(text) for text in texts],
                [n for n, text in enumerate(texts) if done[n] < len(text)],
            )
        parts = [(texts[n][done[n] : ends[n]], done[n]) for n in going]
        total = sum(len(tokens) for tokens, _ in parts)
        logits = backend.step(batch_of(parts, [tables[n] for n in going], list(range(total))))
        for n, (tokens, _) in zip(going, parts, strict=True):
            got[n] += logits[: len(tokens)]
            logits = logits[len(tokens) :]
            done[n] = ends[n]
    for text, rows in zip(texts, got, strict=True):
        with torch.no_grad():
            expected = model(torch.tensor([text]))[0].float()
        torch.testing.assert_close(torch.stack(rows), expected)


@pytest.mark.parametrize("kind", KINDS)
def test_a_block_that_one_sequence_writes_another_reads_in_the_same_step(kind):
    backend = TorchBackend(MODELS[kind], block_size=4, block_count=6)
    text, other = [3, 1, 4, 1, 5, 9], [3, 1, 4, 1, 8, 8, 8]
    parts = [(text, 0), (other[4:], 4), (text[4:5], 4)]
    logits = backend.step(batch_of(parts, [[2, 0], [2, 5], [2, 1]], [5, 8, 9]))
    with torch.no_grad():
        for row, whole in zip(logits, (text, other, text[:5]), strict=True):
            expected = MODELS[kind](torch.tensor([whole]))[0, -1].float()
            torch.testing.assert_close(row, expected)


@pytest.mark.parametrize("kind", KINDS)
def test_only_asked_rows_come_and_hidden_is_what_the_head_reads(kind):
    model = MODELS[kind]
    backend = TorchBackend(model, block_size=4, block_count=4)
    text = [3, 1, 4, 1, 5, 9]
    one = batch_of([(text, 0)], [[2, 0]], [1, 5])
    with torch.no_grad():
        expected = model(torch.tensor([text]))[0, [1, 5]].float()
        hidden = model.hidden(torch.tensor([text]))[0, [1, 5]].float()
    torch.testing.assert_close(backend.step(one), expected)
    torch.testing.assert_close(backend.hidden(one), hidden)
    assert backend.step(one).dtype == torch.float32
    assert not backend.step(one).requires_grad


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sampling", [GREEDY, Sampling(temperature=1.0, top_p=0.9, seed=3)])
def test_the_engine_says_what_the_plain_loop_says(kind, sampling):
    model = MODELS[kind]
    config = EngineConfig(max_batch=3, max_tokens_per_step=7, speculate=2)
    tokenizer = BPE.train(["a"], vocab_size=256, special_tokens=())
    engine = Engine(TorchBackend(model, block_size=4, block_count=30), tokenizer, config)
    draw = torch.Generator().manual_seed(1)
    prompts = [torch.randint(0, V, (n,), generator=draw).tolist() for n in (3, 1, 12, 3, 20, 2)]
    for prompt in prompts:
        engine.submit(Request(prompt=tuple(prompt), max_tokens=25, sampling=sampling))
    answers = [[] for _ in prompts]
    while engine.has_work():
        for delta in engine.step():
            answers[delta.request_id] += delta.tokens
    for prompt, answer in zip(prompts, answers, strict=True):
        assert answer == list(generate(model, prompt, max_tokens=25, sampling=sampling))
    assert len({tuple(answer) for answer in answers}) > 2


def test_a_learners_attention_runs():
    calls = []

    def mine(q_BHTD, k_BHSD, v_BHSD, mask_TS=None, causal=False, softcap=None):
        calls.append(k_BHSD.shape[-2])
        return attend.slot.original(q_BHTD, k_BHSD, v_BHSD, mask_TS, causal, softcap)

    replacement = swap.Replacement(
        part="layers.attention:attend", file="", name="mine", sha256="", function=mine
    )
    backend = TorchBackend(MODELS["qwen3"], block_size=4, block_count=4)
    with swap.replaced([replacement]):
        backend.step(batch_of([([1, 2], 0), ([5], 0)], [[0], [1]], [1, 2]))
    assert calls == [2, 1, 2, 1]  # two layers, two sequences


def test_numbers_of_other_types():
    model = model_of("qwen3", torch.bfloat16)
    backend = TorchBackend(model, block_size=4, block_count=4)
    logits = backend.step(batch_of([([1, 2, 3, 4, 5], 0)], [[3, 1]], [4]))
    with torch.no_grad():
        expected = model(torch.tensor([[1, 2, 3, 4, 5]]))[0, -1:].float()
    assert logits.dtype == torch.float32
    torch.testing.assert_close(logits, expected, rtol=0.05, atol=0.05)
    assert backend.name == "torch bfloat16 on cpu"


def test_memory_is_what_was_given():
    model = model_of("qwen3", torch.float32)
    block = 2 * 2 * 2 * 8 * 16 * 4  # keys and values, layers, key heads, width, positions, bytes
    backend = TorchBackend(model, cache_bytes=10 * block + 1)
    assert (backend.block_count, backend.block_size) == (10, 16)
    assert backend.bytes()["cache"] == 10 * block
    assert backend.bytes()["weights"] == 4 * model.config.parameters()
    with pytest.raises(ValueError, match="holds no block of 16 tokens"):
        TorchBackend(model, cache_bytes=block - 1)
