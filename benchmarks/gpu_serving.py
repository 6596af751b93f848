"""Claim, for a machine with a GPU: tokens per second of answering 1, 8 and 64 requests at once with
a 124M and a 1.1B Llama in bfloat16: our engine with CUDA graphs and without, beside Hugging Face's
`generate`; the aim is ten times `generate`.

    python benchmarks/gpu_serving.py            # needs CUDA; some ten minutes
    python benchmarks/gpu_serving.py --quick    # a tiny model on what there is: does it run?

It has not been run on a GPU so far: no figure of it is claimed anywhere, and no result is stored.

All answer prompts of 32 random tokens with 128 tokens each, greedily; the rate is all answers'
tokens over the whole time, reading the prompts included. Ours is the engine as it serves (schedule,
compute, draw, text), without HTTP. `generate` gets the prompts as one batch, in its own defaults (a
cache that grows, nothing compiled). They take turns in one process; a ratio is the median over the
rounds. Beforehand each answers once unmeasured, which is when graphs are recorded. `agree` is the
share of tokens that are equal with graphs and without, up to each answer's first that is not: sums
are rounded differently, and weights are random. Written to benchmarks/results/.
"""

import argparse
import importlib.util
import json
import statistics
import time
import warnings
from pathlib import Path

import torch
from peer_models import Size, transformers_llama

from groundup.inference.engine import Engine, EngineConfig
from groundup.inference.request import Request
from groundup.inference.sampling import GREEDY
from groundup.inference.torch_backend import BLOCK_SIZE, TorchBackend
from groundup.models.gpt import GPT
from groundup.models.gpt_config import GPTConfig
from groundup.observe.profile import wait
from groundup.pipeline.artifact import machine, versions

RESULT = Path(__file__).parent / "results" / "gpu_serving.json"
SIZES = {
    "124M": Size(1, 2048, 12, 12, 768, 2048, 50304),
    "1.1B": Size(1, 2048, 22, 32, 2048, 5632, 32000),
}
TINY = {"tiny": Size(1, 128, 2, 2, 64, 128, 256)}
PROMPT, ANSWER = 32, 128


class Letters:
    """What the engine needs of a tokenizer, for tokens that mean nothing."""

    def token_bytes(self, token):
        return b"a"


def our_model(size, device):
    config = GPTConfig(
        vocab_size=size.vocabulary,
        context=size.context,
        depth=size.depth,
        width=size.width,
        heads=size.heads,
        hidden=size.hidden,
        qk_norm=False,
        tied=False,
    )
    with torch.device(device):
        model = GPT(config).eval()
    return GPT.from_weights(
        config, {name: weight.bfloat16() for name, weight in model.state_dict().items()}
    )


def ours(model, count, answer, *, graphs):
    """Answers `count` prompts at once; returns their tokens."""
    blocks = count * -(-(PROMPT + answer + 1) // BLOCK_SIZE)
    backend = TorchBackend(model, block_count=blocks, graphs=graphs)
    config = EngineConfig(max_batch=count, prefix_cache=False)
    engine = Engine(backend, Letters(), config)

    def run(prompts):
        asked = [
            engine.submit(Request(prompt=tuple(ids), max_tokens=answer, sampling=GREEDY))
            for ids in prompts
        ]
        found = {one: [] for one in asked}
        while engine.has_work():
            for delta in engine.step():
                if delta.error:
                    raise ValueError(delta.error)
                found[delta.request_id] += delta.tokens
        if "without new graphs" in backend.name:
            raise ValueError(f"graphs failed: {backend.name}")
        return [found[one] for one in asked]

    return run


def peer(size, device, answer):
    """transformers' `generate`."""
    with torch.device(device):
        model, _ = transformers_llama(size)
    model = model.bfloat16().eval()
    model.generation_config.eos_token_id = None
    model.generation_config.pad_token_id = 0

    def run(prompts):
        ids = torch.tensor(prompts, device=device)
        with torch.no_grad():
            found = model.generate(
                ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=answer,
                do_sample=False,
            )
        return found[:, PROMPT:].tolist()

    return run


def speed(run, prompts, answer, device):
    """Tokens per second."""
    wait(device)
    began = time.perf_counter()
    found = run(prompts)
    wait(device)
    spent = time.perf_counter() - began
    count = sum(map(len, found))
    if count != answer * len(prompts):
        raise ValueError(f"{count} tokens came; {answer * len(prompts)} were asked for")
    return count / spent


def equal_share(ones, others):
    """Of two lists of answers, the tokens up to each one's first difference."""
    same = 0
    for one, other in zip(ones, others, strict=True):
        ends = [n for n, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]
        same += ends[0] if ends else len(one)
    return round(same / sum(map(len, ones)), 3)


def measure(size, device, *, answer, counts, rounds):
    """Rates and ratios for each number of requests."""
    model, theirs, found = our_model(size, device), None, {}
    if importlib.util.find_spec("transformers") is None:
        print("transformers is not installed, left out")
    else:
        theirs = peer(size, device, answer)
    draw = torch.Generator().manual_seed(0)
    for count in counts:
        prompts = torch.randint(size.vocabulary, (count, PROMPT), generator=draw).tolist()
        runs = {"plain": ours(model, count, answer, graphs=False)}
        if device.type == "cuda":
            runs["graphs"] = ours(model, count, answer, graphs=True)
        if theirs is not None:
            runs["transformers"] = theirs
        answers = {name: run(prompts) for name, run in runs.items()}
        rates = {name: [] for name in runs}
        for _ in range(rounds):
            for name, run in runs.items():
                rates[name].append(speed(run, prompts, answer, device))
        found[str(count)] = summary(rates, answers)
        print(count, "at once:", found[str(count)], flush=True)
    return found


def summary(rates, answers):
    found = {name: round(statistics.median(values), 1) for name, values in rates.items()}
    best = rates.get("graphs", rates["plain"])
    for name in ("plain", "transformers"):
        if name in rates and rates[name] is not best:
            pairs = zip(best, rates[name], strict=True)
            found[f"ratio_to_{name}"] = round(statistics.median(a / b for a, b in pairs), 3)
    if "graphs" in answers:
        found["agree"] = equal_share(answers["graphs"], answers["plain"])
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
    if chosen.quick:
        settings = {"answer": 16, "counts": (1, 3), "rounds": 2}
    else:
        settings = {"answer": ANSWER, "counts": (1, 8, 64), "rounds": 5}
    sizes = TINY if chosen.quick else SIZES
    results = {}
    for name, size in sizes.items():
        print(name)
        results[name] = measure(size, device, **settings)
    if not chosen.quick:
        record = {"machine": machine(), "versions": versions()}
        record |= {"gpu": torch.cuda.get_device_name(), "rounds": settings["rounds"]}
        record |= {"prompt": PROMPT, "answer": ANSWER, "results": results}
        RESULT.parent.mkdir(exist_ok=True)
        RESULT.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
