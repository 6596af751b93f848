"""Generation, on a model whose logits are an exact function of the tokens it can see."""

from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.inference.generate import Reader, generate, generate_batch, window_start
from groundup.inference.sampling import GREEDY, Sampling
from groundup.models.gpt import GPT, GPTConfig

VOCABULARY = 50


class Oracle(torch.nn.Module):
    """Keeps the tokens themselves in the cache; counts what it is made to read."""

    def __init__(self, context=1000):
        super().__init__()
        self.config = SimpleNamespace(context=context, vocab_size=VOCABULARY)
        self.anchor = torch.nn.Parameter(torch.zeros(1))
        self.positions_read = 0
        self.longest = 0
        self.batches = []
        self.break_off = False

    def hidden(self, tokens_BT, cache):
        numbers = tokens_BT[:, None, :, None].double()
        seen, _ = cache.append(0, numbers, numbers)
        if self.break_off:
            raise KeyboardInterrupt
        cache.advance(tokens_BT.shape[1])
        self.positions_read += tokens_BT.shape[1]
        self.longest = max(self.longest, cache.length)
        return seen

    def forward(self, tokens_BT, cache):
        seen = self.hidden(tokens_BT, cache)
        assert tokens_BT.shape[1] == 1, "logits are wanted of the last token alone"
        self.batches.append(tokens_BT.shape[0])
        rows = [self.logits(row[0, :, 0].long().tolist()) for row in seen]
        return torch.stack(rows)[:, None]

    @staticmethod
    def logits(tokens):
        seed = 1
        for token in tokens:
            seed = (seed * 31 + token + 1) % 1_000_003
        return torch.randn(VOCABULARY, generator=torch.Generator().manual_seed(seed)) * 3


def by_hand(prompt, count, context):
    tokens = list(prompt)
    for _ in range(count):
        view = tokens[window_start(len(tokens), context) :]
        tokens.append(int(Oracle.logits(view).argmax()))
    return tokens[len(prompt) :]


@pytest.mark.parametrize("context", [1, 2, 5, 8, 1000])
@pytest.mark.parametrize("prompt", [[3], [1, 2, 3, 4], list(range(20))])
def test_greedy_generation_is_the_loop_written_out_by_hand(context, prompt):
    model = Oracle(context)
    ours = list(generate(model, prompt, max_tokens=25, sampling=GREEDY))
    assert ours == by_hand(prompt, 25, context)
    assert model.longest <= context


def test_each_new_token_is_read_once():
    model = Oracle()
    list(generate(model, [1, 2, 3], max_tokens=10, sampling=GREEDY))
    assert model.positions_read == 3 + 9  # nothing needs the logits after the last token


def test_a_sliding_view_reads_again_only_every_half_context():
    model = Oracle(context=16)
    list(generate(model, [1], max_tokens=96, sampling=GREEDY))
    assert model.positions_read < 96 * 2.2


@given(length=st.integers(1, 400), context=st.integers(1, 60))
def test_the_view_never_outgrows_the_context_and_keeps_about_half(length, context):
    start = window_start(length, context)
    assert 0 < length - start <= context
    assert start == 0 or length - start > context // 2
    assert start <= window_start(length + 1, context)


@settings(deadline=None, max_examples=40)
@given(
    prompts=st.lists(
        st.lists(st.integers(0, VOCABULARY - 1), min_size=1, max_size=9), min_size=1, max_size=7
    ),
    context=st.sampled_from([4, 7, 100]),
    stop=st.sets(st.integers(0, VOCABULARY - 1), max_size=8),
    sampling=st.sampled_from(
        [GREEDY, Sampling(temperature=0.0, repetition_penalty=1.7), Sampling(seed=5, top_p=0.9)]
    ),
    batch_size=st.integers(1, 4),
)
def test_together_is_the_same_as_one_by_one(prompts, context, stop, sampling, batch_size):
    together = generate_batch(
        Oracle(context),
        prompts,
        max_tokens=12,
        sampling=sampling,
        stop_ids=stop,
        batch_size=batch_size,
    )
    for index, prompt in enumerate(prompts):
        if sampling.temperature == 0 or index == 0:
            alone = list(
                generate(Oracle(context), prompt, max_tokens=12, sampling=sampling, stop_ids=stop)
            )
            assert together[index] == alone


@pytest.mark.parametrize("batch_size", [1, 2, 5])
def test_a_sampled_answer_does_not_depend_on_the_batch_it_is_in(batch_size):
    prompts = [[1], [4, 4, 4], [2, 9], [7, 8, 9, 10], [3]]
    sampling = Sampling(temperature=1.0, seed=11)

    def answers(size):
        return generate_batch(Oracle(), prompts, max_tokens=8, sampling=sampling, batch_size=size)

    assert answers(batch_size) == answers(3)
    assert len({tuple(answer) for answer in answers(3)}) == 5


def test_finished_sequences_leave_the_batch():
    model = Oracle()
    prompts = [[1], [2], [3], [4]]
    answers = generate_batch(model, prompts, max_tokens=1000, sampling=GREEDY, stop_ids=range(40))
    assert len({len(answer) for answer in answers}) > 1
    assert model.batches == sorted(model.batches, reverse=True)
    assert model.batches[0] == 4
    assert model.batches[-1] < 4


def test_generation_ends_before_a_stop_token_and_never_beyond_the_limit():
    free = list(generate(Oracle(), [5], max_tokens=6, sampling=GREEDY))
    assert len(free) == 6
    stop = free[3]
    stopped = list(generate(Oracle(), [5], max_tokens=6, sampling=GREEDY, stop_ids={stop}))
    assert stopped == free[: free.index(stop)]
    assert list(generate(Oracle(), [5], max_tokens=0, sampling=GREEDY)) == []
    assert generate_batch(Oracle(), [[5], [6, 7]], max_tokens=0, sampling=GREEDY) == [[], []]
    assert generate_batch(Oracle(), [], max_tokens=3, sampling=GREEDY) == []


@pytest.mark.parametrize("sampling", [GREEDY, Sampling(temperature=2.0, seed=1)])
def test_an_answer_begins_with_one_of_the_tokens_it_may_begin_with(sampling):
    free = list(generate(Oracle(), [3, 4], max_tokens=5, sampling=GREEDY))
    allowed = [token for token in (7, 8, 9) if token != free[0]]
    answer = list(generate(Oracle(), [3, 4], max_tokens=5, sampling=sampling, first_ids=allowed))
    assert answer[0] in allowed
    assert len(answer) == 5
    rest = generate(Oracle(), [3, 4, answer[0]], max_tokens=4, sampling=GREEDY)
    if sampling == GREEDY:
        assert answer[1:] == list(rest)
    with pytest.raises(ValueError, match="first_ids is empty"):
        generate(Oracle(), [3], max_tokens=1, sampling=GREEDY, first_ids=[])
    with pytest.raises(ValueError, match="token id 50 is not in the model's vocabulary"):
        generate(Oracle(), [3], max_tokens=1, sampling=GREEDY, first_ids=[50])


def test_the_same_seed_gives_the_same_tokens_and_another_seed_others():
    def tokens(seed):
        sampling = Sampling(temperature=1.0, seed=seed)
        return list(generate(Oracle(), [1, 2], max_tokens=20, sampling=sampling))

    assert tokens(4) == tokens(4)
    assert tokens(4) != tokens(5)


def test_a_kept_reader_reads_only_what_is_new():
    model, prompt = Oracle(), [1, 2, 3, 4, 5]
    reader = Reader(model)
    answer = list(generate(model, prompt, max_tokens=4, sampling=GREEDY, reader=reader))
    model.positions_read = 0
    longer = [*prompt, *answer, 9, 9]
    again = list(generate(model, longer, max_tokens=4, sampling=GREEDY, reader=reader))
    assert (
        model.positions_read == 1 + 2 + 3
    )  # the last answered token, the two new ones, three more
    assert again == by_hand(longer, 4, 1000)
    changed = [1, 2, 40, *longer[3:]]
    assert list(generate(model, changed, max_tokens=4, sampling=GREEDY, reader=reader)) == by_hand(
        changed, 4, 1000
    )


def test_an_interrupted_forward_pass_leaves_the_reader_right():
    model, reader = Oracle(), None
    reader = Reader(model)
    list(generate(model, [1, 2, 3], max_tokens=3, sampling=GREEDY, reader=reader))
    model.break_off = True
    with pytest.raises(KeyboardInterrupt):
        list(generate(model, [1, 2, 7, 7, 7], max_tokens=3, sampling=GREEDY, reader=reader))
    model.break_off = False
    prompt = [1, 2, 7, 8]
    ours = list(generate(model, prompt, max_tokens=5, sampling=GREEDY, reader=reader))
    assert ours == by_hand(prompt, 5, 1000)


def test_gradients_stay_on_for_the_caller_between_tokens():
    for _ in generate(Oracle(), [1], max_tokens=3, sampling=GREEDY):
        assert torch.is_grad_enabled()
        assert not torch.is_inference_mode_enabled()


@pytest.mark.parametrize(
    ("prompt", "limit", "message"),
    [([], 3, "a prompt is empty"), ([50], 3, "token id 50"), ([-1], 3, "id -1"), ([1], -1, "-1")],
)
def test_bad_input_is_refused_at_once(prompt, limit, message):
    with pytest.raises(ValueError, match=message):
        generate(Oracle(), prompt, max_tokens=limit, sampling=GREEDY)
    with pytest.raises(ValueError, match=message):
        generate_batch(Oracle(), [[1], prompt], max_tokens=limit, sampling=GREEDY)


def test_a_batch_of_nothing_is_refused():
    with pytest.raises(ValueError, match="batch_size is 0"):
        generate_batch(Oracle(), [[1]], max_tokens=1, sampling=GREEDY, batch_size=0)


# With the real model


def real_model(**changes):
    shape = {"vocab_size": 61, "context": 24, "depth": 2, "width": 32, "heads": 4, "key_heads": 2}
    model = GPT(GPTConfig(**shape | {"embedding_std": 0.5, "initial_std": 0.6} | changes)).double()
    model.initialize(torch.Generator().manual_seed(0))
    return model.double()


@torch.no_grad()
def without_a_cache(model, prompt, count):
    tokens = list(prompt)
    for _ in range(count):
        view = tokens[window_start(len(tokens), model.config.context) :]
        tokens.append(int(model(torch.tensor([view]))[0, -1].argmax()))
    return tokens[len(prompt) :]


KINDS = {
    "rotary": {},
    "learned": {"positions": "learned", "norm": "layer", "activation": "gelu", "qk_norm": False},
    "window": {"window": 5, "softcap": 5.0},
    "plain": {"attention": "plain", "norms": "plain"},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("prompt", [[7], [1, 2, 3, 4, 5], list(range(40))])
def test_the_cache_changes_nothing_in_what_a_model_says(kind, prompt):
    model = real_model(**KINDS[kind])
    expected = without_a_cache(model, prompt, 40)  # beyond the context, so the view slides
    assert list(generate(model, prompt, max_tokens=40, sampling=GREEDY)) == expected
    assert len(set(expected)) > 2  # it does not say one thing whatever it reads


@pytest.mark.parametrize("kind", KINDS)
def test_a_real_batch_is_the_same_as_one_by_one(kind):
    model = real_model(**KINDS[kind])
    draw = torch.Generator().manual_seed(1)
    prompts = [torch.randint(0, 61, (n,), generator=draw).tolist() for n in (3, 1, 12, 3, 7, 30, 2)]
    stop = {0, 22, 33, 38}
    together = generate_batch(
        model, prompts, max_tokens=30, sampling=GREEDY, stop_ids=stop, batch_size=4
    )
    alone = [
        list(generate(model, prompt, max_tokens=30, sampling=GREEDY, stop_ids=stop))
        for prompt in prompts
    ]
    assert together == alone
    assert len({len(answer) for answer in alone}) > 1  # some stop before others


@pytest.mark.reference
def test_greedy_generation_equals_that_of_transformers():
    from transformers import Qwen3Config, Qwen3ForCausalLM

    model = real_model(context=64)
    theirs = Qwen3ForCausalLM(
        Qwen3Config(
            vocab_size=61, max_position_embeddings=64, num_hidden_layers=2, hidden_size=32,
            num_attention_heads=4, num_key_value_heads=2, head_dim=8, tie_word_embeddings=True,
            intermediate_size=model.config.hidden_width, rope_theta=10000.0, rms_norm_eps=1e-6,
            bos_token_id=None, eos_token_id=None, pad_token_id=0,
        )
    ).double()  # fmt: skip
    names = {
        "embedding.": "model.embed_tokens.", "blocks.": "model.layers.", "norm.": "model.norm.",
        "attention_norm.": "input_layernorm.", "attention.": "self_attn.",
        "feed_forward_norm.": "post_attention_layernorm.", "feed_forward.": "mlp.",
        "query_norm.": "q_norm.", "key_norm.": "k_norm.", "query.": "q_proj.", "key.": "k_proj.",
        "value.": "v_proj.", "output.": "o_proj.", "up.": "up_proj.", "gate.": "gate_proj.",
        "down.": "down_proj.",
    }  # fmt: skip
    weights = {}
    for key, tensor in model.state_dict().items():
        parts = [f"{part}." for part in key.split(".")]
        renamed = "".join(names.get(part, part) for part in parts).rstrip(".")
        weights[renamed] = tensor
    weights["lm_head.weight"] = model.head_weight
    theirs.load_state_dict(weights)
    prompt = [5, 17, 3, 44]
    expected = theirs.generate(
        torch.tensor([prompt]), max_new_tokens=40, do_sample=False, use_cache=True
    )
    assert [*prompt, *generate(model, prompt, max_tokens=40, sampling=GREEDY)] == expected[
        0
    ].tolist()
