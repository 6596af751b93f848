"""Claim: a check takes a fraction of a fresh `import torch`: half of them end in under 0.3 seconds.

    python benchmarks/grader.py           # some minutes
    python benchmarks/grader.py --quick

Alternating in one run: the grader's check of a right answer to `attention` (its server runs), and
the peer, which is what a grader without one pays at least: a fresh process that imports torch. Then
20 learners at once, each with a thread that checks again and again. Seconds are medians, with the
95th percentile of the crowd. Written to benchmarks/results/.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from groundup.course import exercise, stub
from groundup.course.grader import Grader
from groundup.pipeline.artifact import machine, versions

RESULT = Path(__file__).parent / "results" / "grader.json"
LIMIT = 0.3
LEARNERS = 20


def check(grader, path):
    began = time.perf_counter()
    result = grader.grade("attention", path)
    assert result.is_passed, result
    return time.perf_counter() - began


def fresh_import():
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import torch"], check=True, capture_output=True)
    return time.perf_counter() - began


def crowd(grader, path, rounds):
    """The seconds of every check of 20 learners who check at once, and those of all together."""
    found = []

    def learn():
        own = [check(grader, path) for _ in range(rounds)]
        found.extend(own)

    learners = [threading.Thread(target=learn) for _ in range(LEARNERS)]
    began = time.perf_counter()
    for one in learners:
        one.start()
    for one in learners:
        one.join()
    assert len(found) == LEARNERS * rounds, "a learner's check failed"
    return found, time.perf_counter() - began


def measure(rounds):
    [attention] = exercise.of_topic("p04_transformer/attention")
    with tempfile.TemporaryDirectory() as folder, Grader() as grader:
        path = Path(folder) / "attention.py"
        path.write_text(stub.solution(attention))
        for _ in range(2):
            check(grader, path)  # the server's start and the topic's import, not counted
        fresh_import()
        pairs = [(check(grader, path), fresh_import()) for _ in range(rounds)]
        together, seconds = crowd(grader, path, max(1, rounds // 5))
    ours, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
    return {
        "check_seconds": round(ours, 4),
        "import_torch_seconds": round(theirs, 4),
        "ratio": round(statistics.median(a / b for a, b in pairs), 4),
        "learners": LEARNERS,
        "crowd_median_seconds": round(statistics.median(together), 3),
        "crowd_p95_seconds": round(statistics.quantiles(together, n=20)[-1], 3),
        "crowd_checks_per_second": round(len(together) / seconds, 2),
        "holds": ours < LIMIT,
    }


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true")
    chosen = arguments.parse_args()
    rounds = 3 if chosen.quick else 25
    verdict = measure(rounds)
    print(verdict)
    if not chosen.quick:
        record = {"machine": machine(), "versions": versions(), "rounds": rounds, **verdict}
        RESULT.parent.mkdir(exist_ok=True)
        RESULT.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
