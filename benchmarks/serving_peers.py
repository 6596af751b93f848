"""One engine in a process of its own, which does what it is told by lines of JSON.

    python benchmarks/serving_peers.py ours smollm2
    python benchmarks/serving_peers.py llama.cpp model.gguf
    python benchmarks/serving_peers.py transformers model.gguf

Commands, one object a line; the answer is one line of JSON:

    {"do": "generate", "prompts": [[ids], ...], "tokens": 128}   all at once, greedily
    {"do": "serve"}                                              answers with a URL

`benchmarks/serving.py` starts these and takes turns between them.
"""

import contextlib
import json
import os
import statistics
import sys
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

THREADS = 2
CONTEXT = 2048
SLOTS = 8


def memory():
    """Resident memory of this process in bytes, and the part that no file backs."""
    lines = Path("/proc/self/status").read_text().splitlines()
    table = {line.split(":")[0]: line.split()[1] for line in lines if " kB" in line}
    return {"resident": 1024 * int(table["VmRSS"]), "anonymous": 1024 * int(table["RssAnon"])}


class Ours:
    """groundup's engine, without a server around it."""

    def __init__(self, source):
        import torch

        from groundup.inference.engine import EngineConfig
        from groundup.inference.open_engine import open_engine

        torch.set_num_threads(THREADS)
        self.plain = EngineConfig(max_batch=SLOTS, prefix_cache=False)
        self.opened = open_engine(source, config=self.plain)
        self.backend = self.opened.engine.backend
        tokens = self.backend.block_count * self.backend.block_size
        self.bytes_per_token = self.backend.bytes()["cache"] / tokens
        self.spent = 0.0
        step = self.backend.step

        def timed(batch):
            began = time.perf_counter()
            try:
                return step(batch)
            finally:
                self.spent += time.perf_counter() - began

        self.backend.step = timed
        self.engines = {}

    def engine(self, *, prefix_cache=False, speculate=0):
        """An engine of these settings; all share the backend, so one at a time may work."""
        import dataclasses

        from groundup.inference.engine import Engine

        key = prefix_cache, speculate
        if key not in self.engines:
            config = dataclasses.replace(self.plain, prefix_cache=prefix_cache, speculate=speculate)
            self.engines[key] = Engine(self.backend, self.opened.tokenizer, config)
        return self.engines[key]

    def generate(self, prompts, tokens, *, prefix_cache=False, speculate=0):
        from groundup.inference.request import Request
        from groundup.inference.sampling import Sampling

        engine = self.engine(prefix_cache=prefix_cache, speculate=speculate)
        steps, self.spent = engine.stats().steps, 0.0
        began = time.perf_counter()
        asked = [
            engine.submit(
                Request(prompt=tuple(ids), max_tokens=tokens, sampling=Sampling(temperature=0.0))
            )
            for ids in prompts
        ]
        found = {one: [] for one in asked}
        first, last, cached = {}, {}, {}
        reading, decoding = None, None
        while engine.has_work():
            for delta in engine.step():
                now = time.perf_counter()
                found[delta.request_id] += delta.tokens
                if delta.tokens:
                    if delta.request_id not in first:
                        first[delta.request_id] = now
                        cached[delta.request_id] = delta.cached_tokens
                    last[delta.request_id] = now
            if reading is None and len(first) == len(asked):
                reading, decoding = self.spent, time.perf_counter()
        ended = time.perf_counter()
        whole = ended - decoding
        return {
            "tokens": [found[one] for one in asked],
            "first_seconds": max(first.values()) - began,
            "rate": rate(found, first, last),
            "overhead": 1 - (self.spent - reading) / whole if whole > 0 else None,
            "cached": sum(cached.values()),
            "steps": engine.stats().steps - steps,
            "memory": memory(),
            "bytes": self.backend.bytes(),
            "bytes_per_token": self.bytes_per_token,
            "note": self.opened.note,
        }


def rate(found, first, last):
    """Tokens a second after the first of each: all of them over the slowest one's time."""
    seconds = max(last[one] - first[one] for one in found)
    return sum(len(tokens) - 1 for tokens in found.values()) / seconds if seconds else None


class LlamaCpp:
    """llama.cpp's server as xllamacpp brings it; its own clock is believed."""

    def __init__(self, path):
        import xllamacpp

        settings = xllamacpp.CommonParams()
        settings.model.path = str(path)
        settings.n_ctx, settings.n_parallel = CONTEXT * SLOTS, SLOTS
        settings.verbosity = 0
        settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = THREADS
        self.server = xllamacpp.Server(settings)
        self.url = self.server.listening_address
        self.pool = ThreadPoolExecutor(SLOTS)

    def ask(self, question):
        request = urllib.request.Request(
            f"{self.url}/completion",
            json.dumps(question).encode(),
            {"content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=600) as answer:
            return json.load(answer)

    def generate(self, prompts, tokens, *, prefix_cache=False, speculate=0):
        questions = [
            {
                "prompt": ids, "n_predict": tokens, "temperature": 0, "ignore_eos": True,
                "cache_prompt": prefix_cache, "return_tokens": True, "top_k": 1,
            }
            for ids in prompts
        ]  # fmt: skip
        answers = list(self.pool.map(self.ask, questions))
        times = [answer["timings"] for answer in answers]
        # A slot's clock of decoding starts with its own first token.
        slowest = max(one["predicted_ms"] for one in times) / 1000
        count = sum(one["predicted_n"] - 1 for one in times)
        return {
            "tokens": [answer["tokens"] for answer in answers],
            "first_seconds": max(one["prompt_ms"] for one in times) / 1000,
            "rate": count / slowest if tokens > 1 else None,
            "cached": sum(one.get("cache_n", 0) for one in times),
            "memory": memory(),
        }

    def serve(self):
        return {"url": self.url, "memory": memory()}


class Transformers:
    """transformers in bfloat16, its cache, and a loop without the rest of `generate`."""

    def __init__(self, path):
        import torch
        from transformers import AutoModelForCausalLM

        torch.set_num_threads(THREADS)
        path = Path(path)
        self.torch = torch
        self.model = AutoModelForCausalLM.from_pretrained(
            path.parent, gguf_file=path.name, dtype=torch.float32
        )
        self.model = self.model.to(torch.bfloat16).eval()

    def generate(self, prompts, tokens, *, prefix_cache=False, speculate=0):
        torch = self.torch
        began = time.perf_counter()
        with torch.inference_mode():
            out = self.model(torch.tensor(prompts), use_cache=True, logits_to_keep=1)
            next_B1 = out.logits[:, -1].argmax(-1, keepdim=True)
            first = time.perf_counter()
            found = [next_B1]
            for _ in range(tokens - 1):
                out = self.model(next_B1, past_key_values=out.past_key_values, use_cache=True)
                next_B1 = out.logits[:, -1].argmax(-1, keepdim=True)
                found.append(next_B1)
        seconds = time.perf_counter() - first
        return {
            "tokens": torch.cat(found, 1).tolist(),
            "first_seconds": first - began,
            "rate": len(prompts) * (tokens - 1) / seconds if tokens > 1 else None,
            "memory": memory(),
        }


class Machine:
    """No engine: what the memory gives."""

    def __init__(self, _):
        import torch

        torch.set_num_threads(THREADS)
        self.torch = torch

    def generate(self, prompts, tokens, **_):
        """Bytes a second that a sum over 256 MiB reads, with all threads; the median of seven."""
        numbers = self.torch.ones(1 << 26)
        found = []
        for _ in range(8):
            began = time.perf_counter()
            numbers.sum()
            found.append(numbers.nbytes / (time.perf_counter() - began))
        return {"bandwidth": statistics.median(found[1:])}


KINDS = {"ours": Ours, "llama.cpp": LlamaCpp, "transformers": Transformers, "machine": Machine}


def main():
    kind, source = sys.argv[1:3]
    # What libraries print goes to the error output; the answers alone to ours.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    engine = KINDS[kind](source)
    print(json.dumps({"ready": True}), file=answers, flush=True)
    for line in sys.stdin:
        command = json.loads(line)
        print(json.dumps(getattr(engine, command.pop("do"))(**command)), file=answers, flush=True)
    # Some servers wait for their connections when they are torn down.
    with contextlib.suppress(Exception):
        threading.Timer(2, os._exit, [0]).start()


if __name__ == "__main__":
    main()
