"""Small models of every architecture, written as GGUF, give the logits of transformers."""

import gguf as judge
import numpy as np
import pytest
import torch
import transformers

from groundup.checkpoints import gguf
from groundup.checkpoints.gguf_architectures import halves_from_pairs
from groundup.tokenizers.byte_alphabet import CHARACTERS

SHAPE = {
    "vocab_size": 257,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
    "rms_norm_eps": 1e-5,
}
MODELS = {
    "llama": lambda: transformers.LlamaForCausalLM(
        transformers.LlamaConfig(**SHAPE, tie_word_embeddings=False, attention_bias=True)
    ),
    "qwen2": lambda: transformers.Qwen2ForCausalLM(
        transformers.Qwen2Config(**SHAPE, tie_word_embeddings=True)
    ),
    "qwen3": lambda: transformers.Qwen3ForCausalLM(
        transformers.Qwen3Config(**SHAPE, head_dim=16, tie_word_embeddings=True)
    ),
    "gpt2": lambda: transformers.GPT2LMHeadModel(
        transformers.GPT2Config(vocab_size=257, n_embd=32, n_layer=2, n_head=4, n_positions=64)
    ),
}
LLAMA_NAMES = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "lm_head": "output",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "model.layers": "blk",
}
GPT2_NAMES = {
    "transformer.wte": "token_embd",
    "transformer.wpe": "position_embd",
    "transformer.ln_f": "output_norm",
    "ln_1": "attn_norm",
    "ln_2": "ffn_norm",
    "attn.c_attn": "attn_qkv",
    "attn.c_proj": "attn_output",
    "mlp.c_fc": "ffn_up",
    "mlp.c_proj": "ffn_down",
    "transformer.h": "blk",
}


def pairs_from_halves(weight, heads):
    """The order llama.cpp's converter writes."""
    return weight.unflatten(0, (heads, 2, -1)).transpose(1, 2).flatten(0, 2)


def tensors_of(model, name):
    """The model's tensors under the file format's names, and in its order."""
    names = GPT2_NAMES if name == "gpt2" else LLAMA_NAMES
    for key, tensor in model.state_dict().items():
        if key == "lm_head.weight" and model.config.tie_word_embeddings:
            continue
        for theirs, short in names.items():
            key = key.replace(theirs, short)
        if name == "llama" and (".attn_q." in key or ".attn_k." in key):
            tensor = pairs_from_halves(tensor, 4 if "attn_q" in key else 2)
        if name == "gpt2" and tensor.ndim == 2 and "blk" in key:
            tensor = tensor.T
        yield key, tensor.contiguous().numpy()


def write(path, name, model, extra=(), **changes):
    config = model.config
    keys = {
        "block_count": config.num_hidden_layers,
        "context_length": config.max_position_embeddings,
        "embedding_length": config.hidden_size,
        "feed_forward_length": getattr(config, "intermediate_size", None) or 128,
        "attention.head_count": config.num_attention_heads,
    }
    if name == "gpt2":
        keys["attention.layer_norm_epsilon"] = 1e-5
    else:
        keys["attention.head_count_kv"] = config.num_key_value_heads
        keys["attention.layer_norm_rms_epsilon"] = config.rms_norm_eps
    if name == "qwen3":
        keys["attention.key_length"] = config.head_dim
    writer = judge.GGUFWriter(path, name)
    for key, value in (keys | changes).items():
        if value is not None:
            kind = judge.GGUFValueType.get_type(value)
            writer.add_key_value(key if "tokenizer" in key else f"{name}.{key}", value, kind)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list([*CHARACTERS, "Ġt"])
    writer.add_token_merges(["Ġ t"])
    for key, array in [*tensors_of(model, name), *extra]:
        writer.add_tensor(key, array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@pytest.fixture
def model(request):
    torch.manual_seed(0)
    model = MODELS[request.param]().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)  # biases and norms count too
    return model


@pytest.mark.reference
@pytest.mark.parametrize(("name", "model"), [(n, n) for n in MODELS], indirect=["model"])
def test_logits_are_those_of_transformers(tmp_path, name, model):
    write(tmp_path / "tiny.gguf", name, model)
    ours, tokenizer = gguf.load(tmp_path / "tiny.gguf")
    assert tokenizer.encode(" t") == [256]
    tokens = torch.tensor([list(range(40)), list(range(100, 140))])
    with torch.no_grad():
        theirs = model(tokens).logits
        torch.testing.assert_close(ours(tokens), theirs, rtol=1e-5, atol=1e-5)
    assert theirs.std() > 0.1


def test_the_order_of_rows_goes_back_and_forth():
    rows = torch.arange(12.0).unsqueeze(1)
    assert pairs_from_halves(rows, 2)[:, 0].tolist() == [0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11]
    assert torch.equal(halves_from_pairs(pairs_from_halves(rows, 2), 2), rows)


@pytest.mark.parametrize("model", ["llama"], indirect=True)
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rope.scaling.type": "yarn"}, "llama.rope.scaling.type is 'yarn', which is not built"),
        ({"expert_count": 8}, "llama.expert_count is 8, which is not built"),
        ({"rope.dimension_count": 4}, "rope.dimension_count is 4, its heads are 8 wide"),
        ({"block_count": None}, "llama.block_count is None; a number is wanted"),
        ({"embedding_length": "wide"}, "llama.embedding_length is 'wide'; a number is wanted"),
        ({"block_count": 3}, "blocks.2.*are missing"),
        ({"block_count": 1}, "blocks.1.*are not the model's"),
        ({"feed_forward_length": 40}, r"has the shape \(48, 32\); the config wants \(40, 32\)"),
        ({"attention.head_count": 3}, "32 wide; not built|heads"),
    ],
)
def test_what_we_do_not_build_is_refused(tmp_path, model, changes, words):
    path = tmp_path / "other.gguf"
    write(path, "llama", model, **changes)
    with pytest.raises(ValueError, match=words) as problem:
        gguf.load(path)
    assert str(problem.value).startswith(f"{path} cannot be opened as a model: ")


@pytest.mark.parametrize("model", ["llama"], indirect=True)
def test_other_architectures_and_tensors_are_named(tmp_path, model):
    write(tmp_path / "other.gguf", "mamba", model)
    with pytest.raises(ValueError, match="its architecture is 'mamba'; these are built: llama"):
        gguf.load(tmp_path / "other.gguf")
    strange = [("strange", np.zeros(2, dtype=np.float32))]
    write(tmp_path / "strange.gguf", "llama", model, strange)
    with pytest.raises(ValueError, match="its tensor 'strange' has no place"):
        gguf.load(tmp_path / "strange.gguf")


@pytest.mark.parametrize("model", ["llama"], indirect=True)
def test_rotary_factors_are_let_through_only_if_they_change_nothing(tmp_path, model):
    for factor in (1.0, 8.0):
        extra = [("rope_freqs.weight", np.full(4, factor, dtype=np.float32))]
        write(tmp_path / f"{factor}.gguf", "llama", model, extra)
    gguf.load(tmp_path / "1.0.gguf")
    with pytest.raises(ValueError, match=r"'rope_freqs.weight' has no place"):
        gguf.load(tmp_path / "8.0.gguf")


def test_no_tokenizer_no_model(tmp_path):
    writer = judge.GGUFWriter(tmp_path / "bare.gguf", "llama")
    writer.add_tensor("token_embd.weight", np.zeros((4, 4), dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with pytest.raises(ValueError, match="tokenizer is of kind None; there are gpt2"):
        gguf.load(tmp_path / "bare.gguf")
