import json
from dataclasses import replace

import pytest
import safetensors.torch
import torch

from groundup.checkpoints.huggingface import config_from_hf, config_to_hf, load, save
from groundup.inference.cache import KVCache
from groundup.layers.positions import RotaryScaling
from groundup.models.gpt import GPT, GPTConfig
from groundup.tokenizers.bpe import BPE

QWEN3 = GPTConfig(
    vocab_size=97, context=48, depth=2, width=32, heads=4, key_heads=2, head_width=16, hidden=40
)
LLAMA = replace(QWEN3, qk_norm=False, tied=False, norm_eps=1e-5)
GPT2 = replace(
    QWEN3,
    key_heads=None,
    head_width=None,
    positions="learned",
    norm="layer",
    activation="gelu_tanh",
    qk_norm=False,
    attention_bias="all",
    mlp_bias=True,
)
STRETCHED = RotaryScaling(factor=8.0, low_turns=1.0, high_turns=4.0, original_context=16)
OURS = {
    "qwen3": QWEN3,
    "qwen3, untied, biases, another base": replace(
        QWEN3, tied=False, attention_bias="all", rotary_base=500.0
    ),
    "qwen3, window in one layer": replace(QWEN3, window=5, window_layers=(1,)),
    "qwen2": replace(QWEN3, qk_norm=False, attention_bias="qkv"),
    "qwen2, window everywhere": replace(QWEN3, qk_norm=False, attention_bias="qkv", window=7),
    "llama": LLAMA,
    "llama, tied as SmolLM2": replace(LLAMA, tied=True),
    "llama, biases, stretched positions": replace(
        LLAMA, attention_bias="all", rotary_scaling=STRETCHED
    ),
    "gpt2": GPT2,
    "gpt2, exact gelu, untied": replace(GPT2, activation="gelu", tied=False),
}
SIZES = {
    "vocab_size": 97,
    "hidden_size": 32,
    "intermediate_size": 40,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 48,
    "bos_token_id": None,
    "eos_token_id": None,
}
THEIRS = {
    "qwen3": ("Qwen3", {**SIZES, "head_dim": 16}),
    "qwen3, window from layer 1": (
        "Qwen3",
        {
            **SIZES,
            "head_dim": 16,
            "use_sliding_window": True,
            "sliding_window": 5,
            "max_window_layers": 1,
        },
    ),
    "qwen2": ("Qwen2", {**SIZES, "tie_word_embeddings": True}),
    "llama": ("Llama", SIZES),
    "llama, as SmolLM2": (
        "Llama",
        {
            **SIZES,
            "tie_word_embeddings": True,
            "rope_parameters": {"rope_type": "default", "rope_theta": 100000.0},
        },
    ),
    "llama 3.1": (
        "Llama",
        {
            **SIZES,
            "rope_parameters": {
                "rope_type": "llama3",
                "rope_theta": 500.0,
                "factor": 8.0,
                "low_freq_factor": 1.0,
                "high_freq_factor": 4.0,
                "original_max_position_embeddings": 16,
            },
        },
    ),
    "gpt2": (
        "GPT2",
        {
            "vocab_size": 97,
            "n_embd": 32,
            "n_layer": 2,
            "n_head": 4,
            "n_positions": 48,
            "bos_token_id": None,
            "eos_token_id": None,
        },
    ),
}


def scattered(model):
    """Weights far from their beginnings: gains are not 1, biases not 0, and attention is sharp."""
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    return model.eval()


def tokens(count=40):
    return torch.randint(0, 97, (2, count), generator=torch.Generator().manual_seed(2))


@pytest.fixture
def their_models():
    return pytest.importorskip("transformers")


@pytest.fixture
def saved(tmp_path):
    save(GPT(QWEN3), tmp_path / "model")
    return tmp_path / "model"


@pytest.mark.reference
@pytest.mark.parametrize("name", OURS)
def test_transformers_computes_the_same_from_what_we_save(name, tmp_path, their_models):
    ours = scattered(GPT(OURS[name]))
    save(ours, tmp_path)
    theirs = their_models.AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float32).eval()
    assert theirs.config.model_type == name.split(",")[0]
    with torch.no_grad():
        wanted_BTV = theirs(tokens(), use_cache=False).logits
        torch.testing.assert_close(ours(tokens()), wanted_BTV, rtol=1e-5, atol=1e-5)


@pytest.mark.reference
@pytest.mark.parametrize("name", THEIRS)
def test_we_compute_the_same_from_what_transformers_saves(name, tmp_path, their_models):
    kind, settings = THEIRS[name]
    config = getattr(their_models, f"{kind}Config")(**settings)
    theirs = scattered(their_models.AutoModelForCausalLM.from_config(config))
    theirs.save_pretrained(tmp_path)
    ours = load(tmp_path)
    with torch.no_grad():
        wanted_BTV = theirs(tokens(), use_cache=False).logits
        torch.testing.assert_close(ours(tokens()), wanted_BTV, rtol=1e-5, atol=1e-5)
        cache = KVCache()
        parts = [ours(tokens()[:, a:b], cache) for a, b in ((0, 11), (11, 14), (14, 15), (15, 40))]
        torch.testing.assert_close(torch.cat(parts, 1), wanted_BTV, rtol=1e-5, atol=1e-5)


@pytest.mark.reference
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_half_precision_files_and_several_files_with_an_index(dtype, tmp_path, their_models):
    config = their_models.LlamaConfig(**SIZES)
    theirs = scattered(their_models.AutoModelForCausalLM.from_config(config)).to(dtype)
    theirs.save_pretrained(tmp_path, max_shard_size="10KB")
    assert len(list(tmp_path.glob("*.safetensors"))) > 1
    ours = load(tmp_path)
    wide = their_models.AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float32).eval()
    with torch.no_grad():
        wanted_BTV = wide(tokens(), use_cache=False).logits
        torch.testing.assert_close(ours(tokens()), wanted_BTV, rtol=1e-5, atol=1e-5)
    half = load(tmp_path, dtype=dtype)
    assert {p.dtype for p in half.parameters()} == {dtype}
    assert half(tokens()).dtype == dtype


@pytest.mark.reference
def test_gpt2_as_first_published_has_names_without_a_prefix_and_a_mask(tmp_path, their_models):
    ours = scattered(GPT(GPT2))
    save(ours, tmp_path)
    weights = safetensors.torch.load_file(tmp_path / "model.safetensors")
    old = {name.removeprefix("transformer."): tensor for name, tensor in weights.items()}
    old["h.0.attn.bias"] = torch.ones(1, 1, 48, 48)
    safetensors.torch.save_file(old, tmp_path / "model.safetensors")
    torch.testing.assert_close(load(tmp_path)(tokens()), ours(tokens()), rtol=0, atol=0)


@pytest.mark.parametrize("name", OURS)
def test_saving_and_loading_changes_nothing(name, tmp_path):
    ours = scattered(GPT(OURS[name]))
    save(ours, tmp_path)
    again = load(tmp_path)
    for key, tensor in ours.state_dict().items():
        assert torch.equal(again.state_dict()[key], tensor), key
    assert torch.equal(again(tokens()), ours(tokens()))


@pytest.mark.parametrize("name", OURS)
def test_a_config_survives_the_way_there_and_back(name):
    there = config_to_hf(OURS[name])
    again = config_from_hf(json.loads(json.dumps(there)))
    assert config_to_hf(again) == there
    assert again.parameters() == OURS[name].parameters()


def test_a_tied_model_holds_its_table_once(saved):
    names = safetensors.torch.load_file(saved / "model.safetensors")
    assert "model.embed_tokens.weight" in names
    assert "lm_head.weight" not in names


def test_the_tokenizer_is_saved_beside_it_and_ends_are_named(tmp_path):
    tokenizer = BPE.train(["a text to learn from"], vocab_size=264)
    save(GPT(replace(QWEN3, vocab_size=264)), tmp_path, tokenizer)
    again = BPE.load(tmp_path)
    assert again.encode("learn") == tokenizer.encode("learn")
    ends = [tokenizer.special_tokens[name] for name in ("<|endoftext|>", "<|im_end|>")]
    assert json.loads((tmp_path / "config.json").read_text())["eos_token_id"] == ends


@pytest.mark.parametrize(
    ("config", "field"),
    [
        (replace(QWEN3, activation="relu2"), "activation is 'relu2'"),
        (replace(QWEN3, softcap=15.0), "softcap is 15.0"),
        (replace(QWEN3, attention_softcap=15.0), "attention_softcap is 15.0"),
        (replace(QWEN3, attention_bias="qkv"), "attention_bias is 'qkv'"),
        (replace(LLAMA, window=4), "qwen3 is nearest, but qk_norm is False"),
        (replace(GPT2, norm_bias=False), "norm_bias is False"),
        (replace(GPT2, key_heads=2), "key_heads is 2"),
        (replace(GPT2, head_width=4), "head_width is 4"),
    ],
)
def test_what_no_architecture_holds_is_refused_by_name_and_nothing_written(config, field, tmp_path):
    with pytest.raises(ValueError, match=field) as problem:
        save(GPT(config), tmp_path / "model")
    assert problem.value.args[0].startswith("no Hugging Face architecture holds this model")
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model_type": "mamba"}, "model_type is 'mamba'; these architectures are built: qwen3"),
        ({"model_type": None}, "model_type is None"),
        ({"hidden_act": "gelu"}, "hidden_act = 'gelu', which is not built"),
        ({"rope_scaling": {"rope_type": "yarn", "factor": 4.0}}, "of the type 'yarn'"),
        ({"rope_scaling": {"rope_type": "llama3", "factor": 4.0}}, "has no 'low_freq_factor'"),
        ({"quantization_config": {"bits": 4}}, "weights are quantized"),
        ({"num_hidden_layers": "two"}, "depth is 'two'; wanted a value of type int"),
        ({"use_sliding_window": True, "sliding_window": 4, "num_hidden_layers": "2"}, "wrong type"),
        ({"model_type": ["qwen3"]}, "these architectures are built"),
        ({"hidden_size": 32.5}, "width is 32.5; wanted a value of type int"),
        ({"num_key_value_heads": 3}, "cannot share 3 key heads evenly"),
        ({"vocab_size": 0}, "vocab_size is 0"),
    ],
)
def test_a_config_that_is_not_ours_is_refused(change, message, saved):
    data = json.loads((saved / "config.json").read_text())
    (saved / "config.json").write_text(json.dumps(data | change))
    with pytest.raises(ValueError, match=message) as problem:
        load(saved)
    assert str(saved) in str(problem.value)


def test_a_config_without_a_setting_is_refused_by_name(saved):
    data = json.loads((saved / "config.json").read_text())
    del data["hidden_size"]
    (saved / "config.json").write_text(json.dumps(data))
    with pytest.raises(ValueError, match="the config has no 'hidden_size', which qwen3 needs"):
        load(saved)


@pytest.mark.parametrize("text", ["", "[1, 2]", '{"model_type": '])
def test_a_config_that_is_no_table_is_refused(text, saved):
    (saved / "config.json").write_text(text)
    with pytest.raises(ValueError, match="cannot be opened as a model"):
        load(saved)


def with_weights(folder, change):
    weights = safetensors.torch.load_file(folder / "model.safetensors")
    change(weights)
    safetensors.torch.save_file(weights, folder / "model.safetensors")


def test_a_missing_tensor_is_named(saved):
    with_weights(saved, lambda weights: weights.pop("model.layers.1.mlp.up_proj.weight"))
    with pytest.raises(ValueError, match=r"model\.layers\.1\.mlp\.up_proj\.weight is missing"):
        load(saved)


def test_an_extra_tensor_is_named(saved):
    extra = "model.layers.2.mlp.up_proj.weight"
    with_weights(saved, lambda weights: weights.update({extra: torch.zeros(2)}))
    with pytest.raises(ValueError, match=r"layers\.2\.mlp\.up_proj\.weight is in the weights, but"):
        load(saved)


def test_a_misshapen_tensor_is_named(saved):
    with_weights(saved, lambda weights: weights.update({"model.norm.weight": torch.zeros(31)}))
    with pytest.raises(ValueError, match=r"model\.norm\.weight has the shape \(31,\); by the conf"):
        load(saved)


def test_integers_are_no_weights(saved):
    whole = torch.zeros(32, dtype=torch.int64)
    with_weights(saved, lambda weights: weights.update({"model.norm.weight": whole}))
    with pytest.raises(ValueError, match=r"holds torch\.int64; wanted floating-point"):
        load(saved)


@pytest.mark.parametrize("kept", [0, 4, 100, -1])
def test_a_file_that_is_cut_off_is_refused(kept, saved):
    file = saved / "model.safetensors"
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(ValueError, match=r"model\.safetensors is damaged"):
        load(saved)


def test_absent_files_are_said_to_be_absent(saved, tmp_path):
    with pytest.raises(OSError, match=r"config\.json"):
        load(tmp_path / "nowhere")
    (saved / "model.safetensors").unlink()
    (saved / "pytorch_model.bin").write_bytes(b"pickled")
    with pytest.raises(OSError, match=r"pickled weights .* are not opened"):
        load(saved)


@pytest.mark.parametrize(
    ("index", "message"),
    [
        ({"weight_map": {"model.norm.weight": "../outside.safetensors"}}, "not a file of the fold"),
        ({"weights": {}}, "has no weight_map"),
        ([], "has no weight_map"),
    ],
)
def test_a_wrong_index_is_refused(index, message, saved):
    (saved / "model.safetensors").rename(saved.parent / "outside.safetensors")
    (saved / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ValueError, match=message):
        load(saved)
