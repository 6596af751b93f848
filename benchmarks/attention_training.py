"""Claim: to train in bfloat16 on a CPU, attention as two products and a softmax is faster than
PyTorch's fused kernel, forward and backward, up to 1,024 tokens; in float32 it is not.

    python benchmarks/attention_training.py            # a minute
    python benchmarks/attention_training.py --quick

Both are groundup's `kernels.attention.attend`, once as it chooses and once made to take
`scaled_dot_product_attention`; they alternate, and a ratio above 1 says that products are faster.
Written to benchmarks/results/.
"""

import argparse
import json
import statistics
import time
from pathlib import Path

import torch

from groundup.kernels import attention
from groundup.pipeline.artifact import machine, versions
from groundup.train.allocator import keep_freed_memory

RESULT = Path(__file__).parent / "results" / "attention_training.json"
SHAPES = ((12, 4, 64, 32), (8, 2, 256, 64), (4, 2, 512, 64), (2, 4, 1024, 64))  # B, H, T, D


def inputs(shape, kind):
    """Queries, keys and values as a model makes them (B x T x H x D, seen as B x H x T x D)."""
    B, H, T, D = shape
    return [torch.randn(B, T, H, D, dtype=kind).transpose(1, 2).requires_grad_() for _ in "qkv"]


def seconds(attend, tensors, upstream):
    """One forward and backward pass."""
    began = time.perf_counter()
    attend(*tensors).backward(upstream)
    for tensor in tensors:
        tensor.grad = None
    return time.perf_counter() - began


def products(q, k, v):
    T = q.shape[-2]
    return attention._explicit(q, k, v, torch.ones(T, T, dtype=torch.bool).tril(), None)


def fused(q, k, v):
    return torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)


def compare(shape, kind, rounds):
    """Median milliseconds of both, and the median of fused / products in one round."""
    tensors, upstream = inputs(shape, kind), torch.randn(shape, dtype=kind)
    for attend in (products, fused):
        seconds(attend, tensors, upstream)
    pairs = [tuple(seconds(f, tensors, upstream) for f in (products, fused)) for _ in range(rounds)]
    return {
        "shape": shape,
        "products_ms": round(1e3 * statistics.median(a for a, _ in pairs), 3),
        "fused_ms": round(1e3 * statistics.median(b for _, b in pairs), 3),
        "ratio": round(statistics.median(b / a for a, b in pairs), 2),
    }


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true")
    chosen = arguments.parse_args()
    rounds = 3 if chosen.quick else 101
    keep_freed_memory()
    results = {}
    for kind in (torch.bfloat16, torch.float32):
        name = str(kind).removeprefix("torch.")
        results[name] = [compare(shape, kind, rounds) for shape in SHAPES]
        for row in results[name]:
            print(name, row, flush=True)
    verdict = {"lowest_ratio": min(row["ratio"] for row in results["bfloat16"])}
    verdict["holds"] = verdict["lowest_ratio"] > 1
    print(verdict)
    if not chosen.quick:
        record = {"machine": machine(), "versions": versions(), "threads": torch.get_num_threads()}
        record |= {"rounds": rounds, **verdict, "results": results}
        RESULT.parent.mkdir(exist_ok=True)
        RESULT.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
