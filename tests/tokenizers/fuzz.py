"""Fuzzing of loading and encoding, run by hand:

    .venv/bin/python tests/tokenizers/fuzz.py --minutes 10 --seed 0

Files of every kind are damaged, as bytes and as JSON; what loads, encodes odd texts. Only
ValueError and OSError may come out, in one sentence; nothing may take longer than some seconds;
what a kind promises (round trips, spans, streams) must hold. A finding becomes a test of its
reader.
"""

import argparse
import collections
import copy
import json
import random
import re
import resource
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path

import fuzz_seeds

SECONDS = 5  # an input that takes longer hangs
MEMORY = 12 << 30
NUMBERS = [-1, 0, 1, 2, 255, 256, 2**31 - 1, 2**31, 2**63 - 1, 2**64, 10**40, 0.5, -0.0, 1e308]
VALUES = [None, True, False, "", "a", "\ud800", "\0", "Ġ", "é" * 500, [], {}, [[]], {"": {}}]
STRETCHES = [
    b"\xff",
    b"\0" * 8,
    b"\xff" * 8,
    b"\xed\xa0\x80",
    b"\n",
    b'"',
    b"{",
    b"]",
    b"9" * 30,
    b"9" * 5000,
    b"[" * 5000,
]
ALPHABETS = [
    "ab ",
    "aA1 .\n\r\t'",
    "é\u0301\u0308\u200d\ufe0f\u00a0\u2028\ufeff",
    "👩‍🚀🏽🇩🇪",
    "\u05d0\u05b7\u0627\u064b\u202e",
    "漢字かなカナ한글ไทย",
    "\x00\x01\x7f\x80\uffff\U0010ffff\U000f0000▁Ġ##",
]
NAMES = ["<|endoftext|>", "<|im_end|>", "<s>", "[CLS]", "[MASK]", "<unk>", "<0x41>", "'s", "{{"]


class Hang(BaseException):
    """An input took too long."""


class Finding(Exception):
    """A promise that does not hold."""


def expect(holds, words):
    if not holds:
        raise Finding(words)


def damage_bytes(data, rng, seeds):
    data = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 2, 5, 20])):
        at = rng.randrange(len(data) + 1)
        end = min(len(data), at + rng.choice([1, 2, 4, 8, 30, 1000]))
        match rng.randrange(7):
            case 0:
                data[at:end] = rng.randbytes(end - at)
            case 1:
                del data[at:end]
            case 2:
                data[at:at] = rng.choice(STRETCHES)
            case 3:
                data[at:at] = data[at:end] * rng.choice([1, 2, 50])
            case 4:
                del data[at:]
            case 5 if at < len(data):
                data[at] ^= 1 << rng.randrange(8)
            case 6:
                other = rng.choice(seeds)
                start = rng.randrange(len(other) + 1)
                data[at:end] = other[start : start + 100]
    return bytes(data)


def places(value, found):
    """Every place of a JSON value, as (container, key)."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        found.append((value, key))
        if isinstance(item, dict | list):
            places(item, found)
    return found


def any_value(rng, depth=0):
    match rng.randrange(6 if depth < 3 else 3):
        case 0:
            return rng.choice(NUMBERS)
        case 1 | 2:
            return copy.deepcopy(rng.choice(VALUES))  # later damage must not change them
        case 3:
            return any_text(rng)
        case 4:
            return [any_value(rng, depth + 1) for _ in range(rng.randrange(3))]
        case _:
            return {any_text(rng): any_value(rng, depth + 1) for _ in range(rng.randrange(3))}


def damage_json(data, rng):
    value = json.loads(data)
    for _ in range(rng.choice([1, 1, 2, 4])):
        found = places(value, [])
        # Most places are entries of the vocabulary; the rare ones matter more.
        short = [place for place in found if len(place[0]) < 20]
        if not found:
            break
        holder, key = rng.choice(short if short and rng.random() < 0.7 else found)
        other, other_key = rng.choice(found)
        match rng.randrange(5):
            case 0 | 1:
                holder[key] = any_value(rng)
            case 2:
                del holder[key]
            case 3:
                holder[key] = json.loads(json.dumps(other[other_key]))
            case 4 if isinstance(holder, dict):
                holder[any_text(rng)] = holder.pop(key)
            case 4:
                holder.insert(key, any_value(rng))
        if len(value) == 0:
            break
    return json.dumps(value).encode()


def any_text(rng):
    alphabet = rng.choice(ALPHABETS)
    text = "".join(rng.choices(alphabet, k=rng.choice([0, 1, 2, 5, 20, 200])))
    if rng.random() < 0.2:
        text = rng.choice(NAMES) + text + rng.choice(NAMES)
    if rng.random() < 0.1:
        text = "".join(chr(rng.choice([rng.randrange(0xD800), rng.randrange(0xE000, 0x110000)]))
                       for _ in range(20))  # fmt: skip
    return text * rng.choice([1, 1, 1, 2, 30])


def try_texts(tokenizer, rng, *, whole):
    """`whole`: nothing was damaged, so all that the kind promises must hold."""
    size = tokenizer.vocab_size
    for _ in range(3):
        text = any_text(rng)
        allowed = rng.choice([frozenset(), "all"])
        ids = tokenizer.encode(text, allowed_special=allowed)
        expect(all(type(i) is int and 0 <= i < size for i in ids), f"ids beyond {size}")
        decoded = tokenizer.decode(ids)
        spans = tokenizer.offsets(text, allowed_special=allowed)
        expect(len(spans) == len(ids), "as many spans as ids")
        expect(all(0 <= a <= b <= len(text) for a, b in spans), "spans within the text")
        stream = tokenizer.stream()
        streamed = "".join(map(stream.push, ids)) + stream.flush()
        expect(streamed == decoded, "a stream gives what decode gives")
        if whole and fuzz_seeds.is_lossless(tokenizer):
            expect(decoded == text, "the text comes back")
        if whole and rng.random() < 0.1:
            batch = tokenizer.encode_batch([text, text], threads=2, allowed_special=allowed)
            expect(all(row.tolist() == ids for row in batch), "a batch gives the same ids")
        surrogate = text[:3] + rng.choice(["\ud83d", "\udc00"]) + text[3:]
        try:
            tokenizer.encode(surrogate)
            raise Finding("a lone surrogate is refused")
        except ValueError:
            tokenizer.encode(surrogate, errors="replace")


def try_saving(tokenizer, rng):
    with tempfile.TemporaryDirectory() as folder:
        tokenizer.save(folder)
        again = type(tokenizer).load(folder)
        for _ in range(3):
            text = any_text(rng)
            expect(again.encode(text) == tokenizer.encode(text), "saved and read, the same ids")


def try_one(seed, seeds, rng, folder):
    """Damage one file of a seed, load the folder, use what came; returns what happened."""
    whole = rng.random() < 0.15
    names = sorted(seed.files)
    target = rng.choice(names)
    for name in names:
        data = seed.files[name]
        if name == target and not whole:
            if name.endswith(".json") and rng.random() < 0.75:
                data = damage_json(data, rng)
            else:
                data = damage_bytes(data, rng, seeds)
        (folder / name).write_bytes(data)
    try:
        tokenizer = seed.load(folder)
    except (ValueError, OSError) as problem:
        words = str(problem)
        expect(not whole, f"a whole file is refused: {words}")
        known = type(problem) is ValueError or isinstance(problem, OSError)
        expect(known, f"a bare {type(problem).__name__}: {words[:200]}")
        expect(words and len(words) < 1500, f"no sentence: {words[:200]!r}")
        return "refused"
    try:
        if hasattr(tokenizer, "encode_batch"):
            try_texts(tokenizer, rng, whole=whole)
            if rng.random() < 0.2:
                try_saving(tokenizer, rng)
        else:
            fuzz_seeds.try_template(tokenizer, any_text, rng)
    except ValueError as problem:
        expect(not whole, f"a whole tokenizer refuses: {problem}")
        expect(type(problem) is ValueError, f"a bare {type(problem).__name__}: {problem}")
        return "loaded, then refused"
    return "whole" if whole else "loaded"


def on_alarm(*_):
    raise Hang(f"more than {SECONDS} seconds")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", default="", help="comma-separated; all if empty")
    parser.add_argument("--out", type=Path, default=Path(tempfile.gettempdir()) / "fuzz_findings")
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.signal(signal.SIGALRM, on_alarm)
    seeds = [
        s for s in fuzz_seeds.all_seeds() if not options.kinds or s.kind in options.kinds.split(",")
    ]
    all_data = [data for seed in seeds for data in seed.files.values()]
    counts, findings, number = collections.Counter(), {}, 0
    began = time.monotonic()
    while time.monotonic() - began < 60 * options.minutes:
        number += 1
        rng = random.Random(f"{options.seed}-{number}")
        seed = rng.choice(seeds)
        with tempfile.TemporaryDirectory() as folder:
            signal.setitimer(signal.ITIMER_REAL, SECONDS)
            try:
                happened = try_one(seed, all_data, rng, Path(folder))
            except (Hang, Exception) as problem:
                signal.setitimer(signal.ITIMER_REAL, 0)
                happened = "FOUND"
                where = traceback.extract_tb(problem.__traceback__)
                ours = [f for f in where if "groundup" in f.filename] or where
                words = re.sub(r"/\S*|\d+", "", str(problem))[:40]
                key = (seed.kind, type(problem).__name__, ours[-1].filename, ours[-1].lineno)
                key += (words,) if isinstance(problem, Finding) else ()
                if key not in findings:
                    findings[key] = number
                    kept = options.out / f"{seed.kind}-{options.seed}-{number}"
                    kept.mkdir(parents=True, exist_ok=True)
                    for file in Path(folder).iterdir():
                        (kept / file.name).write_bytes(file.read_bytes())
                    print(f"\n== {kept}\n" + "".join(traceback.format_exception(problem)[-6:]))
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
        counts[seed.kind, happened] += 1
    print(f"{number} inputs in {time.monotonic() - began:.0f} s, {len(findings)} findings")
    for (kind, happened), count in sorted(counts.items()):
        print(f"  {kind:24} {happened:24} {count}")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
