"""`groundup tokenizer glitch`: tokens that a trained model hardly knows."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import tyro

from groundup.checkpoints.open import open_model
from groundup.observe.progress import terminal
from groundup.tokenizers.files import find_files
from groundup.tokenizers.glitch import Suspect, count_tokens, glitch_tokens, troubles
from groundup.tokenizers.show import visible
from groundup.tokenizers.texts import read_texts


@dataclass(frozen=True, kw_only=True)
class Options:
    """What `groundup tokenizer glitch` can be told."""

    model: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="MODEL")]
    """smollm2, runs/NAME, a folder in Hugging Face's layout, or a .gguf file."""
    most: int = 30
    """How many suspects are listed."""
    indicator: Literal["cosine", "euclidean", "norm"] = "cosine"
    """What makes a token suspect: its output row lies near those of tokens that cannot occur
    (cosine, euclidean), or its input row is short (norm; only where the two are not tied)."""
    files: tuple[str, ...] = ()
    """Text to count tokens in, as the model was trained on: what is suspect and never occurs is
    explained by that."""


def glitch(arguments: Sequence[str]) -> int:
    """Open the model, list the tokens that look least trained."""
    options = tyro.cli(
        Options,
        args=arguments,
        prog="groundup tokenizer glitch",
        description="Under-trained tokens of a model, the most suspect first (Land and Bartolo "
        "2024, 'Fishing for Magikarp').",
    )
    if options.most < 1:
        raise ValueError(f"--most is {options.most}; it must be 1 or more")
    counted = find_files(options.files)
    opened = open_model(options.model, prefer="base", device="cpu")
    tokenizer, model = opened.tokenizer, opened.model
    if options.indicator == "norm" and model.config.tied:
        raise ValueError(
            "this model's input and output rows are one table; take --indicator cosine"
        )
    weight = model.embedding.weight if options.indicator == "norm" else model.head_weight
    rows = weight.detach().float().numpy()
    found = troubles(tokenizer)
    never = [token for token, trouble in found.items() if trouble in ("none", "unreachable")]
    unused = [*never, *range(tokenizer.vocab_size, len(rows))]
    if not unused:  # control tokens that the base model never met are the next best
        end = tokenizer.special_tokens.get(tokenizer.end_token or "")
        unused = [token for token in tokenizer.special_tokens.values() if token != end]
    counts: Counter[int] | None = None
    if counted:
        counts = count_tokens(tokenizer, read_texts(counted), progress=terminal)
    suspects = glitch_tokens(
        tokenizer, rows, indicator=options.indicator, unused=unused, counts=counts,
        most=options.most,
    )  # fmt: skip
    print(
        f"{opened.name}: {tokenizer.vocab_size:,} tokens; {len(unused)} that cannot occur are what "
        f"the others are compared with; the lower the {options.indicator}, the more suspect"
    )
    _print(suspects, {token: str(trouble) for token, trouble in found.items()})
    return 0


def _print(suspects: Sequence[Suspect], found: dict[int, str]) -> None:
    for suspect in suspects:
        count = "" if suspect.count is None else f"  {suspect.count:>9,} times"
        remark = found.get(suspect.token, "")
        print(
            f"{suspect.token:>8}  {suspect.score:8.4f}{count}  {visible(suspect.text)}"
            + (f"  ({remark})" if remark else "")
        )
