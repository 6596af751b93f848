"""Rules that drop documents: the first that holds, its reason, and what they say of each other."""

import itertools

import pytest
from hypothesis import given
from tests.maths.formula_family import NAMES, few, formulas

from groundup.maths.filter_rules import Rules, reason
from groundup.maths.formulas import Variable
from groundup.maths.logic import evaluate, variables

FACTS = {
    "short": lambda text: len(text) < 20,
    "shouting": str.isupper,
    "code": lambda text: "def " in text,
}


def test_the_first_rule_that_holds_and_why():
    rules = Rules(FACTS, {"tiny": "short & !code", "loud": "shouting | (short & code)"})
    verdict = rules.judge("HELLO")
    assert verdict.rule == "tiny"
    assert verdict.because == {"short": True, "code": False}
    assert rules.judge("THIS IS A LONG SHOUTED SENTENCE").because == {"shouting": True}
    assert rules.judge("def f(): 1").because == {"code": True, "short": True}
    assert rules.judge("a sentence of reasonable length").rule is None


def test_facts_are_asked_once_and_only_when_needed():
    asked = []

    def fact(name, value):
        return lambda document: asked.append(name) or value

    rules = Rules(
        {"a": fact("a", True), "b": fact("b", False), "c": fact("c", True)},
        {"first": "a & b", "second": "a & !b", "third": "c"},
    )
    assert rules.judge("x").rule == "second"
    assert asked == ["a", "b"]


@few
@given(formulas)
def test_a_reason_suffices_and_is_as_short_as_can_be(rule):
    names = variables(rule)
    for values in itertools.product([False, True], repeat=len(names)):
        facts = dict(zip(names, values, strict=True))
        if not evaluate(rule, facts):
            with pytest.raises(ValueError, match="does not hold"):
                reason(rule, facts)
            return
        because = reason(rule, facts)
        assert because.items() <= facts.items()
        assert _always(rule, names, because)
        for left_out in because:
            fewer = {name: value for name, value in because.items() if name != left_out}
            assert not _always(rule, names, fewer)
        return


def _always(rule, names, fixed):
    free = [name for name in names if name not in fixed]
    rows = itertools.product([False, True], repeat=len(free))
    return all(evaluate(rule, fixed | dict(zip(free, row, strict=True))) for row in rows)


@few
@given(formulas, formulas)
def test_idle_rules_never_fire_first(first, second):
    rules = Rules(dict.fromkeys(NAMES, bool), {"first": first, "second": second})
    fired = set()
    for values in itertools.product([False, True], repeat=len(NAMES)):
        facts = dict(zip(NAMES, values, strict=True))
        holds = [name for name, rule in rules.rules.items() if evaluate(rule, facts)]
        fired.update(holds[:1])
    assert set(rules.idle()) == {"first", "second"} - fired


def test_two_filters_compared():
    strict = Rules(FACTS, {"one": "short | shouting"})
    same = Rules(FACTS, {"a": "short", "b": "!short & shouting"})
    loose = Rules(FACTS, {"one": Variable("short")})
    assert strict.misses(same) is None
    assert same.misses(strict) is None
    assert loose.misses(strict) == {"short": False, "shouting": True}
    assert Rules(FACTS, {}).judge("anything").rule is None


def test_a_rule_about_nothing_known_is_refused():
    with pytest.raises(ValueError, match=r"rule 'odd' speaks of \['length'\]"):
        Rules(FACTS, {"odd": "length & short"})
