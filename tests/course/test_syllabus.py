import itertools

import pytest

from groundup.course import syllabus
from groundup.course.syllabus import Bullet, Topic, problems, standings


def bullet(number):
    return Bullet(number=number, text="words", section="a section")


def write_topic(folder, text):
    (folder / "p01_maths" / "matrices").mkdir(parents=True)
    (folder / "p01_maths" / "matrices" / "topic.toml").write_text(text)


def test_a_topic_is_read_from_its_folder(tmp_path):
    write_topic(
        tmp_path,
        'title = "Matrices"\ncovers = ["1.1.1"]\ncode = ["groundup.swap:load"]\n'
        '[partly]\n"1.1.2" = "QR"\n',
    )
    [topic] = syllabus.topics(tmp_path)
    assert topic.name == "p01_maths/matrices"
    assert topic.covers == ("1.1.1",)
    assert topic.partly == {"1.1.2": "QR"}
    assert topic.lesson is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('title = "A"\ncover = []', "has 'cover'; a topic has: checks, code"),
        ("covers = []", "no title"),
    ],
)
def test_a_wrong_topic_file_is_refused(tmp_path, text, message):
    write_topic(tmp_path, text)
    with pytest.raises(ValueError, match=message):
        syllabus.topics(tmp_path)


def test_a_bullet_no_topic_names_has_nothing():
    [standing] = standings([bullet("1.1.1")], [])
    assert standing.topics == ()
    marks = (standing.built, standing.judged, standing.explained, standing.graded, standing.used)
    assert not any(marks)


def test_what_is_partly_there_is_not_built_and_says_what_is_missing():
    topics = [
        Topic(name="a", title="A", partly={"1.1.1": "the proof"}, code=("x",), judge=("t",)),
        Topic(name="b", title="B", covers=("1.1.2",), code=("x",), used=("y",), lesson="l.md"),
        Topic(name="c", title="C", covers=("1.1.3",)),
    ]
    found = standings([bullet("1.1.1"), bullet("1.1.2"), bullet("1.1.3")], topics)
    assert [one.built for one in found] == [False, True, False]  # no code, nothing built
    assert [one.missing for one in found] == ["the proof", "", ""]
    assert [one.judged for one in found] == [True, False, False]
    assert [one.used for one in found] == [False, True, False]
    assert [one.explained for one in found] == [False, True, False]


@pytest.mark.parametrize(
    ("claim", "problem"),
    [
        ({"covers": ("9.9.9",)}, "there is no bullet 9.9.9"),
        ({"covers": ("1.1.1",), "partly": {"1.1.1": "all"}}, "1.1.1 is both"),
        ({"code": ("groundup.nowhere:thing",)}, "groundup.nowhere:thing cannot be imported"),
        ({"code": ("groundup.swap:nothing",)}, "groundup.swap has no nothing"),
        ({"used": ("groundup.nowhere",)}, "its user groundup.nowhere is not a module"),
        (
            {"code": ("groundup.config:read",), "used": ("groundup.cli.main",)},
            "its user groundup.cli.main imports none",
        ),
        ({"lesson": "lesson.md"}, "its file lesson.md is not there"),
        ({"exercise": "exercise.py"}, "its file exercise.py is not there"),
        (
            {"judge": ("tests/test_none.py::test_a",)},
            "its test file tests/test_none.py is not there",
        ),
        ({"checks": ("test_x.py::test_b",)}, "its test file test_x.py has no test_b"),
        ({"prerequisites": ("p/other",)}, "its prerequisite p/other is no topic"),
        ({"prerequisites": ("p/t",)}, "it comes before itself: p/t needs p/t"),
        ({"minutes": 0}, "it takes 0 minutes; wanted a whole number from 1 to 6000"),
        ({"minutes": 6001}, "it takes 6001 minutes"),
        ({"minutes": "90"}, "it takes '90' minutes"),
    ],
)
def test_a_false_claim_is_a_problem(tmp_path, claim, problem):
    (tmp_path / "test_x.py").write_text("def test_a(): pass\n")
    topic = Topic(name="p/t", title="T", **claim)
    found = problems([bullet("1.1.1")], [topic], repository=tmp_path, folder=tmp_path)
    assert len(found) == 1
    assert found[0].startswith(f"p/t: {problem}")


def test_a_circle_of_prerequisites_is_a_problem(tmp_path):
    circle = [
        Topic(name="p/a", title="A", prerequisites=("p/c",)),
        Topic(name="p/b", title="B", prerequisites=("p/a",)),
        Topic(name="p/c", title="C", prerequisites=("p/b",)),
    ]
    [found] = problems([], circle, folder=tmp_path)
    _, _, told = found.partition(": it comes before itself: ")
    steps = told.split(" needs ")
    assert steps[0] == steps[-1]
    assert sorted(steps[1:]) == ["p/a", "p/b", "p/c"]
    needs = {(one.name, one.prerequisites[0]) for one in circle}
    assert set(itertools.pairwise(steps)) == needs


def test_true_claims_are_no_problem(tmp_path):
    (tmp_path / "test_x.py").write_text("def test_a(): pass\n")
    (tmp_path / "p" / "t").mkdir(parents=True)
    (tmp_path / "p" / "t" / "lesson.md").touch()
    topic = Topic(
        name="p/t",
        title="T",
        covers=("1.1.1",),
        code=("groundup.course.syllabus:problems", "groundup.course"),
        judge=("test_x.py::test_a",),
        used=("groundup.cli.syllabus",),
        lesson="lesson.md",
    )
    assert problems([bullet("1.1.1")], [topic], repository=tmp_path, folder=tmp_path) == []
