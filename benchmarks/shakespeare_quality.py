"""Claim: after five minutes on two cores, groundup's model predicts Shakespeare better than the
reference design at its published CPU settings, by more than the spread between seeds.

    python benchmarks/shakespeare_quality.py             # 3 seeds x 2 models x 5 minutes
    python benchmarks/shakespeare_quality.py --quick     # does it run? its figures mean nothing

Data: tinyshakespeare, characters (each one byte), the first 90 % for training. Both get the same
wall time, each spends it all: the number of steps follows from a short measurement, and the
learning rate's course from the number of steps (the published 2,000 steps would end earlier).
Scored are all characters of the rest, each with at least half of the model's own context before it,
in bits per byte. Peer and ours alternate. Written to benchmarks/results/.
"""

import argparse
import json
import math
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import reference_gpt
import torch
from torch.nn import functional as F

from groundup.models.gpt import GPT
from groundup.models.gpt_config import GPTConfig
from groundup.optimizers.groups import OptimizerConfig
from groundup.pipeline.artifact import machine, versions
from groundup.train.loop import train
from groundup.train.settings import TrainConfig

DATA = Path(__file__).parents[1].parent / "shared" / "data" / "tinyshakespeare"
RESULT = Path(__file__).parent / "results" / "shakespeare_quality.json"
OUR_CONTEXT, OUR_BATCH = 256, 8


def load():
    """Token ids of the two splits, and how many characters there are."""
    (path,) = sorted(p for p in DATA.rglob("*.txt") if p.stat().st_size > 10**6)
    text = path.read_text(encoding="ascii")
    letters = sorted(set(text))
    place = {letter: i for i, letter in enumerate(letters)}
    ids = torch.tensor([place[letter] for letter in text])
    cut = int(0.9 * len(ids))
    return ids[:cut], ids[cut:], len(letters)


class Windows:
    """Random windows of a split: a pure function of seed and step."""

    def __init__(self, ids, batch, context, seed):
        self.ids, self.batch, self.context, self.seed = ids, batch, context, seed

    def at(self, step):
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + step)
        high = len(self.ids) - self.context
        starts = torch.randint(high, (self.batch,), generator=generator)
        windows = torch.stack([self.ids[i : i + self.context + 1] for i in starts.tolist()])
        return windows[:, :-1].contiguous(), windows[:, 1:].contiguous()


@torch.no_grad()
def bits_per_byte(model, ids, context):
    """Each character but the first scored once, half a context before it (but at the start)."""
    half, total, count = context // 2, 0.0, 0
    for begin in range(0, len(ids) - 1, half):
        window = ids[begin : begin + context + 1]
        skip = 0 if begin == 0 else half
        if len(window) - 1 <= skip:
            break
        logits = model(window[None, :-1])[0]
        loss = F.cross_entropy(logits[skip:], window[1:][skip:], reduction="sum")
        total, count = total + loss.item(), count + len(window) - 1 - skip
    assert count == len(ids) - 1, "each character is scored once"
    return total / count / math.log(2)


def train_peer(ids, vocabulary, *, seed, seconds):
    """The reference design at its published CPU settings, as many steps as fit."""
    torch.manual_seed(seed)
    model = reference_gpt.ReferenceGPT(reference_gpt.Shape(vocabulary))
    optimizer = reference_gpt.adamw(model)
    windows = Windows(ids, 12, 64, seed)

    def update(step, steps):
        for group in optimizer.param_groups:
            group["lr"] = reference_gpt.rate(step, steps)
        loss = model.loss(*windows.at(step))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), reference_gpt.CLIP)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    began = time.monotonic()
    initial = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    probe = max(5, int(seconds))
    for step in range(5):
        update(step, 2000)
    middle = time.monotonic()
    for step in range(probe):
        update(step, 2000)
    per_step = (time.monotonic() - middle) / probe
    model.load_state_dict(initial)
    optimizer = reference_gpt.adamw(model)
    steps = max(1, int((seconds - (time.monotonic() - began)) / per_step))
    for step in range(steps):
        update(step, steps)
    return model, 64, {"steps": steps, "seconds": round(time.monotonic() - began, 1)}


def train_ours(ids, vocabulary, *, seed, seconds):
    """Our default architecture in a size that suits five minutes, trained by `train.loop`."""
    torch.manual_seed(seed)
    shape = {"depth": 4, "width": 192, "heads": 3, "vocab_size": vocabulary}
    model = GPT(GPTConfig(context=OUR_CONTEXT, **shape))
    config = TrainConfig(
        minutes=seconds / 60,
        batch_size=OUR_BATCH,
        context=OUR_CONTEXT,
        optimizer=replace(OptimizerConfig.from_width(shape["width"]), weight_decay=0.1),
        device="cpu",
        seed=seed,
    )
    began = time.monotonic()
    windows = Windows(ids, OUR_BATCH, OUR_CONTEXT, seed)
    with tempfile.TemporaryDirectory() as folder:
        result = train(model, windows, config, Path(folder))
    facts = {"steps": result.steps, "seconds": round(time.monotonic() - began, 1)}
    return model, OUR_CONTEXT, facts


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true")
    arguments.add_argument("--minutes", type=float, default=5.0)
    chosen = arguments.parse_args()
    seconds, seeds = (10.0, 2) if chosen.quick else (60 * chosen.minutes, 3)
    training, validation, vocabulary = load()
    if chosen.quick:
        validation = validation[:5000]
    runs = []
    for seed in range(seeds):
        for name, trained in (("peer", train_peer), ("ours", train_ours)):
            model, context, facts = trained(training, vocabulary, seed=seed, seconds=seconds)
            bpb = bits_per_byte(model.eval(), validation, context)
            runs.append({"name": name, "seed": seed, "bits_per_byte": round(bpb, 4), **facts})
            print(runs[-1], flush=True)
    scores = {n: [r["bits_per_byte"] for r in runs if r["name"] == n] for n in ("peer", "ours")}
    means = {name: round(statistics.mean(values), 4) for name, values in scores.items()}
    spreads = {name: round(max(values) - min(values), 4) for name, values in scores.items()}
    gain = round(means["peer"] - means["ours"], 4)
    verdict = {
        "means": means,
        "spreads": spreads,
        "gain": gain,
        "holds": gain > max(spreads.values()),
    }
    print(verdict)
    if not chosen.quick:
        record = {"machine": machine(), "versions": versions(), "threads": torch.get_num_threads()}
        record |= {"seconds": seconds, "runs": runs, **verdict}
        RESULT.parent.mkdir(exist_ok=True)
        RESULT.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
