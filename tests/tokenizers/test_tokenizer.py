"""What all kinds share: spans through normalisation, pairs, special tokens of a file."""

import json
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.tokenizers.unicode import marked_texts
from tokenizers import Tokenizer

from groundup.tokenizers.added_tokens import Matching
from groundup.tokenizers.bpe import BPE
from groundup.tokenizers.definition import Frame
from groundup.tokenizers.load import load
from groundup.tokenizers.normalize import Form, Lowercase
from groundup.tokenizers.post_process import around, bert

shared_fixture = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def composed(small):
    return BPE(replace(small.definition, normalizers=(Form("NFC"), Lowercase())))


def test_spans_are_of_the_text_before_it_was_normalised(composed):
    text = "xE\u0301 ye"
    assert composed.decode(composed.encode(text)) == "x\u00e9 ye"
    spans = composed.offsets(text)
    assert spans[0][0] == 0
    assert (1, 3) in spans
    assert spans[-1][1] == len(text)


@given(text=marked_texts)
@shared_fixture
def test_spans_cover_a_composed_text(composed, text):
    ids, spans = composed.encode(text), composed.offsets(text)
    assert len(ids) == len(spans)
    assert spans == sorted(spans)
    assert set().union(*(range(*span) for span in spans)) == set(range(len(text)))


def test_pairs_without_a_template_follow_each_other(small):
    a, b = small.encode("one"), small.encode("two")
    assert small.encode_pair("one", "two") == (a + b, [0] * len(a) + [1] * len(b))
    assert small.encode("one", add_special_tokens=True) == a


def test_special_tokens_in_a_pair_are_plain_text_unless_allowed(small):
    end = small.special_tokens["<|endoftext|>"]
    ids, _ = small.encode_pair("a<|endoftext|>", "b<|endoftext|>")
    assert end not in ids
    ids, types = small.encode_pair("<|endoftext|>", "<|endoftext|>", allowed_special="all")
    assert (ids, types) == ([end, end], [0, 1])


def test_a_template_that_names_no_special_token_is_refused():
    with pytest.raises(ValueError, match=r"template's token '\[CLS\]' is not one of the special"):
        Frame(post_processor=bert())


@pytest.fixture(scope="module")
def llama(small):
    """A byte-level BPE whose file looks like Llama 3's, with tokens that take the space around."""
    special = small.special_tokens | {"<|begin|>": 1024, "<mask>": 1025}
    made = BPE(
        replace(
            small.definition,
            special_tokens=special,
            added_tokens={"<tool>": 1026, "Word": 1027},
            matching={
                "<mask>": Matching(lstrip=True),
                "<tool>": Matching(rstrip=True),
                "Word": Matching(single_word=True, normalized=True),
            },
            post_processor=around(["<|begin|>"]),
        )
    )
    data = made.to_json()
    byte_level = data["decoder"]
    steps = [byte_level, data["post_processor"]]
    return data | {"post_processor": {"type": "Sequence", "processors": steps}}


@pytest.mark.reference
@given(
    parts=st.lists(st.sampled_from(["<mask>", "<tool>", "Word", " ", "\n", "s", "a"]), max_size=9)
)
@shared_fixture
def test_a_file_like_llamas_is_read_and_written_back(llama, tmp_path_factory, parts):
    folder = tmp_path_factory.getbasetemp() / "llama"
    folder.mkdir(exist_ok=True)
    (folder / "tokenizer.json").write_text(json.dumps(llama))
    ours, theirs = load(folder), Tokenizer.from_str(json.dumps(llama))
    assert ours.frame.post_processor == around(["<|begin|>"])
    ours.save(folder / "again")
    again = Tokenizer.from_file(str(folder / "again" / "tokenizer.json"))
    text = "".join(parts)
    ids = ours.encode(text, allowed_special="all", add_special_tokens=True)
    assert ids[0] == 1024
    assert ids == theirs.encode(text).ids == again.encode(text).ids
    pair = theirs.encode(text, "b")
    assert ours.encode_pair(text, "b", allowed_special="all") == (pair.ids, pair.type_ids)
    pair = again.encode(text, "b")
    assert ours.encode_pair(text, "b", allowed_special="all") == (pair.ids, pair.type_ids)
