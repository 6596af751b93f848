"""Which backend a model gets, and what is said about it."""

import numpy as np
import pytest
import torch

from groundup import swap
from groundup.checkpoints import gguf_write, huggingface
from groundup.checkpoints.open import open_model
from groundup.compress.quantize import QuantizeConfig, quantize
from groundup.inference import cpu_backend
from groundup.inference import open_engine as room
from groundup.inference.cpu_backend import CompileError, CPUBackend
from groundup.inference.engine import EngineConfig
from groundup.inference.open_engine import engine_of, open_engine
from groundup.inference.request import Request
from groundup.inference.sampling import GREEDY
from groundup.kernels import decoder as kernel
from groundup.layers.attention import attend
from groundup.models.gpt import GPT, GPTConfig
from groundup.tokenizers.bpe import BPE
from groundup.tokenizers.chat_template import CHATML

TOKENIZER = BPE.train(["how are you? I am well, thank you."] * 3, vocab_size=290).with_chat(
    CHATML, end_token="<|im_end|>"
)
SMALL = 2**22


def saved(folder, **changes):
    shape = {"depth": 2, "width": 64, "heads": 4, "key_heads": 2, "hidden": 128}
    model = GPT(GPTConfig(vocab_size=TOKENIZER.vocab_size, context=64, **shape | changes))
    model.initialize(torch.Generator().manual_seed(0))
    huggingface.save(model, folder, TOKENIZER)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return saved(tmp_path_factory.mktemp("models") / "qwen3")


@pytest.fixture(scope="module")
def gpt2(tmp_path_factory):
    gpt2 = {"positions": "learned", "norm": "layer", "activation": "gelu_tanh", "qk_norm": False}
    gpt2 |= {"attention_bias": "all", "mlp_bias": True, "key_heads": None, "hidden": None}
    return saved(tmp_path_factory.mktemp("models") / "gpt2", **gpt2)


@pytest.fixture(scope="module")
def files(folder):
    """The model as GGUF files, by format."""
    loaded, paths = open_model(folder, device="cpu"), {}
    for form in ("Q8_0", "Q4_1", "F16"):
        packed = quantize(loaded.model, QuantizeConfig(matrices=form))
        paths[form] = folder.parent / f"{form}.gguf"
        gguf_write.save(paths[form], packed.config, packed.tensors, TOKENIZER, name="tiny")
    return paths


@pytest.fixture(scope="module", autouse=True)
def has_kernel(folder):
    """Without a compiler there is one backend only, and nothing to choose."""
    try:
        CPUBackend.from_model(open_model(folder, device="cpu").model, cache_bytes=SMALL)
    except CompileError as problem:
        pytest.skip(str(problem))


def opened(source, **settings):
    return open_engine(source, device="cpu", cache_bytes=SMALL, **settings)


def kind(one):
    return one.note.split()[0]


@pytest.mark.parametrize("form", ["Q8_0", "Q4_1"])
def test_a_quantised_file_runs_as_it_is_on_the_kernel(files, form):
    one = opened(files[form])
    assert kind(one) == "cpu"
    assert one.template is not None
    assert one.name == str(files[form])
    assert one.tokenizer.encode("how are") == TOKENIZER.encode("how are")
    exact = opened(files[form], quant="fp32")
    assert exact.note == "torch float32 on cpu"
    assert nearness(one, exact) < 0.05


def nearness(one, other):
    """Mean distance of log-probabilities of a text."""
    prompt = tuple(TOKENIZER.encode("how are you? I am well, thank you."))
    means = []
    for engine in (one.engine, other.engine):
        engine.submit(Request(prompt=prompt, max_tokens=0, sampling=GREEDY, prompt_logprobs=0))
        deltas = []
        while engine.has_work():
            deltas += engine.step()
        means.append([entry.logprob for entry in deltas[-1].prompt_logprobs])
    return float(np.abs(np.subtract(*means)).mean())


def test_floats_stay_floats_unless_rounding_is_asked_for(folder, files):
    for source in (folder, files["F16"]):
        one = opened(source)
        assert one.note == "torch float32 on cpu: quant q8 would be faster"
        exact = opened(source, quant="fp32")
        assert nearness(one, exact) == 0
        for quant, most in (("q8", 0.05), ("q4", 0.5), ("bf16", 0.2)):
            other = opened(source, quant=quant)
            assert kind(other) == ("torch" if quant == "bf16" else "cpu")
            assert 0 < nearness(other, exact) < most


def test_the_backend_asked_for_alone_rounds_to_8_bits(folder):
    one = opened(folder, backend="cpu")
    assert "int8" in one.note
    assert opened(folder, backend="torch").note == "torch float32 on cpu"


def test_what_the_kernel_cannot_run_torch_does_and_says_why(gpt2):
    assert opened(gpt2).note == "torch float32 on cpu"
    one = opened(gpt2, quant="q8")
    assert one.note.startswith("torch float32 on cpu: the CPU kernel does not have it: positions")
    with pytest.raises(ValueError, match=r"the cpu backend cannot run .* positions are learned"):
        opened(gpt2, backend="cpu")


def test_a_kernel_that_cannot_be_compiled_is_said(files, folder, monkeypatch):
    def broken(*_args, **_settings):
        raise CompileError("there is no compiler")

    monkeypatch.setattr(room.CPUBackend, "from_gguf", broken)
    monkeypatch.setattr(room.CPUBackend, "from_model", broken)
    for source, settings in ((files["Q8_0"], {}), (folder, {"quant": "q4"})):
        one = opened(source, **settings)
        assert one.note == (
            "torch float32 on cpu: the faster kernel could not be compiled: there is no compiler"
        )
    with pytest.raises(ValueError, match="there is no compiler"):
        opened(files["Q8_0"], backend="cpu")


def test_a_learners_part_is_run_and_not_left_out_by_the_kernel(files):
    calls = []

    def mine(q_BHTD, k_BHSD, v_BHSD, mask_TS=None, causal=False, softcap=None):
        calls.append(1)
        return attend.slot.original(q_BHTD, k_BHSD, v_BHSD, mask_TS, causal, softcap)

    replacement = swap.Replacement(
        part="layers.attention:attend", file="", name="mine", sha256="", function=mine
    )
    with swap.replaced([replacement]):
        one = opened(files["Q4_1"])
        one.engine.submit(Request(prompt=(1, 2), max_tokens=1))
        one.engine.step()
    assert calls
    assert "your attend runs" in one.note


def test_the_engine_is_set_up_as_told(folder):
    config = EngineConfig(max_batch=2, speculate=3)
    one = opened(folder, config=config)
    assert one.engine.config == config
    assert one.engine.stats().blocks_total == SMALL // (2 * 2 * 2 * 16 * 16 * 4)
    same = engine_of(open_model(folder, device="cpu"), cache_bytes=SMALL, config=config)
    assert same.note == "torch float32 on cpu"
    assert same.engine.stats() == one.engine.stats()


@pytest.mark.parametrize("quant", ["auto", "q4"])
def test_the_kernel_computes_with_as_many_threads_as_told(files, folder, quant, monkeypatch):
    opened_with, real = [], kernel.Decoder

    def decoder(*args, **settings):
        opened_with.append(settings["threads"])
        return real(*args, **settings)

    monkeypatch.setitem(CPUBackend.__init__.__kwdefaults__, "decoder", decoder)
    monkeypatch.setattr(cpu_backend, "core_count", lambda: 2)
    source = files["Q8_0"] if quant == "auto" else folder
    for threads in (None, 1):
        assert kind(opened(source, quant=quant, threads=threads)) == "cpu"
    assert opened_with == [2, 1]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"threads": 0}, "threads is 0; wanted 1 to"),
        ({"quant": "q5"}, "quant is 'q5'"),
        ({"backend": "gpu"}, "the backend is 'gpu'"),
        ({"quant": "q8", "backend": "torch"}, "q8 weights run on the cpu backend only"),
        ({"quant": "bf16", "backend": "cpu"}, "weights of 4 or 8 bits"),
        ({"prefer": "best"}, "prefer is 'best'"),
        ({"cache_bytes": 10}, "10"),
    ],
)
def test_what_does_not_go_together_is_refused(folder, settings, message):
    with pytest.raises(ValueError, match=message):
        open_engine(folder, **{"device": "cpu"} | settings)


def test_what_is_not_there_is_refused(tmp_path):
    with pytest.raises(ValueError, match="holds no model"):
        open_engine(tmp_path)
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF and nothing more")
    with pytest.raises(ValueError, match=r"broken\.gguf"):
        open_engine(broken)
