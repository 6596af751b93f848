"""Steps of decoding for the tests of graphs: small models, and texts that come, grow and go."""

import numpy as np
import torch

from groundup.inference.backend import Batch
from groundup.inference.engine import Engine, EngineConfig
from groundup.inference.request import Request
from groundup.models.gpt import GPT, GPTConfig
from groundup.tokenizers.bpe import BPE

V, CONTEXT, SIZE = 61, 64, 4
QWEN = {"key_heads": 2}
KINDS = {
    "qwen3": QWEN,
    "llama": QWEN | {"qk_norm": False, "tied": False},
    "gpt2": {
        "positions": "learned",
        "norm": "layer",
        "activation": "gelu_tanh",
        "qk_norm": False,
        "attention_bias": "all",
        "mlp_bias": True,
    },
    "window": QWEN | {"window": 5, "window_layers": (1,), "softcap": 5.0, "attention_softcap": 3.0},
    "plain": QWEN | {"attention": "plain", "norms": "plain"},
}


def model_of(kind, dtype=torch.float64, device="cpu"):
    shape = {"vocab_size": V, "context": CONTEXT, "depth": 2, "width": 32, "heads": 4}
    model = GPT(GPTConfig(**shape, embedding_std=0.5, initial_std=0.6, **KINDS[kind]))
    model.initialize(torch.Generator().manual_seed(0))
    weights = {name: tensor.to(device, dtype) for name, tensor in model.state_dict().items()}
    return GPT.from_weights(model.config, weights).eval()


MODELS = {kind: model_of(kind) for kind in KINDS}


def decoding(tokens, positions, tables):
    """A step of one asked token for each sequence."""
    rows, width = range(len(tokens)), max(map(len, tables))
    blocks = [table + [-1] * (width - len(table)) for table in tables]
    return batch_of(tokens, positions, rows, blocks, rows)


def reading(text, table, wanted=()):
    """A step of one sequence alone, from its start."""
    return batch_of(text, range(len(text)), [0] * len(text), [table], wanted)


def batch_of(tokens, positions, sequences, blocks, wanted):
    names = ("tokens_T", "positions_T", "sequences_T", "blocks_SN", "wanted_R")
    lists = (tokens, positions, sequences, blocks, wanted)
    arrays = {n: np.array(list(x), np.int32) for n, x in zip(names, lists, strict=True)}
    return Batch(**arrays)


def whole(model, text):
    with torch.no_grad():
        device = model.embedding.weight.device
        return model(torch.tensor([text], device=device))[0, -1].float()


class Sequences:
    """Texts that grow, come and go, in blocks that are handed out again."""

    def __init__(self, blocks):
        self.free, self.texts, self.tables = list(range(blocks)), [], []

    def begin(self, backend, text):
        """Read all but the last token; that comes with the first step."""
        self.texts.append(list(text))
        self.tables.append([])
        self.reserve(-1)
        if text[:-1]:
            backend.step(reading(text[:-1], self.tables[-1]))

    def reserve(self, row):
        while len(self.tables[row]) * SIZE < len(self.texts[row]):
            self.tables[row].append(self.free.pop(0))

    def end(self, row):
        self.free += self.tables.pop(row)
        del self.texts[row]

    def step(self, backend, rows):
        """Logits after the last token of these."""
        texts, tables = [self.texts[row] for row in rows], [self.tables[row] for row in rows]
        return backend.step(decoding([t[-1] for t in texts], [len(t) - 1 for t in texts], tables))

    def grow(self, row, token):
        self.texts[row].append(token)
        self.reserve(row)


class Waits(torch.nn.Module):
    """A layer that asks the device for a number."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        assert x.sum().item() is not None
        return self.inner(x)


def answers_of(backend, prompts, sampling, longest=25):
    config = EngineConfig(max_batch=5, max_tokens_per_step=9)
    tokenizer = BPE.train(["a"], vocab_size=256, special_tokens=())
    engine = Engine(backend, tokenizer, config)
    for prompt in prompts:
        engine.submit(Request(prompt=tuple(prompt), max_tokens=longest, sampling=sampling))
    answers = [[] for _ in prompts]
    while engine.has_work():
        for delta in engine.step():
            assert not delta.error
            answers[delta.request_id] += delta.tokens
    return answers


PROMPTS = [
    torch.randint(0, V, (n,), generator=torch.Generator().manual_seed(n)).tolist()
    for n in (3, 1, 12, 4, 20, 2, 9)
]
