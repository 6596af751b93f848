"""A recurrent network that learns names letter by letter, on our own NumPy engine."""

from groundup.models.array_training import ArrayTraining
from groundup.models.rnn import Kind
from groundup.pipeline.names_study import NamesStudyConfig, NetworkConfig


def names_rnn(
    kind: Kind = "gru", width: int = 64, steps: int = 400, quick: bool = False
) -> NamesStudyConfig:
    """Learn names letter by letter with a recurrent network in NumPy, and invent new ones.

    kind: rnn, lstm or gru.
    width: numbers in the network's state.
    steps: updates of 64 names each.
    quick: 60 steps of a narrow network; shows that all works.
    """
    train = ArrayTraining(steps=60 if quick else steps, batch_size=64, lr=5e-3)
    return NamesStudyConfig(
        name="names-rnn-quick" if quick else "names-rnn",
        network=NetworkConfig(
            kind=kind,
            width=24 if quick else width,
            train=train,
            checkpoint_every=20 if quick else 100,
        ),
    )
