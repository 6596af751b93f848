"""The decoder-only transformer: GPT-2, Llama, SmolLM2, Qwen2 and Qwen3, as their config says.

    x = embedding(tokens)
    for each block:  x = x + attention(norm(x));  x = x + feed_forward(norm(x))
    logits = norm(x) @ head.T

Legend: B sequence, T new token, C width, P rotated pairs of a head, V vocabulary.

From Radford et al. (2019), Touvron et al., "LLaMA" (2023), and the Qwen3 report (2025). Single
device. Leaves out dropout, mixtures of experts and biases in gated feed-forward layers.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from groundup.kernels.loss import linear_cross_entropy
from groundup.layers.initialization import initialize, initialize_linear, residual_shrink
from groundup.layers.losses import cross_entropy
from groundup.layers.normalization import LayerNorm, RMSNorm
from groundup.layers.positions import rotary_tables
from groundup.models.gpt_block import Block, Cache, Rotation, normalization
from groundup.models.gpt_config import GPTConfig
from groundup.swap import is_replaced

__all__ = ["GPT", "Cache", "GPTConfig"]


class GPT(nn.Module):
    """A decoder-only transformer; `config` says which."""

    cos: Tensor
    sin: Tensor

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocab_size, config.width)
        is_learned = config.positions == "learned"
        self.position = nn.Embedding(config.context, config.width) if is_learned else None
        self.blocks = nn.ModuleList(Block(config, layer) for layer in range(config.depth))
        self.norm = normalization(config)
        has_head = not config.tied
        self.head = nn.Linear(config.width, config.vocab_size, bias=False) if has_head else None
        self._set_rotation()
        self.initialize()

    def _set_rotation(self) -> None:
        """Tables in the type and on the device of the embeddings; they are not saved."""
        if self.config.positions == "rotary":
            cos_TP, sin_TP = rotary_tables(
                self.config.context,
                self.config.head_size,
                base=self.config.rotary_base,
                scaling=self.config.rotary_scaling,
            )
            like = self.embedding.weight
            self.register_buffer("cos", cos_TP.to(like), persistent=False)
            self.register_buffer("sin", sin_TP.to(like), persistent=False)

    @property
    def head_weight(self) -> Tensor:
        """V x C: a row for each token, scored against the hidden vector."""
        return self.embedding.weight if self.head is None else self.head.weight

    def embed(self, tokens_BT: Tensor, start: int = 0) -> tuple[Tensor, Rotation | None]:
        """What the first block reads (B x T x C) and by how much positions rotate.

        The first token stands at position `start`. Raises ValueError beyond the context.
        """
        end = start + tokens_BT.shape[-1]
        if end > self.config.context:
            raise ValueError(
                f"{end} tokens do not fit a context of {self.config.context}; "
                "cut the sequence, or build the model with a longer context"
            )
        x_BTC = self.embedding(tokens_BT)
        if self.position is None:
            return x_BTC, (self.cos[start:end], self.sin[start:end])
        return x_BTC + self.position.weight[start:end], None

    def hidden(self, tokens_BT: Tensor, cache: Cache | None = None) -> Tensor:
        """The residual stream after the final norm (B x T x C), where the head reads it.

        With a cache the tokens stand after those it holds. Raises ValueError beyond the context.
        """
        x_BTC, rotation = self.embed(tokens_BT, 0 if cache is None else cache.length)
        for block in self.blocks:
            x_BTC = block(x_BTC, rotation, cache)
        if cache is not None:
            cache.advance(tokens_BT.shape[-1])
        normed_BTC: Tensor = self.norm(x_BTC)
        return normed_BTC

    def forward(self, tokens_BT: Tensor, cache: Cache | None = None) -> Tensor:
        """Logits of the token after each token (B x T x V)."""
        logits_BTV = self.hidden(tokens_BT, cache) @ self.head_weight.T
        cap = self.config.softcap
        return logits_BTV if cap is None else (logits_BTV / cap).tanh() * cap

    def loss(self, tokens_BT: Tensor, targets_BT: Tensor) -> Tensor:
        """Mean cross-entropy in nats over the targets that are not -100 (scalar)."""
        if self.config.loss == "plain" or is_replaced(cross_entropy):
            logits_BTV = self(tokens_BT)
            return cross_entropy(logits_BTV.flatten(0, 1), targets_BT.flatten())
        x_BTC = self.hidden(tokens_BT)
        return linear_cross_entropy(
            x_BTC.flatten(0, 1),
            self.head_weight,
            targets_BT.flatten(),
            softcap=self.config.softcap,
        )

    def initialize(self, generator: torch.Generator | None = None) -> None:
        """Begin anew, as the table in `layers.initialization` says."""
        config = self.config
        std, tables = config.initial_std, [self.embedding, self.position, self.head]
        shrink = residual_shrink(config.initial_residual, config.depth)
        for table in tables:
            if table is not None:
                initialize(table.weight, std=config.embedding_std, generator=generator)
        for module in self.modules():
            if isinstance(module, RMSNorm | LayerNorm):
                module.reset()
        for block in self.blocks:
            assert isinstance(block, Block), "a GPT's blocks are Blocks"
            attention, wide = block.attention, block.feed_forward
            for layer in (attention.query, attention.key, attention.value, wide.up, wide.gate):
                if layer is not None:
                    initialize_linear(layer, std=std, generator=generator)
            for layer in (attention.output, wide.down):
                initialize_linear(layer, std=std, shrink=shrink, generator=generator)

    @classmethod
    def from_weights(cls, config: GPTConfig, weights: Mapping[str, Tensor]) -> "GPT":
        """A model of these tensors, by the names of `state_dict`, taken as they are, not copied.

        All of one floating type. Raises ValueError, naming it, if a tensor is missing, is one too
        many or has another shape than the config gives it.
        """
        with torch.device("meta"):
            model = cls(config)
        wanted = model.state_dict()
        _refuse(sorted(set(wanted) - set(weights)), "are missing; the weights are incomplete")
        _refuse(sorted(set(weights) - set(wanted)), "are not the model's; the config is another's")
        for name, tensor in weights.items():
            if tensor.shape != wanted[name].shape:
                raise ValueError(
                    f"tensor {name!r} has the shape {tuple(tensor.shape)}; "
                    f"the config wants {tuple(wanted[name].shape)}"
                )
        model.load_state_dict(dict(weights), assign=True)
        model._set_rotation()
        return model


def _refuse(names: list[str], problem: str) -> None:
    if names:
        more = f" and {len(names) - 4} more" if len(names) > 4 else ""
        raise ValueError(f"tensors {', '.join(map(repr, names[:4]))}{more} {problem}")
