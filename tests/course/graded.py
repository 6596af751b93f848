"""Answers to the exercise `attention` that tests of the grader share, and limits to run them in."""

from dataclasses import replace

from groundup.course import exercise
from groundup.course.confinement import Limits

QUICK = Limits(seconds=1.0, patience=120.0, total=300.0, processes=40, memory=1 << 30)
IMPATIENT = replace(QUICK, patience=3.0)
HEAD = "def attend(q_BHTD, k_BHSD, v_BHSD, mask_TS=None, causal=False, softcap=None):\n"
WRONG = HEAD + "    return q_BHTD * 0\n"
[ATTENTION] = exercise.of_topic("p04_transformer/attention")
NAMES = [check.says for check in ATTENTION.checks]
CORE = [check.says for check in ATTENTION.checks if check.tier == "core"]


def inside(*lines):
    """The wrong answer, which first does something."""
    return HEAD + "".join(f"    {line}\n" for line in lines) + "    return q_BHTD * 0\n"


def statuses(result):
    """One of each check."""
    return [one.status for one in result.checks]


def checker(grader, folder):
    """Writes a text into a file and checks it."""

    def check(text, tier="core", name="attention", using=grader, **more):
        path = folder / f"{name}.py"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return using.grade(name, path, tier=tier, **more)

    return check
