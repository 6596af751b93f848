import math

import pytest

from groundup.tokenizers.bytes import Bytes
from groundup.tokenizers.compare import measure
from groundup.tokenizers.comparison import compare, figure, sum_of
from groundup.tokenizers.words import Words

TEXTS = {"a": "one two three\n", "b": "vier fünf\n", "c": ""}


@pytest.fixture
def tokenizers():
    return {"bytes": Bytes.train(), "words": Words.train([TEXTS["a"]], vocab_size=20)}


def test_rows_are_the_measures_of_all_texts_together(tokenizers):
    rows = compare(tokenizers, TEXTS)
    assert [row.name for row in rows] == ["bytes", "words"]
    size = sum(len(text.encode()) for text in TEXTS.values())
    assert rows[0].total.bytes_per_token == 1
    assert rows[0].total.tokens == size
    assert rows[1].total.unknown == 2
    assert rows[1].total.tokens == 5
    assert rows[1].each["a"] == measure(tokenizers["words"], TEXTS["a"], unknown_id=0)
    assert all(row.bytes_per_second > 0 for row in rows)
    assert math.isnan(rows[1].each["c"].fertility)


def test_sums_are_of_every_count(tokenizers):
    measures = [measure(tokenizers["bytes"], text) for text in ("ab c", "d")]
    total = sum_of(measures)
    assert (total.bytes, total.words, total.tokens) == (5, 3, 5)
    assert (total.characters, total.word_tokens, total.split_words) == (5, 4, 1)


def test_no_text_and_a_tokenizer_that_refuses_one_are_clear_errors(tokenizers):
    with pytest.raises(ValueError, match="there is no text to compare"):
        compare(tokenizers, {"c": ""})
    strict = Words.train(["A few words, and 123 numbers.\n"], vocab_size=20, unknown="error")
    with pytest.raises(ValueError, match="strict: 'one' is not in the vocabulary"):
        compare({"strict": strict}, TEXTS)


def test_the_figure_shows_each_row_with_its_number(tokenizers):
    rows = compare(tokenizers, TEXTS)
    drawn = figure(rows)
    length, speed = drawn.axes
    assert [text.get_text() for text in length.get_yticklabels()] == ["bytes", "words"]
    widths = [bar.get_width() for bar in length.patches]
    assert widths == pytest.approx([row.total.bytes_per_token for row in rows])
    assert [text.get_text().strip() for text in length.texts] == [f"{w:.2f}" for w in widths]
    assert len(speed.patches) == 2
