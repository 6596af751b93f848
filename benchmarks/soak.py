"""Claim: an hour at 80 % of what it can bear costs the server neither an error nor memory.

    python benchmarks/soak.py                # an hour and three minutes; plots it as well
    python benchmarks/soak.py --minutes 1    # does it run? nothing is written

`groundup serve smollm2`, as people run it. First its capacity: requests a second with as many users
as it runs at once, each asking again when answered. Then single prompts under one system prompt,
arriving independently (a Poisson process) at 80 % of that, and beside them, every ten seconds, a
client that leaves in mid-stream and one whose request is none. Every ten seconds the server's
memory, threads and open files are read from /proc. After the last answer no block of the key-value
cache may be in use. Memory's growth is the slope of a line (Theil-Sen: the median of the slopes of
all pairs) through its samples after the first tenth. Clients and server share the machine, so the
capacity is that of both. Written to benchmarks/results/soak.json.
"""

import argparse
import contextlib
import itertools
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

RESULT = Path(__file__).parent / "results" / "soak.json"
SHARE = 0.8
EVERY = 10.0
"""Seconds between two samples."""
MOST_GROWTH = 8.0
"""MiB an hour that still count as flat: a tenth of what one step's tensors take."""
EXTRA = json.dumps({"temperature": 0.8, "top_p": 0.95, "ignore_eos": True})


@contextlib.contextmanager
def server(log):
    """The process and its URL."""
    command = [sys.executable, "-m", "groundup", "serve", "smollm2", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        for line in process.stdout:
            if line.startswith("API "):
                yield process, line.split()[1].removesuffix("/v1")
                break
        else:
            raise RuntimeError(f"groundup serve ended with {process.wait()}")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def metric(url, name):
    """The sum of a metric's series."""
    with urllib.request.urlopen(f"{url}/metrics", timeout=60) as answer:
        text = answer.read().decode()
    values = re.findall(rf"^groundup:{name}{{.*}} (\S+)$", text, re.MULTILINE)
    if not values:
        raise RuntimeError(f"/metrics has no {name}")
    return sum(map(float, values))


def sample(process, url):
    """What the server takes now."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    table = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    return {
        "resident_mb": int(table["VmRSS"].split()[0]) / 1024,
        "threads": int(table["Threads"]),
        "files": len(os.listdir(f"/proc/{process.pid}/fd")),
        "running": metric(url, "num_requests_running"),
        "waiting": metric(url, "num_requests_waiting"),
    }


def leave_in_mid_stream(url, model):
    """Ask for a long answer, read a little of it, close the connection."""
    body = {"model": model, "prompt": "Once", "max_tokens": 500, "stream": True, "ignore_eos": True}
    with urllib.request.urlopen(posted(url, json.dumps(body).encode()), timeout=60) as answer:
        answer.read(200)


def send_nonsense(url):
    """A body that is no JSON must be refused with 400."""
    try:
        urllib.request.urlopen(posted(url, b'{"model": '), timeout=60)
    except urllib.error.HTTPError as refusal:
        if refusal.code == 400:
            return
        raise
    raise RuntimeError("a body that is no JSON was answered")


def posted(url, body):
    return urllib.request.Request(
        f"{url}/v1/completions", body, {"content-type": "application/json"}
    )


class Watch(threading.Thread):
    """Samples and disturbs until told to stop."""

    def __init__(self, process, url, model):
        super().__init__(daemon=True)
        self.process, self.url, self.model = process, url, model
        self.samples, self.problems, self.disturbed = [], [], 0
        self.over = threading.Event()
        self.began = time.monotonic()

    def run(self):
        for turn in itertools.count(1):
            if self.over.wait(max(0.0, self.began + turn * EVERY - time.monotonic())):
                return
            try:
                leave_in_mid_stream(self.url, self.model)
                send_nonsense(self.url)
                self.disturbed += 1
                seconds = round(time.monotonic() - self.began, 1)
                self.samples.append({"seconds": seconds, **sample(self.process, self.url)})
            except Exception as problem:
                self.problems.append(f"{type(problem).__name__}: {problem}")


def growth(samples):
    """MiB an hour."""
    kept = samples[len(samples) // 10 :]
    slopes = [
        (b["resident_mb"] - a["resident_mb"]) / (b["seconds"] - a["seconds"])
        for a, b in itertools.combinations(kept, 2)
    ]
    return 3600 * statistics.median(slopes)


def plot(samples, path):
    from matplotlib.figure import Figure

    minutes = [one["seconds"] / 60 for one in samples]
    figure = Figure(figsize=(8, 5), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True)
    memory = [one["resident_mb"] for one in samples]
    upper.plot(minutes, memory)
    highest = 1.2 * max(memory)
    upper.set(ylabel="resident memory, MiB", ylim=(0, highest), title="groundup serve at 80 % load")
    for name in ("running", "waiting"):
        lower.plot(minutes, [one[name] for one in samples], label=name, linewidth=0.8)
    lower.set(xlabel="minutes", ylabel="requests", ylim=(0, None))
    lower.legend()
    figure.savefig(path, dpi=120)


def soak(minutes, log):
    from groundup.inference.scheduler import SchedulerConfig
    from groundup.observe.progress import terminal
    from groundup.serve.load_test import LoadTestConfig, load_test
    from groundup.serve.traces import TraceConfig

    with server(log) as (process, url):
        asked = LoadTestConfig(url=url, extra=EXTRA)
        users = SchedulerConfig().max_batch

        def closed(requests, seed):
            trace = TraceConfig(users=users, requests=requests, turns=1, seed=seed)
            return load_test(asked, trace)[1]

        rate = closed(4 * users, seed=1).requests_per_second  # warms
        capacity = closed(max(4 * users, int(60 * rate)), seed=2).requests_per_second
        rate = SHARE * capacity
        trace = TraceConfig(trace="poisson", rate=rate, requests=int(60 * minutes * rate), seed=3)
        watch = Watch(process, url, "smollm2")
        watch.start()
        try:
            _, found = load_test(asked, trace, progress=terminal)
        finally:
            watch.over.set()
            watch.join(120)
        ended = time.monotonic()
        while metric(url, "kv_cache_usage_perc") and time.monotonic() - ended < 30:
            time.sleep(0.1)
        in_use = metric(url, "kv_cache_usage_perc")
        last = sample(process, url)
    memory = [one["resident_mb"] for one in watch.samples]
    return {
        "capacity_requests_per_second": round(capacity, 2),
        "rate": round(rate, 2),
        "share": SHARE,
        "minutes": round(found.seconds / 60, 1),
        "requests": found.requests,
        "errors": found.errors,
        "disturbed": watch.disturbed,
        "problems": watch.problems,
        "prompt_tokens": found.prompt_tokens,
        "cached_tokens": found.cached_tokens,
        "output_tokens": found.output_tokens,
        "output_tokens_per_second": round(found.output_tokens_per_second, 1),
        "first_token_seconds": rounded(found.first_token.percentiles),
        "between_tokens_seconds": rounded(found.between_tokens.percentiles),
        "memory_mb": {
            "first": round(memory[0], 1),
            "last": round(memory[-1], 1),
            "most": round(max(memory), 1),
            "growth_per_hour": round(growth(watch.samples), 2),
        },
        "files": [min(s["files"] for s in watch.samples), last["files"]],
        "threads": [min(s["threads"] for s in watch.samples), last["threads"]],
        "kv_cache_in_use_at_the_end": in_use,
        "exit_status": process.returncode,
    }, watch.samples


def rounded(table):
    return {name: round(value, 4) for name, value in table.items()}


def broken(found):
    """Which promises do not hold."""
    promises = {
        "errors": not found["errors"] and not found["problems"],
        "memory grew": found["memory_mb"]["growth_per_hour"] <= MOST_GROWTH,
        "blocks in use after the end": found["kv_cache_in_use_at_the_end"] == 0,
        "exit status": found["exit_status"] == 0,
    }
    return [name for name, holds in promises.items() if not holds]


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--minutes", type=float, default=60.0)
    arguments.add_argument("--plot", type=Path, help="where the picture goes, a .png or .svg file")
    chosen = arguments.parse_args()
    from groundup.pipeline.artifact import machine, versions

    with tempfile.TemporaryFile() as log:
        found, samples = soak(chosen.minutes, log)
    print(json.dumps(found, indent=2))
    problems = broken(found)
    if chosen.plot:
        plot(samples, chosen.plot)
    if chosen.minutes >= 60:
        record = found | {"broken": problems, "machine": machine(), "versions": versions()}
        RESULT.write_text(json.dumps(record, indent=2) + "\n")
    print("all promises hold" if not problems else f"not reached: {'; '.join(problems)}")


if __name__ == "__main__":
    main()
