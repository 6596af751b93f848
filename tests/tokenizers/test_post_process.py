"""Templates put the special tokens, and the type ids, where Hugging Face's do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from groundup.tokenizers.post_process import (
    FIRST,
    SECOND,
    Place,
    Template,
    around,
    bert,
    fill,
    roberta,
    template,
)

SPECIAL = {"[CLS]": 0, "[SEP]": 1, "<s>": 2}
WORDS = {"a": 10, "b": 11, "c": 12}


def judge(processor):
    made = Tokenizer(models.WordLevel(SPECIAL | WORDS, unk_token="a"))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    made.post_processor = processor
    return made


def judge_of(single, pair):
    special = list(SPECIAL.items())
    return processors.TemplateProcessing(single=single, pair=pair, special_tokens=special)


PAIRS = [
    (bert(), processors.BertProcessing(("[SEP]", 1), ("[CLS]", 0))),
    (roberta("<s>", "[SEP]"), processors.RobertaProcessing(("[SEP]", 1), ("<s>", 2))),
    (bert(), judge_of("[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1")),
    (around(["<s>"], ["[SEP]"]), judge_of("<s> $A [SEP]", "<s> $A [SEP] <s>:1 $B:1 [SEP]:1")),
    (
        template("$A [SEP]:3", "$B:2 <s>:5 <s> $A:7"),
        judge_of("$A:0 [SEP]:3", "$B:2 <s>:5 <s> $A:7"),
    ),
]


@pytest.mark.reference
@pytest.mark.parametrize(("ours", "processor"), PAIRS)
@given(first=st.lists(st.sampled_from("abc")), second=st.lists(st.sampled_from("abc")))
def test_filled_templates_are_those_of_tokenizers(ours, processor, first, second):
    theirs = judge(processor)
    texts = {FIRST: [WORDS[w] for w in first], SECOND: [WORDS[w] for w in second]}
    single = theirs.encode(" ".join(first))
    assert fill(ours.single, texts, SPECIAL) == (single.ids, single.type_ids)
    pair = theirs.encode(" ".join(first), " ".join(second))
    assert fill(ours.pair, texts, SPECIAL) == (pair.ids, pair.type_ids)


def test_a_template_says_which_special_tokens_it_needs():
    assert bert().special_tokens == {"[CLS]", "[SEP]"}
    assert around().special_tokens == set()
    assert around().single == (Place(FIRST, is_text=True),)


def test_names_may_hold_colons_and_be_called_as_the_texts():
    made = template("<a:b> $A <:1>:2", "$A $B")
    assert made.single == (Place("<a:b>"), Place("A", is_text=True), Place("<:1>", 2))
    assert template("A $A", "A $A $B").special_tokens == {"A"}


@pytest.mark.parametrize(
    ("single", "pair"), [("[CLS]", "$A $B"), ("$A $A", "$A $B"), ("$A", "$A"), ("$B", "$A $B")]
)
def test_a_template_without_its_texts_is_refused(single, pair):
    with pytest.raises(ValueError, match="a template must hold the texts"):
        template(single, pair)


def test_templates_are_values():
    assert bert() == Template(bert().single, bert().pair)
    assert bert() != roberta()
