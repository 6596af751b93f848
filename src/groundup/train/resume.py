"""What a run needs to go on as if it had never stopped: weights, optimizer state, step, RNG."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from groundup.checkpoints.store import State


def gather(
    model: nn.Module, optimizers: Sequence[torch.optim.Optimizer], facts: dict[str, Any]
) -> State:
    """The state to be saved; `facts` are plain numbers (tokens so far, seconds, last loss)."""
    generators = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        generators["cuda"] = torch.cuda.get_rng_state()
    return {
        "model": dict(model.state_dict()),
        "optimizer": [optimizer.state_dict() for optimizer in optimizers],
        "random": generators,
        "facts": facts,
    }


def restore(
    state: State, model: nn.Module, optimizers: Sequence[torch.optim.Optimizer]
) -> dict[str, Any]:
    """Put a saved state back; returns the facts.

    Raises ValueError when the checkpoint is of another model or other optimizers.
    """
    try:
        model.load_state_dict(state["model"])
        for optimizer, saved in zip(optimizers, state["optimizer"], strict=True):
            optimizer.load_state_dict(saved)
    except (RuntimeError, ValueError, KeyError) as problem:
        first = str(problem).strip().splitlines()[0]
        raise ValueError(
            f"the checkpoint does not belong to this model and these optimizers: {first} "
            "Train in another folder, or with the config the checkpoint was made with"
        ) from problem
    torch.set_rng_state(state["random"]["cpu"])
    if "cuda" in state["random"] and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["random"]["cuda"])
    facts: dict[str, Any] = state["facts"]
    return facts
