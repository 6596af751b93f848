"""Claim: `groundup build stdlib` fits in 12 minutes on two cores; its model needs fewer bits per
byte than xz, zstd, gzip and a 5-gram model; the functions it writes parse more often than the
5-gram's, with 95 % intervals that do not overlap.

    python benchmarks/default_build.py                    # builds with the defaults, then reads
    python benchmarks/default_build.py --run runs/stdlib  # reads a run that was built before
    python benchmarks/default_build.py --quick            # a tiny build; its figures mean nothing

Peers and ours are rows of one evaluation on the same validation files. Written to
benchmarks/results/, with the seconds of every stage.
"""

import argparse
import json
import tempfile
from dataclasses import replace
from pathlib import Path

from groundup.observe.progress import terminal
from groundup.pipeline.artifact import machine, versions
from groundup.pipeline.build import build
from groundup.recipes.stdlib import stdlib

RESULT = Path(__file__).parent / "results" / "default_build.json"
LIMIT = 12 * 60


def read(run):
    """The figures of a finished run."""
    evaluation = json.loads((run / "evaluate" / "result.json").read_text())
    training = json.loads((run / "pretrain" / "result.json").read_text())
    records = {path.parent.name: json.loads(path.read_text()) for path in run.glob("*/stage.json")}
    bits = {row["name"]: round(row["bits_per_byte"], 4) for row in evaluation["bits_per_byte"]}
    functions = {}
    for score in evaluation["functions"]:
        how = "greedy" if score["temperature"] == 0 else "sampled"
        kept = {key: round(score[key], 3) for key in ("share", "low", "high", "total")}
        functions.setdefault(how, {})[score["name"]] = kept
    below = {name: round(1 - bits["model"] / bits[name], 3) for name in bits if name != "model"}
    seconds = {name: record["seconds"] for name, record in records.items()}
    total = round(sum(seconds.values()), 1)
    is_apart = all(pair["model"]["low"] > pair["n-gram"]["high"] for pair in functions.values())
    return {
        "holds": total <= LIMIT and min(below.values()) > 0 and is_apart,
        "seconds": total,
        "minutes": round(total / 60, 1),
        "bits_per_byte": bits,
        "below": below,
        "functions": functions,
        "stages": seconds,
        "parameters": training["parameters"],
        "tokens": training["tokens"],
        "tokens_per_second": training["tokens_per_second"],
        "precision": training["precision"],
        "machine": machine(),
        "versions": versions(),
    }


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--run", type=Path, default=None)
    arguments.add_argument("--quick", action="store_true")
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        config = replace(stdlib(quick=chosen.quick), name="run")
        run = chosen.run or build(config, Path(folder), progress=terminal, say=print)
        record = read(run)
    print(json.dumps(record, indent=2))
    if not chosen.quick:
        RESULT.parent.mkdir(exist_ok=True)
        RESULT.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
