"""Show how far the syllabus is: what is built, judged, explained, graded, used.

groundup syllabus
groundup syllabus --json
groundup syllabus --check
"""

import argparse
import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

from groundup.course import syllabus
from groundup.course.syllabus import Standing

CHAPTER = "look"
COLUMNS = ("built", "judged", "explained", "graded", "used")
"""What the house wants of each bullet, in the order of the table."""


def run(arguments: list[str]) -> int:
    """Print the table; with --check, what the index claims and is not so (exit code 1)."""
    parser = argparse.ArgumentParser(
        prog="groundup syllabus", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print the table as JSON")
    parser.add_argument("--missing", action="store_true", help="only what is not wholly built")
    parser.add_argument("--check", action="store_true", help="hold the index against the code")
    options = parser.parse_args(arguments)
    found = syllabus.standings(syllabus.bullets(), syllabus.topics())
    if options.check:
        return _check(found)
    shown = [one for one in found if not (options.missing and one.built)]
    print(_as_json(shown) if options.json else table(shown, found))
    return 0


def _check(found: Sequence[Standing]) -> int:
    repository = Path.cwd() if (Path.cwd() / "tests" / "test_syllabus.py").is_file() else None
    problems = syllabus.problems(
        [one.bullet for one in found], syllabus.topics(), repository=repository
    )
    for problem in problems:
        print(problem)
    tests = "" if repository else " (tests not looked at: this is no checkout of groundup)"
    print(f"{len(problems)} problems in the index{tests}")
    return 1 if problems else 0


def _as_json(shown: Sequence[Standing]) -> str:
    return json.dumps([dataclasses.asdict(one) for one in shown], indent=2, ensure_ascii=False)


def table(shown: Sequence[Standing], everything: Sequence[Standing]) -> str:
    """Bullets under their phases with a mark a column: x yes, ~ partly, . no; then the sums."""
    phases = syllabus.phases()
    lines = [" " * 62 + "  ".join(COLUMNS)]
    heading_before = ""
    for one in shown:
        phase = one.bullet.number.partition(".")[0]
        heading = f"Phase {phase}: {phases[phase]}" if phase in phases else "Projects"
        if heading != heading_before:
            lines += ["", heading]
        heading_before = heading
        lines.append(f"  {one.bullet.number:<7} {one.bullet.text[:52]:<52}" + _marks(one))
    of_bullets = [one for one in everything if not one.bullet.number.startswith("P")]
    projects = [one for one in everything if one.bullet.number.startswith("P")]
    lines += ["", _sums("bullets", of_bullets), _sums("projects", projects)]
    lines.append("x yes   ~ partly (--json says what is missing)   . no")
    lines.append(
        "Judged means held against a reference library; it and used speak of what is built."
    )
    return "\n".join(lines)


def _marks(one: Standing) -> str:
    marks = {column: "x" if getattr(one, column) else "." for column in COLUMNS}
    if one.topics and not one.built:
        marks["built"] = "~"
    return "".join(f"{marks[column]:^{len(column) + 2}}" for column in COLUMNS)


def _sums(what: str, found: Sequence[Standing]) -> str:
    counts = [f"{sum(getattr(one, column) for one in found)} {column}" for column in COLUMNS]
    partly = sum(bool(one.topics) and not one.built for one in found)
    return f"{len(found)} {what}: {', '.join(counts)}; {partly} partly built"
