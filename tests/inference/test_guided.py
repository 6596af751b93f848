import json
import random
import re
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.inference.guided import Grammars, TokenGrammar
from groundup.inference.row_sampling import RowSampling, sample_rows
from groundup.inference.sampling import Sampling
from groundup.tokenizers.bpe import BPE

pytest.importorskip("llguidance")
TEXT = ['{"name": "ab", "age": 12, "ok": true}\n', "yes no maybe the 3.5e10 ünï [1, 2]"] * 20
WIDTH = 330  # of the logits: a model may have more rows than the tokenizer has tokens


@pytest.fixture(scope="module")
def tokenizer():
    return BPE.train(TEXT, vocab_size=300)


@pytest.fixture(scope="module")
def grammars(tokenizer):
    return Grammars(tokenizer, vocab_size=WIDTH, end_ids=[2])


def allowed(grammar):
    bits = np.unpackbits(grammar.mask().view(np.uint8), bitorder="little")
    return np.flatnonzero(bits).tolist()


def answer(grammar, tokenizer, seed, most=3000):
    """What a model that knows nothing writes: random logits, the mask, a draw."""
    generator = torch.Generator().manual_seed(seed)
    chance, ids = random.Random(seed), []
    while not grammar.is_finished():
        assert len(ids) < most, "the answer does not end"
        logits = torch.randn(1, WIDTH, generator=generator)
        row = RowSampling(
            sampling=Sampling(temperature=1.0), chance=chance.random(), mask=grammar.mask()
        )
        [token] = sample_rows(logits, [row])
        if token == 2:
            break
        grammar.accept(token)
        ids.append(token)
    return tokenizer.decode(ids)


scalars = st.one_of(
    st.builds(
        lambda low, more: {"type": "integer", "minimum": low, "maximum": low + more},
        st.integers(-1000, 1000),
        st.integers(0, 500),
    ),
    st.builds(
        lambda least, more: {"type": "string", "minLength": least, "maxLength": least + more},
        st.integers(0, 3),
        st.integers(0, 3),
    ),
    st.just({"type": "boolean"}),
    st.just({"type": "null"}),
    st.just({"type": "string", "pattern": "^[a-c]{1,3}$"}),
    st.lists(
        st.one_of(st.integers(), st.text(max_size=4), st.booleans(), st.none()), min_size=1
    ).map(lambda values: {"enum": values}),
)


def containers(inner):
    names = st.text('abü"\\ ', min_size=1, max_size=3)
    return st.one_of(
        st.builds(
            lambda items, most: {"type": "array", "items": items, "maxItems": most},
            inner,
            st.integers(0, 3),
        ),
        st.builds(
            lambda properties, optional: {
                "type": "object",
                "properties": properties,
                "required": [name for name in properties if name not in optional],
                "additionalProperties": False,
            },
            st.dictionaries(names, inner, max_size=3),
            st.sets(names),
        ),
        st.builds(lambda one, other: {"anyOf": [one, other]}, inner, inner),
    )


schemas = st.recursive(scalars, containers, max_leaves=5)


@settings(max_examples=60, deadline=None)
@given(schema=schemas, seed=st.integers(0, 10_000))
def test_whatever_is_drawn_the_answer_is_json_that_fits_the_schema(
    schema, seed, grammars, tokenizer
):
    judge = pytest.importorskip("jsonschema_rs")
    text = answer(grammars.json_schema(schema), tokenizer, seed)
    assert judge.is_valid(schema, json.loads(text))


PATTERNS = [
    r"\d{3}-\d{4}",
    r"(yes|no|maybe)( and (yes|no))?",
    r"[^a-z]{2,5}",
    r"#[0-9a-fA-F]{6}",
    r"ü/\\\"x?",
    r"([01]?\d|2[0-3]):[0-5]\d",
    r"",
]


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("seed", range(3))
def test_the_answer_matches_the_whole_expression(pattern, seed, grammars, tokenizer):
    text = answer(grammars.regex(pattern), tokenizer, seed)
    assert re.fullmatch(pattern, text, flags=re.DOTALL | re.ASCII)


@settings(max_examples=40, deadline=None)
@given(
    choices=st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1), data=st.data()
)
def test_the_answer_is_one_of_the_choices_and_any_of_them(choices, data, grammars, tokenizer):
    grammar = grammars.choices(choices)
    assert answer(grammar.copy(), tokenizer, data.draw(st.integers(0, 99))) in choices
    wanted = data.draw(st.sampled_from(choices))
    for token in tokenizer.encode(wanted):
        assert token in allowed(grammar)
        grammar.accept(token)
    assert 2 in allowed(grammar)


def test_an_object_is_any_json_object(grammars, tokenizer):
    grammar = grammars.json_object()
    text = '{"any": [1, {"thing": null}],\n  "else": "ü"}'
    for token in tokenizer.encode(text):
        assert token in allowed(grammar)
        grammar.accept(token)
    assert grammar.is_finished()
    assert allowed(grammar) == [2]


def test_grammars_in_lark_and_in_gbnf(grammars, tokenizer):
    lark = grammars.grammar('start: "(" start ")" | "x"')
    gbnf = grammars.grammar('root ::= "(" root ")" | "x"')
    for grammar in (lark, gbnf):
        for token in tokenizer.encode("((x)"):
            assert not grammar.is_finished()
            grammar.accept(token)
        assert all(tokenizer.token_bytes(token).startswith(b")") for token in allowed(grammar))


def test_special_tokens_and_rows_without_a_token_are_never_allowed(grammars, tokenizer):
    found = allowed(grammars.regex("(?s:.)*"))
    assert max(found) < tokenizer.vocab_size
    assert set(found) & set(tokenizer.special_tokens.values()) == {2}
    assert len(found) > 100


def test_without_an_end_token_an_answer_ends_where_nothing_can_follow(tokenizer):
    grammar = Grammars(tokenizer).choices(["yes"])
    for token in tokenizer.encode("yes"):
        grammar.accept(token)
    assert grammar.is_finished()
    assert all(token >= tokenizer.vocab_size for token in allowed(grammar))


def test_a_copy_goes_its_own_way(grammars, tokenizer):
    first = grammars.choices(["ab", "ac"])
    a, b, c = (tokenizer.encode(letter)[0] for letter in "abc")
    first.accept(a)
    second = first.copy()
    second.accept(b)
    assert second.is_finished()
    assert not first.is_finished()
    assert {b, c} <= set(allowed(first))


def test_a_token_that_may_not_stand_there_is_an_error(grammars, tokenizer):
    grammar = grammars.choices(["yes"])
    with pytest.raises(ValueError, match="the grammar cannot go on"):
        grammar.accept(tokenizer.encode("no")[0])


def chain(length):
    links = {f"d{i}": {"properties": {"a": {"$ref": f"#/$defs/d{i + 1}"}}} for i in range(length)}
    return {"$ref": "#/$defs/d0", "$defs": links | {f"d{length}": {"type": "integer"}}}


@pytest.mark.parametrize(
    ("kind", "source", "message"),
    [
        ("json_schema", "{", "the schema is no JSON"),
        ("json_schema", "[1]", "the schema is .1.; it must be an object"),
        ("json_schema", {"minimum": float("nan")}, "the schema is no JSON"),
        ("json_schema", {"not": {}}, 'Unimplemented keys: ."not".'),
        ("json_schema", {"type": "integer", "minimum": 5, "maximum": 3}, "Unsatisfiable schema"),
        ("json_schema", {"$ref": "http://example.com/x.json"}, "the schema cannot be used"),
        (
            "json_schema",
            {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}},
            "nothing fits",
        ),
        ("json_schema", {"type": "integer", "multipleOf": 99991}, "multipleOf are .99991."),
        ("json_schema", '{"items":' * 5000 + "{}" + "}" * 5000, "nested too deeply"),
        ("json_schema", {"enum": ["x" * 100] * 1000}, "characters long; at most 100000"),
        ("json_schema", {"const": "\ud800"}, "surrogate|hex escape"),
        ("regex", "(a", "the regular expression cannot be used"),
        ("regex", "(?=a)b", "the regular expression cannot be used"),
        ("regex", r"(a)\1", "the regular expression cannot be used"),
        ("regex", "(" * 2400 + ")" * 2400, "the regular expression cannot be used"),
        ("regex", "a" * 5001, "characters long; at most 5000"),
        ("regex", "\ud800", "lone surrogate"),
        ("choices", [], "there are no choices"),
        ("choices", ["x" * 100_001], "characters long; at most 100000"),
        ("grammar", "nonsense", "the grammar cannot be read"),
        ("grammar", "start: missing", "the grammar cannot be used"),
        ("grammar", "root ::= " + "(" * 2000 + '"a"' + ")" * 2000, "the grammar cannot be read"),
    ],
)
def test_what_is_no_grammar_or_asks_too_much_is_refused(kind, source, message, grammars):
    with pytest.raises(ValueError, match=message):
        getattr(grammars, kind)(source)


def test_a_long_chain_of_references_does_not_exhaust_the_stack(grammars):
    grammar = grammars.json_schema(chain(1200))
    assert all(grammar.copy().mask().any() for _ in range(2))


def test_a_grammar_that_grows_too_large_ends_its_own_answer_only(grammars, tokenizer):
    hostile = grammars.regex("(a|aa|aaa){100000}")
    a = tokenizer.encode("a")[0]

    def on_and_on():
        for _ in range(100):
            hostile.mask()
            hostile.accept(a)

    with pytest.raises(ValueError, match="the grammar cannot go on"):
        on_and_on()
    assert answer(grammars.choices(["ab"]), tokenizer, 0) == "ab"


def test_without_the_library_the_error_says_what_to_install(tokenizer, monkeypatch):
    monkeypatch.setitem(sys.modules, "llguidance", None)
    with pytest.raises(ImportError, match=r"pip install 'groundup\[serve\]'"):
        Grammars(tokenizer)


AMBIGUOUS = 'start: s\ns: s s | "a"'


def test_a_grammar_that_takes_too_long_is_given_up(grammars, tokenizer):
    """Its time is the processor's: here a clock that goes 10 ms ahead each time it is read."""
    made = grammars.grammar(AMBIGUOUS)
    now = iter(float(i) / 100 for i in range(10_000))
    slow = TokenGrammar(made._matcher, WIDTH, lambda: next(now))
    [letter] = tokenizer.encode("a")

    def go_on():
        for _ in range(1000):
            slow.mask()
            slow.accept(letter)

    with pytest.raises(ValueError, match=r"tokens took 1\.\d s; make it less ambiguous"):
        go_on()
    assert 60 < slow._accepted < 70


def test_a_grammar_may_take_its_usual_time_for_ever(grammars, tokenizer):
    now = iter(float(i) / 1000 for i in range(100_000))
    usual = TokenGrammar(grammars.regex("a*")._matcher, WIDTH, lambda: next(now))
    [letter] = tokenizer.encode("a")
    for _ in range(2000):
        usual.mask()
        usual.accept(letter)
    assert usual._seconds > 3
