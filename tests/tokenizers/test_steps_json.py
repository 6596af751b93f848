"""Steps go to tokenizer.json and come back; what Hugging Face writes is read, or refused."""

import json

import pytest
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

from groundup.tokenizers.bert_normalizer import BertNormalizer
from groundup.tokenizers.normalize import (
    Form,
    Lowercase,
    Prepend,
    Replace,
    Strip,
    StripAccents,
    normalize,
)
from groundup.tokenizers.post_process import around, bert, roberta
from groundup.tokenizers.pre_tokenize import (
    BERT,
    WHITESPACE,
    Cut,
    Metaspace,
    digits,
    pre_tokenize,
    punctuation,
)
from groundup.tokenizers.steps_json import (
    read_normalizers,
    read_post_processor,
    read_pre_tokenizers,
    write_normalizers,
    write_post_processor,
    write_pre_tokenizers,
)

NORMALIZERS = [
    (),
    (Form("NFC"),),
    (Form("NFKD"), StripAccents(), Lowercase()),
    (Replace(" ", "▁"), Replace(r"\s+", "x", is_regex=True), Prepend("▁"), Strip(strip_left=False)),
    (BertNormalizer(lowercase=False),),
    (BertNormalizer(strip_accents=True),),
]
PRE_TOKENIZERS = [
    (),
    (WHITESPACE,),
    (BERT, digits(), digits(individual=True)),
    (punctuation(), punctuation("merged_with_next")),
    (Cut("a+", "contiguous", invert=True), Cut("a.", "removed", is_regex=False)),
    (Metaspace(), Metaspace("_", "first", split=False)),
]
TEMPLATES = [None, bert(), roberta("[CLS]", "[SEP]"), around(["[CLS]"])]
SPECIAL = {"[CLS]": 4, "[SEP]": 7}
TEXT = "Ünïcode a.aab 12x_  and e\u0301 漢字!\t"


def tokenizers_reads(**parts):
    data = json.loads(Tokenizer(models.WordLevel({"a": 0}, unk_token="a")).to_str()) | parts
    return Tokenizer.from_str(json.dumps(data))


@pytest.mark.reference
@pytest.mark.parametrize("steps", NORMALIZERS)
def test_normalizers_come_back_and_tokenizers_agrees(steps):
    data = json.loads(json.dumps(write_normalizers(steps)))
    assert read_normalizers(data) == steps
    judge = tokenizers_reads(normalizer=data).normalizer
    assert normalize(steps, TEXT) == (judge.normalize_str(TEXT) if judge else TEXT)


@pytest.mark.reference
@pytest.mark.parametrize("steps", PRE_TOKENIZERS)
def test_pre_tokenizers_come_back_and_tokenizers_agrees(steps):
    data = json.loads(json.dumps(write_pre_tokenizers(steps)))
    assert read_pre_tokenizers(data) == steps
    judge = tokenizers_reads(pre_tokenizer=data).pre_tokenizer
    wanted = [piece for piece, _ in judge.pre_tokenize_str(TEXT)] if judge else [TEXT]
    assert pre_tokenize(steps, TEXT) == wanted


@pytest.mark.reference
@pytest.mark.parametrize("template", TEMPLATES)
def test_templates_come_back(template):
    data = json.loads(json.dumps(write_post_processor(template, SPECIAL)))
    assert read_post_processor(data, SPECIAL) == template
    assert tokenizers_reads(post_processor=data) is not None


def written_by_tokenizers(part):
    return json.loads(part.__getstate__())


@pytest.mark.reference
@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (normalizers.Sequence([normalizers.NFD(), normalizers.Lowercase()]), NORMALIZERS[2][1:]),
        (normalizers.Sequence([normalizers.Sequence([normalizers.NFC()])]), NORMALIZERS[1]),
        (normalizers.BertNormalizer(lowercase=False), NORMALIZERS[4]),
        (normalizers.Replace(Regex("a"), "b"), (Replace("a", "b", is_regex=True),)),
    ],
)
def test_normalizers_that_tokenizers_wrote(theirs, ours):
    read = read_normalizers(written_by_tokenizers(theirs))
    assert read[-1] == ours[-1]
    assert normalize(read, TEXT) == theirs.normalize_str(TEXT)


@pytest.mark.reference
@pytest.mark.parametrize(
    "theirs",
    [
        pre_tokenizers.CharDelimiterSplit("a"),
        pre_tokenizers.Metaspace(prepend_scheme="first"),
        pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation()]),
        pre_tokenizers.Split(Regex("[a-b]"), "merged_with_previous", invert=True),
    ],
)
def test_pre_tokenizers_that_tokenizers_wrote(theirs):
    wanted = [piece for piece, _ in theirs.pre_tokenize_str(TEXT)]
    assert pre_tokenize(read_pre_tokenizers(written_by_tokenizers(theirs)), TEXT) == wanted


@pytest.mark.reference
def test_post_processors_that_tokenizers_wrote():
    byte_level = processors.ByteLevel()
    template = processors.TemplateProcessing(
        single="[CLS] $A", pair="[CLS] $A [CLS]:1 $B:1", special_tokens=[("[CLS]", 4)]
    )
    both = processors.Sequence([byte_level, template])
    ours = around(["[CLS]"])
    assert read_post_processor(written_by_tokenizers(both), SPECIAL) == ours
    assert read_post_processor(written_by_tokenizers(byte_level), SPECIAL) is None
    their_bert = processors.BertProcessing(("[SEP]", 7), ("[CLS]", 4))
    assert read_post_processor(written_by_tokenizers(their_bert), SPECIAL) == bert()


def test_metaspace_of_older_versions():
    old = {"type": "Metaspace", "replacement": "▁", "add_prefix_space": False}
    assert read_pre_tokenizers(old) == (Metaspace(prepend_scheme="never"),)
    assert read_pre_tokenizers(old | {"add_prefix_space": True}) == (Metaspace(),)


@pytest.mark.parametrize(
    ("read", "words"),
    [
        (lambda: read_normalizers({"type": "Nmt"}), "normalizer is .*Nmt.* which is not built"),
        (lambda: read_normalizers({"type": "Strip", "strip_left": 1}), "which is not built"),
        (lambda: read_pre_tokenizers({"type": "UnicodeScripts"}), "the step .*UnicodeScripts"),
        (
            lambda: read_pre_tokenizers(
                {"type": "Metaspace", "replacement": "_", "prepend_scheme": "x"}
            ),
            "the step .*prepend_scheme",
        ),
        (lambda: read_post_processor({"type": "Other"}, {}), "post-processor is .*Other"),
        (
            lambda: read_post_processor(
                write_post_processor(bert(), SPECIAL), SPECIAL | {"[CLS]": 5}
            ),
            r"puts in '\[CLS\]' as ids \[4\]; the special token of that name has id 5",
        ),
        (lambda: write_normalizers((str.upper,)), "has no normalizer like"),
        (lambda: write_pre_tokenizers((str.split,)), "has no pre-tokenizer like"),
    ],
)
def test_what_is_not_built_is_named(read, words):
    with pytest.raises(ValueError, match=words):
        read()
