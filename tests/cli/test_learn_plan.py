from collections import Counter
from datetime import date, datetime, timedelta

import icalendar
import pytest

from groundup.cli import _learn_plan as verb
from groundup.course import catalog, catalogue
from groundup.course.facts import Attempt, Claim, ProjectRun, Setting, Study
from groundup.course.progress import Progress


class FixedDate(date):
    @classmethod
    def today(cls):
        return date(2026, 12, 10)


@pytest.fixture
def progress(tmp_path, monkeypatch):
    monkeypatch.setattr(verb, "date", FixedDate)
    return Progress(tmp_path / "progress.db")


@pytest.fixture
def plan(progress, capsys):
    def run(*arguments):
        code = verb.run([*arguments, "--progress", str(progress.file)])
        return code, capsys.readouterr().out

    return run


def test_it_shows_the_first_weeks_and_the_sums(plan):
    code, shown = plan("--hours", "25", "--from", "2026-12-01")
    assert code == 0
    assert "2026-12-01   Vectors, matrices, eigenvalues (3 h)" in shown
    assert "more weeks; --all shows them" in shown
    assert "weeks of 25 hours, from 2026-12-01 to 20" in shown
    assert "Nothing is measured yet" in shown
    _, everything = plan("--all")
    assert "more weeks" not in everything
    assert len(everything) > 2 * len(shown)
    assert "P10: " in everything


def test_it_is_kept_and_made_anew_from_today_with_the_terms_of_last_time(plan, progress):
    plan("--hours", "7.5", "--from", "2026-12-01", "--goal", "attention", "--weeks", "50")
    _, shown = plan()
    assert "weeks of 7.5 hours, from 2026-12-10 to" in shown  # today: the plan began before
    assert "Scaled dot-product attention" in shown
    plan("--from", "2027-02-01")
    _, shown = plan()
    assert "from 2027-02-01 to" in shown  # it begins later
    kept = progress.facts(Setting)[-1].value
    assert (kept["hours"], kept["goal"], kept["weeks"]) == (7.5, "attention", 50)


def test_what_is_mastered_is_left_out_and_a_slow_pace_stretches_the_rest(plan, progress):
    plan("--hours", "10", "--goal", "attention")
    _, before = plan()
    progress.add(
        Claim(topic="p01_mathematics/vectors_and_eigenvalues", known=True),
        Study(about="P1", minutes=2000),
        ProjectRun(project="P1", passed=True),
    )
    _, after = plan()
    assert "Vectors, matrices, eigenvalues" in before
    assert "Vectors, matrices, eigenvalues" not in after
    [minutes] = [one.minutes for one in catalog.projects() if one.name == "P1"]
    ratio = (600 + 2000) / (600 + minutes)
    assert f"estimates times {ratio:.2f}, your pace" in after
    assert "Measured so far: 33 h 20 min for what was estimated at 8 h (1 finished)." in after
    _, given = plan("--pace", "1")
    assert "Times are estimates.\n" in given


def test_passed_exercises_shorten_what_is_left_of_a_topic(plan, progress):
    several = Counter(one.topic for one in catalogue.entries())
    topic = next(name for name, count in several.items() if count > 1)
    first = next(one for one in catalogue.entries() if one.topic == topic)
    _, before = plan("--hours", "80", "--goal", topic)
    progress.add(Attempt(exercise=first.name, status="passed", version=first.version))
    _, after = plan()
    title = next(step.title for step in catalog.steps() if step.name == topic)
    [line] = [line for line in before.splitlines() if f"{title} (" in line]
    assert line not in after
    assert f"{title} (" in after


def test_a_goal_that_is_mastered_needs_no_plan(plan, progress):
    for step in catalog.steps():
        progress.add(Claim(topic=step.name, known=True))
    code, shown = plan("--hours", "5", "--goal", "attention")
    assert code == 0
    assert "there is nothing to plan" in shown


def test_it_writes_a_calendar_and_markdown_and_replaces_only_plans(plan, tmp_path):
    ics, notes = tmp_path / "plan.ics", tmp_path / "plan.md"
    code, shown = plan("--hours", "25", "--ics", str(ics), "--markdown", str(notes))
    assert code == 0
    assert f"written: {ics}\nwritten: {notes}\n" in shown
    events = icalendar.Calendar.from_ical(ics.read_bytes()).walk("VEVENT")
    assert events[0].start == date(2026, 12, 10)
    assert notes.read_text(encoding="utf-8").count("\n## Week ") == len(events)
    plan("--hours", "40", "--ics", str(ics), "--markdown", str(notes))
    assert len(icalendar.Calendar.from_ical(ics.read_bytes()).walk("VEVENT")) < len(events)
    notes.write_text("# My diary\n")
    with pytest.raises(ValueError, match="is there and is no study plan"):
        plan("--markdown", str(notes))
    assert notes.read_text() == "# My diary\n"


def test_hours_that_do_not_fit_are_refused_with_numbers_and_not_kept(plan, progress):
    code, shown = plan("--hours", "5", "--weeks", "30")
    assert code == 1
    assert "do not fit into 30 weeks of 5 hours" in shown
    assert "--without P10" in shown
    assert progress.facts(Setting) == []
    cuts = [line.split()[1] for line in shown.splitlines() if line.startswith("    --without")]
    code, shown = plan("--hours", "5", "--weeks", "30", *(f"--without={name}" for name in cuts))
    assert code == 0
    weeks = int(shown.split(" weeks of 5 hours")[0].split()[-1])
    assert weeks <= 30


def test_what_the_rest_needs_cannot_be_left_out(plan):
    with pytest.raises(ValueError, match="p04_transformer/attention cannot be left out"):
        plan("--hours", "5", "--goal", "P4", "--without", "attention")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "say how many hours a week you have, as --hours 10"),
        (["--hours", "0"], "0 hours a week; wanted 1 to 80"),
        (["--hours", "nan"], "nan hours a week"),
        (["--hours", "5", "--goal", "atention"], "did you mean 'attention'"),
        (["--hours", "5", "--weeks", "0"], "a horizon of 0 weeks"),
        (["--hours", "5", "--pace", "99"], "a pace of 99; wanted"),
        (["--hours", "5", "--from", "9999-01-01"], "wanted a year from 1970"),
    ],
)
def test_bad_terms_are_said_and_not_kept(plan, progress, arguments, message):
    with pytest.raises(ValueError, match=message):
        plan(*arguments)
    assert progress.facts() == []


def test_a_day_that_is_none_is_said(plan, capsys):
    with pytest.raises(SystemExit):
        plan("--hours", "5", "--from", "tomorrow")
    assert "'tomorrow' is no day; wanted one as 2026-12-01" in capsys.readouterr().err


@pytest.mark.parametrize("value", [None, 3, {}, {"hours": 5}])
def test_a_kept_wish_of_another_groundup_is_no_harm(plan, progress, value):
    progress.add(Setting(name="plan", value=value))
    progress.add(Setting(name="theme", value="dark", at=datetime.now().astimezone() + timedelta(1)))
    code, shown = plan("--hours", "6")
    assert code == 0
    assert "weeks of 6 hours, from 2026-12-10" in shown
