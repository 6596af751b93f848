"""The steps around a model as tokenizer.json has them, Hugging Face's file: in and out.

What is read but not listed here is refused with its name, never passed over: a step left out would
give other ids than the model was trained on.
"""

import base64
from collections.abc import Mapping
from typing import Any, Literal, cast

from groundup.tokenizers.bert_normalizer import BertNormalizer
from groundup.tokenizers.normalize import (
    Form,
    Lowercase,
    Normalizer,
    Prepend,
    Replace,
    Strip,
    StripAccents,
)
from groundup.tokenizers.post_process import Place, Places, Template, bert, roberta
from groundup.tokenizers.pre_tokenize import (
    BERT,
    WHITESPACE,
    WHITESPACE_SPLIT,
    Behavior,
    Cut,
    Metaspace,
    PrependScheme,
    PreTokenizer,
    digits,
    punctuation,
)
from groundup.tokenizers.precompiled import Precompiled
from groundup.tokenizers.sentencepiece_normalizer import SentencePieceNormalizer

Json = dict[str, Any]
_SENTENCEPIECE = "sentencepiece"
"""Our own key beside the steps that SentencePiece's normaliser is made of: its options."""
_BEHAVIORS: dict[str, Behavior] = {
    "Isolated": "isolated",
    "Removed": "removed",
    "Contiguous": "contiguous",
    "MergedWithPrevious": "merged_with_previous",
    "MergedWithNext": "merged_with_next",
}


def _named_cuts() -> list[tuple[Json, Cut]]:
    """Cuts that have a type of their own, the plainest way of writing them first."""
    return [
        ({"type": "Whitespace"}, WHITESPACE),
        ({"type": "WhitespaceSplit"}, WHITESPACE_SPLIT),
        ({"type": "BertPreTokenizer"}, BERT),
        ({"type": "Digits", "individual_digits": False}, digits()),
        ({"type": "Digits", "individual_digits": True}, digits(individual=True)),
        *(
            ({"type": "Punctuation", "behavior": name}, punctuation(behavior))
            for name, behavior in _BEHAVIORS.items()
        ),
        ({"type": "Punctuation"}, punctuation()),
    ]


def read_normalizers(data: Json | None) -> tuple[Normalizer, ...]:
    """The normalisers, in order. Raises ValueError on one that is not built."""
    return tuple(
        _read_sentencepiece(step) if _SENTENCEPIECE in step else _read_normalizer(step)
        for step in _steps(data, "normalizers")
    )


def _steps(data: Json | None, inside: str) -> list[Json]:
    """What a Sequence holds, and the Sequences in it; or the one step that it is."""
    if data is None:
        return []
    if data["type"] != "Sequence" or _SENTENCEPIECE in data:
        return [data]
    return [step for some in data[inside] for step in _steps(some, inside)]


def _read_sentencepiece(step: Json) -> SentencePieceNormalizer:
    inner = [_read_normalizer(each) for each in step["normalizers"]]
    tables = [each for each in inner if isinstance(each, Precompiled)]
    return SentencePieceNormalizer.of(tables[0].charsmap if tables else b"", step[_SENTENCEPIECE])


def _read_normalizer(step: Json) -> Normalizer:
    match step:
        case {"type": "NFC" | "NFD" | "NFKC" | "NFKD" as name}:
            return Form(cast(Literal["NFC", "NFD", "NFKC", "NFKD"], name))
        case {"type": "Lowercase" | "StripAccents" as name}:
            return Lowercase() if name == "Lowercase" else StripAccents()
        case {"type": "Strip", "strip_left": bool(left), "strip_right": bool(right)}:
            return Strip(left, right)
        case {"type": "Prepend", "prepend": str(prepend)}:
            return Prepend(prepend)
        case {"type": "Replace", "pattern": {"String": str(pattern)}, "content": str(content)}:
            return Replace(pattern, content)
        case {"type": "Replace", "pattern": {"Regex": str(pattern)}, "content": str(content)}:
            return Replace(pattern, content, is_regex=True)
        case {"type": "Precompiled", "precompiled_charsmap": str(charsmap)}:
            return Precompiled.from_base64(charsmap)
        case {
            "type": "BertNormalizer",
            "clean_text": bool(clean),
            "handle_chinese_chars": bool(chinese),
            "strip_accents": (None | bool()) as strip,
            "lowercase": bool(lowercase),
        }:
            return BertNormalizer(clean, chinese, strip, lowercase)
    raise ValueError(f"its normalizer is {_shown(step)}, which is not built")


def write_normalizers(normalizers: tuple[Normalizer, ...]) -> Json | None:
    """The inverse of `read_normalizers`."""
    return _joined([_write_normalizer(step) for step in normalizers], "normalizers")


def _joined(steps: list[Json], inside: str) -> Json | None:
    if not steps:
        return None
    return steps[0] if len(steps) == 1 else {"type": "Sequence", inside: steps}


def _write_normalizer(step: Normalizer) -> Json:
    kind = {"type": type(step).__name__}
    match step:
        case Form(name):
            return {"type": name}
        case Replace(pattern, content, is_regex):
            written = {"Regex" if is_regex else "String": pattern}
            return kind | {"pattern": written, "content": content}
        case Precompiled():
            return kind | {"precompiled_charsmap": base64.b64encode(step.charsmap).decode()}
        case SentencePieceNormalizer():
            inner = [_write_normalizer(each) for each in step.steps()]
            return {"type": "Sequence", "normalizers": inner, _SENTENCEPIECE: step.options()}
        case Lowercase() | StripAccents() | Strip() | Prepend() | BertNormalizer():
            return kind | vars(step)
    raise ValueError(f"tokenizer.json has no normalizer like {step}")


def read_pre_tokenizers(data: Json | None) -> tuple[PreTokenizer, ...]:
    """The pre-tokenizers, in order. Raises ValueError on one that is not built."""
    return tuple(_read_pre_tokenizer(step) for step in _steps(data, "pretokenizers"))


def _read_pre_tokenizer(step: Json) -> PreTokenizer:
    for written, cut in _named_cuts():
        if step == written:
            return cut
    match step:
        case {"type": "CharDelimiterSplit", "delimiter": str(delimiter)}:
            return Cut(delimiter, "removed", is_regex=False)
        case {"type": "Split", "pattern": pattern, "behavior": behavior, "invert": bool(invert)}:
            match pattern:
                case {"Regex": str(expression)}:
                    return Cut(expression, _BEHAVIORS[behavior], invert)
                case {"String": str(text)}:
                    return Cut(text, _BEHAVIORS[behavior], invert, is_regex=False)
        case {"type": "Metaspace", "replacement": str(replacement)}:
            # Files of older versions have `add_prefix_space` in place of the scheme.
            plain = "always" if step.get("add_prefix_space", True) else "never"
            scheme = step.get("prepend_scheme", plain)
            if scheme in ("always", "first", "never"):
                return Metaspace(
                    replacement, cast(PrependScheme, scheme), step.get("split", True) is True
                )
    raise ValueError(f"its pre-tokenizer has the step {_shown(step)}, which is not built")


def write_pre_tokenizers(steps: tuple[PreTokenizer, ...]) -> Json | None:
    """The inverse of `read_pre_tokenizers`."""
    return _joined([_write_pre_tokenizer(step) for step in steps], "pretokenizers")


def _write_pre_tokenizer(step: PreTokenizer) -> Json:
    for written, cut in _named_cuts():
        if step == cut:
            return written
    match step:
        case Metaspace():
            return {"type": "Metaspace"} | vars(step)
        case Cut(pattern, behavior, invert, is_regex):
            names = {behavior: name for name, behavior in _BEHAVIORS.items()}
            return {
                "type": "Split",
                "pattern": {"Regex" if is_regex else "String": pattern},
                "behavior": names[behavior],
                "invert": invert,
            }
    raise ValueError(f"tokenizer.json has no pre-tokenizer like {step}")


def read_post_processor(data: Json | None, special_tokens: Mapping[str, int]) -> Template | None:
    """The template, if there is one. Raises ValueError on what is not built.

    A step ByteLevel is passed over: it says which spans to report, and changes no ids.
    """
    steps = [step for step in _steps(data, "processors") if step["type"] != "ByteLevel"]
    if not steps:
        return None
    match steps:
        case [{"type": "TemplateProcessing", "single": single, "pair": pair} as step]:
            for name, entry in step["special_tokens"].items():
                if entry["ids"] != [special_tokens.get(name)]:
                    raise ValueError(
                        f"its post-processor puts in {name!r} as ids {entry['ids']}; "
                        f"the special token of that name has id {special_tokens.get(name)}"
                    )
            return Template(_read_places(single), _read_places(pair))
        case [{"type": "BertProcessing", "cls": [str(cls), _], "sep": [str(sep), _]}]:
            return bert(cls, sep)
        case [{"type": "RobertaProcessing", "cls": [str(cls), _], "sep": [str(sep), _]}]:
            return roberta(cls, sep)
    raise ValueError(f"its post-processor is {_shown(steps)}, which is not built")


def _read_places(places: list[Json]) -> Places:
    read = []
    for place in places:
        match place:
            case {"Sequence": {"id": str(name), "type_id": int(type_id)}}:
                read.append(Place(name, type_id, is_text=True))
            case {"SpecialToken": {"id": str(name), "type_id": int(type_id)}}:
                read.append(Place(name, type_id))
            case _:
                raise ValueError(f"its post-processor has the place {_shown(place)}")
    return tuple(read)


def write_post_processor(
    template: Template | None, special_tokens: Mapping[str, int]
) -> Json | None:
    """The inverse of `read_post_processor`; every template is written as TemplateProcessing."""
    if template is None:
        return None
    used = {name: special_tokens[name] for name in sorted(template.special_tokens)}
    return {
        "type": "TemplateProcessing",
        "single": _write_places(template.single),
        "pair": _write_places(template.pair),
        "special_tokens": {
            name: {"id": name, "ids": [token], "tokens": [name]} for name, token in used.items()
        },
    }


def _write_places(places: Places) -> list[Json]:
    return [
        {
            "Sequence" if place.is_text else "SpecialToken": {
                "id": place.name,
                "type_id": place.type_id,
            }
        }
        for place in places
    ]


def _shown(data: object) -> str:
    text = str(data)
    return text if len(text) <= 200 else text[:200] + "..."


def spaces_decoder(space: str, *, byte_fallback: bool, drops_first_space: bool) -> Json:
    """The decoder of tokens that write spaces as SentencePiece does, with the sign `space`."""
    steps: list[Json] = []
    if space:
        pattern = {"String": space}
        steps.append({"type": "Replace", "pattern": pattern, "content": " "})
    if byte_fallback:
        steps.append({"type": "ByteFallback"})
    steps.append({"type": "Fuse"})
    if drops_first_space:
        steps.append({"type": "Strip", "content": " ", "start": 1, "stop": 0})
    return {"type": "Sequence", "decoders": steps}
