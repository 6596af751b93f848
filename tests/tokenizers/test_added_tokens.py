"""Tokens are found in a text as Hugging Face's AddedToken has it, with all of its options."""

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers

from groundup.tokenizers.added_tokens import Matching, Part, find
from groundup.tokenizers.characters import Characters
from groundup.tokenizers.definition import Frame
from groundup.tokenizers.normalize import Lowercase, Replace
from groundup.tokenizers.pre_tokenize import EACH_CHARACTER

VOCABULARY = {character: i for i, character in enumerate("?ab _\n<>xyéAX")}
NAMES = ("<x>", "<xy>", "x>", "aa", "<x><x>", "<X>")
words = st.sampled_from([*NAMES, " ", "  ", "a", "b", "x", "_", "\n", ">", "<", "é", "A", "<y"])
flags = st.fixed_dictionaries(
    {name: st.booleans() for name in ("lstrip", "rstrip", "single_word", "normalized")}
)


def judge(options, steps=None):
    made = Tokenizer(models.WordLevel(VOCABULARY, unk_token="?"))
    made.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    if steps is not None:
        made.normalizer = steps
    made.add_tokens([AddedToken(name, **how) for name, how in options.items()])
    return made


def ours(options, theirs, normalizers=()):
    frame = Frame(
        special_tokens={"?": 0},
        added_tokens={name: theirs.token_to_id(name) for name in options},
        matching={name: Matching(**how) for name, how in options.items()},
        normalizers=normalizers,
        pre_tokenizers=(EACH_CHARACTER,),
    )
    return Characters(VOCABULARY, frame, unknown="?")


@pytest.mark.reference
@given(options=st.dictionaries(st.sampled_from(NAMES), flags), parts=st.lists(words, max_size=8))
@example({"<x>": {"lstrip": True, "rstrip": True}}, ["a", "  ", "<x>", "  ", "<x>", " "])
@example({"aa": {"single_word": True}}, ["_", "aa", " ", "aa", "b", "aa"])
def test_added_tokens_are_found_as_by_tokenizers(options, parts):
    theirs = judge(options)
    text = "".join(parts)
    encoding = theirs.encode(text)
    tokenizer = ours(options, theirs)
    assert tokenizer.encode(text) == encoding.ids
    assert tokenizer.offsets(text) == encoding.offsets


@pytest.mark.reference
@given(options=st.dictionaries(st.sampled_from(NAMES), flags), parts=st.lists(words, max_size=8))
@example({"<X>": {"normalized": True}}, ["<X>", "<x>"])
def test_and_in_normalised_text_if_they_are_to_be_normalised(options, parts):
    steps = normalizers.Sequence([normalizers.Lowercase(), normalizers.Replace("b", " ")])
    theirs = judge(options, steps)
    # Of two tokens whose normalised names are one, it is an accident which is found there.
    assume(not ("<x>" in options and options.get("<X>", {}).get("normalized")))
    encoding = theirs.encode(text := "".join(parts))
    tokenizer = ours(options, theirs, (Lowercase(), Replace("b", " ")))
    assert tokenizer.encode(text) == encoding.ids
    assert tokenizer.offsets(text) == encoding.offsets


def test_a_text_is_cut_at_names_and_nothing_is_lost():
    names = {"<a>": 1, "<a><b>": 2}
    assert list(find("x<a><b><a>", names, {})) == [Part(0, 1, None), Part(1, 7, 2), Part(7, 10, 1)]
    assert list(find("", names, {})) == []
    assert list(find("x", {}, {})) == [Part(0, 1, None)]


def test_a_token_may_be_white_space_that_another_took():
    found = find("<a>\n\n.", {"<a>": 1, "\n": 2}, {"<a>": Matching(rstrip=True)})
    assert list(found) == [Part(0, 5, 1), Part(5, 6, None)]


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        ({"special_tokens": {"": 0}}, "has an empty name"),
        ({"special_tokens": {"a": 0}, "added_tokens": {"a": 0}}, "'a' is both a special and"),
    ],
)
def test_names_that_say_nothing_are_refused(frame, words):
    with pytest.raises(ValueError, match=words):
        Frame(**frame)
