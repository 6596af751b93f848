"""Chat with a model: a run, a Hugging Face folder, a GGUF file, or smollm2.

- groundup chat smollm2
- groundup chat runs/stdlib --temperature 0 --system "Answer in one sentence."
- groundup chat smollm2 --use layers.attention:attend=./mine.py

Commands inside: /system TEXT sets the system message and starts afresh, /reset starts afresh,
/quit leaves. Ctrl-C stops an answer, Ctrl-D leaves. Reads questions from a pipe too, one a line.
"""

import contextlib
import importlib
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated

import tyro

from groundup import swap
from groundup.cli._threads import set_threads
from groundup.inference.conversation import Conversation
from groundup.inference.open_engine import BackendName, Quant, open_engine
from groundup.inference.sampling import Sampling

CHAPTER = "talk"


@dataclass(frozen=True, kw_only=True)
class Options:
    """What `groundup chat` can be told."""

    model: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="MODEL")]
    """smollm2, runs/NAME, a folder in Hugging Face's layout, or a .gguf file."""
    system: str | None = None
    """The system message: who the model is to be."""
    max_tokens: int = 512
    """The longest answer, in tokens."""
    sampling: tyro.conf.OmitArgPrefixes[Sampling] = field(
        default_factory=lambda: Sampling(temperature=0.7, top_p=0.9)
    )
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
    """Open the model, then take turns until the person leaves."""
    options = tyro.cli(Options, args=arguments, prog="groundup chat", description=__doc__)
    set_threads(options.threads)
    with swap.replaced([swap.load(use) for use in options.use]):
        opened = open_engine(
            options.model,
            prefer="chat",
            device=options.device,
            quant=options.quant,
            backend=options.backend,
            threads=options.threads,
        )
        conversation = Conversation(opened, system=options.system)
        _note(f"{opened.name} on {opened.note}")
        _note("/system TEXT, /reset and /quit; Ctrl-C stops an answer.")
        for line in _lines():
            if line.startswith("/"):
                if not _obey(line, conversation):
                    break
            elif line:
                _answer(line, conversation, options)
    return 0


def _lines() -> Iterator[str]:
    """What the person types, stripped; ends with Ctrl-D, or with the pipe."""
    if not sys.stdin.isatty():
        yield from (line.strip() for line in sys.stdin)
        return
    with contextlib.suppress(ImportError):  # editing and history, where the system has them
        importlib.import_module("readline")
    while True:
        try:
            yield input("> ").strip()
        except EOFError:
            print()
            return
        except KeyboardInterrupt:
            _note("\n/quit or Ctrl-D leaves")


def _obey(line: str, conversation: Conversation) -> bool:
    """Do what a /command says; False when it is to leave."""
    command, _, rest = line.partition(" ")
    if command in ("/quit", "/exit"):
        return False
    if command == "/system":
        conversation.begin(rest.strip() or None)
        _note("started afresh, " + ("with that system message" if rest.strip() else "without one"))
    elif command == "/reset":
        first = conversation.messages[:1]
        kept = first[0]["content"] if first and first[0]["role"] == "system" else None
        conversation.begin(kept)
        _note("started afresh")
    else:
        _note(f"there is no {command}; there are /system TEXT, /reset and /quit")
    return True


def _answer(question: str, conversation: Conversation, options: Options) -> None:
    """Print the answer as it comes, then how fast it came."""
    forgotten, pieces, began = conversation.forgotten, 0, time.monotonic()
    with contextlib.closing(
        conversation.ask(question, max_tokens=options.max_tokens, sampling=options.sampling)
    ) as answer:
        try:
            for piece in answer:
                pieces += 1
                print(piece, end="", flush=True)
        except KeyboardInterrupt:
            if not sys.stdin.isatty():
                raise
        except ValueError as problem:
            _note(str(problem))
            return
    print(flush=True)
    seconds = time.monotonic() - began
    dropped = conversation.forgotten - forgotten
    memory = f"; forgot the oldest {dropped} exchanges, the context is full" if dropped else ""
    _note(f"[{pieces} tokens, {pieces / max(seconds, 1e-9):.1f} tokens/s{memory}]")


def _note(text: str) -> None:
    """A line beside the conversation, so that a pipe holds the answers alone."""
    print(text, file=sys.stderr, flush=True)
