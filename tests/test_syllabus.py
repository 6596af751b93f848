"""The index from the syllabus to the house is true, and the syllabus itself is whole."""

import ast
import itertools
import json
from pathlib import Path

import pytest

from groundup.cli import syllabus as verb
from groundup.course import syllabus

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / ".." / "shared" / "syllabus.md"


def test_there_are_114_bullets_and_ten_projects():
    numbers = [bullet.number for bullet in syllabus.bullets()]
    projects = [number for number in numbers if number.startswith("P")]
    assert projects == [f"P{n}" for n in range(1, 11)]
    assert len(numbers) - len(projects) == 114
    assert len(set(numbers)) == 124
    keys = [tuple(map(int, n.split("."))) for n in numbers if not n.startswith("P")]
    assert keys == sorted(keys)
    for before, after in itertools.pairwise(keys):  # no number is left out
        phase, section, place = before
        followers = [(phase, section, place + 1), (phase, section + 1, 1), (phase + 1, 1, 1)]
        assert after in followers


def test_the_words_are_those_of_the_syllabus():
    if not SOURCE.is_file():
        pytest.skip("the syllabus this index was made from is not beside the checkout")
    lines = SOURCE.read_text(encoding="utf-8").splitlines()
    words = [line[2:] for line in lines if line.startswith("- ")]
    ours = [b.text for b in syllabus.bullets() if not b.number.startswith("P")]
    assert ours == words[:114]
    numbered = [line.partition(". ")[2] for line in lines if line[:1].isdigit()]
    assert [b.text for b in syllabus.bullets() if b.number.startswith("P")] == numbered


def test_what_the_index_claims_is_so():
    assert syllabus.problems(syllabus.bullets(), syllabus.topics(), repository=ROOT) == []


def test_what_judges_a_topic_is_marked_as_a_comparison_with_a_reference():
    for topic in syllabus.topics():
        for test in topic.judge:
            file, _, name = test.partition("::")
            tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
            for_all = [ast.unparse(node) for node in tree.body if isinstance(node, ast.Assign)]
            marks = [mark for mark in for_all if mark.startswith("pytestmark")]
            for node in ast.walk(tree):
                if isinstance(node, ast.FunctionDef) and node.name == name:
                    marks += [ast.unparse(mark) for mark in node.decorator_list]
            assert any("mark.reference" in mark for mark in marks), test


def test_a_topic_says_what_it_covers_and_by_what():
    for topic in syllabus.topics():
        assert topic.covers or topic.partly, topic.name
        assert topic.code, topic.name


def test_no_lesson_and_no_exercise_is_claimed_before_there_is_one():
    for topic in syllabus.topics():
        folder = ROOT / "src/groundup/course/topics" / topic.name
        others = {path.name for path in folder.iterdir()} - {"topic.toml"}
        assert {topic.lesson, topic.exercise} - {None} <= others


def test_the_table_shows_every_bullet_and_the_json_says_the_same(capsys):
    assert verb.run([]) == 0
    shown = capsys.readouterr().out
    assert verb.run(["--json"]) == 0
    table = json.loads(capsys.readouterr().out)
    assert len(table) == 124
    for row in table:
        assert f"\n  {row['bullet']['number']:<7} " in shown
    built = sum(row["built"] for row in table if not row["bullet"]["number"].startswith("P"))
    assert f"114 bullets: {built} built" in shown


def test_missing_leaves_out_what_is_built(capsys):
    assert verb.run(["--missing", "--json"]) == 0
    assert not any(row["built"] for row in json.loads(capsys.readouterr().out))


def test_check_finds_nothing_here(capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert verb.run(["--check"]) == 0
    assert capsys.readouterr().out == "0 problems in the index\n"


def test_check_fails_when_a_topic_claims_too_much(capsys, monkeypatch):
    false = syllabus.Topic(name="p/t", title="T", covers=("1.1.1",), code=("groundup.nowhere",))
    monkeypatch.setattr(syllabus, "topics", lambda: [false])
    assert verb.run(["--check"]) == 1
    assert "p/t: groundup.nowhere cannot be imported" in capsys.readouterr().out
