"""Claim: `groundup build six_tokenizers` fits in ten minutes on two cores; on the same bytes of
text, a GPT with a large subword vocabulary needs fewer bits per byte than one of bytes or of
characters, by more than any two of the same grain differ.

    python benchmarks/six_tokenizers.py                            # builds, then reads
    python benchmarks/six_tokenizers.py --run runs/six-tokenizers  # reads a run built before
    python benchmarks/six_tokenizers.py --quick                    # tiny; its figures mean nothing

All are rows of one run on the same held-out files. One seed: the claim is about grain, not about
which of the subword tokenizers is best.
"""

import argparse
import json
import tempfile
from pathlib import Path

from groundup.observe.progress import terminal
from groundup.pipeline.artifact import machine, versions
from groundup.pipeline.build import build
from groundup.recipes.six_tokenizers import six_tokenizers

RESULT = Path(__file__).parent / "results" / "six_tokenizers.json"
LIMIT = 10 * 60
KEPT = ("bits_per_byte", "spelling_bits_per_byte", "unknown_share_of_tokens", "bytes_per_token",
        "vocab_size", "context_bytes", "tokens", "flops", "bytes", "seconds")  # fmt: skip


def read(run):
    """The figures of a finished run."""
    found = json.loads((run / "summary" / "result.json").read_text())["contenders"]
    records = [json.loads(path.read_text()) for path in run.glob("*/stage.json")]
    total = round(sum(record["seconds"] for record in records), 1)
    rows = {name: {key: row[key] for key in KEPT} for name, row in found.items()}
    for row in rows.values():
        row["unknown_percent"] = 100 * row["unknown_share_of_tokens"]
        row["million_tokens"] = row["tokens"] / 1e6
    bits = {name: row["bits_per_byte"] for name, row in found.items()}
    gain = min(bits["bytes"], bits["characters"]) - max(bits["bpe-large"], bits["unigram"])
    same_grain = max(
        abs(bits["bytes"] - bits["characters"]), abs(bits["bpe-large"] - bits["unigram"])
    )
    return {
        "holds": total <= LIMIT and gain > same_grain,
        "seconds": total,
        "minutes": round(total / 60, 1),
        "megabytes": rows["bytes"]["bytes"] / 1e6,
        "gain": round(gain, 4),
        "largest_difference_of_the_same_grain": round(same_grain, 4),
        "tokenizers": {name.replace("-", "_"): row for name, row in rows.items()},
        "machine": machine(),
        "versions": versions(),
    }


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true")
    arguments.add_argument("--run", type=Path)
    chosen = arguments.parse_args()
    if chosen.run:
        figures = read(chosen.run)
    else:
        with tempfile.TemporaryDirectory() as runs:
            config = six_tokenizers(quick=chosen.quick)
            figures = read(build(config, Path(runs), progress=terminal, say=print))
    print(json.dumps(figures, indent=2))
    if not chosen.quick:
        RESULT.parent.mkdir(exist_ok=True)
        RESULT.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
