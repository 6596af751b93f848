"""What a GPT is made of: one frozen dataclass that spans GPT-2, Llama, SmolLM2, Qwen2 and Qwen3.

Legend: C width, F hidden width of the feed-forward layer, V vocabulary.
"""

from dataclasses import dataclass
from typing import Literal

from groundup.layers.initialization import Residual
from groundup.layers.positions import RotaryScaling

Activation = Literal["swiglu", "gelu", "gelu_tanh", "relu2"]
AttentionBias = Literal["none", "qkv", "all"]
Twin = Literal["fast", "plain"]
_COUNTS = (
    *("vocab_size", "context", "depth", "width", "heads"),
    *("key_heads", "head_width", "hidden", "window"),
)
_POSITIVE = ("rotary_base", "norm_eps", "softcap", "attention_softcap", "embedding_std")


@dataclass(frozen=True, kw_only=True)
class GPTConfig:
    """The shape of a decoder-only transformer. The defaults are those of Qwen3."""

    vocab_size: int
    """Tokens in the vocabulary."""
    context: int
    """Most tokens the model sees at once."""
    depth: int
    """Blocks, each of attention and feed-forward."""
    width: int
    """Numbers that stand for a token between the blocks."""
    heads: int
    """Attention heads."""
    key_heads: int | None = None
    """Heads of keys and values, each shared by heads / key_heads heads (none: as many as heads)."""
    head_width: int | None = None
    """Numbers per head (none: width / heads)."""
    hidden: int | None = None
    """Inner width of the feed-forward layer (none: 4 width, or 8/3 of it for swiglu)."""
    positions: Literal["rotary", "learned"] = "rotary"
    """How a token knows where it stands: rotated queries and keys, or a learned vector added."""
    rotary_base: float = 10000.0
    """Base of the rotary wavelengths."""
    rotary_scaling: RotaryScaling | None = None
    """Slower rotation for a longer context, as in Llama 3.1."""
    norm: Literal["rms", "layer"] = "rms"
    """RMSNorm or LayerNorm, before each layer and before the head."""
    norm_bias: bool = True
    """Whether LayerNorm has biases (RMSNorm never has)."""
    norm_eps: float = 1e-6
    """Added to the variance, so that nothing is divided by zero."""
    activation: Activation = "swiglu"
    """Of the feed-forward layer: swiglu, gelu, gelu_tanh (GPT-2's), relu2."""
    qk_norm: bool = True
    """Normalize queries and keys, head by head, before they are rotated."""
    attention_bias: AttentionBias = "none"
    """Biases in attention: none, in qkv (Qwen2), in all four products (GPT-2)."""
    mlp_bias: bool = False
    """Biases in the feed-forward layer (not with swiglu)."""
    tied: bool = True
    """The output head is the embedding table."""
    window: int | None = None
    """How many tokens back attention looks, its own included (none: all)."""
    window_layers: tuple[int, ...] | None = None
    """Which blocks have that window, counted from 0 (none: all)."""
    softcap: float | None = None
    """Final logits z become c tanh(z / c)."""
    attention_softcap: float | None = None
    """Attention scores s become c tanh(s / c)."""
    attention: Twin = "fast"
    """What computes attention: the fused kernel, or the formula."""
    norms: Twin = "fast"
    """What computes norms: the fused kernel, or the formula."""
    loss: Twin = "fast"
    """What computes the loss: chunks that never hold all logits, or the formula."""
    initial_std: float | None = None
    """Standard deviation of the blocks' matrices at the start (none: 1 / sqrt(inputs))."""
    embedding_std: float = 0.02
    """The same of embeddings and of an untied head."""
    initial_residual: Residual = "scaled"
    """What writes to the residual stream begins scaled by 1 / sqrt(2 depth), or at zero."""

    def __post_init__(self) -> None:
        self._check_sizes()
        if self.heads % self.key_head_count:
            near = [k for k in range(1, self.heads + 1) if self.heads % k == 0]
            raise ValueError(
                f"{self.heads} heads cannot share {self.key_heads} key heads evenly; "
                f"key_heads must be one of {near}"
            )
        if self.head_width is None and self.width % self.heads:
            raise ValueError(
                f"width {self.width} does not divide into {self.heads} heads; "
                "give a head_width, or a width that is a multiple of heads"
            )
        if self.positions == "rotary" and self.head_size % 2:
            raise ValueError(
                f"rotary positions turn pairs of numbers, and a head is {self.head_size} wide; "
                "it must be even"
            )
        if self.mlp_bias and self.activation == "swiglu":
            raise ValueError("mlp_bias is not possible with swiglu; no model here has both")
        if self.positions == "learned" and self.rotary_scaling is not None:
            raise ValueError("rotary_scaling is given, but positions are learned; leave one out")
        self._check_window()

    def _check_sizes(self) -> None:
        for name in _COUNTS:
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} is {value}; it must be 1 or more")
        for name in _POSITIVE:
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"{name} is {value}; it must be more than 0")
        if self.initial_std is not None and not self.initial_std >= 0:
            raise ValueError(f"initial_std is {self.initial_std}; it must be 0 or more")

    def _check_window(self) -> None:
        if self.window_layers is None:
            return
        if self.window is None:
            raise ValueError("window_layers is given without a window; give its size too")
        outside = [layer for layer in self.window_layers if not 0 <= layer < self.depth]
        if outside:
            raise ValueError(
                f"window_layers names {outside}, but the {self.depth} blocks are "
                f"0 to {self.depth - 1}"
            )

    @classmethod
    def from_depth(cls, depth: int, vocab_size: int, context: int) -> "GPTConfig":
        """The default model of a depth: Qwen3's architecture, 32 numbers of width per block.

        Width is rounded up to whole heads of 64. One dial in nanochat's manner, but deeper and
        narrower: small models gain more from depth than from width (Liu et al., "MobileLLM", 2024).
        """
        heads = max(1, -(-depth // 2))
        return cls(
            vocab_size=vocab_size,
            context=context,
            depth=depth,
            width=64 * heads,
            heads=heads,
            head_width=64,
        )

    @property
    def key_head_count(self) -> int:
        """Heads of keys and values."""
        return self.key_heads or self.heads

    @property
    def head_size(self) -> int:
        """Numbers per head."""
        return self.head_width or self.width // self.heads

    @property
    def hidden_width(self) -> int:
        """Inner width of the feed-forward layer; 8/3 of the width is rounded up to 64s."""
        if self.hidden is not None:
            return self.hidden
        if self.activation == "swiglu":
            return -(-8 * self.width // (3 * 64)) * 64
        return 4 * self.width

    def window_of(self, layer: int) -> int | None:
        """How far back block `layer` looks, or None for all the way."""
        is_chosen = self.window_layers is None or layer in self.window_layers
        return self.window if is_chosen else None

    def parameters(self, *, embeddings: bool = True) -> int:
        """How many numbers are learnt; without `embeddings`, neither tables nor an untied head."""
        C, F = self.width, self.hidden_width
        D = self.head_size
        queries, keys = self.heads * D, self.key_head_count * D
        norm = C * (2 if self.norm == "layer" and self.norm_bias else 1)
        attention = C * (queries + 2 * keys) + queries * C
        if self.attention_bias != "none":
            attention += queries + 2 * keys
        if self.attention_bias == "all":
            attention += C
        if self.qk_norm:
            attention += 2 * D
        feed_forward = C * F * (3 if self.activation == "swiglu" else 2)
        if self.mlp_bias:
            feed_forward += F + C
        count = self.depth * (2 * norm + attention + feed_forward) + norm
        if embeddings:
            count += self.vocab_size * C * (1 if self.tied else 2)
            count += self.context * C if self.positions == "learned" else 0
        return count
