"""The machinery of projects: what a gate is, whose parts run, what a run leaves."""

import json
import math
import re
from dataclasses import replace

import pytest

from groundup import swap
from groundup.autograd.scalar import Value, backpropagate
from groundup.course import (
    catalogue,
    project,
    project_build,
    project_parts,
    project_report,
    project_run,
)
from groundup.course.catalogue import Entry
from groundup.course.project import OWN, Found, Gate, Part, Project, Work, judge, worst
from groundup.course.syllabus import bullets
from groundup.observe.progress import silent

PARTS = (
    Part(of="autograd.scalar:backpropagate"),
    Part(of="autograd.scalar:Value", methods=("__mul__", "tanh")),
)
ORDER = """
from groundup.autograd.scalar import Value, topological_order

def backpropagate(result: Value) -> None:
    {}
"""
VALUE = """
class Value:
    def __mul__(self, other):
        return Value(self.data * other.data + {}, (self, other), (other.data, self.data))

    def tanh(self):
        return self.mine()

    def mine(self):
        return Value(0.25, (self,), (0.5,))
"""


def gate(**given):
    settings = {"name": "small", "number": "one.size", "at_most": 1.0, "look": "Look there."}
    return Gate(**settings | given)


@pytest.mark.parametrize(
    ("value", "passes"), [(1.0, True), (1.1, False), (-5.0, True), (math.nan, False), (None, False)]
)
def test_a_gate_holds_within_its_bound_and_for_nothing_that_is_no_number(value, passes):
    assert gate().holds(value) is passes


def test_a_number_below_every_bound_is_still_no_number():
    assert not gate().holds(-math.inf)
    assert not gate(at_most=None, at_least=0.0).holds(math.inf)
    assert gate(at_most=None, at_least=0.0).holds(0.0)


@pytest.mark.parametrize(
    "given", [{"at_least": 0.0}, {"at_most": None}, {"number": "size"}], ids=str
)
def test_a_gate_without_one_bound_and_a_step_is_refused(given):
    with pytest.raises(ValueError, match="one of at_most and at_least"):
        gate(**given)


def test_the_worst_of_numbers_that_are_none_is_no_number():
    assert worst([0.5, -2.0, 1.5]) == 1.5
    assert worst([]) == 0.0
    assert worst([1.0, math.nan]) == worst([math.nan, 1.0]) == worst([-math.inf]) == math.inf


def test_what_was_not_measured_fails_and_says_why():
    gates = [gate(), gate(name="other", number="two.size"), gate(name="nan", number="one.nan")]
    found = list(judge(gates, {"one.nan": math.nan}, {"two": "it fell"}))
    assert [one.passed for one in found] == [False, False, False]
    assert found[0].problem == "the run has left no one.size"
    assert found[1].problem == "it fell"
    assert found[2].problem == "it is nan"


@pytest.fixture(scope="module")
def replaceable():
    return swap.parts()


@pytest.mark.parametrize("one", project.projects(), ids=lambda one: one.name)
def test_each_project_is_declared_as_it_should_be(one, replaceable):
    assert one.problems() == []
    text = one.brief.read_text(encoding="utf-8")
    assert text.startswith("# ")
    for part in one.parts:
        assert part.of in text or f"`{part.name}`" in text, part.of
        assert part.methods or part.of in replaceable
    assert one.number in {bullet.number for bullet in bullets()}


def test_projects_come_in_the_syllabus_order_and_are_found_by_name_or_number():
    assert [one.number for one in project.projects()] == ["P1", "P2", "P4"]
    assert project.find("p4") is project.find("transformer")
    with pytest.raises(ValueError, match="did you mean 'transformer'"):
        project.find("transfomer")


def test_the_declaration_itself_is_looked_at():
    wrong = Project("x", number="P1", title="X", parts=(), gates=(gate(name=OWN), gate(name="b")))
    wrong.step("two")(lambda work: Found(numbers={}))
    wrong.step("two")(lambda work: Found(numbers={}))
    words = "\n".join(wrong.problems())
    assert "two of its steps are called 'two'" in words
    assert f"two of its gates are called '{OWN}'" in words
    assert "does not say what it does" in words
    assert "asks for one.size, and there is no step 'one'" in words


# Whose parts run


@pytest.fixture(autouse=True)
def exercises(monkeypatch):
    """A course of two exercises, whatever the real one has."""
    given = {"topic": "t", "title": "T", "minutes": 1, "hints": ("", "", "")}
    there = [
        Entry(name=one.name.lower(), of=f"groundup.{one.of}", methods=one.methods, **given)
        for one in PARTS
    ]
    monkeypatch.setattr(catalogue, "entries", lambda: there)


def write(folder, name, text):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_without_a_workspace_the_librarys_own_run(tmp_path):
    parts = project_parts.find(PARTS, None)
    assert [one.file for one in parts.standings] == [None, None]
    with parts.standing_in():
        a = Value(2.0)
        (a * a).backward()
    assert a.grad == 4.0
    assert all(one.is_owed for one in parts.standings)  # the course has exercises for both


def test_the_learners_function_and_methods_run_inside_and_only_there(tmp_path):
    write(tmp_path, "p1/backpropagate.py", ORDER.format("result.parents[0].grad = 7.0"))
    write(tmp_path, "p1/value.py", VALUE.format("1.0"))
    parts = project_parts.find(PARTS, tmp_path)
    with parts.standing_in():
        a = Value(3.0)
        result = a * Value(2.0)
        assert type(result) is Value  # the library's class, with the learner's method
        assert result.data == 7.0
        assert a.tanh().data == 0.25
        result.backward()
        assert a.grad == 7.0
    assert (Value(3.0) * Value(2.0)).data == 6.0
    assert not hasattr(Value, "mine")
    assert not swap.is_replaced(backpropagate)
    assert [one.calls for one in parts.standings] == [1, 3]  # mul, tanh and what tanh calls
    assert not any(one.is_owed for one in parts.standings)
    assert all(len(one.sha256) == 64 for one in parts.standings)


def test_the_library_is_itself_again_after_an_error(tmp_path):
    write(tmp_path, "value.py", VALUE.format("1.0"))
    parts = project_parts.find(PARTS[1:], tmp_path)
    with pytest.raises(KeyError), parts.standing_in():
        raise KeyError
    assert (Value(3.0) * Value(2.0)).data == 6.0


def test_a_stub_is_not_written_yet(tmp_path):
    write(tmp_path, "backpropagate.py", ORDER.format('raise NotImplementedError("write me")'))
    [standing] = project_parts.find(PARTS[:1], tmp_path).standings
    assert standing.why == "backpropagate.py is not written yet"
    assert standing.is_owed


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("backpropagate.py", "import nowhere", "cannot be imported: ModuleNotFoundError"),
        ("backpropagate.py", "def backpropagate(", "cannot be imported: SyntaxError"),
        ("backpropagate.py", "x = 1", "has no function 'backpropagate'"),
        ("backpropagate.py", "def backpropagate(x): pass", "cannot stand in for"),
        ("value.py", "import nowhere", "cannot be imported: ModuleNotFoundError"),
        ("value.py", "x = 1", "has no class Value with the method __mul__"),
        ("value.py", VALUE.format(0).replace("(self, other)", "(self)", 1), "cannot stand in for"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_words(tmp_path, name, text, words):
    write(tmp_path, name, text)
    with pytest.raises(ValueError, match=re.escape(words)):
        project_parts.find(PARTS, tmp_path)


def test_two_files_of_one_name_and_a_folder_that_is_none_are_refused(tmp_path):
    write(tmp_path, "a/value.py", VALUE)
    write(tmp_path, ".git/value.py", VALUE)
    write(tmp_path, "b/value.py", VALUE)
    with pytest.raises(ValueError, match="have one name; keep one"):
        project_parts.find(PARTS, tmp_path)
    with pytest.raises(ValueError, match="is no folder"):
        project_parts.find(PARTS, tmp_path / "none")


def test_the_digest_follows_every_file(tmp_path):
    before = project_parts.find(PARTS, None).digest
    write(tmp_path, "value.py", VALUE.format("1.0"))
    one = project_parts.find(PARTS, tmp_path).digest
    write(tmp_path, "value.py", VALUE.format("2.0"))
    assert len({before, one, project_parts.find(PARTS, tmp_path).digest}) == 3


# A build as a step


class Site:
    """Stands for the pipeline's build, and remembers what it was asked for."""

    def __init__(self, monkeypatch):
        self.calls = []
        monkeypatch.setattr(project_build, "build", self.build)

    def build(self, config, runs, *, uses, progress):
        replaced = (Value(3.0) * Value(2.0)).data
        self.calls.append((config["name"], len(uses), replaced, (runs / "own" / "kept").exists()))
        return runs / config["name"]


def test_a_build_of_ones_own_runs_ones_own_and_begins_anew_when_a_file_changes(
    tmp_path, monkeypatch
):
    site = Site(monkeypatch)
    monkeypatch.setattr(project_build, "replace", lambda config, name: {**config, "name": name})

    def work():
        parts = project_parts.find(PARTS, tmp_path / "mine")
        return Work(
            folder=tmp_path, own=parts.standing_in, uses=parts.uses, digest=parts.digest,
            progress=silent, say=print,
        )  # fmt: skip

    write(tmp_path / "mine", "value.py", VALUE.format("1.0"))
    write(tmp_path / "mine", "backpropagate.py", ORDER.format("pass"))
    folder = project_build.built(work(), {}, own=True)
    (folder / "kept").touch()
    project_build.built(work(), {}, own=True)
    project_build.built(work(), {}, own=False)
    write(tmp_path / "mine", "value.py", VALUE.format("2.0"))
    project_build.built(work(), {}, own=True)
    assert site.calls == [
        ("own", 1, 7.0, False), ("own", 1, 7.0, True), ("reference", 0, 6.0, True),
        ("own", 1, 8.0, False),
    ]  # fmt: skip


# What a run leaves


@pytest.fixture
def small(monkeypatch, tmp_path):
    """A project of two steps; the second one calls the learner's backpropagate."""
    made = Project(
        "small", number="P1", title="A <small> one", parts=PARTS[:1],
        gates=(gate(), gate(name="slope", number="two.grad", at_most=None, at_least=4.0)),
    )  # fmt: skip

    @made.step("one")
    def _(work):
        """Says a size."""
        return Found(
            numbers={"size": 0.5, "odd": math.nan},
            table=[("a", "b"), ("<x>", "1")],
            curves={"line": [(0, 1.0), (1, math.inf), (2, 0.5)]},
            unit="nats",
        )

    @made.step("two")
    def _(work):
        """Goes back."""
        with work.own():
            a = Value(2.0)
            (a * a).backward()
        return Found(numbers={"grad": a.grad}, text="done <b>")

    monkeypatch.setattr(project, "PROJECTS", tmp_path / "projects")
    write(made.brief.parent, "brief.md", "# Do it\n")
    return made


def read(outcome):
    return json.loads((outcome.folder / "gates.json").read_text())


def test_a_run_writes_every_number_bound_and_verdict_and_whose_code_ran(small, tmp_path):
    body = "for value in reversed(topological_order(result)): value.grad = 5.0"
    file = write(tmp_path / "mine", "backpropagate.py", ORDER.format(body))
    outcome = project_run.run(small, tmp_path / "runs", workspace=tmp_path / "mine")
    assert outcome.passed
    kept = read(outcome)
    assert [(one["gate"], one["value"], one["passed"]) for one in kept["gates"]] == [
        ("small", 0.5, True), ("slope", 5.0, True), (OWN, 0.0, True),
    ]  # fmt: skip
    assert kept["gates"][0]["at_most"] == 1.0
    [part] = kept["parts"]
    assert (part["whose"], part["calls"], part["file"]) == ("yours", 1, str(file))
    assert [step["step"] for step in kept["steps"]] == ["one", "two"]
    assert json.loads((outcome.folder / "one.json").read_text())["numbers"]["odd"] == "nan"


def test_a_part_that_is_the_librarys_fails_the_last_gate_alone(small, tmp_path):
    outcome = project_run.run(small, tmp_path / "runs")
    assert [one.gate.name for one in outcome.verdicts if not one.passed] == [OWN]
    assert read(outcome)["passed"] is False


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("result.no_such", "AttributeError: 'Value' object has no attribute 'no_such' (backprop"),
        ("raise SystemExit(0)", "SystemExit: 0 (backpropagate.py, line 5: raise SystemExit(0))"),
        ("backpropagate(result)", "RecursionError"),
    ],
)
def test_code_that_fails_fails_its_gates_with_its_own_line(small, tmp_path, body, words):
    write(tmp_path / "mine", "backpropagate.py", ORDER.format(body))
    outcome = project_run.run(small, tmp_path / "runs", workspace=tmp_path / "mine")
    failed = [one for one in outcome.verdicts if not one.passed]
    assert [one.gate.name for one in failed] == ["slope"]
    assert words in failed[0].problem
    assert words.split(":")[0] in project_report.write(outcome.folder).read_text()


def test_a_run_that_was_stopped_leaves_no_verdict_of_an_earlier_one(small, tmp_path):
    outcome = project_run.run(small, tmp_path / "runs")
    project_report.write(outcome.folder)

    def stopped(work):
        raise KeyboardInterrupt

    small.steps[1] = replace(small.steps[1], body=stopped)
    with pytest.raises(KeyboardInterrupt):
        project_run.run(small, tmp_path / "runs")
    with pytest.raises(ValueError, match="holds no finished run"):
        project_report.write(outcome.folder)


def test_a_number_that_an_earlier_run_left_is_not_taken(small, tmp_path):
    project_run.run(small, tmp_path / "runs")
    small.steps[0] = replace(small.steps[0], body=lambda work: 1 / 0)
    outcome = project_run.run(small, tmp_path / "runs")
    assert not outcome.verdicts[0].passed
    assert outcome.verdicts[0].problem == "ZeroDivisionError: division by zero"
    assert not (outcome.folder / "one.json").exists()


def test_the_report_shows_what_the_run_left_and_escapes_it(small, tmp_path):
    outcome = project_run.run(small, tmp_path / "runs")
    page = project_report.write(outcome.folder).read_text(encoding="utf-8")
    assert "A &lt;small&gt; one" in page
    assert "&lt;x&gt;" in page
    assert "done &lt;b&gt;" in page
    assert page.count("passed</strong>") == 2
    assert page.count("failed</strong>") == 1
    assert "no workspace was given" in page
    assert "<svg" in page
    assert not re.search(r"(src|href)=\"(?!#)", page)


def test_a_damaged_run_is_said_to_be_damaged(small, tmp_path):
    outcome = project_run.run(small, tmp_path / "runs")
    (outcome.folder / "gates.json").write_text("{")
    with pytest.raises(ValueError, match="is damaged"):
        project_report.write(outcome.folder)
