"""Let a model continue a text.

- groundup complete runs/stdlib "def fibonacci(n):"
- groundup complete runs/stdlib "import " --temperature 0 --max-tokens 40
"""

import sys
import time
from dataclasses import dataclass, field
from typing import Annotated

import tyro

from groundup import swap
from groundup.cli._threads import set_threads
from groundup.inference.conversation import complete
from groundup.inference.open_engine import BackendName, Quant, open_engine
from groundup.inference.sampling import Sampling

CHAPTER = "talk"


@dataclass(frozen=True, kw_only=True)
class Options:
    """What `groundup complete` can be told."""

    model: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="MODEL")]
    """smollm2, runs/NAME, a folder in Hugging Face's layout, or a .gguf file."""
    prompt: Annotated[tyro.conf.Positional[str | None], tyro.conf.arg(metavar="TEXT")] = None
    """The text to continue; without it, what comes through the pipe."""
    max_tokens: int = 200
    """The longest continuation, in tokens."""
    sampling: tyro.conf.OmitArgPrefixes[Sampling] = field(default_factory=Sampling)
    """How the next token is chosen."""
    device: str = "auto"
    """Where the model runs: auto, cpu or cuda."""
    quant: Quant = "auto"
    """The form of the weights; auto leaves them as they are."""
    backend: BackendName = "auto"
    """What computes: kernels for this processor, or torch."""
    threads: int | None = None
    """How many threads of the processor compute; by default one a core."""
    use: tyro.conf.UseAppendAction[tuple[str, ...]] = ()
    """Run your function in place of a part: room.module:function=file.py[:name]."""


def run(arguments: list[str]) -> int:
    """Print the prompt and its continuation as it comes; the speed goes to the error output."""
    options = tyro.cli(Options, args=arguments, prog="groundup complete", description=__doc__)
    prompt = sys.stdin.read() if options.prompt is None else options.prompt
    set_threads(options.threads)
    with swap.replaced([swap.load(use) for use in options.use]):
        opened = open_engine(
            options.model,
            prefer="base",
            device=options.device,
            quant=options.quant,
            backend=options.backend,
            threads=options.threads,
        )
        pieces, began = 0, time.monotonic()
        text = complete(opened, prompt, max_tokens=options.max_tokens, sampling=options.sampling)
        print(prompt, end="", flush=True)
        for piece in text:
            pieces += 1
            print(piece, end="", flush=True)
    print()
    seconds = max(time.monotonic() - began, 1e-9)
    print(f"[{pieces} tokens, {pieces / seconds:.1f} tokens/s; {opened.note}]", file=sys.stderr)
    return 0
