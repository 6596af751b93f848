import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.course import catalog, syllabus
from groundup.course.catalog import Step


def step(name, *prerequisites, minutes=60, kind="topic"):
    return Step(name=name, title=name, kind=kind, minutes=minutes, prerequisites=prerequisites)


def names(some):
    return [one.name for one in some]


# b needs a; d needs b and c; P1 needs b
SOME = [
    step("p01_maths/a"),
    step("p01_maths/b", "p01_maths/a"),
    step("p02_more/c"),
    step("p02_more/d", "p01_maths/b", "p02_more/c"),
    step("P1", "p01_maths/b", kind="project"),
]


@st.composite
def graphs(draw):
    """Steps whose prerequisites lead backward in a hidden order, shuffled."""
    count = draw(st.integers(0, 9))
    made = [
        step(str(n), *draw(st.sets(st.sampled_from([str(m) for m in range(n)]))) if n else ())
        for n in range(count)
    ]
    return draw(st.permutations(made))


# The real course


def test_the_real_course_has_an_order_and_every_prerequisite_is_a_topic():
    order = catalog.steps()
    place = {one.name: number for number, one in enumerate(order)}
    assert len(place) == len(order) == len(syllabus.topics()) + 10
    for one in order:
        assert all(place[name] < place[one.name] for name in one.prerequisites), one.name


def test_every_topic_says_its_own_minutes():
    for path in (catalog._HERE / "topics").glob("*/*/topic.toml"):
        assert "minutes" in tomllib.loads(path.read_text(encoding="utf-8")), path


def test_projects_are_those_of_the_syllabus_in_its_order():
    assert names(catalog.projects()) == [f"P{n}" for n in range(1, 11)]
    assert all(one.kind == "project" and one.prerequisites for one in catalog.projects())


def test_the_first_thing_to_do_needs_nothing():
    first = catalog.next_step(catalog.steps(), ())
    assert first.prerequisites == ()


def test_topics_stand_as_in_the_syllabus_where_nothing_else_is_needed():
    order = names(catalog.steps())
    assert order[0] == "p01_mathematics/vectors_and_eigenvalues"  # bullet 1.1.1
    of_first = [name for name in order if name.startswith("p01_")]
    assert order.index("p01_mathematics/logic") == len(of_first) - 1  # bullet 1.4.3


def test_a_topics_place_is_its_phases_first_bullet_and_a_projects_index_comes_last():
    def topic(name, covers=(), **partly):
        return syllabus.Topic(name=name, title="", covers=covers, **partly)

    shuffled = [
        topic("p10_a/z", ("P5",)),
        topic("p10_a/b", ("10.2.1", "1.1.1")),
        topic("p10_a/c", ("10.10.1",)),
        topic("p02_b/a", ("2.2.2", "2.2.1"), partly={"2.1.9": "all"}),
        topic("p02_b/b", ("2.2.1",)),
    ]
    found = sorted(shuffled, key=catalog.place_in_syllabus)
    assert names(found) == ["p02_b/a", "p02_b/b", "p10_a/b", "p10_a/c", "p10_a/z"]


# Order


def test_the_order_keeps_to_the_folders_where_prerequisites_allow():
    late = [step("1", "3"), step("2"), step("3"), step("4", "1")]
    assert names(catalog.in_order(late)) == ["2", "3", "1", "4"]


@given(graphs())
def test_an_order_holds_all_once_and_each_after_what_it_needs(some):
    order = names(catalog.in_order(some))
    assert sorted(order) == sorted(names(some))
    for one in some:
        assert all(order.index(name) < order.index(one.name) for name in one.prerequisites)


def test_a_circle_and_an_unknown_prerequisite_are_refused():
    circle = [step("a", "b"), step("b", "a"), step("c")]
    with pytest.raises(ValueError, match=r"circle; these wait for it: a, b$"):
        catalog.in_order(circle)
    with pytest.raises(ValueError, match="a needs z, which is not there"):
        catalog.in_order([step("a", "z")])


def test_a_prerequisite_named_twice_counts_once():
    assert names(catalog.in_order([step("a", "b", "b"), step("b")])) == ["b", "a"]


# Open, next, path


def test_what_is_open_has_all_it_needs():
    assert names(catalog.open_steps(SOME, set())) == ["p01_maths/a", "p02_more/c"]
    after_a = {"p01_maths/a"}
    assert names(catalog.open_steps(SOME, after_a)) == ["p01_maths/b", "p02_more/c"]
    assert catalog.open_steps(SOME, set(names(SOME))) == []


def test_next_is_what_was_begun_or_else_the_first():
    assert catalog.next_step(SOME, set()).name == "p01_maths/a"
    assert catalog.next_step(SOME, set(), begun={"p02_more/c"}).name == "p02_more/c"
    blocked = catalog.next_step(SOME, set(), begun={"p02_more/d"})
    assert blocked.name == "p01_maths/a"
    assert catalog.next_step(SOME, set(names(SOME))) is None


def test_the_path_is_the_least_that_leads_there():
    path = catalog.path_to(["P1"], SOME, ())
    assert names(path) == ["p01_maths/a", "p01_maths/b", "P1"]
    assert names(catalog.path_to(["p02_more/d"], SOME, {"p01_maths/b"})) == [
        "p02_more/c",
        "p02_more/d",
    ]
    assert catalog.path_to(["P1"], SOME, {"P1"}) == []
    with pytest.raises(ValueError, match="no topic or project 'P99'"):
        catalog.path_to(["P99"], SOME, ())


def test_counts_of_those_who_need_it():
    assert catalog.needed_by(SOME) == {
        "p01_maths/a": 3,
        "p01_maths/b": 2,
        "p02_more/c": 1,
        "p02_more/d": 0,
        "P1": 0,
    }


# Goals


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("whole", names(SOME)),
        ("", names(SOME)),
        ("phase 1", ["p01_maths/a", "p01_maths/b", "P1"]),
        ("Phase 02", ["p02_more/c", "p02_more/d"]),
        ("2", ["p02_more/c", "p02_more/d"]),
        ("p01_maths", ["p01_maths/a", "p01_maths/b", "P1"]),
        ("p1", ["P1"]),
        ("p02_more/c", ["p02_more/c"]),
        (" d ", ["p02_more/d"]),
    ],
)
def test_a_goal_may_be_said_in_many_ways(text, expected):
    assert catalog.goals(text, SOME) == expected


@pytest.mark.parametrize("text", ["phase 11", "phase", "P77", "../a", "0", "²"])
def test_what_is_no_goal_is_refused_with_what_there_is(text):
    with pytest.raises(ValueError, match=r"no goal .* wanted 'whole', a phase"):
        catalog.goals(text, SOME)


def test_a_misspelt_goal_is_guessed_and_an_ambiguous_one_refused():
    with pytest.raises(ValueError, match="did you mean 'attention'"):
        catalog.goals("atention", catalog.steps())
    two = [step("p01_maths/memory"), step("p02_more/memory")]
    with pytest.raises(ValueError, match="p01_maths/memory or p02_more/memory"):
        catalog.goals("memory", two)


def test_phase_ten_is_not_phase_one():
    ten = step("p10_production/cost")
    assert ten.phase == "10"
    assert catalog.goals("phase 10", [*SOME, ten]) == ["p10_production/cost"]
    assert catalog.goals("phase 1", [*SOME, ten]) == ["p01_maths/a", "p01_maths/b", "P1"]
