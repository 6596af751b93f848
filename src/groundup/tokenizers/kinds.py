"""The kinds of tokenizer by name, and what has to be known of a kind to use any of them.

A new kind is a subclass of `Tokenizer` in a file of its own, a line here, and a case in `load`.
"""

import importlib
import inspect
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

from groundup.observe.progress import Progress, silent
from groundup.tokenizers.tokenizer import Tokenizer

KINDS = {
    "bpe": "bpe:BPE",
    "characters": "characters:Characters",
    "bytes": "bytes:Bytes",
    "words": "words:Words",
    "wordpiece": "wordpiece:WordPiece",
    "unigram": "unigram:Unigram",
    "character-bpe": "character_bpe:CharacterBPE",
}
"""Where each kind's class is, in this room."""


def kind_named(name: str) -> type[Tokenizer]:
    """The class of a kind. Raises ValueError if there is no such kind."""
    if name not in KINDS:
        raise ValueError(f"there is no kind of tokenizer {name!r}; there are: {', '.join(KINDS)}")
    module, _, class_name = KINDS[name].partition(":")
    found = getattr(importlib.import_module(f"groundup.tokenizers.{module}"), class_name)
    return cast("type[Tokenizer]", found)


def train_kind(
    name: str,
    texts: Iterable[str | Path],
    *,
    progress: Progress = silent,
    **options: Any,
) -> Tokenizer:
    """A tokenizer of that kind, learnt from texts or files, by the kind's own `train`.

    Options are those of its `train`. Raises ValueError for an option that the kind has not, and as
    its `train` does.
    """
    train = getattr(kind_named(name), "train", None)
    if train is None:
        raise ValueError(f"the kind {name!r} cannot be trained here yet; its files can be read")
    known = inspect.signature(train).parameters
    for option in options:
        if option not in known:
            has = [each for each in known if each not in ("texts", "progress")]
            raise ValueError(
                f"the kind {name!r} has no {option.replace('_', ' ')} to choose; "
                f"it has: {', '.join(each.replace('_', ' ') for each in has)}"
            )
    return cast(Tokenizer, train(texts, progress=progress, **options))


def unknown_id(tokenizer: Tokenizer) -> int | None:
    """The id that stands for what the vocabulary lacks; None where nothing is unknown."""
    own: Any = tokenizer
    for name in ("unknown_token", "unknown"):  # WordPiece; words and characters
        if isinstance(getattr(own, name, None), str):
            return tokenizer.special_tokens.get(getattr(own, name))
    definition = getattr(own, "definition", None)  # character BPE, unigram
    missing: str | None = getattr(definition, "unknown", None)
    names: dict[str, int] = tokenizer.special_tokens | getattr(definition, "vocabulary", {})
    return None if missing is None else names.get(missing)
