"""Unigram as tokenizer.json has it: its model and its decoder.

Hugging Face's model is a list of pieces and scores, the ids being the places, and it would make any
of them of a text. So tokens that are never made have the lowest score there, and what that model
has no word for stands beside under a name of our own, which those libraries pass over.
"""

from typing import Any

from groundup.tokenizers.definition import Frame
from groundup.tokenizers.steps_json import spaces_decoder
from groundup.tokenizers.tokenizer_json import Json, check_own, frame_json, read_frame
from groundup.tokenizers.unigram_definition import BYTE_TOKENS, UnigramDefinition

_OWN = "groundup"
_NEVER = 1e4  # below the lowest score, so that no sum of pieces' scores is as bad


def to_json(definition: UnigramDefinition) -> Json:
    """The contents of tokenizer.json.

    Raises ValueError if there are gaps among the ids: the file has no place for them.
    """
    everything = definition.vocabulary | definition.special_tokens
    texts = {token: text for text, token in everything.items()}
    size = max(definition.vocabulary.values()) + 1
    size = max(size, (definition.unknown_id or 0) + 1)
    texts |= {token: text for text, token in definition.added_tokens.items() if token < size}
    if gaps := set(range(size)) - texts.keys():
        raise ValueError(f"a Unigram model has no gaps among its ids; this one lacks {min(gaps)}")
    names = {**definition.special_tokens, **definition.added_tokens}.values()
    lowest = min(definition.scores.values(), default=0.0) - _NEVER
    scores = dict.fromkeys(texts, lowest) | dict.fromkeys(names, 0.0) | definition.scores
    if definition.unknown_id is not None:
        scores[definition.unknown_id] = 0.0
    model: Json = {
        "type": "Unigram",
        "unk_id": definition.unknown_id,
        "vocab": [[texts[token], scores[token]] for token in range(size)],
        "byte_fallback": definition.byte_fallback,
    }
    unused = set(definition.vocabulary.values()) - definition.scores.keys()
    unused -= {definition.vocabulary[name] for name in BYTE_TOKENS * definition.byte_fallback}
    own = {
        "unused": sorted(unused - {definition.unknown_id}),
        "kept": list(definition.kept),
        "single_precision": definition.single_precision,
        "unknown_surface": definition.unknown_surface,
        "space": definition.space,
        "drops_first_space": definition.drops_first_space,
    }
    return frame_json(definition, model=model | {_OWN: own}, decoder=_decoder(definition))


def _decoder(definition: UnigramDefinition) -> Json:
    return spaces_decoder(
        definition.space,
        byte_fallback=definition.byte_fallback,
        drops_first_space=definition.drops_first_space,
    )


def from_json(data: Json, config: Json | None = None) -> UnigramDefinition:
    """The inverse of `to_json`; `config` is what tokenizer_config.json holds.

    Raises ValueError if the model is of another kind, or its pieces, scores or ids are not sound.
    """
    model = data["model"]
    if model["type"] != "Unigram":
        raise ValueError(f"its model is {model['type']}; wanted Unigram")
    frame = read_frame(data, config)
    rows = [_row(row) for row in model["vocab"]]
    unknown_id = model.get("unk_id")
    if unknown_id is not None and not (type(unknown_id) is int and 0 <= unknown_id < len(rows)):
        raise ValueError(f"its unk_id is {unknown_id!r}, but its ids run to {len(rows) - 1}")
    everything = {text: i for i, (text, _) in enumerate(rows)}
    if len(everything) < len(rows):
        twice = next(text for i, (text, _) in enumerate(rows) if everything[text] != i)
        raise ValueError(f"its vocabulary has the piece {twice!r} twice")
    own = model.get(_OWN) or _read_decoder(data.get("decoder"))
    check_own(own)
    return _definition(frame, model, rows, everything, own)


def _definition(
    frame: Frame, model: Json, rows: list[tuple[str, float]], everything: dict[str, int], own: Json
) -> UnigramDefinition:
    unknown_id = model.get("unk_id")
    byte_fallback = bool(model.get("byte_fallback")) and set(BYTE_TOKENS) <= everything.keys()
    never = {everything[name] for name in BYTE_TOKENS * byte_fallback} | {unknown_id}
    never |= set(own.get("unused", ()))
    names = frame.special_tokens | frame.added_tokens
    vocabulary = {text: i for text, i in everything.items() if text not in names}
    return UnigramDefinition(
        **vars(frame),
        vocabulary=vocabulary,
        scores={i: rows[i][1] for i in vocabulary.values() if i not in never},
        unknown=None if unknown_id is None else rows[unknown_id][0],
        unknown_surface=own.get("unknown_surface"),
        byte_fallback=byte_fallback,
        kept=tuple(own.get("kept", ())),
        single_precision=bool(own.get("single_precision")),
        space=own["space"],
        drops_first_space=own["drops_first_space"],
    )


def _row(row: Any) -> tuple[str, float]:
    match row:
        case [str(text), int() | float() as score]:
            return text, float(score)
    raise ValueError(f"its vocabulary has the entry {row!r}; wanted a piece and a score")


def _read_decoder(decoder: Json | None) -> Json:
    """What a file of others says of spaces."""
    steps = (decoder or {}).get("decoders", [decoder] if decoder else [])
    space, drops = "", False
    for step in steps:
        match step:
            case {"type": "Metaspace"}:
                space = step.get("replacement", "▁")
                scheme = step.get("prepend_scheme", "always")
                drops = scheme != "never" and step.get("add_prefix_space", True)
            case {"type": "Replace", "pattern": {"String": str(text)}, "content": " "}:
                space = text
            case {"type": "Strip", "content": " ", "start": 1}:
                drops = True
            case {"type": "ByteFallback" | "Fuse"}:
                pass
            case _:
                raise ValueError(f"its decoder has the step {step}, which is not built")
    return {"space": space, "drops_first_space": drops}
