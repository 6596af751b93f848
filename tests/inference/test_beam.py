import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.inference.beam import BeamConfig, beam_search
from groundup.inference.generate import generate
from groundup.inference.sampling import GREEDY
from groundup.models.gpt import GPT, GPTConfig


@pytest.fixture(scope="module")
def model():
    config = GPTConfig(
        vocab_size=23, context=48, depth=2, width=32, heads=4, key_heads=2, head_width=8
    )
    made = GPT(config)
    made.initialize(torch.Generator().manual_seed(3))
    with torch.no_grad():
        weight = made.embedding.weight
        weight.copy_(torch.randn(weight.shape, generator=torch.Generator().manual_seed(4)) * 0.5)
    return made.double().eval()


@pytest.fixture(scope="module")
def theirs(model):
    transformers = pytest.importorskip("transformers")
    other = transformers.Qwen3ForCausalLM(
        transformers.Qwen3Config(
            vocab_size=23, max_position_embeddings=48, num_hidden_layers=2, hidden_size=32,
            num_attention_heads=4, num_key_value_heads=2, head_dim=8, tie_word_embeddings=True,
            intermediate_size=model.config.hidden_width, rope_theta=10000.0, rms_norm_eps=1e-6,
            bos_token_id=None, eos_token_id=None, pad_token_id=0,
        )
    ).double()  # fmt: skip
    names = {
        "embedding": "model.embed_tokens", "blocks": "model.layers", "norm": "model.norm",
        "attention_norm": "input_layernorm", "attention": "self_attn",
        "feed_forward_norm": "post_attention_layernorm", "feed_forward": "mlp",
        "query_norm": "q_norm", "key_norm": "k_norm", "query": "q_proj", "key": "k_proj",
        "value": "v_proj", "output": "o_proj", "up": "up_proj", "gate": "gate_proj",
        "down": "down_proj",
    }  # fmt: skip
    weights = {
        ".".join(names.get(part, part) for part in key.split(".")): tensor
        for key, tensor in model.state_dict().items()
    }
    other.load_state_dict(weights | {"lm_head.weight": model.head_weight})
    return other.eval()


@pytest.mark.reference
@settings(max_examples=25, deadline=None)
@given(
    prompt=st.lists(st.integers(0, 22), min_size=1, max_size=6),
    width=st.integers(2, 5),
    max_tokens=st.integers(1, 12),
    length_penalty=st.sampled_from([0.0, 0.6, 1.0, 2.0, -1.0]),
    early_stopping=st.booleans(),
    stop_ids=st.sets(st.integers(1, 22), max_size=3),
)
def test_what_is_found_is_what_transformers_finds(
    prompt, width, max_tokens, length_penalty, early_stopping, stop_ids, model, theirs
):
    config = BeamConfig(
        width=width,
        max_tokens=max_tokens,
        length_penalty=length_penalty,
        early_stopping=early_stopping,
    )
    ours = beam_search(model, prompt, stop_ids=stop_ids, config=config)
    expected = theirs.generate(
        torch.tensor([prompt]),
        attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
        num_beams=width,
        num_return_sequences=width,
        max_new_tokens=max_tokens,
        do_sample=False,
        length_penalty=length_penalty,
        early_stopping=early_stopping,
        eos_token_id=sorted(stop_ids) or None,
        pad_token_id=0,
        output_scores=True,
        return_dict_in_generate=True,
    )
    scores = expected.sequences_scores.tolist()
    found = [score for score in scores if score > -1e8]  # theirs fills up with none
    assert [one.score for one in ours] == pytest.approx(found, abs=2e-5)
    for mine, ids, score in zip(ours, expected.sequences.tolist(), scores, strict=False):
        if sum(abs(score - other) < 1e-4 for other in scores) == 1:  # no tie decides
            answer = ids[len(prompt) :]
            ends = [place for place, token in enumerate(answer) if token in stop_ids]
            assert list(mine.ids) == answer[: ends[0] if ends else max_tokens]
            assert mine.ended == bool(ends)


def total(model, prompt, ids):
    with torch.no_grad():
        log = model(torch.tensor([[*prompt, *ids]]))[0].log_softmax(-1)
    return sum(float(log[len(prompt) - 1 + i, token]) for i, token in enumerate(ids))


def test_a_beam_as_wide_as_all_there_is_finds_the_most_probable(model):
    prompt, small = [4, 2], 23
    ours = beam_search(
        model, prompt, config=BeamConfig(width=small**2, max_tokens=2, length_penalty=0)
    )
    every = {ids: total(model, prompt, ids) for ids in itertools.product(range(small), repeat=2)}
    best = max(every, key=every.__getitem__)
    assert ours[0].ids == best
    assert ours[0].score == pytest.approx(every[best], abs=1e-5)
    assert len(ours) == small**2


def test_a_beam_of_one_is_greedy(model):
    [only] = beam_search(model, [1, 2, 3], config=BeamConfig(width=1, max_tokens=15))
    assert list(only.ids) == list(generate(model, [1, 2, 3], max_tokens=15, sampling=GREEDY))
    assert only.score == pytest.approx(total(model, [1, 2, 3], only.ids) / 15, abs=1e-5)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"prompt_ids": []}, "the prompt is empty"),
        ({"prompt_ids": [23]}, "token id 23 is not in the model's vocabulary of 23"),
        ({"prompt_ids": [1], "stop_ids": [-1]}, "token id -1"),
        ({"prompt_ids": [1], "config": BeamConfig(max_tokens=48)}, "may be 49 tokens long"),
    ],
)
def test_what_cannot_be_searched_is_refused(model, wrong, message):
    with pytest.raises(ValueError, match=message):
        beam_search(model, **wrong)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"width": 0}, "width is 0"),
        ({"max_tokens": 0}, "max_tokens 0"),
        ({"length_penalty": float("nan")}, "length_penalty is nan"),
    ],
)
def test_settings_that_make_no_search_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        BeamConfig(**wrong)
