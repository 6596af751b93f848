"""Claim: Unigram trains at least four times as fast as sentencepiece, and as good a model.

    python benchmarks/unigram_training.py           # three minutes
    python benchmarks/unigram_training.py --quick   # a tenth of the text, nothing is written

One process, one thread. Both learn 8000 pieces from the lines of the standard library, with the
same characters and no normalisation, after the kernels are compiled. The models are compared on
files of other packages: log likelihood and tokens a byte, each model by its own best segmentation.
Then both encode: sentencepiece's own model, read by ours, so that the ids must be the same; the
lines one by one, and whole files; and 50 kB without a space. Written to benchmarks/results/.
"""

import argparse
import json
import sysconfig
import tempfile
import time
from pathlib import Path

import sentencepiece

from groundup.pipeline.artifact import machine, versions
from groundup.tokenizers.load import load
from groundup.tokenizers.unigram import Unigram

RESULT = Path(__file__).parent / "results" / "unigram_training.json"
LIMIT = 4.0
PIECES = 8000
HELD_OUT = ("_pytest", "hypothesis", "jinja2", "regex", "rich", "tyro")


def read(folder, names=()):
    """The texts of Python files below a folder, without other people's packages."""
    paths = [path for name in names or ["."] for path in sorted((folder / name).rglob("*.py"))]
    texts = []
    for path in paths:
        data = path.read_bytes()
        if not names and "site-packages" in path.parts:
            continue
        try:
            texts.append(data.decode())
        except UnicodeDecodeError:  # some tests of the library are meant to be unreadable
            continue
    return texts


def lines_of(texts):
    return [line for text in texts for line in text.split("\n") if line]


def timed(run):
    """What `run` returns, and the seconds it took."""
    began = time.perf_counter()
    found = run()
    return found, time.perf_counter() - began


def train_judge(lines, folder):
    """Sentencepiece's model of the lines, as a file."""
    source = folder / "lines.txt"
    source.write_text("\n".join(lines) + "\n", encoding="utf-8")
    sentencepiece.SentencePieceTrainer.train(
        input=str(source),
        model_prefix=str(folder / "judge"),
        model_type="unigram",
        vocab_size=PIECES + 3,
        num_threads=1,
        input_sentence_size=0,
        max_sentence_length=1 << 24,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        minloglevel=2,
    )
    return folder / "judge.model"


def quality(tokenizer, lines):
    """Log likelihood (nats) and tokens for each byte of the lines."""
    scores, unknown = tokenizer.definition.scores, tokenizer.definition.unknown_score
    rows = tokenizer.encode_batch(lines)
    size = sum(len(line.encode()) for line in lines)
    likelihood = sum(scores.get(token, unknown) for row in rows for token in row.tolist())
    tokens = sum(map(len, rows))
    return {
        "nats_per_byte": round(likelihood / size, 4),
        "tokens_per_byte": round(tokens / size, 4),
    }


def speeds(ours, judge, texts):
    """Megabytes a second, the best of three rounds that alternate; the ids must be the same."""
    lines = lines_of(texts)
    size = sum(len(text.encode()) for text in texts)
    runs = {
        "ours, files": lambda: ours.encode_batch(texts),
        "ours, files, two threads": lambda: ours.encode_batch(texts, threads=2),
        "sentencepiece, files": lambda: judge.encode(texts, num_threads=1),
        "sentencepiece, files, two threads": lambda: judge.encode(texts, num_threads=2),
        "ours, lines": lambda: ours.encode_batch(lines),
        "sentencepiece, lines": lambda: judge.encode(lines, num_threads=1),
    }
    best = dict.fromkeys(runs, 0.0)
    ids = {}
    for _ in range(3):
        for name, run in runs.items():
            ids[name], seconds = timed(run)
            best[name] = max(best[name], round(size / seconds / 1e6, 1))
    for what in ("files", "lines"):
        mine = [row.tolist() for row in ids[f"ours, {what}"]]
        assert mine == ids[f"sentencepiece, {what}"], "the ids differ"
    return best | {"tokens_compared": sum(map(len, ids["ours, files"] + ids["ours, lines"]))}


def worst_cases(ours):
    """Milliseconds for 50 kB that have no good place to cut."""
    cases = {"one letter": "a" * 50_000, "one sign": "-" * 50_000, "two letters": "ab" * 25_000}
    return {
        name: round(1000 * min(timed(lambda text=text: ours.encode(text))[1] for _ in range(3)), 2)
        for name, text in cases.items()
    }


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true")
    quick = arguments.parse_args().quick
    texts = read(Path(sysconfig.get_paths()["stdlib"]))[:: 10 if quick else 1]
    lines, held_out = lines_of(texts), read(Path(sysconfig.get_paths()["purelib"]), HELD_OUT)
    Unigram.train(lines[:1000], vocab_size=400).encode("compiled")
    options = {"vocab_size": PIECES + 1, "special_tokens": (), "byte_fallback": False}
    ours, seconds = timed(lambda: Unigram.train(lines, **options))
    with tempfile.TemporaryDirectory() as folder:
        model, judge_seconds = timed(lambda: train_judge(lines, Path(folder)))
        judge = sentencepiece.SentencePieceProcessor(model_file=str(model))
        theirs = load(model)
    qualities = {
        name: quality(tokenizer, lines_of(held_out))
        for name, tokenizer in (("ours", ours), ("sentencepiece", theirs))
    }
    ratio = round(judge_seconds / seconds, 1)
    better = {
        what: round(qualities["ours"][what] / qualities["sentencepiece"][what], 4)
        for what in qualities["ours"]
    }
    verdict = {
        "bytes": sum(len(line.encode()) + 1 for line in lines),
        "training_seconds": {"ours": round(seconds, 2), "sentencepiece": round(judge_seconds, 2)},
        "training_ratio": ratio,
        "held_out": qualities,
        "held_out_ratios": better,
        "encoding_megabytes_per_second": speeds(theirs, judge, held_out),
        "worst_cases_milliseconds": worst_cases(theirs),
        "holds": ratio >= LIMIT and all(value < 1.01 for value in better.values()),
    }
    print(json.dumps(verdict, indent=2))
    if not quick:
        record = {"machine": machine(), "versions": versions(), **verdict}
        RESULT.parent.mkdir(exist_ok=True)
        RESULT.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
