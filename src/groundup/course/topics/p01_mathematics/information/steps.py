"""Surprise and its mean, two distributions compared, and what one variable says of another."""

import math
from collections import Counter

import numpy as np
import torch
from numpy.typing import NDArray

from groundup.maths.information import (
    cross_entropy,
    entropy,
    js_divergence,
    kl_divergence,
    kl_terms,
    mutual_information,
    mutual_information_of_samples,
)

Array = NDArray[np.float64]
BITS = math.log(2)

# Surprise


def surprises() -> list[dict[str, float]]:
    """Probabilities and their surprises"""
    return [
        {"probability": p, "surprise in nats": 0.0 - math.log(p), "bits": 0.0 - math.log2(p)}
        for p in (1.0, 0.5, 0.25, 0.01)
    ]


def two_events() -> dict[str, float]:
    """A coin and a die: probabilities multiply, surprises add"""
    coin, die = 1 / 2, 1 / 6
    return {"of both": -math.log(coin * die), "coin + die": -math.log(coin) - math.log(die)}


def weather() -> list[dict[str, object]]:
    """Three towns' weather: sun, cloud, rain, snow"""
    towns = {
        "always sun": [1.0, 0.0, 0.0, 0.0],
        "mostly sun": [0.5, 0.25, 0.125, 0.125],
        "anything": [0.25, 0.25, 0.25, 0.25],
    }
    return [
        {"town": name, "entropy in bits": float(entropy(p)) / BITS} for name, p in towns.items()
    ]


def code_length() -> dict[str, float]:
    """A code for 'mostly sun' with 1, 2, 3 and 3 bits: its mean length, and the entropy"""
    p, code = [0.5, 0.25, 0.125, 0.125], ["0", "10", "110", "111"]
    mean = sum(share * len(word) for share, word in zip(p, code, strict=True))
    return {"mean length in bits": mean, "entropy in bits": float(entropy(p)) / BITS}


def naive() -> float:
    """The formula as it stands, for a distribution with a zero"""
    p = np.array([0.5, 0.5, 0.0])
    with np.errstate(all="ignore"):
        return float(-(p * np.log(p)).sum())


def naive_says() -> str:
    """What the formula gives for the probabilities 0.5, 0.5 and 0"""
    found = naive()
    return "NaN" if math.isnan(found) else "0.693" if abs(found - BITS) < 1e-9 else "infinity"


# Two distributions


def wrong_code() -> list[dict[str, object]]:
    """Weather of 'mostly sun', coded as if it were another town's"""
    p = np.array([0.5, 0.25, 0.125, 0.125])
    believed = {
        "the right one": p,
        "anything": np.full(4, 0.25),
        "mostly snow": np.array([0.125, 0.125, 0.25, 0.5]),
    }
    return [
        {
            "believed": name,
            "cross-entropy": float(cross_entropy(p, q)) / BITS,
            "entropy": float(entropy(p)) / BITS,
            "divergence": float(kl_divergence(p, q)) / BITS,
        }
        for name, q in believed.items()
    ]


def both_ways() -> dict[str, float]:
    """From p to q, and from q to p"""
    p, q = np.array([0.5, 0.5, 0.0]), np.array([0.4, 0.4, 0.2])
    return {
        "KL(p, q)": float(kl_divergence(p, q)),
        "KL(q, p)": float(kl_divergence(q, p)),
        "Jensen-Shannon, the same both ways": float(js_divergence(p, q)),
    }


def one_term_negative() -> dict[str, Array]:
    """The terms of a divergence: textbook, and with q - p added"""
    p, q = np.array([0.2, 0.5, 0.3]), np.array([0.3, 0.4, 0.3])
    plain, ours = p * np.log(p / q), kl_terms(p, q)
    return {"plain": plain, "ours": ours, "sums": np.array([plain.sum(), ours.sum()])}


def rounding() -> dict[str, float]:
    """Two distributions that differ by a ten-billionth: 10,000 tries"""
    chance = np.random.default_rng(0)
    p = chance.dirichlet(np.ones(5), size=10_000)
    q = p * (1 + 1e-10 * chance.normal(size=p.shape))
    q /= q.sum(axis=1, keepdims=True)
    plain = (p * np.log(p / q)).sum(axis=1)
    return {
        "plain, share below 0": float((plain < 0).mean()),
        "plain, lowest": float(plain.min()),
        "ours, lowest": float(kl_divergence(p, q).min()),
    }


def _two_hills(direction: str) -> float:
    """The width of the normal curve nearest to two hills at -2 and 2, one way or the other"""
    x = np.linspace(-8, 8, 321)

    def hill(middle: float, width: float) -> Array:
        curve: Array = np.exp(-(((x - middle) / width) ** 2) / 2)
        return curve / curve.sum()

    p = (hill(-2, 0.6) + hill(2, 0.6)) / 2
    best, found = math.inf, 0.0
    for middle in np.linspace(-3, 3, 25):
        for width in np.linspace(0.4, 3, 27):
            q = hill(middle, width) + 1e-300
            q = q / q.sum()
            pair = (p, q) if direction == "p first" else (q, p + 1e-300)
            away = float(kl_divergence(*pair, normalise=True))
            if away < best:
                best, found = away, width
    return found


def widths() -> dict[str, float]:
    """One hill for two, fitted by either divergence: how wide it comes out"""
    return {
        "KL(p, q): cover all": _two_hills("p first"),
        "KL(q, p): pick one": _two_hills("q first"),
    }


# Text


def letters() -> dict[str, object]:
    """A sentence's letters: entropy, and that of an even draw from as many"""
    text = "the rain in spain stays mainly in the plain"
    counts = Counter(text)
    found = float(entropy(list(counts.values()), normalise=True)) / BITS
    return {"different characters": len(counts), "bits": found, "even draw": math.log2(len(counts))}


def given_the_last() -> dict[str, float]:
    """How much a letter says about the next, in that sentence"""
    text = "the rain in spain stays mainly in the plain"
    first, second = [*text[:-1]], [*text[1:]]
    return {
        "from the sample": mutual_information_of_samples(first, second) / BITS,
        "letters shuffled": mutual_information_of_samples(
            first, np.random.default_rng(0).permutation(second)
        )
        / BITS,
    }


def tables() -> list[dict[str, object]]:
    """Three joint tables of two yes-or-no questions, and what one answer says of the other"""
    found = {
        "nothing to do with each other": [[0.25, 0.25], [0.25, 0.25]],
        "related": [[0.4, 0.1], [0.1, 0.4]],
        "the same question": [[0.5, 0.0], [0.0, 0.5]],
    }
    return [
        {"table": name, "bits": mutual_information(table) / BITS} for name, table in found.items()
    ]


# Training


def loss_is_surprise() -> dict[str, float]:
    """The loss of a classifier is the surprise at the right class"""
    scores, label = torch.tensor([[2.0, 1.0, -1.0]]), torch.tensor([0])
    shares = scores.softmax(-1)[0]
    return {
        "torch's cross-entropy": torch.nn.functional.cross_entropy(scores, label).item(),
        "minus log of the share": -math.log(shares[0].item()),
    }


def first_loss() -> float:
    """The loss of a model that gives each of 50,000 tokens the same share"""
    return math.log(50_000)


def floor() -> list[dict[str, float]]:
    """A coin that falls heads 70 times in 100: the loss of models that say p"""
    truth = [0.7, 0.3]
    return [
        {"model says": p, "loss": float(cross_entropy(truth, [p, 1 - p]))}
        for p in (0.5, 0.6, 0.7, 0.8, 0.99)
    ]


def log_of_softmax() -> dict[str, float]:
    """A score 200 below the best: log of softmax, and log-softmax"""
    scores = torch.tensor([200.0, 0.0])
    return {
        "softmax, then log": scores.softmax(-1).log()[1].item(),
        "both at once": scores.log_softmax(-1)[1].item(),
    }
