"""What is written, our reader and the gguf package read; a disk that refuses leaves nothing."""

import resource
import struct

import gguf as judge
import numpy as np
import pytest
import torch

from groundup.checkpoints import gguf, gguf_describe, gguf_write
from groundup.checkpoints.gguf_architectures import halves_from_pairs
from groundup.checkpoints.gguf_blocks import Tensor
from groundup.checkpoints.gguf_encode import ENCODED, FORMATS_BY_NAME, encode
from groundup.checkpoints.open import open_model
from groundup.models.gpt import GPT, GPTConfig
from groundup.tokenizers.bpe import BPE

SHARED = {"vocab_size": 300, "context": 32, "depth": 2, "width": 64, "heads": 4}
GPT2 = {
    "positions": "learned",
    "norm": "layer",
    "activation": "gelu_tanh",
    "qk_norm": False,
    "attention_bias": "all",
    "mlp_bias": True,
}
MODELS = {
    "qwen3": {"key_heads": 2, "head_width": 32},
    "qwen3-untied": {"tied": False, "rotary_base": 1e6, "norm_eps": 1e-5},
    "qwen2": {"qk_norm": False, "attention_bias": "qkv", "key_heads": 1},
    "llama": {"qk_norm": False, "key_heads": 2},
    "llama-bias": {"qk_norm": False, "attention_bias": "all", "tied": False},
    "gpt2": GPT2,
    "gpt2-untied": {**GPT2, "tied": False},
}


def make(name):
    """A model whose every number is drawn, norms and biases too."""
    torch.manual_seed(len(name))
    model = GPT(GPTConfig(**SHARED, **MODELS[name])).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(0.2 * torch.randn_like(parameter) + (parameter.ndim == 1))
    return model


def tensors(model, form="F32"):
    """The model's tensors, its matrices in one format."""
    found = {}
    for name, weight in model.state_dict().items():
        kind = form if weight.ndim == 2 else "F32"
        array = weight.numpy()
        found[name] = Tensor(name, array.shape, FORMATS_BY_NAME[kind], encode(array, kind))
    return found


@pytest.fixture(scope="module")
def tokenizer():
    return BPE.train(["the cat sat on the mat, 12 cats 345"], vocab_size=280)


@pytest.mark.parametrize("name", MODELS)
def test_the_same_model_and_tokenizer_come_back(tmp_path, tokenizer, name):
    model = make(name)
    note = gguf_write.save(tmp_path / "m.gguf", model.config, tensors(model), tokenizer)
    again, its_tokenizer = gguf.load(tmp_path / "m.gguf")
    assert note == ""
    assert its_tokenizer.definition == tokenizer.definition
    assert again.state_dict().keys() == model.state_dict().keys()
    for key, weight in model.state_dict().items():
        assert torch.equal(again.state_dict()[key], weight), key
    tokens = torch.randint(280, (2, 20))
    assert torch.equal(again(tokens), model(tokens))
    assert again.config.norm_eps == pytest.approx(model.config.norm_eps, rel=1e-6)
    assert open_model(tmp_path / "m.gguf").model.config == again.config


@pytest.mark.parametrize("form", ENCODED)
def test_rows_of_every_format_are_put_in_order(tmp_path, tokenizer, form):
    """Quantised rows of queries and keys are moved as bytes; the reader moves them back."""
    for name in ("llama", "gpt2"):
        model, packed = make(name), tensors(make(name), form)
        gguf_write.save(tmp_path / "m.gguf", model.config, packed, tokenizer)
        again = gguf.load(tmp_path / "m.gguf")[0].state_dict()
        for key, tensor in packed.items():
            np.testing.assert_array_equal(again[key].numpy(), tensor.array())


@pytest.mark.parametrize("heads", [1, 3])
def test_pairs_and_halves_are_inverses(heads):
    rows = np.arange(heads * 8 * 2, dtype=np.uint8).reshape(-1, 2)
    moved = gguf_describe.pairs_from_halves(rows, heads)
    back = halves_from_pairs(torch.from_numpy(moved), heads)
    np.testing.assert_array_equal(back.numpy(), rows)
    assert moved[:8, 0].tolist() == [0, 8, 2, 10, 4, 12, 6, 14]


@pytest.mark.reference
def test_the_gguf_package_reads_it(tmp_path, tokenizer):
    model = make("qwen3")
    packed = tensors(model, "Q4_1")
    gguf_write.save(tmp_path / "m.gguf", model.config, packed, tokenizer, name="tiny")
    reader = judge.GGUFReader(tmp_path / "m.gguf")
    fields = {key: field.contents() for key, field in reader.fields.items()}
    assert fields["general.architecture"] == "qwen3"
    assert fields["general.name"] == "tiny"
    assert fields["general.file_type"] == judge.LlamaFileType.MOSTLY_Q4_1
    assert fields["qwen3.block_count"] == 2
    assert fields["qwen3.attention.key_length"] == 32
    assert fields["tokenizer.ggml.tokens"][:3] == ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    assert fields["tokenizer.ggml.tokens"][-1] == "[PAD299]"
    assert fields["tokenizer.ggml.token_type"][0] == judge.TokenType.CONTROL
    assert fields["tokenizer.ggml.token_type"][-1] == judge.TokenType.UNUSED
    assert fields["tokenizer.ggml.add_bos_token"] is False
    assert len(reader.tensors) == len(packed)
    for tensor in reader.tensors:
        assert tensor.data_offset % 32 == 0
        ours = gguf.read(tmp_path / "m.gguf").tensors[tensor.name]
        theirs = judge.quants.dequantize(tensor.data, tensor.tensor_type)
        np.testing.assert_array_equal(theirs.reshape(ours.shape), ours.array())


@pytest.mark.reference
def test_every_type_of_value_is_read_by_both(tmp_path):
    values = {
        "general.architecture": "test",
        "t.u32": 4_000_000_000,
        "t.i64": -1,
        "t.big": 1 << 40,
        "t.u64": (1 << 63) + 5,
        "t.float": 0.5,
        "t.bool": True,
        "t.text": "naïve 😀",
        "t.texts": ["a", "", "é"],
        "t.ints": [1, -2, 3],
        "t.floats": [0.5, 2.0],
        "t.bools": [True, False],
        "t.empty": [],
    }
    one = np.arange(3, dtype=np.float32)
    data = encode(one, "F32")
    every = [Tensor(name, (3,), FORMATS_BY_NAME["F32"], data) for name in ("a", "b")]
    gguf_write.write(tmp_path / "m.gguf", values, every)
    ours = gguf.read(tmp_path / "m.gguf")
    theirs = judge.GGUFReader(tmp_path / "m.gguf")
    assert ours.metadata == values
    for key, value in values.items():
        assert theirs.fields[key].contents() == value
    np.testing.assert_array_equal(theirs.tensors[1].data, one)
    np.testing.assert_array_equal(ours.tensors["b"].array(), one)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "the metadata 'k' is 'None'; wanted a number, a text or a list"),
        (1 << 64, "the metadata 'k' is '18446744073709551616'"),
        ([1, "a"], r"'k' is a list of \['int', 'str'\]"),
        ([None], r"'k' is a list of \['NoneType'\]"),
        ([1 << 40], "a number in the metadata 'k' does not fit"),
    ],
)
def test_metadata_without_a_type_are_refused(tmp_path, value, words):
    with pytest.raises(ValueError, match=words):
        gguf_write.write(tmp_path / "m.gguf", {"k": value}, [])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"softcap": 30.0}, "qwen3 is nearest, but softcap is 30.0 and it wants None"),
        ({"window": 8}, "window is 8 and it wants None"),
        ({"qk_norm": False, "attention_bias": "qkv", "activation": "gelu"}, "qwen2 is nearest"),
        ({**GPT2, "activation": "gelu"}, "gpt2 is nearest, but activation is 'gelu'"),
        ({**GPT2, "key_heads": 2}, "key_heads is 2 and it wants as many as heads"),
        ({**GPT2, "head_width": 8}, "head_width is 8 and it wants width / heads"),
    ],
)
def test_a_model_no_architecture_holds_is_refused(tmp_path, tokenizer, fields, words):
    model = GPT(GPTConfig(**SHARED, **fields))
    with pytest.raises(ValueError, match=words):
        gguf_write.save(tmp_path / "m.gguf", model.config, tensors(model), tokenizer)
    assert list(tmp_path.iterdir()) == []


def test_what_does_not_belong_together_is_refused(tmp_path, tokenizer):
    small = GPT(GPTConfig(**{**SHARED, "vocab_size": 262}))
    with pytest.raises(ValueError, match=r"has the id 262, and the model has 262 tokens"):
        gguf_write.save(tmp_path / "m.gguf", small.config, tensors(small), tokenizer)
    odd = {"blocks.0.magic.weight": tensors(small)["norm.weight"]}
    with pytest.raises(ValueError, match=r"'blocks.0.magic.weight' has no name in GGUF"):
        gguf_describe.tensors_of(small.config, odd)
    mixed = make("gpt2")
    found = tensors(mixed)
    found["blocks.1.attention.key.weight"] = tensors(mixed, "F16")["blocks.1.attention.key.weight"]
    with pytest.raises(ValueError, match="different formats: F16, F32"):
        gguf_describe.tensors_of(mixed.config, found)
    twice = tensors(small)["norm.weight"]
    with pytest.raises(ValueError, match=r"two tensors have the name 'norm.weight'"):
        gguf_write.write(tmp_path / "m.gguf", {}, [twice, twice])
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_refuses_leaves_what_was_there_and_nothing_else(tmp_path, tokenizer):
    model = make("qwen3")
    path = tmp_path / "m.gguf"
    path.write_bytes(b"before")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(OSError, match=r"m.gguf could not be written \(File too large\)"):
            gguf_write.save(path, model.config, tensors(model), tokenizer)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]
    gguf_write.save(path, model.config, tensors(model), tokenizer)
    assert gguf.load(path)[0].config.width == 64
    assert list(tmp_path.iterdir()) == [path]


def test_too_little_room_is_said_before_anything_is_written(tmp_path, monkeypatch):
    class Full:
        free = 10

    monkeypatch.setattr(gguf_write.shutil, "disk_usage", lambda folder: Full)
    with pytest.raises(OSError, match=r"needs 96 bytes, and there are 10 free"):
        gguf_write.write(tmp_path / "m.gguf", {"a": "b" * 40}, [])
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_is_said_in_a_sentence(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OSError, match=r"m.gguf could not be written"):
        gguf_write.write(tmp_path / "file" / "m.gguf", {}, [])
    (tmp_path / "folder.gguf").mkdir()
    with pytest.raises(OSError, match=r"folder.gguf could not be written \(Is a directory\)"):
        gguf_write.write(tmp_path / "folder.gguf", {}, [])


def test_the_head_is_as_the_specification_says(tmp_path):
    row = Tensor("w", (1, 2), FORMATS_BY_NAME["F16"], encode(np.ones((1, 2)), "F16"))
    gguf_write.write(tmp_path / "m.gguf", {"k": 7}, [row])
    data = (tmp_path / "m.gguf").read_bytes()
    head = b"GGUF" + struct.pack("<IQQ", 3, 1, 1)
    pair = struct.pack("<Q", 1) + b"k" + struct.pack("<II", 4, 7)
    table = struct.pack("<Q", 1) + b"w" + struct.pack("<IQQIQ", 2, 2, 1, 1, 0)
    start = -(-len(head + pair + table) // 32) * 32
    assert data == (head + pair + table).ljust(start, b"\0") + b"\x00\x3c\x00\x3c" + bytes(28)
