"""The catalogue says what the exercises say, without running them."""

import subprocess
import sys

import pytest

from groundup.course import catalogue, exercise


def test_the_catalogue_says_what_the_exercises_say():
    entries = {entry.name: entry for entry in catalogue.entries()}
    for topic, one in exercise.exercises():
        entry = entries.pop(one.name)
        assert entry == catalogue.Entry(
            name=one.name, topic=topic, of=one.of, title=one.title, minutes=one.minutes,
            hints=one.hints, methods=one.methods, version=one.version,
        )  # fmt: skip
        assert entry.part == one.part
    assert entries == {}


def test_a_declaration_that_cannot_be_read_is_named(tmp_path):
    path = tmp_path / "p01_x" / "topic" / "checks.py"
    path.parent.mkdir(parents=True)
    path.write_text("A = Exercise(name_of_it, of='a:b', title='t', minutes=1, hints=())\n")
    with pytest.raises(ValueError, match=r"checks\.py, line 1: an Exercise is declared with its"):
        catalogue.entries(tmp_path)


def test_reading_it_needs_no_torch():
    code = "import sys; from groundup.course import catalogue as c; c.entries(); "
    code += "sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
