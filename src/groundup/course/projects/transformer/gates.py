"""A transformer from your own parts: it loads others' weights and computes the others' logits.

Two models are written in Hugging Face's layout, as Llama and GPT-2 are: between them they use every
part. What the library computes from them is the reference (a test holds it against transformers);
then the learner's parts compute it again, in float32 and in float64.
"""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from torch import Tensor

from groundup.checkpoints import huggingface
from groundup.course.project import Found, Gate, Part, Project, Work, worst
from groundup.inference.cache import KVCache
from groundup.models.gpt import GPT, GPTConfig

LLAMA = GPTConfig(
    vocab_size=97,
    context=40,
    depth=2,
    width=32,
    heads=4,
    key_heads=2,
    hidden=40,
    qk_norm=False,
    tied=False,
    norm_eps=1e-3,
)
GPT2 = replace(
    LLAMA,
    key_heads=None,
    positions="learned",
    norm="layer",
    activation="gelu_tanh",
    attention_bias="all",
    mlp_bias=True,
    hidden=64,
    tied=True,
)
MODELS = {"llama": LLAMA, "gpt2": GPT2}
DOUBLE = float(np.finfo(np.float64).eps) ** 0.6
"""4e-10: sums in another order, and no other formula."""
SINGLE = float(np.finfo(np.float32).eps) ** 0.6
"""7e-5, the same for float32."""
STEP: float = float(np.finfo(np.float64).eps) ** (1 / 3)
_ORDER = "Compare part by part: norm, projections, rotation, attention, feed-forward."

TRANSFORMER = Project(
    "transformer",
    number="P4",
    title="A transformer from scratch",
    parts=(
        Part(of="layers.attention:attend"),
        Part(of="layers.masks:causal_mask"),
        Part(of="layers.positions:rotary_tables"),
        Part(of="layers.positions:rotate"),
        Part(of="layers.normalization:rms_norm"),
        Part(of="layers.normalization:layer_norm"),
        Part(of="layers.feed_forward:feed_forward"),
        Part(of="layers.losses:cross_entropy"),
    ),
    gates=(
        Gate(
            name="a later token changes no earlier logit",
            number="causality.leak",
            at_most=DOUBLE,
            look="The step `causality` names the first position that sees its future: look at the "
            "causal mask, and that what is masked gets minus infinity before the softmax.",
        ),
        Gate(
            name="every token of the past counts",
            number="causality.past",
            at_least=1e-9,
            look="A change of the first token must reach the last logit: the mask hides too much.",
        ),
        Gate(
            name="Llama's logits are the reference's",
            number="logits.llama",
            at_most=DOUBLE,
            look="Its own parts are RMS norm, rotary positions, shared key heads and the gated "
            f"feed-forward. {_ORDER}",
        ),
        Gate(
            name="GPT-2's logits are the reference's",
            number="logits.gpt2",
            at_most=DOUBLE,
            look="Its own parts are layer norm and the feed-forward with biases; if only this gate "
            "fails, look there first.",
        ),
        Gate(
            name="in float32 they are too",
            number="logits.float32",
            at_most=SINGLE,
            look="Right in float64 and wrong in float32: something overflows, or is rounded in "
            "between.",
        ),
        Gate(
            name="with a cache, token by token, it is the same",
            number="cache.apart",
            at_most=DOUBLE,
            look="One query stands before many keys: it is the last of all positions, not the "
            "first, and is rotated by its own position.",
        ),
        Gate(
            name="the loss is the reference's",
            number="gradients.loss",
            at_most=DOUBLE,
            look="The logits are right and the loss is not: look at `cross_entropy`, and at the "
            "targets of -100, which do not count.",
        ),
        Gate(
            name="gradients of all weights are the reference's",
            number="gradients.apart",
            at_most=DOUBLE,
            look="The table of the step `gradients` names the weights that are off. Right values "
            "and wrong gradients come from `detach`, `.data`, `.item()` or `no_grad`.",
        ),
        Gate(
            name="gradients are the measured ones",
            number="gradients.measured",
            at_most=1e-5,
            look="The loss does not change along a direction as its gradient says: values and "
            "gradients are of two functions.",
        ),
    ),
)


@TRANSFORMER.step("reference")
def reference(work: Work) -> Found:
    """Weights in Hugging Face's layout, and what the library computes from them."""
    tokens = _tokens()
    rows = [("model", "parameters", "tensors")]
    for name, config in MODELS.items():
        torch.manual_seed(5)
        model = _scattered(GPT(config))
        huggingface.save(model, work.folder / "models" / name)
        exact = _opened(work.folder, name)
        kept = {"tokens": tokens, "logits": exact(tokens).detach()}
        kept["float32"] = _opened(work.folder, name, torch.float32)(tokens).detach()
        kept["loss"], gradients = _gradients(exact, tokens)
        kept |= {f"gradient.{weight}": gradient for weight, gradient in gradients.items()}
        safetensors.torch.save_file(kept, _kept(work.folder, name))
        count = sum(weight.numel() for weight in exact.parameters())
        rows.append((name, f"{count:,}", str(len(gradients))))
    return Found(numbers={"models": len(MODELS)}, table=rows)


def _tokens() -> Tensor:
    return torch.randint(0, 97, (2, 24), generator=torch.Generator().manual_seed(6))


def _scattered(model: GPT) -> GPT:
    """Away from the beginning, where gains are 1, biases 0 and attention is flat."""
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn_like(weight) * 0.2)
    return model


def _opened(folder: Path, name: str, dtype: torch.dtype = torch.float64) -> GPT:
    """The model in its folder, computed by the formulas, not by their fast twins."""
    model = huggingface.load(folder / "models" / name, dtype=dtype)
    config = replace(model.config, attention="plain", norms="plain", loss="plain")
    return GPT.from_weights(config, model.state_dict())


def _kept(folder: Path, name: str) -> Path:
    return folder / f"reference-{name}.safetensors"


def _read(folder: Path, name: str) -> dict[str, Tensor]:
    return safetensors.torch.load_file(_kept(folder, name))


def _gradients(model: GPT, tokens: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss of predicting each next token, some of which do not count, and its gradients."""
    targets = tokens[:, 1:].clone()
    targets[0, :4] = -100
    loss = model.loss(tokens[:, :-1], targets)
    names, weights = zip(*model.named_parameters(), strict=True)
    found = torch.autograd.grad(loss, weights, allow_unused=True)
    pairs = zip(names, weights, found, strict=True)
    gradients = {n: torch.zeros_like(w) if g is None else g for n, w, g in pairs}
    return loss.detach(), gradients


def _apart(got: Tensor, wanted: Tensor) -> float:
    """The largest difference, absolute near 0 and relative beyond 1; infinite for another shape."""
    if got.shape != wanted.shape:
        return math.inf
    got, wanted = got.detach().double(), wanted.double()
    return float(((got - wanted).abs() / (1 + wanted.abs())).max())


@TRANSFORMER.step("logits")
def logits(work: Work) -> Found:
    """Logits of your transformer beside the reference's."""
    rows = [["model", "numbers", "first logit, yours", "the reference's", "off by at most"]]
    numbers, single = {}, []
    for name in MODELS:
        kept = _read(work.folder, name)
        with work.own(), torch.no_grad():
            ours = _opened(work.folder, name)(kept["tokens"])
            narrow = _opened(work.folder, name, torch.float32)(kept["tokens"])
        for kind, got, wanted in (
            ("float64", ours, kept["logits"]),
            ("float32", narrow, kept["float32"]),
        ):
            off = _apart(got, wanted)
            pair = [f"{float(x.flatten()[0]):.6f}" for x in (got, wanted)]
            rows.append([name, kind, *pair, f"{off:.1e}"])
        numbers[name] = _apart(ours, kept["logits"])
        single.append(_apart(narrow, kept["float32"]))
    return Found(numbers={**numbers, "float32": worst(single)}, table=rows)


@TRANSFORMER.step("causality")
def causality(work: Work) -> Found:
    """One token changed at every position: which logits change?"""
    leaks, pasts = [], []
    rows = [("model", "changed at", "earlier logits change by", "the last one by")]
    tokens = _tokens()[:1]
    length = tokens.shape[1]
    is_it = torch.eye(length, dtype=torch.bool)
    changed = torch.where(is_it, (tokens + 1) % LLAMA.vocab_size, tokens)
    for name in MODELS:
        with work.own(), torch.no_grad():
            model = _opened(work.folder, name)
            moved = (model(changed) - model(tokens.expand(length, -1))).abs().amax(-1)
        for place, row in enumerate(moved.tolist()):
            leaks.append(worst(row[:place]))
            pasts.append(row[-1])
            rows.append((name, str(place), f"{leaks[-1]:.1e}", f"{row[-1]:.1e}"))
    return Found(numbers={"leak": worst(leaks), "past": -worst(-x for x in pasts)}, table=rows)


@TRANSFORMER.step("cache")
def cache(work: Work) -> Found:
    """Read token by token, and in pieces, with keys and values kept."""
    off = []
    rows = [("model", "pieces of", "off by at most")]
    for name in MODELS:
        kept = _read(work.folder, name)
        for size in (1, 5):
            with work.own(), torch.no_grad():
                model, memory = _opened(work.folder, name), KVCache()
                pieces = [model(piece, memory) for piece in torch.split(kept["tokens"], size, 1)]
            off.append(_apart(torch.cat(pieces, 1), kept["logits"]))
            rows.append((name, str(size), f"{off[-1]:.1e}"))
    return Found(numbers={"apart": worst(off)}, table=rows)


@TRANSFORMER.step("gradients")
def gradients(work: Work) -> Found:
    """The loss and the gradients of all weights, beside the reference's and measured ones."""
    off: dict[str, list[float]] = {"loss": [], "apart": [], "measured": []}
    rows = [("model", "weight", "gradient off by at most")]
    for name in MODELS:
        kept = _read(work.folder, name)
        with work.own():
            model = _opened(work.folder, name)
            found, ours = _gradients(model, kept["tokens"])
            off["measured"].append(_along(model, ours, kept["tokens"]))
        off["loss"].append(_apart(found, kept["loss"]))
        for weight, gradient in ours.items():
            wanted = kept[f"gradient.{weight}"]
            size = wanted.abs().max()
            off["apart"].append(_apart(gradient / size, wanted / size))
            rows.append((name, weight, f"{off['apart'][-1]:.1e}"))
    return Found(numbers={name: worst(values) for name, values in off.items()}, table=rows)


def _along(model: GPT, ours: dict[str, Tensor], tokens: Tensor) -> float:
    """The loss's change along a random direction of length 1, and what the gradient claims it is.

    Their difference, as a share of the change.
    """
    random = torch.Generator().manual_seed(7)
    direction = {n: torch.randn(g.shape, generator=random).to(g) for n, g in ours.items()}
    length = math.sqrt(sum(float(d.square().sum()) for d in direction.values()))
    claimed = math.fsum(float((ours[n] * d).sum()) / length for n, d in direction.items())
    ends = []
    for sign in (1, -2):  # there, then as far on the other side
        with torch.no_grad():
            for name, weight in model.named_parameters():
                weight.add_(direction[name], alpha=sign * STEP / length)
        ends.append(float(_gradients(model, tokens)[0]))
    change = (ends[0] - ends[1]) / (2 * STEP)
    return abs(change - claimed) / max(abs(change), STEP)
