"""Claim: training on this CPU is at least 1.5 times as fast as each peer as published, and at least
1.15 times as fast as the best of them tuned.

    python benchmarks/training_speed.py            # about ten minutes, on a machine that is idle
    python benchmarks/training_speed.py --quick    # a minute: does it run? its figures mean nothing

What runs is a whole update: forward, backward, clipping, AdamW. Each peer is compared on its own
architecture and batch shape, which groundup's `GPT` builds with the same parameters: nanoGPT's
design (`reference_gpt`), transformers' GPT-2 and Llama, litgpt's Llama. "Published" is eager
float32 with torch's AdamW; "tuned" is the fastest of compiled or not, bfloat16 autocast or not,
then one thread or all, all with the fused AdamW. Ours is tuned in the same way. Peer and ours
alternate in one process; a ratio is the median over the rounds of ours / peer in that round. "The
best of them tuned" is the fastest tuned peer; ours is held against it on its own architecture.
litgpt takes part when `benchmarks/peers.txt` is installed (`make bench` does). Written to
benchmarks/results/.
"""

import argparse
import contextlib
import functools
import importlib.util
import itertools
import json
import statistics
import time
import warnings
from pathlib import Path

import torch
from peer_models import Size, litgpt_llama, nanogpt, transformers_gpt2, transformers_llama

from groundup.models.gpt import GPT
from groundup.models.gpt_config import GPTConfig
from groundup.optimizers import groups
from groundup.optimizers.clipping import clip_gradients
from groundup.pipeline.artifact import machine, versions
from groundup.train.allocator import keep_freed_memory
from groundup.train.objectives import next_token
from groundup.train.prepare import Computation
from groundup.train.reproducible import reproducible
from groundup.train.settings import TrainConfig

RESULT = Path(__file__).parent / "results" / "training_speed.json"
SIZE = Size(batch=12, context=64, depth=4, heads=4, width=128, hidden=352, vocabulary=65)
ALL = torch.get_num_threads()
CPU = torch.device("cpu")


def gpt2_config(**changes):
    gpt2 = {"positions": "learned", "norm": "layer", "activation": "gelu_tanh", "qk_norm": False}
    shape = {"depth": SIZE.depth, "width": SIZE.width, "heads": SIZE.heads}
    sizes = {"vocab_size": SIZE.vocabulary, "context": SIZE.context}
    return GPTConfig(**{**shape, **sizes, **gpt2, **changes})


def llama_config():
    rotary = {"positions": "rotary", "norm": "rms", "activation": "swiglu", "tied": False}
    return gpt2_config(hidden=SIZE.hidden, **rotary)


PEERS = {
    "nanogpt": (nanogpt, lambda: gpt2_config(activation="gelu", norm_bias=False), None),
    "transformers-gpt2": (
        transformers_gpt2,
        lambda: gpt2_config(attention_bias="all", mlp_bias=True),
        "transformers",
    ),
    "transformers-llama": (transformers_llama, llama_config, "transformers"),
    "litgpt-llama": (litgpt_llama, llama_config, "litgpt"),
}


def batch():
    tokens = torch.randint(SIZE.vocabulary, (SIZE.batch, SIZE.context + 1))
    return tokens[:, :-1].contiguous(), tokens[:, 1:].contiguous()


def peer_step(build, *, compiled=False, bfloat16=False, fused=None, threads=ALL):
    """A function that does one update of a peer."""
    torch.manual_seed(0)
    model, loss = build(SIZE)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.99), fused=fused)
    x, y = batch()
    loss = torch.compile(loss, dynamic=False) if compiled else loss
    kind = torch.bfloat16 if bfloat16 else torch.float32

    def step():
        torch.set_num_threads(threads)
        with (
            torch.autocast("cpu", dtype=torch.bfloat16)
            if kind != torch.float32
            else contextlib.nullcontext()
        ):
            value = loss(x, y)
        value.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return value.item()

    return step


def our_step(config, *, compiled=False, bfloat16=False, threads=ALL):
    """A function that does one update as `groundup.train.loop` does."""
    torch.manual_seed(0)
    model = GPT(config)
    settings = TrainConfig(batch_size=SIZE.batch, context=SIZE.context, steps=1)
    computation = Computation(model, next_token, settings, CPU)
    computation.precision = "bfloat16" if bfloat16 else "float32"
    optimizers = groups.build(model, groups.OptimizerConfig(kind="adamw", betas=(0.9, 0.99)))
    pair = batch()
    with reproducible(CPU, threads):
        if compiled and (reason := computation.compile(pair)):
            raise ValueError(reason)

    def step():
        with reproducible(CPU, threads):
            loss = computation.backward(pair)
            norm = clip_gradients(model.parameters(), 1.0)
            computation.update(optimizers)
        return float(loss), float(norm)

    return step


def speed(step, seconds):
    """Tokens per second over at least `seconds`."""
    step()
    count, began = 0, time.perf_counter()
    while (spent := time.perf_counter() - began) < seconds or count < 2:
        step()
        count += 1
    return count * SIZE.batch * SIZE.context / spent


def tuned(make, seconds):
    """The fastest way `make` can run, its name, and tokens per second of every way tried."""
    steps, rates = {}, {}

    def attempt(compiled, bfloat16, threads):
        how, kind = "compiled" if compiled else "eager", "bfloat16" if bfloat16 else "float32"
        name = f"{how}, {kind}, {threads} threads"
        steps[name] = make(compiled=compiled, bfloat16=bfloat16, threads=threads)
        rates[name] = round(speed(steps[name], seconds))

    ways = list(itertools.product((False, True), (False, True)))
    for way in ways:
        attempt(*way, ALL)
    best_way = ways[max(range(len(ways)), key=list(rates.values()).__getitem__)]
    if ALL > 1:
        attempt(*best_way, 1)
    best = max(rates, key=rates.get)
    return steps[best], best, rates


def duel(ours, peer, *, rounds, seconds):
    """Median rates, and the median of the ratios of neighbours in time."""
    pairs = [(speed(ours, seconds), speed(peer, seconds)) for _ in range(rounds)]
    ratios = [a / b for a, b in pairs]
    return {
        "ours": round(statistics.median(a for a, _ in pairs)),
        "peer": round(statistics.median(b for _, b in pairs)),
        "ratio": round(statistics.median(ratios), 3),
        "ratios": [round(ratio, 3) for ratio in ratios],
    }


def compare(name, *, rounds, seconds):
    """One peer: published against ours tuned, tuned against ours tuned."""
    build, our_config, _ = PEERS[name]
    config = our_config()
    ours, our_best, our_rates = tuned(functools.partial(our_step, config), seconds)
    peer, peer_best, peer_rates = tuned(functools.partial(peer_step, build, fused=True), seconds)
    published = duel(ours, peer_step(build), rounds=rounds, seconds=seconds)
    best = duel(ours, peer, rounds=rounds, seconds=seconds)
    print(
        f"{name}: ours ({our_best}) {published['ours']:,} tokens/s, published "
        f"{published['peer']:,}, ratio {published['ratio']}; tuned ({peer_best}) "
        f"{best['peer']:,}, ratio {best['ratio']}",
        flush=True,
    )
    torch.compiler.reset()
    return {
        "published": published,
        "tuned": best,
        "peer_best": peer_best,
        "peer_variants": peer_rates,
        "our_best": our_best,
        "our_variants": our_rates,
    }


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true")
    arguments.add_argument("--only", choices=PEERS, default=None)
    chosen = arguments.parse_args()
    rounds, seconds = (2, 0.3) if chosen.quick else (9, 1.5)
    warnings.simplefilter("ignore")
    keep_freed_memory()
    results = {}
    for name, (_, _, needs) in PEERS.items():
        if chosen.only not in (None, name):
            continue
        if needs and importlib.util.find_spec(needs) is None:
            print(f"{name}: {needs} is not installed, left out")
            continue
        results[name] = compare(name, rounds=rounds, seconds=seconds)
    best_peer = max(results, key=lambda name: results[name]["tuned"]["peer"])
    verdict = {
        "lowest_published_ratio": min(r["published"]["ratio"] for r in results.values()),
        "best_tuned_peer": best_peer,
        "best_tuned_ratio": results[best_peer]["tuned"]["ratio"],
        "lowest_tuned_ratio": min(r["tuned"]["ratio"] for r in results.values()),
    }
    verdict["holds"] = (
        verdict["lowest_published_ratio"] >= 1.5 and verdict["best_tuned_ratio"] >= 1.15
    )
    print(verdict)
    facts = {"machine": machine(), "versions": versions(), "threads": ALL, "shape": vars(SIZE)}
    record = {**facts, "rounds": rounds, "seconds": seconds, **verdict, "results": results}
    if not (chosen.quick or chosen.only):
        RESULT.parent.mkdir(exist_ok=True)
        RESULT.write_text(json.dumps(record, indent=2) + "\n")
        print(f"written to {RESULT.name}")


if __name__ == "__main__":
    main()
