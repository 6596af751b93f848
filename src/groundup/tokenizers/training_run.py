"""A tokenizer that is trained into a folder, and what it was made from, so nothing is lost.

The folder holds the tokenizer, `training.json` with the settings and the files it learnt from, and,
for byte-level BPE, `counts`: the pieces that were counted. With these another vocabulary is learnt
without reading the text again, and files that are added are the only ones that are read.

Leaves out going on inside the training of other kinds; they begin again.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from groundup.observe.progress import Progress, silent
from groundup.tokenizers.kinds import kind_named, train_kind
from groundup.tokenizers.tokenizer import Tokenizer

RECORD = "training.json"
COUNTS = "counts"
DEFAULT_SIZE = 32_768
_UNKNOWN = {
    "words": "[UNK]",
    "characters": "[UNK]",
    "wordpiece": "[UNK]",
    "unigram": "<unk>",
    "character-bpe": "<unk>",
}
"""The name of the unknown token of each kind that needs one; it comes first."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What decides the tokenizer, beside the text; None: the kind's own default."""

    kind: str
    """One of `groundup.tokenizers.kinds.KINDS`."""
    vocab_size: int | None = None
    """Tokens in all (none: 32,768; 256 and the special ones for bytes)."""
    pattern: str | None = None
    """How byte-level BPE cuts text into pieces: a name, or a regular expression."""
    special_tokens: tuple[str, ...] | None = None
    """Names of the control tokens; they get the first ids."""
    min_frequency: int | None = None
    """How often a pair, word or character must occur."""
    unknown: str | None = None
    """What becomes of words or characters that the vocabulary lacks: a special token, drop, error.
    """

    def __post_init__(self) -> None:
        if self.min_frequency is not None and self.min_frequency < 0:
            raise ValueError(f"min_frequency is {self.min_frequency}; it must be 0 or more")

    def options(self) -> dict[str, Any]:
        """The options that were given, as the kind's `train` takes them."""
        given = {key: value for key, value in asdict(self).items() if value is not None}
        kind = given.pop("kind")
        if self.vocab_size is None and kind != "bytes":
            given["vocab_size"] = DEFAULT_SIZE
        if self.special_tokens is not None and self.unknown is None:
            needed = [_UNKNOWN[kind]] if kind in _UNKNOWN else []
            names = [name for name in self.special_tokens if name not in needed]
            given["special_tokens"] = (*needed, *names)
        return given


def train_into(
    folder: Path,
    settings: Settings,
    files: Sequence[Path],
    *,
    memory: int | None = None,
    threads: int = 1,
    force: bool = False,
    progress: Progress = silent,
) -> Tokenizer | None:
    """Train on the files and save into the folder; None if it holds just that already.

    Called again after an interruption, byte-level BPE goes on with the counting. Raises ValueError
    if the folder holds a tokenizer that was made otherwise, unless `force` is given; and as the
    kind's `train` does.
    """
    kind_named(settings.kind)
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file; the tokenizer needs a folder, choose another name")
    if files and not any(file.stat().st_size for file in files):
        raise ValueError(f"there is no text in {', '.join(map(str, files[:3]))}; give other files")
    made = {**_plain(settings), "files": [_describe(file) for file in files]}
    if (folder / "tokenizer.json").exists() and not force:
        before = read_record(folder)
        if before == made:
            return None
        raise ValueError(_other(folder, before, made))
    if settings.kind == "bpe":
        tokenizer = _train_bpe(folder / COUNTS, settings, files, memory, threads, progress)
    else:
        if memory is not None:
            raise ValueError(f"a bound on memory is for bpe; {settings.kind} counts in memory")
        tokenizer = train_kind(settings.kind, files, progress=progress, **settings.options())
    tokenizer.save(folder)
    fresh = folder / (RECORD + ".new")
    fresh.write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")
    os.replace(fresh, folder / RECORD)
    return tokenizer


def _train_bpe(
    counts: Path,
    settings: Settings,
    files: Sequence[Path],
    memory: int | None,
    threads: int,
    progress: Progress,
) -> Tokenizer:
    from groundup.tokenizers.bpe import BPE
    from groundup.tokenizers.piece_counts import count_pieces

    options = settings.options()
    pattern = options.pop("pattern", "llama3")
    if "unknown" in options:
        raise ValueError("nothing is unknown to bpe, it has all bytes; leave --unknown out")
    BPE.train([], **options)  # what is wrong with the options is said before the text is read
    table = count_pieces(
        files, pattern, folder=counts, memory=memory, threads=threads, progress=progress
    )
    return BPE.from_counts(table, memory=memory, progress=progress, **options)


def added_to(folder: Path, settings: Settings, more: Sequence[Path]) -> tuple[Settings, list[Path]]:
    """The settings and files of the tokenizer in a folder, with what is given now added.

    Raises ValueError if there is no such tokenizer, or it is of another kind.
    """
    before = read_record(folder)
    if before is None or settings.kind != "bpe":
        raise ValueError(
            f"files can be added to a bpe tokenizer that was trained into its folder; {folder} "
            + ("has none" if before is None else f"is to hold {settings.kind}")
        )
    files = [Path(name) for name, _, _ in before.pop("files")]
    kept = Settings(**{**before, "special_tokens": _tuple(before["special_tokens"])})
    if kept.kind != settings.kind:
        raise ValueError(f"{folder} holds a tokenizer of the kind {kept.kind}, not {settings.kind}")
    given = {key: value for key, value in vars(settings).items() if value is not None}
    absolute = [file.resolve() for file in more]
    return replace(kept, **given), [*files, *(f for f in absolute if f not in files)]


def read_record(folder: Path) -> dict[str, Any] | None:
    """What `train_into` wrote down about the tokenizer in a folder; None if it did not make it.

    Raises ValueError if the file is damaged.
    """
    path = folder / RECORD
    if not path.exists():
        return None
    try:
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if set(data) == {*Settings.__dataclass_fields__, "files"}:
            return data
    except ValueError:
        pass
    raise ValueError(f"{path} is damaged; delete it, or train into another folder")


def _plain(settings: Settings) -> dict[str, Any]:
    names = settings.special_tokens
    return {**vars(settings), "special_tokens": None if names is None else list(names)}


def _tuple(names: list[str] | None) -> tuple[str, ...] | None:
    return None if names is None else tuple(names)


def _describe(file: Path) -> list[Any]:
    about = file.stat()
    return [str(file.resolve()), about.st_size, about.st_mtime_ns]


def _other(folder: Path, before: dict[str, Any] | None, made: dict[str, Any]) -> str:
    if before is None:
        return (
            f"{folder} holds a tokenizer that was not trained here; choose another folder, or add "
            "--force to replace it"
        )
    differs = [key.replace("_", " ") for key in made if made[key] != before[key]]
    kept = "; what was counted is kept" if made["kind"] == before["kind"] == "bpe" else ""
    return (
        f"{folder} holds a tokenizer with another {' and '.join(differs)}; choose another folder, "
        f"or add --force to replace it{kept}"
    )
