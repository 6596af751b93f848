"""Claim, for a machine with a GPU: tokens per second and model FLOPs utilization of training a 124M
and a 1.1B Llama in bfloat16, compiled, beside transformers and litgpt; the aim is 50 % at 1.1B.

    python benchmarks/gpu_training.py            # needs CUDA; some ten minutes
    python benchmarks/gpu_training.py --quick    # a tiny model on what there is: does it run?

A whole update: forward, backward, clipping, fused AdamW; float32 weights under bfloat16 autocast.
Peer and ours alternate in one process; a ratio is the median over the rounds of ours / peer. FLOPs
are `groundup.scaling.flops.training_flops` (6 for each weight of a product and token, attention's
products halved for causality) for everybody; the peak is a product of square bfloat16 matrices,
measured in the same run. Written to benchmarks/results/.
"""

import argparse
import importlib.util
import json
import statistics
import time
import warnings
from pathlib import Path

import torch
from peer_models import Size, litgpt_llama, transformers_llama

from groundup.models.gpt import GPT
from groundup.models.gpt_config import GPTConfig
from groundup.observe.profile import matmul_flops, utilization, wait
from groundup.optimizers import groups
from groundup.optimizers.clipping import clip_gradients
from groundup.pipeline.artifact import machine, versions
from groundup.scaling.flops import training_flops
from groundup.train.objectives import next_token
from groundup.train.prepare import Computation
from groundup.train.settings import TrainConfig

RESULT = Path(__file__).parent / "results" / "gpu_training.json"


SIZES = {
    "124M": Size(32, 1024, 12, 12, 768, 2048, 50304),
    "1.1B": Size(8, 2048, 22, 32, 2048, 5632, 32000),
}
TINY = {"tiny": Size(2, 32, 2, 2, 64, 128, 256)}


def ours(size, device, batch):
    """One update as `groundup.train.loop` does it."""
    config = config_of(size)
    with torch.device(device):
        model = GPT(config)
    settings = TrainConfig(batch_size=size.batch, context=size.context, steps=1)
    computation = Computation(model, next_token, settings, device)
    computation.precision = "bfloat16"
    optimizers = groups.build(model, groups.OptimizerConfig(kind="adamw", lr=3e-4))
    if reason := computation.compile(batch):
        raise ValueError(reason)

    def step():
        loss = computation.backward(batch)
        norm = clip_gradients(model.parameters(), 1.0)
        computation.update(optimizers)
        return float(loss), float(norm)

    return step


def config_of(size):
    return GPTConfig(
        vocab_size=size.vocabulary,
        context=size.context,
        depth=size.depth,
        width=size.width,
        heads=size.heads,
        hidden=size.hidden,
        qk_norm=False,
        tied=False,
    )


PEERS = {"transformers": transformers_llama, "litgpt": litgpt_llama}


def peer(build, size, device, batch):
    """One update of a peer, compiled, with torch's fused AdamW."""
    with torch.device(device):
        model, loss = build(size)
    loss = torch.compile(loss, dynamic=False)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4, fused=True)

    def step():
        with torch.autocast(device.type, dtype=torch.bfloat16):
            value = loss(*batch)
        value.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return value.item(), float(norm)

    return step


def speed(step, size, device, seconds):
    """Tokens per second over at least `seconds`."""
    step()
    wait(device)
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds or count < 2:
        step()
        count += 1
    wait(device)
    return count * size.batch * size.context / (time.perf_counter() - began)


def measure(size, device, peak, *, rounds, seconds):
    """Ours beside each peer."""
    tokens = torch.randint(size.vocabulary, (size.batch, size.context + 1), device=device)
    batch = tokens[:, :-1].contiguous(), tokens[:, 1:].contiguous()
    flops = training_flops(config_of(size), size.context)
    mine, found = ours(size, device, batch), {}
    for name, build in PEERS.items():
        if importlib.util.find_spec(name) is None:
            print(f"{name} is not installed, left out")
            continue
        theirs = peer(build, size, device, batch)
        pairs = [
            tuple(speed(step, size, device, seconds) for step in (mine, theirs))
            for _ in range(rounds)
        ]
        a, b = (statistics.median(rates) for rates in zip(*pairs, strict=True))
        found[name] = {
            "ours": round(a),
            "peer": round(b),
            "ratio": round(statistics.median(x / y for x, y in pairs), 3),
            "our_mfu": round(utilization(flops, a, peak), 4),
            "peer_mfu": round(utilization(flops, b, peak), 4),
        }
        print(name, found[name], flush=True)
        del theirs
        torch.cuda.empty_cache()
    torch.compiler.reset()
    return found


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true")
    chosen = arguments.parse_args()
    has_gpu = torch.cuda.is_available()
    if not has_gpu and not chosen.quick:
        print("there is no GPU here; nothing is measured and nothing is claimed")
        return
    warnings.simplefilter("ignore")
    device = torch.device("cuda" if has_gpu else "cpu")
    rounds, seconds = (2, 0.3) if chosen.quick else (7, 3.0)
    peak = matmul_flops(torch.bfloat16, device, seconds=1.0)
    sizes = TINY if chosen.quick else SIZES
    results = {
        name: measure(size, device, peak, rounds=rounds, seconds=seconds)
        for name, size in sizes.items()
    }
    if not chosen.quick:
        record = {"machine": machine(), "versions": versions(), "peak_flops": peak}
        record |= {"gpu": torch.cuda.get_device_name(), "rounds": rounds, "results": results}
        RESULT.parent.mkdir(exist_ok=True)
        RESULT.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
