"""Character BPE as tokenizer.json has it: its model and its decoder.

Hugging Face's libraries know merges alone. A definition with scores is written with the merges they
imply, and with the scores beside them under a name of our own, which those libraries pass over:
read back by us it is the same again.
"""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from groundup.tokenizers.character_definition import CharacterDefinition, Table
from groundup.tokenizers.steps_json import spaces_decoder
from groundup.tokenizers.tokenizer_json import (
    Json,
    check_own,
    frame_json,
    read_frame,
    read_vocabulary,
)

_OWN = "groundup"
"""The key of what Hugging Face's model has no word for."""


def to_json(definition: CharacterDefinition, table: Table) -> Json:
    """The contents of tokenizer.json; `table` is the definition's."""
    names = definition.special_tokens | definition.added_tokens
    vocabulary = definition.vocabulary | names
    texts = {token: text for text, token in vocabulary.items()}
    model: Json = {
        "type": "BPE",
        "dropout": definition.dropout or None,
        "unk_token": definition.unknown,
        "continuing_subword_prefix": definition.continuing_prefix or None,
        "end_of_word_suffix": definition.end_suffix or None,
        "fuse_unk": definition.fuse_unknown,
        "byte_fallback": definition.byte_fallback,
        "ignore_merges": definition.whole_first,
        "vocab": dict(sorted(vocabulary.items(), key=lambda item: item[1])),
        "merges": [[texts[left], texts[right]] for left, right in _in_order(table, texts)],
    }
    own = {
        "scores": definition.scores and [[i, score] for i, score in definition.scores.items()],
        "kept": list(definition.kept),
        "words": definition.words,
        "unknown_surface": definition.unknown_surface,
        "space": definition.space,
        "drops_first_space": definition.drops_first_space,
    }
    return frame_json(definition, model=model | {_OWN: own}, decoder=_decoder(definition))


def _in_order(table: Table, texts: Mapping[int, str]) -> Iterator[tuple[int, int]]:
    """The pairs of tokens that merge, the best first; of equals, the one with the longer left."""
    pairs = [pair for pair in table.pairs if pair[0] in texts and pair[1] in texts]
    return iter(sorted(pairs, key=lambda pair: (table.pairs[pair][0], -len(texts[pair[0]]))))


def _decoder(definition: CharacterDefinition) -> Json | None:
    if definition.end_suffix:
        return {"type": "BPEDecoder", "suffix": definition.end_suffix}
    return spaces_decoder(
        definition.space,
        byte_fallback=definition.byte_fallback,
        drops_first_space=definition.drops_first_space,
    )


def from_json(data: Json, config: Json | None = None) -> CharacterDefinition:
    """The inverse of `to_json`; `config` is what tokenizer_config.json holds."""
    model = data["model"]
    frame = read_frame(data, config)
    names = frame.special_tokens | frame.added_tokens
    everything = read_vocabulary({"type": "BPE"} | model, kind="BPE")
    unknown = model.get("unk_token")
    if unknown is not None and unknown not in everything:
        raise ValueError(f"its unknown token {unknown!r} is not in its vocabulary")
    vocabulary = {t: i for t, i in everything.items() if t not in names or t == unknown}
    own = model.get(_OWN) or _read_decoder(data.get("decoder"))
    check_own(own)
    scores = own.get("scores")
    for option in ("continuing_subword_prefix", "end_of_word_suffix"):
        if not isinstance(model.get(option) or "", str):
            raise ValueError(f"its {option} is {model[option]!r}; wanted a text")
    prefix = model.get("continuing_subword_prefix") or ""
    merges = None
    if scores is None:
        merges = [_read_merge(merge, everything, prefix) for merge in model["merges"]]
        # A merge may use a token that has a role of its own, as Gemma's added runs of spaces.
        used = set(itertools.chain.from_iterable(merges))
        vocabulary |= {text: token for text, token in everything.items() if token in used}
    return CharacterDefinition(
        **vars(frame),
        vocabulary=vocabulary,
        merges=merges,
        scores=None if scores is None else {int(token): float(score) for token, score in scores},
        unknown=unknown,
        unknown_surface=own.get("unknown_surface"),
        fuse_unknown=bool(model.get("fuse_unk")),
        byte_fallback=bool(model.get("byte_fallback")),
        continuing_prefix=prefix,
        end_suffix=model.get("end_of_word_suffix") or "",
        whole_first=bool(model.get("ignore_merges")),
        words=bool(own.get("words")),
        dropout=float(model.get("dropout") or 0.0),
        kept=tuple(own.get("kept", ())),
        space=own["space"],
        drops_first_space=own["drops_first_space"],
    )


def _read_merge(
    merge: str | list[str], vocabulary: Mapping[str, int], prefix: str
) -> tuple[int, int, int]:
    left, right = merge.split(" ") if isinstance(merge, str) else merge
    merged = left + right.removeprefix(prefix)
    if missing := [text for text in (left, right, merged) if text not in vocabulary]:
        raise ValueError(f"merge {merge!r} needs {missing[0]!r}, which the vocabulary lacks")
    return vocabulary[left], vocabulary[right], vocabulary[merged]


def _read_decoder(decoder: Json | None) -> dict[str, Any]:
    """What a file of others says of spaces."""
    steps = (decoder or {}).get("decoders", [decoder] if decoder else [])
    space, drops = "", False
    for step in steps:
        match step:
            case {"type": "Metaspace", "replacement": str(mark)}:
                space = mark
                drops = step.get("prepend_scheme", "always") != "never"
            case {"type": "Replace", "pattern": {"String": str(mark)}, "content": " "}:
                space = mark
            case {"type": "Strip", "content": " ", "start": 1}:
                drops = True
    return {"space": space, "drops_first_space": drops}
