"""Byte-level BPE as tokenizer.json has it: its model, and the pre-tokenization it needs.

Files of GPT-2, SmolLM2, Llama 3, Qwen and their like are read; any other kind is refused with what
it has that we do not.
"""

from groundup.tokenizers.byte_alphabet import to_bytes, to_characters
from groundup.tokenizers.definition import Definition
from groundup.tokenizers.split import DIGITS, GPT2
from groundup.tokenizers.tiktoken_file import explicit_merges
from groundup.tokenizers.tokenizer_json import Json, frame_json, read_frame, read_vocabulary


def is_byte_level(data: Json) -> bool:
    """Whether the contents of a tokenizer.json are a byte-level BPE."""
    model = data["model"]
    # Files of older versions do not say the type; such are of BPE.
    if model.get("type", "BPE") != "BPE":
        return False
    step = data.get("pre_tokenizer") or {}
    steps = step["pretokenizers"] if step.get("type") == "Sequence" else [step]
    return bool(steps) and steps[-1].get("type") == "ByteLevel"


def to_json(definition: Definition) -> Json:
    """The contents of tokenizer.json; ranks without merges are written as the merges they imply."""
    tokens = {token: to_characters(data) for token, data in sorted(definition.tokens.items())}
    names = definition.special_tokens | definition.added_tokens
    by_rank = definition.by_rank
    merges = explicit_merges(definition.tokens) if by_rank else definition.merges
    splits = [
        {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
        for pattern in definition.patterns
    ]
    byte_level = {
        "type": "ByteLevel",
        "add_prefix_space": False,
        "trim_offsets": True,
        "use_regex": False,
    }
    vocabulary = {text: token for token, text in tokens.items()} | names
    model = {
        "type": "BPE",
        "dropout": None,
        "unk_token": None,
        "continuing_subword_prefix": None,
        "end_of_word_suffix": None,
        "fuse_unk": False,
        "byte_fallback": False,
        "ignore_merges": definition.whole_first,
        "vocab": dict(sorted(vocabulary.items(), key=lambda item: item[1])),
        "merges": [[tokens[left], tokens[right]] for left, right, _ in merges],
    }
    pre_tokenizer = {"type": "Sequence", "pretokenizers": [*splits, byte_level]}
    return frame_json(definition, model=model, decoder=byte_level, pre_tokenizer=pre_tokenizer)


def from_json(data: Json, config: Json | None = None) -> Definition:
    """The inverse of `to_json`; `config` is what tokenizer_config.json holds."""
    model = data["model"]
    _check_model(model)
    frame = read_frame(data, config, cuts=False)
    names = frame.special_tokens | frame.added_tokens
    vocabulary = read_vocabulary({"type": "BPE"} | model, kind="BPE")
    return Definition(
        **vars(frame),
        tokens={token: to_bytes(t) for t, token in vocabulary.items() if t not in names},
        merges=[_read_merge(merge, vocabulary) for merge in model["merges"]],
        patterns=_read_patterns(data.get("pre_tokenizer")),
        whole_first=bool(model.get("ignore_merges")),
    )


def _check_model(model: Json) -> None:
    if model.get("type", "BPE") != "BPE":
        raise ValueError(f"its model is {model['type']}; only byte-level BPE is read")
    for option in (
        "dropout",
        "continuing_subword_prefix",
        "end_of_word_suffix",
        "byte_fallback",
    ):
        if model.get(option):
            raise ValueError(f"its BPE model has {option}={model[option]!r}, which is not built")


def _read_merge(merge: str | list[str], vocabulary: dict[str, int]) -> tuple[int, int, int]:
    left, right = merge.split(" ") if isinstance(merge, str) else merge
    if missing := [text for text in (left, right, left + right) if text not in vocabulary]:
        raise ValueError(f"merge {merge!r} needs {missing[0]!r}, which the vocabulary lacks")
    return vocabulary[left], vocabulary[right], vocabulary[left + right]


def _read_patterns(pre_tokenizer: Json | None) -> tuple[str, ...]:
    if pre_tokenizer is None:
        raise ValueError("it has no pre-tokenizer; byte-level BPE needs ByteLevel")
    is_sequence = pre_tokenizer["type"] == "Sequence"
    steps = pre_tokenizer["pretokenizers"] if is_sequence else [pre_tokenizer]
    if not steps or steps[-1]["type"] != "ByteLevel":
        raise ValueError(
            f"its pre-tokenizer is {[step['type'] for step in steps]}; it must end in ByteLevel"
        )
    return tuple(pattern for step in steps if (pattern := _read_step(step)) is not None)


def _read_step(step: Json) -> str | None:
    match step:
        case {"type": "ByteLevel", "add_prefix_space": False}:
            return GPT2 if step.get("use_regex", True) else None
        case {"type": "Digits", "individual_digits": bool(individual)}:
            return DIGITS if individual else DIGITS + "+"
        case {
            "type": "Split",
            "pattern": {"Regex": str(pattern)},
            "behavior": "Isolated" | "Removed" as behavior,
            "invert": bool(invert),
        } if invert == (behavior == "Removed"):
            return pattern
    raise ValueError(f"its pre-tokenizer has the step {step}, which is not built")
