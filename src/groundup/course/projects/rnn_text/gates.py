"""An RNN that writes names: the same updates as the reference, then bits and samples.

The learner's LSTM cell, optimizer step and schedule train the network of the recipe `names_rnn`. It
is judged on names it never saw, beside a trigram model of the same names, which knows no network.
"""

import textwrap
from typing import Any

import numpy as np

from groundup.course.project import Found, Gate, Part, Project, Work, worst
from groundup.course.project_build import built
from groundup.data.names import built_in
from groundup.models.array_training import ArrayTraining, batch_of, fit
from groundup.models.rnn import RecurrentLM, padded
from groundup.observe import metrics
from groundup.pipeline.names_network import (
    END,
    START,
    bits_per_character,
    encode,
    read_data,
)
from groundup.pipeline.names_study import NamesStudyConfig, NetworkConfig, SamplesConfig
from groundup.pipeline.names_summary import load_network, ngram_bits

EQUAL = float(np.finfo(np.float64).eps) ** 0.6
"""4e-10: sums in another order, and no other formula."""
SHORT = ArrayTraining(steps=8, batch_size=16, lr=1e-2)
STUDY = NamesStudyConfig(
    name="study",
    network=NetworkConfig(
        kind="lstm",
        width=48,
        train=ArrayTraining(steps=300, batch_size=64, lr=5e-3),
        checkpoint_every=50,
    ),
    samples=SamplesConfig(count=200, temperatures=(0.8,)),
)
"""On the library's parts: 3.32 bits on the names held out; the trigram model needs 3.51."""

RNN_TEXT = Project(
    "rnn_text",
    number="P2",
    title="An RNN that writes names",
    parts=(
        Part(of="autograd.recurrence:lstm_cell"),
        Part(of="autograd.dropout:dropout"),
        Part(of="optimizers.adam:adam_step"),
        Part(of="optimizers.adamw:adamw_step"),
        Part(of="optimizers.schedules:schedule"),
    ),
    gates=(
        Gate(
            name="the first loss is the reference's",
            number="updates.first",
            at_most=EQUAL,
            look="Before any update only the cell has run: look at its gates' order (i, f, g, o), "
            "and at which of sigmoid and tanh each goes through.",
        ),
        Gate(
            name="gradients through time are the reference's",
            number="updates.gradient",
            at_most=EQUAL,
            look="The first loss is right and its gradients are not: something in the cell stops "
            "them (`detach`, `.data`), or the old cell state does not pass on.",
        ),
        Gate(
            name="the first updates are the reference's",
            number="updates.losses",
            at_most=1e-7,
            look="The first gradients are right: look at the optimizer's step (averages, their "
            "correction, where epsilon stands) and at the schedule.",
        ),
        Gate(
            name="it needs at most 3.4 bits for a character",
            number="study.bits",
            at_most=3.4,
            look="Of names it never saw. The curve shows whether it still falls, stands still or "
            "rises again while the training loss falls.",
        ),
        Gate(
            name="it is better than a trigram model of the same names",
            number="study.below_trigram",
            at_least=0.05,
            look="A trigram sees two letters back. A network that is no better does not carry its "
            "state along.",
        ),
        Gate(
            name="what it writes are whole names",
            number="samples.whole",
            at_least=0.95,
            look="At least two letters, and an end of its own within twenty: it must have learned "
            "when a name ends.",
        ),
        Gate(
            name="they are different ones",
            number="samples.different",
            at_least=0.8,
            look="The same few names over and over: the state does not depend on what was drawn.",
        ),
        Gate(
            name="most of them are new",
            number="samples.known",
            at_most=0.3,
            look="It recites the names it has read; its bits on names held out will show it too.",
        ),
        Gate(
            name="they read like names",
            number="samples.bits",
            at_most=3.7,
            look="Bits per character by the trigram model of real names, which needs 3.51 for real "
            "ones held out: letters in a row that no name has cost more.",
        ),
    ),
)


@RNN_TEXT.step("updates")
def updates(work: Work) -> Found:
    """The first updates of a small network in float64, beside the library's."""
    theirs, first_theirs = _few_updates()
    with work.own():
        ours, first_ours = _few_updates()
    gradient = worst(
        float(np.abs(first_ours[name] - wanted).max() / np.abs(wanted).max())
        for name, wanted in first_theirs.items()
    )
    numbers = {
        "first": abs(ours[0] - theirs[0]),
        "gradient": gradient,
        "losses": worst(abs(a - b) for a, b in zip(ours, theirs, strict=True)),
    }
    curves = {"yours": list(enumerate(ours)), "the reference": list(enumerate(theirs))}
    return Found(numbers=numbers, curves=curves, unit="loss, nats a character")


def _few_updates() -> tuple[list[float], dict[str, Any]]:
    """The losses of a few updates, and the gradients of the first one."""
    names = built_in()[:80]
    letters = sorted(set("".join(names)))
    ids = encode(names, letters)
    rng = np.random.default_rng(0)
    model = RecurrentLM(len(letters) + 2, rng=rng, kind="lstm", width=12)
    model.to(np.float64)
    first: dict[str, Any] = {}

    def loss(step: int) -> Any:
        rows = batch_of(len(ids), SHORT.batch_size, step, SHORT.seed)
        return model.loss(*padded([ids[i] for i in rows], START, END))

    loss(0).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, "every parameter of the network is used"
        first[name] = parameter.grad.data.copy()
    return fit(model, loss, SHORT).losses, first


@RNN_TEXT.step("study")
def study(work: Work) -> Found:
    """The recipe `names_rnn` on your parts: bits per character of names it never saw."""
    folder = built(work, STUDY, own=True)
    data = read_data(folder / "names")
    held_out = encode(data["held_out"], data["letters"])
    with work.own():
        model = load_network(folder / "network", data["letters"])
        bits = bits_per_character(model, held_out)
    trigram = ngram_bits(data, 3)
    rows = metrics.read(folder / "network" / "metrics.jsonl")
    curves = {
        "held out": [(row["step"], row["held_out_bits"]) for row in rows if "held_out_bits" in row],
        "training": [(row["step"], row["train_bits"]) for row in rows],
        "trigram, held out": [(row["step"], trigram) for row in (rows[0], rows[-1])],
    }
    numbers = {"bits": bits, "trigram": trigram, "below_trigram": trigram - bits}
    return Found(numbers=numbers, curves=curves, unit="bits per character")


@RNN_TEXT.step("samples")
def samples(work: Work) -> Found:
    """Names that the network writes: whole, different, like names; these are new."""
    folder, config = work.folder / "own", STUDY.samples
    data = read_data(folder / "names")
    with work.own():
        model = load_network(folder / "network", data["letters"])
        rows = model.generate(
            start=START,
            end=END,
            count=config.count,
            longest=config.longest,
            temperature=config.temperatures[0],
            rng=np.random.default_rng(1),
        )
    ended = [row for row in rows if len(row) < config.longest and START not in row]
    names = ["".join(data["letters"][i - 2] for i in row) for row in ended]
    whole = [name for name in names if len(name) > 1]
    different = list(dict.fromkeys(whole))
    known = [name for name in different if name in set(data["train"])]
    numbers = {
        "whole": len(whole) / len(rows),
        "different": len(different) / len(rows),
        "known": len(known) / max(1, len(different)),
    }
    if different:
        numbers["bits"] = ngram_bits({**data, "held_out": different}, 3)
    new = [name for name in different if name not in known]
    return Found(numbers=numbers, text=textwrap.fill(", ".join(new[:40]), 80))
