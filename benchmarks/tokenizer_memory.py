"""Claim: training a tokenizer takes little memory, and no more than it is allowed.

    python benchmarks/tokenizer_memory.py           # two minutes, and 2 GB of disk for that long
    python benchmarks/tokenizer_memory.py --quick

Each figure is the most memory that a fresh process ever had (VmHWM, so Linux only): learning 32,768
tokens from the standard library's files, peers the same; and from 2 GB of text that a seed makes,
through `groundup tokenizer train --memory 512MB`. Also the seconds that importing takes, and the
first use after an install, which compiles. `benchmarks/tokenizers.py` writes the figures down.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from stdlib_texts import corpus

# What a program's process used at most, in KB; what getrusage tells may be its parent's.
PEAK = "; print([line for line in open('/proc/self/status') if 'VmHWM' in line][0].split()[1])"
VOCABULARY = 32_768
THREADS = 2


def memory(quick):
    """The most memory a process ever had that learns 32,768 tokens from the files."""
    program = {
        "groundup": "from groundup.tokenizers.bpe import BPE; BPE.train(files, vocab_size=size)",
        "tokenizers": (
            "from tokenizers import Tokenizer, models, pre_tokenizers, trainers;"
            "t = Tokenizer(models.BPE());"
            "t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False);"
            "t.train_from_iterator((f.read_text('utf-8') for f in files),"
            " trainers.BpeTrainer(vocab_size=size, show_progress=False))"
        ),
        "rustbpe": (
            "import rustbpe;"
            "rustbpe.Tokenizer().train_from_iterator((f.read_text('utf-8') for f in files), size)"
        ),
    }
    with tempfile.TemporaryDirectory() as folder:
        for i, text in enumerate(corpus(40 if quick else None)):
            (Path(folder) / f"{i:05}.py").write_text(text, encoding="utf-8", newline="")
        start = (
            "from pathlib import Path;"
            f"files = sorted(Path({folder!r}).iterdir()); size = {VOCABULARY};"
        )
        return {name: round(int(child(start + p + PEAK)) / 1024) for name, p in program.items()}


def imports(quick):
    """Seconds to import the module, and to encode for the first time after an install."""
    measure = "import time; t = time.perf_counter(); {}; print(time.perf_counter() - t)"
    rounds = 2 if quick else 9
    module = "import groundup.tokenizers.bpe"
    seconds = [float(child(measure.format(module))) for _ in range(rounds)]
    first = (
        "from groundup.tokenizers.bpe import BPE; BPE.train(['a b'], vocab_size=300).encode('a')"
    )
    with tempfile.TemporaryDirectory() as folder:
        fresh = {"NUMBA_CACHE_DIR": folder}
        compiling = float(child(measure.format(first), fresh))
        loading = float(child(measure.format(first), fresh))
    return {
        "seconds": round(statistics.median(seconds), 3),
        "seconds of the first training and encoding, compiling": round(compiling, 1),
        "seconds of the same once compiled": round(loading, 2),
    }


def large(quick):
    """Train on more text than may be held: 2 GB that a seed makes, with `--memory 512MB`."""
    size = 20_000_000 if quick else 2_000_000_000
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "text.txt"
        written = write_text(file, size)
        began = time.perf_counter()
        command = [
            "tokenizer",
            "train",
            "bpe",
            "--vocab-size",
            str(VOCABULARY),
            "--memory",
            "512MB",
        ]
        command += ["--files", str(file), "--out", f"{folder}/out"]
        command += ["--threads", str(THREADS)]
        program = f"from groundup.cli.main import main; assert main({command!r}) == 0, 'it failed'"
        peak = int(child(program + PEAK)) / 1024
        seconds = time.perf_counter() - began
        pieces = json.loads(next(Path(f"{folder}/out").rglob("table.json")).read_text())["pieces"]
        vocabulary = json.loads((Path(folder) / "out" / "tokenizer.json").read_text())["model"]
    return {
        "MB of text": round(written / 1e6),
        "different pieces": pieces,
        "tokens": len(vocabulary["vocab"]),
        "MB at most, of 512": round(peak),
        "seconds": round(seconds, 1),
    }


def write_text(file, size):
    """Words of three million, as often as Zipf's law has them, each with the same seed."""
    rng = np.random.default_rng(0)
    letters = np.frombuffer(b"etaoinshrdlucmfwypvbgkjqxz", np.uint8)
    lengths = rng.integers(2, 13, 3_000_000)
    drawn = np.minimum(rng.geometric(0.12, lengths.sum()) - 1, len(letters) - 1)
    row = letters[drawn].tobytes().decode("ascii")
    ends = np.cumsum(lengths)
    words = [row[end - n : end] for n, end in zip(lengths.tolist(), ends.tolist(), strict=True)]
    bounds, written = np.cumsum(1 / np.arange(1, len(words) + 1)), 0
    with file.open("w", encoding="ascii") as out:
        while written < size:
            drawn = np.searchsorted(bounds, rng.random(2_000_000) * bounds[-1]).tolist()
            written += out.write(" ".join([words[i] for i in drawn]) + ".\n")
    return written


def child(program, environment=None):
    """What a Python program prints last, run by itself."""
    environment = {**os.environ, **(environment or {})}  # noqa: TID251 - a child's
    ran = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        text=True,
        env=environment,
        cwd=tempfile.gettempdir(),
    )
    return ran.stdout.split()[-1]


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true")
    quick = arguments.parse_args().quick
    figures = {"30 MB": memory(quick), "import": imports(quick), "2 GB": large(quick)}
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
