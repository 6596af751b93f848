import json
import math
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.course import facts
from groundup.course.facts import (
    KINDS,
    Attempt,
    Claim,
    Hint,
    Prediction,
    ProjectRun,
    QuizAnswer,
    Setting,
    Study,
    as_json,
    from_json,
)

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
EXAMPLES = [
    Attempt(exercise="attention", status="failed", results=[{"check": "a"}], code="def f(): ..."),
    Hint(exercise="attention", level=4),
    Study(about="p04_transformer/attention", minutes=12.5),
    QuizAnswer(topic="t", quiz="why", choice=0, right=True),
    Prediction(topic="t", prediction="flat", guess="1", truth="2"),
    ProjectRun(project="P1", passed=True, gates={"loss": 0.5}),
    Claim(topic="t", known=False),
    Setting(name="plan", value={"hours": 25}),
]


def test_there_is_an_example_of_every_kind():
    assert [facts.kind_of(one) for one in EXAMPLES] == list(KINDS)


@pytest.mark.parametrize("fact", EXAMPLES, ids=facts.kind_of)
def test_a_fact_comes_back_from_its_json(fact):
    assert from_json(json.loads(json.dumps(as_json(fact), allow_nan=False))) == fact


text = st.text(st.characters(codec=None))  # also what no encoding can hold
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | text,
    lambda inner: st.lists(inner) | st.dictionaries(text, inner),
    max_leaves=8,
)


@given(text, json_values)
def test_whatever_code_and_results_are_they_come_back(code, results):
    results = json.loads(json.dumps(results, default=str).replace("Infinity", "1"))
    fact = Attempt(exercise="e", status="passed", code=code, results=results)
    assert from_json(json.loads(json.dumps(as_json(fact)))) == fact


def test_numbers_that_json_lacks_become_words():
    gates = as_json(ProjectRun(project="P1", passed=False, gates={"a": (math.nan, -math.inf)}))
    assert gates["gates"] == {"a": ["nan", "-inf"]}
    with pytest.raises(TypeError, match="holds JSON; a set came"):
        as_json(Setting(name="s", value={1, 2}))


def test_two_facts_are_never_the_same_and_time_is_kept_in_utc():
    assert len({Claim(topic="t", known=True).id for _ in range(100)}) == 100
    local = NOON.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert Claim(topic="t", known=True, at=local).at.isoformat() == "2026-12-01T12:00:00+00:00"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Hint(exercise="a", level=0), "hint: its level is 0; wanted 1 to 4"),
        (lambda: Hint(exercise="a", level=True), "its level is True; wanted a whole number"),
        (lambda: Hint(exercise=None, level=1), "its exercise is None; wanted a text"),
        (lambda: Study(about="a", minutes=-1), "its minutes is -1; wanted 0 to"),
        (lambda: Study(about="a", minutes=math.nan), "its minutes is nan; wanted"),
        (lambda: Attempt(exercise="a", status="passed", tier="all"), "wanted 'core' or 'deep'"),
        (lambda: Claim(topic="t", known=1), "its known is 1; wanted true or false"),
        (lambda: Claim(topic="t", known=True, id=""), "its id is empty"),
        (lambda: Claim(topic="t", known=True, at=datetime(2026, 1, 1)), "has no time zone"),
    ],
)
def test_a_wrong_field_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "dream"}, "no kind of fact 'dream'; there are: attempt, .*newer groundup"),
        ({"mood": "good"}, "claim: it has 'mood', which no such fact has .*newer groundup"),
        ({"at": "yesterday"}, "its time is 'yesterday'; wanted it as 2026-"),
        ({"at": 5}, "its time is 5"),
        ({"at": "2026-12-01T10:00:00"}, "has no time zone"),
        ({"id": 7}, "its id is 7; wanted a text"),
        ({"known": "yes"}, "its known is 'yes'; wanted true or false"),
    ],
)
def test_json_that_is_no_fact_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        from_json(as_json(Claim(topic="t", known=True)) | change)


@pytest.mark.parametrize("missing", ["kind", "id", "at", "topic", "known"])
def test_json_without_what_it_needs_is_refused(missing):
    table = as_json(Claim(topic="t", known=True))
    del table[missing]
    with pytest.raises(ValueError, match=f"no kind of fact None|it has no '{missing}'"):
        from_json(table)


def test_what_an_older_groundup_did_not_know_has_its_default():
    table = as_json(Attempt(exercise="a", status="passed"))
    del table["purpose"], table["results"]
    assert from_json(table).purpose == "practice"


@pytest.mark.parametrize("table", [None, [], "attempt", 3])
def test_what_is_no_object_is_refused(table):
    with pytest.raises(ValueError, match="a fact is an object"):
        from_json(table)
