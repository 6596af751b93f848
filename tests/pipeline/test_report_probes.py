"""What the report sees inside a model is what the model's own formula gives."""

import base64

import pytest
import torch

from groundup.models.gpt import GPT, GPTConfig
from groundup.models.probe import attention_weights
from groundup.pipeline import report_probes
from groundup.pipeline.instruct import answer
from groundup.tokenizers.bpe import BPE
from groundup.tokenizers.chat_template import CHATML, ChatTemplate

TEXT = "def area(width, height):\n    return width * height\n"


@pytest.fixture(scope="module")
def tokenizer():
    return BPE.train([TEXT * 3, "import os\n\nfor name in os.listdir():\n    print(name)\n"])


@pytest.fixture(scope="module")
def model(tokenizer):
    config = GPTConfig(
        vocab_size=tokenizer.vocab_size, context=32, depth=2, width=24, heads=3, head_width=8
    )
    made = GPT(config)
    made.initialize(torch.Generator().manual_seed(0))
    return made.eval()


def unpacked(found):
    """layer, head, query, key, as the page's script reads it."""
    packed = torch.frombuffer(bytearray(base64.b64decode(found.weights)), dtype=torch.uint8)
    count = len(found.tokens)
    lower = torch.ones(count, count, dtype=torch.bool).tril()
    full = torch.zeros(found.layers, found.heads, count, count)
    full[:, :, lower] = packed.view(found.layers, found.heads, -1).float() / 255
    return full


def ids_of(tokenizer, text):
    return [tokenizer.special_tokens["<|endoftext|>"], *tokenizer.encode(text)]


def test_packed_weights_are_the_models_weights(model, tokenizer):
    found = report_probes.attention(model, tokenizer, TEXT, most=20)
    ids = torch.tensor(ids_of(tokenizer, TEXT)[:20])
    wanted = torch.stack(list(attention_weights(model, ids)))
    assert wanted.shape == (2, 3, len(ids), len(ids))
    torch.testing.assert_close(unpacked(found), wanted, rtol=0, atol=0.5 / 255 + 1e-6)


def test_the_tokens_are_those_of_the_text_after_the_end_of_the_one_before(model, tokenizer):
    found = report_probes.attention(model, tokenizer, TEXT, most=32)
    assert "".join(found.tokens) == "<|endoftext|>" + TEXT
    assert found.tokens[0] == "<|endoftext|>"


def test_no_more_tokens_than_asked_for_or_than_the_model_can_see(model, tokenizer):
    assert len(report_probes.attention(model, tokenizer, TEXT, most=5).tokens) == 5
    assert len(report_probes.attention(model, tokenizer, 9 * TEXT, most=99).tokens) == 32


def test_habits_are_means_over_the_map(model, tokenizer):
    found = report_probes.attention(model, tokenizer, TEXT, most=20)
    maps = torch.stack(list(attention_weights(model, torch.tensor(ids_of(tokenizer, TEXT)[:20]))))
    queries = range(2, len(found.tokens))
    for layer in range(2):
        for head in range(3):
            rows = [maps[layer, head, query] for query in queries]
            wanted = [
                sum(row[query].item() for query, row in zip(queries, rows, strict=True)),
                sum(row[query - 1].item() for query, row in zip(queries, rows, strict=True)),
                sum(row[0].item() for row in rows),
            ]
            means = [total / len(rows) for total in wanted]
            assert found.habits[layer][head] == pytest.approx(means, abs=6e-4)


@pytest.mark.parametrize("most", [1, 2])
def test_the_shortest_texts_have_attention_too(model, tokenizer, most):
    found = report_probes.attention(model, tokenizer, TEXT, most=most)
    assert len(found.tokens) == most
    assert unpacked(found)[:, :, 0, 0].eq(1).all()


def test_neighbours_are_those_with_the_largest_cosine(model, tokenizer):
    word = next(t for t in (" width", "width", " wi") if len(tokenizer.encode(t)) == 1)
    found = report_probes.neighbours(model, tokenizer, [word], close=3, most=1)
    assert [row.token for row in found] == [word]
    token = tokenizer.encode(word)[0]
    table = model.embedding.weight
    cosines = torch.nn.functional.cosine_similarity(table, table[token][None], dim=1)
    special = set(tokenizer.special_tokens.values())
    allowed = [i for i in range(tokenizer.vocab_size) if i != token and i not in special]
    best = sorted(allowed, key=lambda i: -cosines[i].item())[:3]
    assert [cosine for _, cosine in found[0].close] == pytest.approx(
        [cosines[i].item() for i in best], abs=1e-3
    )
    assert len(found[0].close) == 3


def test_words_of_several_tokens_make_room_for_words_of_one(model, tokenizer):
    found = report_probes.neighbours(model, tokenizer, ["no such word"], most=2)
    assert len(found) == 2
    assert all(row.token.strip().isalpha() for row in found)


def test_a_word_given_twice_is_shown_once(model, tokenizer):
    found = report_probes.neighbours(model, tokenizer, ["e", "e"], most=1)
    assert [row.token for row in found] == ["e"]


def test_the_first_held_out_questions_are_answered_by_the_model(tokenizer, model):
    held_out = [
        [{"role": "user", "content": f"q{i}"}, {"role": "assistant", "content": "a"}]
        for i in range(4)
    ]
    found = report_probes.asked(model, tokenizer, held_out, most=2, tokens=3)
    wanted = [
        (question, answer(model, tokenizer, ChatTemplate(CHATML), question, 3))
        for question in ("q0", "q1")
    ]
    assert list(found) == wanted
