"""What `groundup quantize` says of a model before and after."""

from collections import Counter
from pathlib import Path

from groundup.checkpoints.open import LoadedModel
from groundup.compress.quantize import Quantized
from groundup.data.shards import Shard
from groundup.evaluate.bits_per_byte import score_model
from groundup.evaluate.divergence import divergence
from groundup.models.gpt import GPT
from groundup.observe.progress import Progress

_CONTEXT, _COMPARED = 512, 2000
_WORST = 5


def sizes(loaded: LoadedModel, packed: Quantized, out: Path) -> list[str]:
    """What was written, how large it is, and which tensors lost most."""
    weights = sum(error.weights for error in packed.errors)
    size = out.stat().st_size
    forms = Counter(error.format for error in packed.errors)
    listed = ", ".join(f"{count} in {form}" for form, count in forms.most_common())
    lines = [
        f"{loaded.name} -> {out}",
        f"  size           {4 * weights / 1e6:,.1f} MB in float32 -> {size / 1e6:,.1f} MB "
        f"({100 * size / (4 * weights):.0f} %), {8 * packed.bytes / weights:.2f} bits a weight",
        f"  tensors        {listed}; mean error {100 * packed.relative:.2f} %",
    ]
    label = "worst"
    for error in packed.worst(_WORST):
        if error.relative:
            lines.append(
                f"  {label:<14} {error.name}  {100 * error.relative:.2f} % "
                f"({error.snr:.1f} dB), {error.format}"
            )
            label = ""
    if packed.coarse:
        lines.append(
            f"  note: {len(packed.coarse)} matrices are kept in F16, since their rows are no "
            f"multiple of 32: {', '.join(packed.coarse[:3])}{' ...' * (len(packed.coarse) > 3)}"
        )
    return lines


def measured(before: GPT, after: GPT, shard: Shard, where: str, progress: Progress) -> list[str]:
    """Bits per byte of both, and how far the predictions moved."""
    context = min(_CONTEXT, before.config.context)
    first = score_model(before, shard, context=context, batch_size=8, progress=progress)
    second = score_model(after, shard, context=context, batch_size=8, progress=progress)
    moved = divergence(
        before, after, shard, context=context, max_tokens=_COMPARED, progress=progress
    )
    change = 100 * (second.bits_per_byte / first.bits_per_byte - 1)
    return [
        f"  bits per byte  {first.bits_per_byte:.4f} -> {second.bits_per_byte:.4f} "
        f"({change:+.2f} %) on {shard.bytes:,} bytes of {where}",
        f"  predictions    the same likeliest token {100 * moved.agreement:.1f} % of the time; "
        f"KL {moved.kl:.4f} nats a token, at worst {moved.worst_kl:.2f} "
        f"({moved.tokens:,} tokens)",
    ]
