from collections import Counter
from itertools import product

import pytest
import torch
from scipy import stats

from groundup.inference.draft_model import Tally, generate_with_draft
from groundup.inference.generate import generate
from groundup.inference.sampling import GREEDY, Sampling
from groundup.inference.speculation import probabilities
from groundup.models.gpt import GPT, GPTConfig


def tiny(seed, *, vocab_size=40, depth=2, context=96, sharp=1.0):
    torch.manual_seed(seed)
    model = GPT(GPTConfig(vocab_size=vocab_size, context=context, depth=depth, width=32, heads=2))
    model.initialize(torch.Generator().manual_seed(seed))
    with torch.no_grad():  # the initial head says nothing: make it say something
        for weight in (model.head_weight, model.embedding.weight):
            weight.copy_(torch.randn(weight.shape) * sharp)
    return model.eval()


@pytest.fixture(scope="module")
def models():
    return tiny(0), tiny(1, depth=1)


@pytest.mark.parametrize("lookahead", [1, 3, 8])
def test_greedy_text_is_that_of_the_model_alone(models, lookahead):
    model, draft = models
    for prompt in ([5], [1, 2, 3, 4], list(range(30))):
        plain = list(generate(model, prompt, max_tokens=40, sampling=GREEDY))
        tally = Tally()
        ours = list(
            generate_with_draft(
                model,
                draft,
                prompt,
                max_tokens=40,
                sampling=GREEDY,
                lookahead=lookahead,
                tally=tally,
            )
        )
        assert ours == plain
        assert tally.steps + tally.accepted >= 40


def test_a_model_that_guesses_for_itself_is_always_right(models):
    model, _ = models
    tally = Tally()
    sampling = Sampling(temperature=0.9, top_p=0.95, seed=3)
    text = list(
        generate_with_draft(
            model, model, [3, 4], max_tokens=50, sampling=sampling, lookahead=4, tally=tally
        )
    )
    assert len(text) == 50
    assert tally.accepted == tally.drafted
    assert tally.steps == 10


def test_the_distribution_is_that_of_the_model_alone():
    model, draft = tiny(5, vocab_size=4, sharp=0.4), tiny(6, vocab_size=4, depth=1, sharp=0.4)
    sampling, prompt, draws = Sampling(temperature=1.0, top_k=3), [0, 3], 1000
    found = Counter(
        tuple(
            generate_with_draft(
                model,
                draft,
                prompt,
                max_tokens=3,
                sampling=Sampling(temperature=1.0, top_k=3, seed=seed),
                lookahead=2,
            )
        )
        for seed in range(draws)
    )
    expected = {}
    for text in product(range(4), repeat=3):
        with torch.no_grad():
            logits = model(torch.tensor([[*prompt, *text]]))[0, 1:4]
        p = probabilities(logits, sampling)
        expected[text] = float(p[range(3), list(text)].prod()) * draws
    assert all(expected[text] > 0 for text in found)
    likely = [text for text, count in expected.items() if count >= 5]
    rest = draws - sum(expected[text] for text in likely)
    seen = [found[text] for text in likely]
    observed, awaited = [*seen, draws - sum(seen)], [*(expected[text] for text in likely), rest]
    if rest < 5:
        observed[-2:], awaited[-2:] = [sum(observed[-2:])], [sum(awaited[-2:])]
    assert stats.chisquare(observed, awaited).pvalue > 1e-4


def test_it_ends_before_an_end_token_even_inside_a_guess(models):
    model, draft = models
    plain = list(generate(model, [7, 8], max_tokens=30, sampling=GREEDY))
    stop = plain[10]
    ours = list(
        generate_with_draft(
            model, draft, [7, 8], max_tokens=30, sampling=GREEDY, stop_ids=[stop], lookahead=6
        )
    )
    assert ours == plain[: plain.index(stop)]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"prompt_ids": []}, "the prompt is empty"),
        ({"draft": "other"}, "the model has 40 tokens and the draft model 4"),
        ({"max_tokens": 96}, r"1 \+ 96 tokens do not fit the context of 96"),
        ({"max_tokens": -1}, "max_tokens is -1"),
        ({"lookahead": 0}, "lookahead 0"),
        ({"sampling": Sampling(repetition_penalty=1.2)}, "penalties are not known"),
    ],
)
def test_what_cannot_be_done_is_refused(models, wrong, message):
    model, draft = models
    if wrong.get("draft") == "other":
        wrong = {"draft": tiny(2, vocab_size=4)}
    asked = {"draft": draft, "prompt_ids": [1], "max_tokens": 5, "sampling": GREEDY} | wrong
    with pytest.raises(ValueError, match=message):
        generate_with_draft(model, **asked)
