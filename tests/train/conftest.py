"""A model, batches and a config that are small enough for every test to train for real."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from groundup.train.settings import TrainConfig

VOCABULARY, WIDTH, BATCH, CONTEXT = 17, 8, 4, 6


class Small(nn.Module):
    """Predicts the next token from this one; enough to learn a fixed successor."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(VOCABULARY, WIDTH)
        self.up = nn.Linear(WIDTH, 2 * WIDTH, bias=False)
        self.down = nn.Linear(2 * WIDTH, WIDTH, bias=False)
        self.norm = nn.LayerNorm(WIDTH)

    def loss(self, inputs_BT, targets_BT):
        x_BTC = self.embed(inputs_BT)
        x_BTC = x_BTC + self.down(torch.relu(self.up(self.norm(x_BTC))))
        logits_BTV = x_BTC @ self.embed.weight.T
        return F.cross_entropy(logits_BTV.flatten(0, 1), targets_BT.flatten(), ignore_index=-100)


class Successors:
    """Each token is followed by its successor; some targets do not count."""

    def __init__(self, ignore=True):
        self.ignore = ignore

    def at(self, step):
        generator = torch.Generator().manual_seed(step)
        start = torch.randint(VOCABULARY, (BATCH, 1), generator=generator)
        tokens = (start + torch.arange(CONTEXT + 1)) % VOCABULARY
        targets = tokens[:, 1:].clone()
        if self.ignore:
            targets[0, : 1 + step % (CONTEXT - 1)] = -100
        return tokens[:, :-1].contiguous(), targets


@pytest.fixture(autouse=True)
def _one_thread():
    """Threads would only wait for each other over matrices this small."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def make_model():
    def make(seed=0):
        torch.manual_seed(seed)
        model = Small()
        nn.init.normal_(model.embed.weight, std=0.1)
        return model

    return make


@pytest.fixture
def batches():
    return Successors()


@pytest.fixture
def make_config():
    def make(**changes):
        few = {"steps": 30, "batch_size": BATCH, "context": CONTEXT, "precision": "float32"}
        return TrainConfig(**{**few, "compile": "off", "device": "cpu", **changes})

    return make
