"""Claim: 8 bits a weight change almost nothing; 4 bits do, and less if scales are searched for.

    python benchmarks/quantization.py           # four minutes
    python benchmarks/quantization.py --quick   # a tenth of the text, nothing is written

SmolLM2-135M-Instruct in every form, against itself in float32, on Python's own sources: how far the
log-probabilities of all tokens and of the text's own move, how often the likeliest token stays the
same, bits per byte. Its file has 4-bit weights (Q4_1) already, which would flatter that format: so
the weights are first moved off its grid without changing what the model computes (`off_grid`).
What the kernels for the processor add by keeping activations in 8 bits is measured on the file
itself, against its weights in float32. Written to benchmarks/results/.
"""

import argparse
import copy
import json
import math
import time
from pathlib import Path

import numpy as np
import torch

from groundup.checkpoints.open import SMOLLM2, locate, open_model
from groundup.compress.quantize import QuantizeConfig, quantize
from groundup.evaluate import held_out
from groundup.evaluate.divergence import divergence
from groundup.inference.backend import Batch
from groundup.inference.cpu_backend import CPUBackend
from groundup.kernels.native import CompileError
from groundup.pipeline.artifact import machine, versions

RESULT = Path(__file__).parent / "results" / "quantization.json"
CONTEXT, BYTES = 512, 8000
FORMS = {
    "F16": QuantizeConfig(matrices="F16"),
    "BF16": QuantizeConfig(matrices="BF16"),
    "Q8_0": QuantizeConfig(matrices="Q8_0"),
    "Q4_1": QuantizeConfig(matrices="Q4_1"),
    "Q4_1, nearest": QuantizeConfig(matrices="Q4_1", search=False),
    "Q4_0": QuantizeConfig(matrices="Q4_0"),
    "Q4_0, searched": QuantizeConfig(matrices="Q4_0", search=True),
}


def off_grid(model):
    """The same function from other numbers.

    What a norm scales by goes into the matrices behind it, and what a matrix writes is scaled by
    numbers near 1 that the matrix behind it takes back: value and output, up and down.
    """
    moved = copy.deepcopy(model)
    generator = torch.Generator().manual_seed(0)
    repeats = model.config.heads // model.config.key_head_count

    def near_one(count):
        return torch.exp(0.1 * torch.randn(count, generator=generator))

    with torch.no_grad():
        for block in moved.blocks:
            attention, wide = block.attention, block.feed_forward
            for norm, behind in (
                (block.attention_norm, (attention.query, attention.key, attention.value)),
                (block.feed_forward_norm, (wide.gate, wide.up)),
            ):
                for matrix in behind:
                    matrix.weight.mul_(norm.weight)
                norm.weight.fill_(1)
            scale = near_one(len(attention.value.weight))
            attention.value.weight.mul_(scale[:, None])
            heads = scale.reshape(model.config.key_head_count, -1).repeat_interleave(repeats, 0)
            attention.output.weight.div_(heads.reshape(-1))
            scale = near_one(len(wide.up.weight))
            wide.up.weight.mul_(scale[:, None])
            wide.down.weight.div_(scale)
    return moved


def remembered(model):
    """The model as a function that computes each piece of the text once: 400 MB of logits."""
    found = {}

    def logits(tokens):
        key = tuple(tokens[0].tolist())
        if key not in found:
            found[key] = model(tokens)
        return found[key]

    return logits


def as_model(backend):
    """A backend as a function of tokens (1 x T) to logits (1 x T x V)."""

    def logits(tokens):
        count = tokens.shape[1]
        places = np.arange(count, dtype=np.int32)
        blocks = np.arange(-(-count // backend.block_size), dtype=np.int32)
        batch = Batch(
            tokens_T=tokens[0].numpy().astype(np.int32),
            positions_T=places,
            sequences_T=np.zeros(count, dtype=np.int32),
            blocks_SN=blocks[None],
            wanted_R=places,
        )
        return backend.step(batch)[None]

    return logits


def row(name, reference, other, shard, **facts):
    """One line of the result."""
    began = time.perf_counter()
    found = divergence(reference, other, shard, context=CONTEXT)
    per_byte = found.tokens / math.log(2) / shard.bytes
    figures = {
        "kl": found.kl,
        "worst_kl": found.worst_kl,
        "logprob_error": found.logprob_error,
        "same_likeliest": found.agreement,
        "bits_per_byte": found.nats * per_byte,
        "bits_per_byte_before": found.reference_nats * per_byte,
    }
    print(
        f"{name:<22} KL {found.kl:.5f}  |d log p| {found.logprob_error:.4f}  same "
        f"{100 * found.agreement:5.1f} %  bits per byte {figures['bits_per_byte']:.4f} "
        f"({time.perf_counter() - began:.0f} s)",
        flush=True,
    )
    return facts | {"tokens": found.tokens} | {k: round(v, 6) for k, v in figures.items()}


def of_weights(model, shard):
    """Each format's weights, computed in float32; and all in bfloat16."""
    reference = off_grid(model)
    known = remembered(model)
    rows = {"moved": row("moved off the grid", known, reference, shard)}
    assert rows["moved"]["kl"] < 1e-6, "off_grid changed what the model computes"
    known = remembered(reference)
    for name, config in FORMS.items():
        packed = quantize(reference, config)
        weights = sum(error.weights for error in packed.errors)
        facts = {
            "bits_a_weight": round(8 * packed.bytes / weights, 3),
            "mean_error": round(packed.relative, 6),
            "worst_error": round(packed.worst(1)[0].relative, 6),
        }
        rows[name] = row(name, known, packed.model(), shard, **facts)
    half = copy.deepcopy(reference).to(torch.bfloat16)
    rows["bfloat16 throughout"] = row("bfloat16 throughout", known, half, shard)
    return rows


def of_kernels(model, shard):
    """The kernels for the processor: activations in 8 bits, keys and values in float16, too."""
    makers = {
        "the file as it is": lambda: CPUBackend.from_gguf(locate(SMOLLM2), cache_bytes=1 << 28),
        "Q8_0": lambda: CPUBackend.from_model(model, "q8", cache_bytes=1 << 28),
    }
    rows, known = {}, remembered(model)
    for name, make in makers.items():
        try:
            backend = make()
        except CompileError as problem:
            print(f"no kernels: {problem}", flush=True)
            continue
        rows[name] = row(f"kernel, {name}", known, as_model(backend), shard, backend=backend.name)
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the text, nothing written")
    quick = parser.parse_args().quick
    torch.set_num_threads(1)
    loaded = open_model(SMOLLM2, device="cpu")
    texts = held_out.of_standard_library(BYTES // 10 if quick else BYTES)
    shard = held_out.as_shard(texts, loaded.tokenizer)
    weights = of_weights(loaded.model, shard)
    kernels = of_kernels(loaded.model, shard)
    assert weights["Q8_0"]["kl"] < 0.01, "8 bits change what is seen"
    for better, worse in (("Q4_1", "Q4_1, nearest"), ("Q4_0", "Q4_0, searched")):
        if not quick:  # a few hundred tokens do not show it
            assert weights[better]["kl"] < weights[worse]["kl"], f"{better} is not the better way"
    for name, kernel in kernels.items():
        assert kernel["kl"] < 0.05, f"the kernel on {name} computes something else"
    if not quick:
        facts = {"machine": machine(), "versions": versions(), "bytes": shard.bytes}
        result = facts | {"context": CONTEXT, "weights": weights, "kernels": kernels}
        RESULT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
