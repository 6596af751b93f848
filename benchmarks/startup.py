"""Claim: `groundup --help` answers in under 0.3 seconds, because verbs are imported when called.

    python benchmarks/startup.py           # half a minute
    python benchmarks/startup.py --quick

Alternating in one run, each in a fresh process: groundup's help, Python doing nothing (what no
Python program can be faster than), and the peer's help (`litgpt`, if `make bench` has installed
it). Medians in seconds and the ratio ours / peer. Written to benchmarks/results/.
"""

import argparse
import importlib.util
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

from groundup.pipeline.artifact import machine, versions

RESULT = Path(__file__).parent / "results" / "startup.json"
LIMIT = 0.3
COMMANDS = {
    "groundup": ["-m", "groundup", "--help"],
    "python": ["-c", "pass"],
    "litgpt": ["-m", "litgpt", "--help"],
}


def seconds(arguments):
    """Wall time of one fresh process. Raises CalledProcessError when it fails."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-W", "ignore", *arguments], check=True, capture_output=True)
    return time.perf_counter() - began


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true")
    chosen = arguments.parse_args()
    names = [n for n in COMMANDS if n != "litgpt" or importlib.util.find_spec("litgpt")]
    rounds = 2 if chosen.quick else 9
    for name in names:
        seconds(COMMANDS[name])  # once from a cold disk, not counted
    times = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            times[name].append(seconds(COMMANDS[name]))
    medians = {name: round(statistics.median(values), 3) for name, values in times.items()}
    ratios = {
        name: round(
            statistics.median(a / b for a, b in zip(times["groundup"], values, strict=True)), 3
        )
        for name, values in times.items()
        if name != "groundup"
    }
    verdict = {"seconds": medians, "ratios": ratios, "holds": medians["groundup"] < LIMIT}
    print(verdict)
    if not chosen.quick:
        record = {"machine": machine(), "versions": versions(), "rounds": rounds, **verdict}
        RESULT.parent.mkdir(exist_ok=True)
        RESULT.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
