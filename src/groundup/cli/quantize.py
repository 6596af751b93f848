"""Write a model in 4 or 8 bits a weight, as a .gguf file that groundup and llama.cpp open.

- groundup quantize runs/stdlib --to q4
- groundup quantize smollm2 --to q8 --text notes.txt --out smollm2-q8.gguf
- groundup quantize runs/stdlib --to gguf --format BF16

It says what that costs: bits per byte before and after on held-out text (a run's validation files,
--text, or some of Python's standard library), how far predictions moved, which tensors lost most.
"""

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import torch
import tyro

from groundup import swap
from groundup.checkpoints import gguf, gguf_describe, gguf_write
from groundup.checkpoints.open import LoadedModel, locate, open_model
from groundup.cli import _quantize_report
from groundup.compress.quantize import QuantizeConfig, quantize
from groundup.data.shards import Shard
from groundup.evaluate import held_out
from groundup.observe.progress import terminal

CHAPTER = "make"
_SEARCH = {"auto": None, "yes": True, "no": False}
_FORMATS = {"q4": "Q4_1", "q8": "Q8_0", "gguf": "F16"}
_RUN_BYTES, _OTHER_BYTES = 100_000, 20_000


@dataclass(frozen=True, kw_only=True)
class Options:
    """What `groundup quantize` can be told."""

    model: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="MODEL")]
    """smollm2, runs/NAME, a folder in Hugging Face's layout, or a .gguf file."""
    to: Literal["q4", "q8", "gguf"] = "q4"
    """4 bits a weight, 8 bits, or the weights as they are in a .gguf file."""
    format: str | None = None
    """Format of the matrices (q4: Q4_1, q8: Q8_0, gguf: F16); also Q4_0, which llama.cpp runs
    fastest, BF16 and F32."""
    out: Path | None = None
    """The file, or a folder for it (a run: its own; else where you are)."""
    force: bool = False
    """Replace a file that is there."""
    prefer: Literal["chat", "base"] = "chat"
    """Of a run that holds both, the model that was taught to chat or the one before that."""
    search: Literal["auto", "yes", "no"] = "auto"
    """Try several scales for each group of weights and keep that with the least error (auto: in
    Q4_1, where that makes better predictions)."""
    text: Path | None = None
    """A text to measure on."""
    max_bytes: int | None = None
    """How much text to measure on (a run's: 100,000 bytes; else 20,000); 0 measures nothing."""
    use: tyro.conf.UseAppendAction[tuple[str, ...]] = ()
    """Run your function in place of a part, e.g.
    checkpoints.gguf_encode:quantize_group=mine.py."""


def run(arguments: list[str]) -> int:
    """Check, open, quantise, write, open what was written, measure, say."""
    options = tyro.cli(Options, args=arguments, prog="groundup quantize", description=__doc__)
    config = QuantizeConfig(
        matrices=options.format or _FORMATS[options.to], search=_SEARCH[options.search]
    )
    out = _out(options)
    if options.max_bytes is not None and options.max_bytes < 0:
        raise ValueError(f"--max-bytes is {options.max_bytes}; it must be 0 or more")
    with swap.replaced([swap.load(use) for use in options.use]):
        loaded = open_model(options.model, prefer=options.prefer, device="cpu")
        gguf_describe.architecture(loaded.model.config)  # refuses before the work what has none
        shard, words = _text(options, loaded)
        packed = quantize(loaded.model, config, progress=terminal)
        note = gguf_write.save(
            out,
            packed.config,
            packed.tensors,
            loaded.tokenizer,
            name=Path(loaded.name).name,
            progress=terminal,
        )
    for line in _quantize_report.sizes(loaded, packed, out):
        print(line, flush=True)
    if shard is not None:
        after = gguf.load(out)[0]
        with torch.inference_mode():
            lines = _quantize_report.measured(loaded.model, after, shard, words, terminal)
        print("\n".join(lines))
    notes = [note, _already(options.model)]
    print("\n".join([f"  note: {text}" for text in notes if text] + _next(loaded, out)))
    return 0


def _out(options: Options) -> Path:
    """Where the file goes. Raises ValueError if it cannot go there."""
    given = Path(options.model)
    form = options.format or (_FORMATS["gguf"] if options.to == "gguf" else options.to)
    stem = given.resolve().name if given.is_dir() else given.name.removesuffix(".gguf")
    base = "-base" if options.prefer == "base" and given.is_dir() else ""
    out = options.out or (given if given.is_dir() else Path())
    if out.is_dir():
        out = out / f"{stem}{base}-{form.lower()}.gguf"
    if out.suffix != ".gguf":
        raise ValueError(f"--out is {out}; it must end in .gguf, so that it is opened as one")
    if out.exists() and not options.force:
        raise ValueError(f"{out} is there already; --force replaces it, --out names another file")
    return out


def _text(options: Options, loaded: LoadedModel) -> tuple[Shard | None, str]:
    """The text to measure on, and words for where it comes from."""
    folder = Path(options.model)
    is_run = options.text is None and (folder / "corpus" / "validation.parquet").is_file()
    default = _RUN_BYTES if is_run else _OTHER_BYTES
    most = default if options.max_bytes is None else options.max_bytes
    if not most:
        return None, ""
    if options.text is not None:
        texts, where = held_out.cut([_read(options.text)], most), str(options.text)
    elif is_run:
        texts, where = held_out.of_run(folder, most), "the run's validation files"
    else:
        texts, where = held_out.of_standard_library(most), "Python's standard library"
    return held_out.as_shard(texts, loaded.tokenizer), where


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as problem:
        raise ValueError(f"{path} is not UTF-8 at byte {problem.start}; name a text") from problem


def _already(model: str) -> str:
    """What was lost before, in a file that is quantised itself."""
    path = locate(model)
    if path.suffix != ".gguf":
        return ""
    forms = {t.format.name for t in gguf.read(path).tensors.values()} - {"F32", "F16", "BF16"}
    listed = ", ".join(sorted(forms))
    return f"{model} is quantised already ({listed}); what is lost here comes on top" * bool(forms)


def _next(loaded: LoadedModel, out: Path) -> list[str]:
    verbs = ["serve", "chat" if loaded.template else "complete"]
    command = "groundup" if shutil.which("groundup") else sys.argv[0]
    return ["What to do next:", *(f"  {command} {verb} {out}" for verb in verbs)]
