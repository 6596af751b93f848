"""The peer of the training benchmarks: a GPT-2 in the style people train on a laptop.

Written here from the published description of nanoGPT's design (one fused projection for query, key
and value, torch's attention kernel, 4x GELU, tied head, all logits at once, AdamW with decay on
matrices only, clipping at 1), so that the benchmark needs no download. `SETTINGS` are the settings
its README gives for a CPU: character-level Shakespeare, dropout 0.
"""

import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

SETTINGS = {"block": 64, "batch": 12, "depth": 4, "heads": 4, "width": 128}
PEAK, LOWEST, WARMUP, BETAS, DECAY, CLIP = 1e-3, 1e-4, 100, (0.9, 0.99), 0.1, 1.0


@dataclass(frozen=True)
class Shape:
    vocabulary: int
    block: int = 64
    depth: int = 4
    heads: int = 4
    width: int = 128


class Block(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.heads = shape.heads
        self.norm_1 = nn.LayerNorm(shape.width, bias=False)
        self.qkv = nn.Linear(shape.width, 3 * shape.width, bias=False)
        self.out = nn.Linear(shape.width, shape.width, bias=False)
        self.norm_2 = nn.LayerNorm(shape.width, bias=False)
        self.up = nn.Linear(shape.width, 4 * shape.width, bias=False)
        self.down = nn.Linear(4 * shape.width, shape.width, bias=False)

    def forward(self, x):
        parts = self.qkv(self.norm_1(x)).chunk(3, dim=-1)
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in parts)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(mixed.transpose(1, 2).flatten(2))
        return x + self.down(F.gelu(self.up(self.norm_2(x))))


class ReferenceGPT(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.tokens = nn.Embedding(shape.vocabulary, shape.width)
        self.places = nn.Embedding(shape.block, shape.width)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.depth))
        self.norm = nn.LayerNorm(shape.width, bias=False)
        for name, p in self.named_parameters():
            if p.ndim == 2:
                is_last = name.endswith(("out.weight", "down.weight"))
                nn.init.normal_(p, std=0.02 / (math.sqrt(2 * shape.depth) if is_last else 1))

    def forward(self, tokens):
        x = self.tokens(tokens) + self.places(torch.arange(tokens.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.norm(x) @ self.tokens.weight.T

    def loss(self, tokens, targets):
        return F.cross_entropy(self(tokens).flatten(0, 1), targets.flatten())


def adamw(model, *, lr=PEAK, fused=None):
    """torch's AdamW, decay on matrices only."""
    groups = [
        {"params": [p for p in model.parameters() if p.ndim >= 2], "weight_decay": DECAY},
        {"params": [p for p in model.parameters() if p.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=lr, betas=BETAS, fused=fused)


def rate(step, steps):
    """Linear warm-up, then cosine to a tenth of the peak."""
    if step < WARMUP:
        return PEAK * (step + 1) / (WARMUP + 1)
    x = (step - WARMUP) / max(1, steps - WARMUP)
    return LOWEST + 0.5 * (1 + math.cos(math.pi * min(1.0, x))) * (PEAK - LOWEST)
