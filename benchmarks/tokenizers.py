"""Claim: tokenizers written in Python, compiled when first used, beat the Rust ones.

    python benchmarks/tokenizers.py                  # all rows, about a quarter of an hour
    python benchmarks/tokenizers.py --rows encode    # some rows; the others keep their last figures
    python benchmarks/tokenizers.py --quick          # does it run? its figures mean nothing

Text: the Python standard library's source, every UTF-8 file, one document each. A row is measured
in a process of its own, told how many threads to use; in it peers and ours take turns, everybody
once before anything counts (that is "warm"). Reported: the median of each, and the median of the
ratios of one turn. Peers come from `make bench`. Written to benchmarks/results/tokenizers.json.
"""

import argparse
import gzip
import importlib.util
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from stdlib_texts import corpus

HERE = Path(__file__).resolve().parent
sys.path[:] = [place for place in sys.path if Path(place).resolve() != HERE]
if __name__ == "tokenizers":  # a script beside this one wants Hugging Face's library, not this file
    del sys.modules["tokenizers"]
    importlib.import_module("tokenizers")

RESULT = HERE / "results" / "tokenizers.json"
VOCABULARY = 32_768
ENCODINGS = ("cl100k_base", "o200k_base")
PROMISES = {
    "train_over_tokenizers": (">=", 8.0),
    "train_over_rustbpe": (">=", 3.0),
    "cl100k_lists_over_tiktoken": (">=", 8.0),
    "cl100k_arrays_over_tiktoken": (">=", 8.0),
    "o200k_lists_over_tiktoken": (">=", 8.0),
    "o200k_arrays_over_tiktoken": (">=", 8.0),
    "worst_milliseconds": ("<=", 10.0),
    "unigram_over_sentencepiece": (">=", 4.0),
    "cl100k_two_threads_over_one": (">=", 1.8),
    "o200k_two_threads_over_one": (">=", 1.8),
    "memory_mb": ("<=", 300.0),
    "large_mb": ("<=", 512.0),
    "import_seconds": ("<=", 0.2),
}
"""What is promised of each figure."""


def megabytes(texts):
    return sum(len(text.encode()) for text in texts) / 1e6


def alternate(runners, rounds):
    """Seconds of each runner in each round; the first round is not counted."""
    times = {name: [] for name in runners}
    for turn in range(rounds + 1):
        for name, run in runners.items():
            began = time.perf_counter()
            run()
            if turn:
                times[name].append(time.perf_counter() - began)
    return times


def compare(times, ours):
    """Medians, and how many times as long as ours each peer takes."""
    medians = {name: statistics.median(values) for name, values in times.items()}
    ratios = {
        name: statistics.median(a / b for a, b in zip(values, times[ours], strict=True))
        for name, values in times.items()
        if name != ours
    }
    return rounded(medians, 4), rounded(ratios, 2)


def rounded(values, digits):
    return {name: round(value, digits) for name, value in values.items()}


def vocabulary_file(encoding, folder):
    """The .tiktoken file of an encoding, out of the package bpe-openai."""
    spec = importlib.util.find_spec("bpe_openai")
    packed = Path(spec.origin).parent / "data" / f"{encoding}.tiktoken.gz"
    file = Path(folder) / f"{encoding}.tiktoken"
    file.write_bytes(gzip.decompress(packed.read_bytes()))
    return file


def tiktoken_encoding(encoding, ranks):
    import tiktoken
    import tiktoken_ext.openai_public as public

    public.load_tiktoken_bpe = lambda *args, **options: ranks
    return tiktoken.Encoding(**public.ENCODING_CONSTRUCTORS[encoding]())


# Rows


def train(chosen):
    """Learn 32,768 tokens from the whole standard library, counting included."""
    import gigatoken
    import rustbpe
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

    from groundup.tokenizers.bpe import BPE
    from groundup.tokenizers.split import GPT4

    texts = corpus(60 if chosen.quick else None)
    size = 2000 if chosen.quick else VOCABULARY
    made = {}

    def theirs():
        made["tokenizers"] = judge = Tokenizer(models.BPE())
        byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        split = pre_tokenizers.Split(Regex(GPT4), "isolated")
        judge.pre_tokenizer = pre_tokenizers.Sequence([split, byte_level])
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        judge.train_from_iterator(
            texts,
            trainers.BpeTrainer(
                vocab_size=size, min_frequency=2, show_progress=False, initial_alphabet=alphabet
            ),
        )

    def ours():
        made["groundup"] = BPE.train(
            texts, vocab_size=size, special_tokens=(), pattern="llama3", threads=chosen.threads
        )

    def giga():
        gigatoken.train_bpe("\0".join(texts).encode(), size, [], separator=b"\0")

    times = alternate(
        {
            "groundup": ours,
            "tokenizers": theirs,
            "rustbpe": lambda: rustbpe.Tokenizer().train_from_iterator(texts, size, pattern=GPT4),
            "gigatoken (pattern of GPT-2)": giga,
        },
        1 if chosen.quick else 5,
    )
    with tempfile.TemporaryDirectory() as folder:
        made["tokenizers"].save(f"{folder}/tokenizer.json")
        same = BPE.load(folder).definition.merges == made["groundup"].definition.merges
    seconds, ratios = compare(times, "groundup")
    return {
        "MB": round(megabytes(texts), 1),
        "tokens": made["groundup"].vocab_size,
        "merges equal to those of tokenizers": same,
        "seconds": seconds,
        "times as long as groundup": ratios,
    }


def encode(chosen):
    """Encode every file by itself: ids as lists, and as arrays."""
    import bpe_openai
    import gigatoken

    from groundup.tokenizers import tiktoken_file
    from groundup.tokenizers.bpe import BPE

    texts = corpus(40 if chosen.quick else None)
    size, rounds, rows = megabytes(texts), 1 if chosen.quick else 5, {}
    for encoding in ENCODINGS:
        with tempfile.TemporaryDirectory() as folder:
            file = vocabulary_file(encoding, folder)
            definition = tiktoken_file.read(file)
            giga = gigatoken.Tokenizer.from_tiktoken(str(file))
        ours = BPE(definition)
        judge = tiktoken_encoding(encoding, {b: i for i, b in definition.tokens.items()})
        rust = bpe_openai.get_encoding(encoding)
        different = sum(ours.encode(text) != judge.encode_ordinary(text) for text in texts)
        lists = {
            "groundup": lambda ours=ours: [ours.encode(text) for text in texts],
            "tiktoken": lambda judge=judge: [judge.encode_ordinary(text) for text in texts],
            "bpe-openai": lambda rust=rust: [rust.encode_ordinary(text) for text in texts],
            "gigatoken": lambda giga=giga: [giga.encode(text).tolist() for text in texts],
        }
        arrays = {
            "groundup": lambda ours=ours: ours.encode_batch(texts),
            "tiktoken": lambda judge=judge: [judge.encode_to_numpy(text) for text in texts],
            "gigatoken": lambda giga=giga: [giga.encode(text) for text in texts],
        }
        row = {"texts with other ids than tiktoken's": different, "texts": len(texts)}
        for kind, runners in (("lists", lists), ("arrays", arrays)):
            times = alternate(runners, rounds)
            seconds, ratios = compare(times, "groundup")
            row[kind] = {
                "MB/s": {name: round(size / value, 1) for name, value in seconds.items()},
                "times as long as groundup": ratios,
            }
        began = time.perf_counter()
        BPE(definition).encode_batch(texts)
        row["MB/s with the vocabulary still to be laid out and no piece seen"] = round(
            size / (time.perf_counter() - began), 1
        )
        rows[encoding] = row
    return {"MB": round(size, 1), **rows}


def short(chosen):
    """One short text at a time: what a call costs."""
    from groundup.tokenizers import tiktoken_file
    from groundup.tokenizers.bpe import BPE

    with tempfile.TemporaryDirectory() as folder:
        definition = tiktoken_file.read(vocabulary_file("cl100k_base", folder))
    ours = BPE(definition)
    judge = tiktoken_encoding("cl100k_base", {b: i for i, b in definition.tokens.items()})
    rows, times = {}, range(20_000)
    for text in ("hello world", "The quick brown fox jumps over the lazy dog. " * 8):
        ids = judge.encode_ordinary(text)
        runners = {
            "encode": lambda text=text: [ours.encode(text) for _ in times],
            "tiktoken encode": lambda text=text: [judge.encode(text) for _ in times],
            "tiktoken encode_ordinary": lambda text=text: [
                judge.encode_ordinary(text) for _ in times
            ],
            "decode": lambda ids=ids: [ours.decode(ids) for _ in times],
            "tiktoken decode": lambda ids=ids: [judge.decode(ids) for _ in times],
        }
        seconds, ratios = compare(alternate(runners, 1 if chosen.quick else 7), "encode")
        rows[f"{len(text)} characters"] = {
            "microseconds": {n: round(1e6 * s / len(times), 2) for n, s in seconds.items()},
            "times as long as encode": ratios,
        }
    return rows


def worst(chosen):
    """Texts that are bad for merging: one piece of 50 kB, and the same hundred times as long."""
    from groundup.tokenizers import tiktoken_file
    from groundup.tokenizers.bpe import BPE

    rng = random.Random(0)
    letters = "".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=5_000_000))
    cases = {
        "one letter": "a" * 5_000_000,
        "two letters in turn": "ab" * 2_500_000,
        "random letters": letters,
        "random bytes": bytes(rng.choices(range(256), k=5_000_000)).decode("latin-1"),
        "spaces": " " * 5_000_000,
        "signs": "=-" * 2_500_000,
    }
    with tempfile.TemporaryDirectory() as folder:
        definition = tiktoken_file.read(vocabulary_file("cl100k_base", folder))
    ours = BPE(definition)
    judge = tiktoken_encoding("cl100k_base", {b: i for i, b in definition.tokens.items()})
    rows = {}
    for name, text in cases.items():
        short, rounds = text[:50_000], 1 if chosen.quick else 7
        times = alternate(
            {
                "groundup": lambda short=short: ours.encode(short),
                "tiktoken": lambda short=short: judge.encode_ordinary(short),
            },
            rounds,
        )
        seconds, ratios = compare(times, "groundup")
        long = alternate({"long": lambda text=text: ours.encode(text)}, 1)["long"][0]
        rows[name] = {
            "milliseconds of 50 kB": round(1000 * seconds["groundup"], 2),
            "times as long as groundup": ratios,
            "seconds of 5 MB": round(long, 2),
            "5 MB over a hundred times 50 kB": round(long / (100 * seconds["groundup"]), 2),
            "same ids": ours.encode(short) == judge.encode_ordinary(short),
        }
    return rows


def threads(chosen):
    """Two threads over one, for arrays of ids; and what two threads give tiktoken here."""
    from groundup.tokenizers import tiktoken_file
    from groundup.tokenizers.bpe import BPE

    texts, rows = corpus(40 if chosen.quick else None), {}
    for encoding in ENCODINGS:
        with tempfile.TemporaryDirectory() as folder:
            definition = tiktoken_file.read(vocabulary_file(encoding, folder))
        ours = BPE(definition)
        judge = tiktoken_encoding(encoding, {b: i for i, b in definition.tokens.items()})
        rows[encoding] = {}
        for name, run in (
            ("groundup", lambda n, ours=ours: ours.encode_batch(texts, threads=n)),
            ("tiktoken", lambda n, judge=judge: judge.encode_ordinary_batch(texts, num_threads=n)),
        ):
            runners = {"two": lambda run=run: run(2), "one": lambda run=run: run(1)}
            rounds = 1 if chosen.quick else 9 if name == "groundup" else 3
            seconds, ratios = compare(alternate(runners, rounds), "two")
            rows[encoding][name] = {
                "MB/s": {n: round(megabytes(texts) / s, 1) for n, s in seconds.items()},
                "two over one": ratios["one"],
            }
    return rows


def unigram(chosen):
    """Unigram against sentencepiece."""
    return run_script("unigram_training.py", chosen)


def memory(chosen):
    """What training and importing take, and text that is larger than what it may take."""
    return run_script("tokenizer_memory.py", chosen)


def run_script(name, chosen):
    """What the benchmark beside this one finds, which can be run by itself too."""
    quick = ["--quick"] if chosen.quick else []
    command = [sys.executable, "-W", "ignore", str(HERE / name), *quick]
    ran = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(ran.stdout[ran.stdout.index("{") :])


def figures_of(rows):
    """The figures that documents quote, by simple names."""
    one, two = rows["train, 1 threads"], rows["train, 2 threads"]
    found = {}
    for name, row in (("train", one), ("train_two_threads", two)):
        for peer in ("tokenizers", "rustbpe", "gigatoken"):
            ratios = row["times as long as groundup"]
            found[f"{name}_over_{peer}"] = next(r for n, r in ratios.items() if n.startswith(peer))
        found[f"{name}_seconds"] = row["seconds"]["groundup"]
    for encoding in ENCODINGS:
        for kind in ("lists", "arrays"):
            name, row = f"{encoding.split('_')[0]}_{kind}", rows["encode"][encoding][kind]
            found[f"{name}_mb_per_second"] = row["MB/s"]["groundup"]
            for peer, ratio in row["times as long as groundup"].items():
                found[f"{name}_over_{peer.replace('-', '_')}"] = ratio
    worst_rows = rows["worst"].values()
    found["worst_milliseconds"] = max(row["milliseconds of 50 kB"] for row in worst_rows)
    found["worst_growth"] = max(row["5 MB over a hundred times 50 kB"] for row in worst_rows)
    for encoding, row in rows["threads"].items():
        for name, figures in row.items():
            key = f"{encoding.split('_')[0]}_two_threads_over_one"
            found[key if name == "groundup" else f"{name}_{key}"] = figures["two over one"]
    found["memory_mb"] = rows["memory"]["30 MB"]["groundup"]
    found["import_seconds"] = rows["memory"]["import"]["seconds"]
    found["large_mb"], found["large_seconds"] = (
        rows["memory"]["2 GB"][name] for name in ("MB at most, of 512", "seconds")
    )
    found["unigram_over_sentencepiece"] = rows["unigram"]["training_ratio"]
    return found


def holds(figures):
    return {
        name: figures[name] >= wanted if sign == ">=" else figures[name] <= wanted
        for name, (sign, wanted) in PROMISES.items()
    }


ROWS = {
    "train": (train, (1, 2)),
    "encode": (encode, (1,)),
    "short": (short, (1,)),
    "worst": (worst, (1,)),
    "threads": (threads, (2,)),
    "memory": (memory, (2,)),
    "unigram": (unigram, (1,)),
}


def measure(row, count, *, quick):
    """One row, in a process that may use `count` threads."""
    limit = {name: str(count) for name in ("RAYON_NUM_THREADS", "OMP_NUM_THREADS")}
    arguments = ["--row", row, "--threads", str(count), *(["--quick"] if quick else [])]
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", __file__, *arguments],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **limit, "TOKENIZERS_PARALLELISM": "true"},  # noqa: TID251 - a child's
    )
    return json.loads(ran.stdout.splitlines()[-1])


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true")
    arguments.add_argument("--rows", nargs="*", choices=ROWS, default=list(ROWS))
    arguments.add_argument("--row", choices=ROWS, help=argparse.SUPPRESS)
    arguments.add_argument("--threads", type=int, default=1, help=argparse.SUPPRESS)
    chosen = arguments.parse_args()
    if chosen.row:
        print(json.dumps(ROWS[chosen.row][0](chosen)))
        return
    from groundup.pipeline.artifact import machine, versions

    record = json.loads(RESULT.read_text()) if RESULT.exists() else {"rows": {}}
    for row in chosen.rows:
        for count in ROWS[row][1]:
            name = row if len(ROWS[row][1]) == 1 else f"{row}, {count} threads"
            record["rows"][name] = measure(row, count, quick=chosen.quick)
            if not chosen.quick:  # what was measured is kept, whatever comes
                write(record)
            print(name, json.dumps(record["rows"][name], indent=2), flush=True)
    if not chosen.quick:
        peers = ("tokenizers", "tiktoken", "sentencepiece", "rustbpe", "bpe-openai", "gigatoken")
        record |= {"machine": machine(), "versions": versions() | installed(peers)}
        record["figures"] = figures_of(record["rows"])
        record["holds"] = holds(record["figures"])
        write(record)
        print(json.dumps({"figures": record["figures"], "holds": record["holds"]}, indent=2))


def write(record):
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(record, indent=2) + "\n")


def installed(names):
    from importlib.metadata import version

    return {name: version(name) for name in names}


if __name__ == "__main__":
    main()
