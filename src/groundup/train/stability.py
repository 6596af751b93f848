"""Stopping well: before numbers that are none reach the weights, and when the person asks to."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

import torch
from torch import Tensor


class NotFiniteError(ValueError):
    """The loss or the gradient of a step is NaN or infinite."""


def refuse_not_finite(
    step: int, loss: Tensor, gradient_norm: Tensor, last_saved: int | None
) -> None:
    """Raise NotFiniteError, naming the step, before the update would spoil the weights.

    The global norm is finite only when every coordinate of every gradient is (short of an overflow
    of the squares, which is as bad), so that two numbers answer for all of them.
    """
    values = torch.stack([loss.float(), gradient_norm.float()])
    if bool(values.isfinite().all()):
        return
    kept = "none is saved yet" if last_saved is None else f"that of step {last_saved} is good"
    raise NotFiniteError(
        f"step {step}: the loss is {float(loss)} and the gradient's norm {float(gradient_norm)}; "
        f"stopped before the update; of the checkpoints {kept}. "
        "Lower the learning rate or the clipping norm, or warm up for longer"
    )


class Interrupt:
    """Whether the person has asked to stop (Ctrl-C)."""

    def __init__(self) -> None:
        self.asked = False


@contextlib.contextmanager
def interruptible() -> Iterator[Interrupt]:
    """Inside, a first Ctrl-C only sets `asked`, so that a step can end; a second one raises.

    Outside the main thread Python delivers no signals, and this changes nothing.
    """
    interrupt = Interrupt()
    if threading.current_thread() is not threading.main_thread():
        yield interrupt
        return

    def on_signal(number: int, frame: FrameType | None) -> None:
        if interrupt.asked:
            raise KeyboardInterrupt
        interrupt.asked = True

    before: Any = signal.signal(signal.SIGINT, on_signal)
    try:
        yield interrupt
    finally:
        signal.signal(signal.SIGINT, before)
