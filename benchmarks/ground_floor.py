"""Claim: the ground floor, in NumPy and numba, is fast enough to use beside the references.

    python benchmarks/ground_floor.py                  # all rows, some minutes
    python benchmarks/ground_floor.py --rows mlp pca   # some rows; the others keep their figures
    python benchmarks/ground_floor.py --quick          # does it run? its figures mean nothing

One thread. A row is measured in a process of its own, where ours and the reference take turns, each
once before anything counts; glibc is told to keep freed memory, for both. Reported: the median
seconds of each and the median of the ratios of one turn (ours / theirs, so less is better), with
what is promised. `agree` is how far the results are apart. Written to
benchmarks/results/ground_floor.json.
"""

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

RESULT = Path(__file__).parent / "results" / "ground_floor.json"
AGREE = 0.01
"""How far results may be apart at most; accuracies, shares and variances, or relative errors."""
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def alternate(ours, theirs, rounds):
    """Median seconds of each, and the median ratio of a round."""
    ours(), theirs()
    seconds = []
    for _ in range(rounds):
        turn = []
        for run in (ours, theirs):
            began = time.perf_counter()
            run()
            turn.append(time.perf_counter() - began)
        seconds.append(turn)
    return {
        "ours_seconds": statistics.median(a for a, _ in seconds),
        "theirs_seconds": statistics.median(b for _, b in seconds),
        "ratio": round(statistics.median(a / b for a, b in seconds), 3),
    }


def distance(a, b):
    import numpy as np

    return float(np.max(np.abs(np.asarray(a) - np.asarray(b))))


# The NumPy engine beside torch eager: forward, backward, the gradients of all weights


def networks():
    import numpy as np
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    return np, torch, np.random.default_rng(0)


def both(np, torch, module, ours_step, torch_step, rounds):
    """Time one step of each; agreement is that of the gradients, relative to the largest."""
    apart = 0.0

    def ours():
        nonlocal apart
        mine = ours_step()
        known = {name: p.grad.numpy() for name, p in module.named_parameters()}
        if all(value is not None for value in known.values()):
            apart = max(
                distance(mine[name], value) / (np.abs(value).max() + 1e-30)
                for name, value in known.items()
            )

    torch_step()
    ours()
    return alternate(ours_step, torch_step, rounds) | {"agree": float(apart)}


def mlp(sizes, batch, rounds):
    np, torch, rng = networks()
    from groundup.autograd.functions import cross_entropy, linear
    from groundup.autograd.tensor import Tensor

    layers = [torch.nn.Linear(a, b) for a, b in itertools.pairwise(sizes)]
    module = torch.nn.ModuleList(layers)
    x = rng.standard_normal((batch, sizes[0])).astype(np.float32)
    ids = rng.integers(0, sizes[-1], batch)
    weights = {
        name: Tensor(p.detach().numpy().copy(), True) for name, p in module.named_parameters()
    }
    tx, ty, mine = torch.tensor(x), torch.tensor(ids), Tensor(x)

    def torch_step():
        module.zero_grad(set_to_none=True)
        h = tx
        for i, layer in enumerate(layers):
            h = layer(h) if i == len(layers) - 1 else layer(h).relu()
        torch.nn.functional.cross_entropy(h, ty).backward()

    def ours_step():
        for parameter in weights.values():
            parameter.grad = None
        h = mine
        for i in range(len(layers)):
            h = linear(h, weights[f"{i}.weight"], weights[f"{i}.bias"])
            h = h if i == len(layers) - 1 else h.relu()
        cross_entropy(h, ids).backward()
        return {name: parameter.grad.data for name, parameter in weights.items()}

    return both(np, torch, module, ours_step, torch_step, rounds)


def recurrent(kind, width, rounds, cells=False):
    """T 64, batch 64: torch's fused layer, or (`cells`) its cell called at every position."""
    np, torch, rng = networks()
    from groundup.autograd import recurrent as room
    from groundup.autograd.tensor import Tensor

    T, B, C = 64, 64, 64
    module = getattr(torch.nn, kind)(C, width, batch_first=True)
    layer = getattr(room, kind)(C, width, rng=rng)
    layer.load_state_dict(module.state_dict())
    x = rng.standard_normal((B, T, C)).astype(np.float32)
    tx, mine = torch.tensor(x), Tensor(x)
    cell = getattr(torch.nn, kind + "Cell")(C, width)
    cell.load_state_dict({name[:-3]: value for name, value in module.state_dict().items()})
    for name, _ in list(cell.named_parameters()):
        setattr(cell, name, getattr(module, f"{name}_l0"))  # one set of weights for both

    def through_cells():
        state, outputs = None, []
        for t in range(T):
            state = cell(tx[:, t], state)
            outputs.append(state[0] if kind == "LSTM" else state)
        return torch.stack(outputs, 1)

    def torch_step():
        module.zero_grad(set_to_none=True)
        (through_cells() if cells else module(tx)[0]).square().mean().backward()

    def ours_step():
        layer.zero_grad()
        layer(mine)[0].square().mean().backward()
        return {name: parameter.grad.data for name, parameter in layer.named_parameters()}

    return both(np, torch, module, ours_step, torch_step, rounds)


def convolution(shape, weight, rounds):
    """Convolution, ReLU and max pooling."""
    np, torch, rng = networks()
    from groundup.autograd.functions import conv2d, max_pool2d
    from groundup.autograd.tensor import Tensor

    module = torch.nn.Conv2d(weight[1], weight[0], weight[2], padding=1)
    x = rng.standard_normal(shape).astype(np.float32)
    weights = {
        name: Tensor(p.detach().numpy().copy(), True) for name, p in module.named_parameters()
    }
    tx, mine = torch.tensor(x, requires_grad=True), Tensor(x, True)

    def torch_step():
        module.zero_grad(set_to_none=True)
        tx.grad = None
        torch.nn.functional.max_pool2d(module(tx).relu(), 2).square().mean().backward()

    def ours_step():
        for parameter in (*weights.values(), mine):
            parameter.grad = None
        y = conv2d(mine, weights["weight"], weights["bias"], padding=1)
        max_pool2d(y.relu(), 2).square().mean().backward()
        return {name: parameter.grad.data for name, parameter in weights.items()}

    return both(np, torch, module, ours_step, torch_step, rounds)


def transformer(rounds):
    """Four blocks 128 wide on 8 x 128 tokens: our formula on NumPy beside the torch model."""
    np, torch, rng = networks()
    from groundup.autograd.tensor import Tensor
    from groundup.models.gpt import GPT
    from groundup.models.gpt_config import GPTConfig
    from groundup.models.gpt_formula import array_weights, gpt_loss

    config = GPTConfig(vocab_size=1024, context=128, depth=4, width=128, heads=2)
    module = GPT(config)
    tokens = rng.integers(0, 1024, (8, 129))
    inputs, targets = tokens[:, :-1], tokens[:, 1:]
    tx, ty, mine = torch.tensor(inputs), torch.tensor(targets), Tensor(targets.copy())
    weights = array_weights(module)

    def torch_step():
        module.zero_grad(set_to_none=True)
        module.loss(tx, ty).backward()

    def ours_step():
        for parameter in weights.values():
            parameter.grad = None
        gpt_loss(weights, config, inputs, mine).backward()
        return {name: parameter.grad.data for name, parameter in weights.items()}

    return both(np, torch, module, ours_step, torch_step, rounds)


# Estimators beside scikit-learn's


def blobs(samples, features, centers):
    from sklearn.datasets import make_blobs

    return make_blobs(samples, features, centers=centers, cluster_std=3.0, random_state=0)


def k_means(samples, features, clusters, rounds):
    """The same first centres, the same Lloyd steps."""
    import sklearn.cluster

    from groundup.classical.k_means import KMeans

    X, _ = blobs(samples, features, clusters)
    begin = X[:clusters]
    ours = KMeans(clusters, init=begin, n_init=1, max_iter=50)
    theirs = sklearn.cluster.KMeans(clusters, init=begin, n_init=1, max_iter=50)
    record = alternate(lambda: ours.fit(X), lambda: theirs.fit(X), rounds)
    return record | {"agree": abs(ours.inertia_ / theirs.inertia_ - 1)}


def principal_components(samples, features, rounds):
    """`agree`: of the variance explained; where both draw, directions of noise differ."""
    import sklearn.decomposition

    from groundup.classical.pca import PCA

    X, _ = blobs(samples, features, 5)
    ours, theirs = PCA(10), sklearn.decomposition.PCA(10)
    record = alternate(lambda: ours.fit_transform(X), lambda: theirs.fit_transform(X), rounds)
    explained = ours.explained_variance_.sum() / theirs.explained_variance_.sum()
    return record | {"agree": abs(explained - 1)}


def logistic(classes, rounds):
    """Noisy classes; `agree`: of what is minimised, at each end (negative: ours lower)."""
    import numpy as np
    import sklearn.linear_model
    from sklearn.datasets import make_classification

    from groundup.classical.logistic import LogisticRegression

    X, y = make_classification(
        20_000, 20, n_informative=10, n_classes=classes, flip_y=0.1, random_state=0
    )
    ours = LogisticRegression(max_iter=200)
    theirs = sklearn.linear_model.LogisticRegression(max_iter=200)
    record = alternate(lambda: ours.fit(X, y), lambda: theirs.fit(X, y), rounds)

    def objective(model):
        chances = model.predict_log_proba(X)[np.arange(len(y)), y]
        return (model.coef_**2).sum() / 2 - chances.sum()

    return record | {"agree": objective(ours) / objective(theirs) - 1}


def forest(rounds):
    import sklearn.ensemble
    from sklearn.datasets import make_classification

    from groundup.classical.forest import RandomForestClassifier

    X, y = make_classification(20_000, 20, n_informative=10, random_state=0)
    train, test = slice(0, 15_000), slice(15_000, None)
    ours = RandomForestClassifier(20, random_state=0)
    theirs = sklearn.ensemble.RandomForestClassifier(20, random_state=0, n_jobs=1)
    record = alternate(
        lambda: ours.fit(X[train], y[train]), lambda: theirs.fit(X[train], y[train]), rounds
    )
    scores = ours.score(X[test], y[test]), theirs.score(X[test], y[test])
    return record | {"agree": abs(scores[0] - scores[1]), "accuracy": scores}


def neighbors(features, algorithm, rounds):
    import sklearn.neighbors

    from groundup.classical.neighbors import KNeighborsClassifier

    X, y = blobs(22_000, features, 5)
    ours = KNeighborsClassifier(algorithm=algorithm)
    theirs = sklearn.neighbors.KNeighborsClassifier(algorithm=algorithm)

    def run(model):
        return model.fit(X[:20_000], y[:20_000]).predict(X[20_000:])

    record = alternate(lambda: run(ours), lambda: run(theirs), rounds)
    return record | {"agree": float((run(ours) != run(theirs)).mean())}


ROWS = {
    "mlp": (1.5, lambda n: mlp((64, 128, 128, 10), 64, 20 * n)),
    "mlp, wide": (1.5, lambda n: mlp((784, 256, 256, 10), 64, 20 * n)),
    "lstm, cells": (1.5, lambda n: recurrent("LSTM", 128, 3 * n, cells=True)),
    "lstm, fused": (1.5, lambda n: recurrent("LSTM", 128, 3 * n)),
    "lstm, fused, wide": (1.5, lambda n: recurrent("LSTM", 256, 2 * n)),
    "gru, fused": (1.5, lambda n: recurrent("GRU", 128, 3 * n)),
    "transformer": (3.0, lambda n: transformer(2 * n)),
    "conv, 1 channel": (3.0, lambda n: convolution((64, 1, 28, 28), (16, 1, 5, 5), 4 * n)),
    "conv, 16 channels": (3.0, lambda n: convolution((32, 16, 14, 14), (32, 16, 3, 3), 4 * n)),
    "conv, 64 channels": (3.0, lambda n: convolution((32, 64, 28, 28), (64, 64, 3, 3), n)),
    "k-means": (2.0, lambda n: k_means(20_000, 20, 8, 2 * n)),
    "k-means, large": (2.0, lambda n: k_means(50_000, 50, 20, n)),
    "pca": (2.0, lambda n: principal_components(20_000, 50, 2 * n)),
    "pca, wide": (2.0, lambda n: principal_components(2_000, 500, n)),
    "logistic": (2.0, lambda n: logistic(2, 2 * n)),
    "logistic, 5 classes": (2.0, lambda n: logistic(5, n)),
    "random forest": (2.0, lambda n: forest(n)),
    "k-nn, brute": (2.0, lambda n: neighbors(20, "brute", n)),
    "k-nn, tree": (2.0, lambda n: neighbors(3, "kd_tree", n)),
}
"""What may be the ratio at most, and the measurement."""


WIDE_KERNELS = {
    "lstm, fused, AVX-512": "lstm, fused",
    "lstm, fused, wide, AVX-512": "lstm, fused, wide",
}
"""Rows once more with OPENBLAS_CORETYPE=SkylakeX, where the processor has AVX-512.

NumPy's OpenBLAS takes its AVX2 kernels on AMD's processors though they have AVX-512, which torch's
library uses: that, not our code, is most of the distance between the two.
"""


def has_wide_vectors():
    facts = Path("/proc/cpuinfo")
    flags = facts.read_text().split() if facts.exists() else []
    return {"avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512cd"} <= set(flags)


def measure(row, quick):
    """A row in a process of its own, with one thread."""
    plain = WIDE_KERNELS.get(row, row)
    command = [sys.executable, __file__, "--row", plain, *(["--quick"] if quick else [])]
    environment = os.environ | dict.fromkeys(THREADS, "1")  # noqa: TID251 a process of its own
    if row != plain:
        environment["OPENBLAS_CORETYPE"] = "SkylakeX"
    output = subprocess.run(
        command, env=environment, check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    record = json.loads(output.splitlines()[-1])
    assert record["agree"] < AGREE, f"{row}: results are {record['agree']} apart"
    return record


def write(record):
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(record, indent=2) + "\n")


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true")
    every = [*ROWS, *(WIDE_KERNELS if has_wide_vectors() else ())]
    arguments.add_argument("--rows", nargs="*", choices=every, default=every)
    arguments.add_argument("--row", choices=ROWS, help=argparse.SUPPRESS)
    chosen = arguments.parse_args()
    from groundup.pipeline.artifact import machine, versions
    from groundup.train.allocator import keep_freed_memory

    if chosen.row:
        keep_freed_memory()
        limit, run = ROWS[chosen.row]
        record = run(1 if chosen.quick else 5)
        print(json.dumps(record | {"limit": limit, "holds": record["ratio"] <= limit}))
        return
    import sklearn

    record = json.loads(RESULT.read_text()) if RESULT.exists() else {"rows": {}}
    for row in chosen.rows:
        found = measure(row, chosen.quick)
        record["rows"][row] = found
        print(f"{row:26} {found['ratio']:6.2f} of {found['limit']}  {found}", flush=True)
        if not chosen.quick:
            record |= {
                "ratios": {
                    name.replace(",", "").replace(" ", "_").replace("-", "_"): values["ratio"]
                    for name, values in record["rows"].items()
                },
                "holds": {name: values["holds"] for name, values in record["rows"].items()},
                "machine": machine(),
                "versions": versions() | {"scikit-learn": sklearn.__version__},
            }
            write(record)


if __name__ == "__main__":
    main()
