"""SentencePiece's `.model` files, in and out: char BPE, unigram, single characters and words.

A file is a message of Protocol Buffers: the pieces in the order of their ids, each with a score and
a type, and what the trainer and the normaliser were told.

    ModelProto:  1 pieces {1 piece, 2 score, 3 type}  2 trainer_spec  3 normalizer_spec

Control pieces become special tokens; user-defined ones are found in the normalised text before any
other; byte pieces stand for characters that the vocabulary lacks.

Source: Kudo and Richardson (2018), `sentencepiece_model.proto`. Leaves out denormalisers,
pretokenization by a delimiter and self tests. Pieces of type "unused" have ids, and are never made.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from groundup.tokenizers.character_bpe import CharacterBPE
from groundup.tokenizers.character_definition import CharacterDefinition
from groundup.tokenizers.definition import Frame
from groundup.tokenizers.protobuf import Field, fields
from groundup.tokenizers.protobuf import field as written
from groundup.tokenizers.sentencepiece_normalizer import SPACE, SentencePieceNormalizer
from groundup.tokenizers.tokenizer import Tokenizer
from groundup.tokenizers.unigram import Unigram
from groundup.tokenizers.unigram_definition import UnigramDefinition

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)
UNIGRAM, BPE, WORD, CHAR = range(1, 5)
Value: TypeAlias = bool | int | float | str | bytes
_NAMES = {UNIGRAM: "unigram", BPE: "bpe", WORD: "word", CHAR: "char"}
_LARGEST_FILE = 1 << 26  # bytes; the largest known has four million


class Piece(NamedTuple):
    """One piece of the vocabulary; its place in the list is its id."""

    text: str
    score: float = 0.0
    type: int = NORMAL


@dataclass(frozen=True, kw_only=True)
class Model:
    """What a `.model` file says."""

    pieces: list[Piece]
    model_type: int = UNIGRAM
    byte_fallback: bool = False
    unknown_surface: str = " ⁇ "
    """What an unknown piece is decoded to."""
    start: str = "<s>"
    """The piece that begins a text, if there is one of that name."""
    end: str = "</s>"
    """The piece that ends a text, if there is one of that name."""
    padding: str = "<pad>"
    normalizer: SentencePieceNormalizer = field(default_factory=SentencePieceNormalizer)
    """Its `kept` are the user-defined pieces."""

    def ids(self, *types: int) -> dict[str, int]:
        """The pieces of these types, text to id."""
        return {piece.text: i for i, piece in enumerate(self.pieces) if piece.type in types}


def read(path: str | Path) -> Tokenizer:
    """The tokenizer in a `.model` file, of the kind that the file says.

    Raises ValueError, with the file's name, if the file is not whole and sound; OSError if it
    cannot be opened.
    """
    path = Path(path)
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise ValueError(f"it has more than {_LARGEST_FILE} bytes")
        return tokenizer_of(parse(path.read_bytes()))
    except ValueError as problem:
        raise ValueError(f"{path} is not a readable SentencePiece model: {problem}") from problem


def parse(data: bytes) -> Model:
    """The contents of a `.model` file. Raises ValueError if they are not whole and sound."""
    pieces: list[Piece] = []
    trainer: dict[int, Field] = {}
    normalizer: dict[int, Field] = {}
    for one in fields(data):
        if one.number == 1:
            pieces.append(_piece(one.message()))
        elif one.number in (2, 3):
            into = trainer if one.number == 2 else normalizer
            into |= {inner.number: inner for inner in fields(one.message())}
        elif one.number == 5 and any(f.number == 2 and f.message() for f in fields(one.message())):
            raise ValueError("it has a denormalizer, which is not built")
    model = Model(
        pieces=pieces,
        model_type=_get(trainer, 3, Field.integer, UNIGRAM),
        byte_fallback=_get(trainer, 35, Field.boolean, False),
        unknown_surface=_get(trainer, 44, Field.text, " ⁇ "),
        start=_get(trainer, 46, Field.text, "<s>"),
        end=_get(trainer, 47, Field.text, "</s>"),
        padding=_get(trainer, 48, Field.text, "<pad>"),
        normalizer=SentencePieceNormalizer(
            charsmap=_get(normalizer, 2, lambda one: bytes(one.message()), b""),
            add_dummy_prefix=_get(normalizer, 3, Field.boolean, True),
            remove_extra_whitespaces=_get(normalizer, 4, Field.boolean, True),
            escape_whitespaces=_get(normalizer, 5, Field.boolean, True),
            whitespace_as_suffix=_get(trainer, 24, Field.boolean, False),
            kept=tuple(piece.text for piece in pieces if piece.type == USER_DEFINED),
        ),
    )
    check(model)
    return model


def _piece(message: memoryview) -> Piece:
    values = {one.number: one for one in fields(message)}
    return Piece(
        _get(values, 1, Field.text, ""),
        _get(values, 2, Field.float32, 0.0),
        _get(values, 3, Field.integer, NORMAL),
    )


def _get(
    values: Mapping[int, Field], number: int, read: Callable[[Field], Any], default: Any
) -> Any:
    return read(values[number]) if number in values else default


def check(model: Model) -> None:
    """Raises ValueError if the model is not sound: pieces twice, none unknown, bytes missing."""
    if model.model_type not in _NAMES:
        raise ValueError(f"its type is {model.model_type}; there are 1 to 4: {_NAMES}")
    if not model.pieces:
        raise ValueError("it has no pieces")
    seen: dict[str, int] = {}
    for i, piece in enumerate(model.pieces):
        if not piece.text:
            raise ValueError(f"its piece {i} is empty")
        if piece.text in seen:
            raise ValueError(f"its pieces {seen[piece.text]} and {i} are both {piece.text!r}")
        if not NORMAL <= piece.type <= BYTE:
            raise ValueError(f"its piece {piece.text!r} has type {piece.type}; there are 1 to 6")
        if piece.score != piece.score or piece.score in (float("inf"), float("-inf")):
            raise ValueError(f"its piece {piece.text!r} has the score {piece.score}")
        seen[piece.text] = i
    if len(model.ids(UNKNOWN)) != 1:
        raise ValueError(f"it has {len(model.ids(UNKNOWN))} pieces of type unknown; wanted one")
    missing = {f"<0x{byte:02X}>" for byte in range(256)} ^ model.ids(BYTE).keys()
    if missing and (model.byte_fallback or model.ids(BYTE)):
        raise ValueError(
            f"its pieces for bytes are not the 256 from <0x00> to <0xFF>; see {min(missing)!r}"
        )
    if model.ids(BYTE) and not model.byte_fallback:
        raise ValueError("it has pieces for bytes, but says that it does not fall back on them")


def tokenizer_of(model: Model) -> Tokenizer:
    """The tokenizer that a model describes."""
    special = model.ids(CONTROL)
    frame = Frame(
        special_tokens=special,
        normalizers=(model.normalizer,),
        start_token=model.start if model.start in special else None,
        end_token=model.end if model.end in special else None,
    )
    drops = model.normalizer.add_dummy_prefix or model.normalizer.remove_extra_whitespaces
    shared: dict[str, Any] = {
        **vars(frame),
        "vocabulary": model.ids(NORMAL, UNKNOWN, USER_DEFINED, UNUSED, BYTE),
        "unknown": next(iter(model.ids(UNKNOWN))),
        "unknown_surface": model.unknown_surface,
        "byte_fallback": model.byte_fallback,
        "kept": () if model.model_type == WORD else model.normalizer.kept,
        "space": SPACE,
        "drops_first_space": drops and not model.normalizer.whitespace_as_suffix,
    }
    scores = {i: model.pieces[i].score for i in model.ids(NORMAL).values()}
    if model.model_type == UNIGRAM:
        return Unigram(UnigramDefinition(**shared, scores=scores, single_precision=True))
    if model.model_type == CHAR:
        scores = {i: score for i, score in scores.items() if len(model.pieces[i].text) == 1}
    is_words = model.model_type == WORD
    return CharacterBPE(
        CharacterDefinition(
            **shared,
            merges=[] if is_words else None,
            scores=None if is_words else scores,
            fuse_unknown=True,
            words=is_words,
        )
    )


def write(tokenizer: Tokenizer, path: str | Path) -> None:
    """Write a tokenizer of one of these kinds as a `.model` file, which SentencePiece reads.

    Raises ValueError if it is of another kind, or has something that the file has no place for.
    """
    Path(path).write_bytes(serialize(model_of(tokenizer)))


def model_of(tokenizer: Tokenizer) -> Model:
    """The inverse of `tokenizer_of`. Raises ValueError as `write`."""
    if not isinstance(tokenizer, CharacterBPE | Unigram):
        raise ValueError(f"a {type(tokenizer).__name__} cannot be a SentencePiece model")
    definition = tokenizer.definition
    match definition.normalizers:
        case [SentencePieceNormalizer() as normalizer]:
            pass
        case _:
            raise ValueError("a SentencePiece model needs a SentencePieceNormalizer, and no other")
    if definition.added_tokens or definition.pre_tokenizers:
        raise ValueError("a SentencePiece model has no added tokens and no pre-tokenizers")
    if definition.unknown is None:
        raise ValueError("a SentencePiece model needs a token for unknown characters")
    texts = {i: text for text, i in (definition.vocabulary | definition.special_tokens).items()}
    if sorted(texts) != list(range(len(texts))):
        raise ValueError("a SentencePiece model has no gaps among its ids; this vocabulary has")
    scores, types = definition.scores or {}, _types(definition, normalizer)
    return Model(
        pieces=[Piece(texts[i], scores.get(i, 0.0), types[i]) for i in range(len(texts))],
        model_type=_model_type(definition),
        byte_fallback=definition.byte_fallback,
        unknown_surface=definition.unknown_surface or definition.unknown,
        start=definition.start_token or "<s>",
        end=definition.end_token or "</s>",
        normalizer=normalizer,
    )


def _model_type(definition: CharacterDefinition | UnigramDefinition) -> int:
    if isinstance(definition, UnigramDefinition):
        return UNIGRAM
    if definition.merges:
        raise ValueError("a SentencePiece model has scores; this tokenizer has a list of merges")
    if definition.words:
        return WORD
    scored = [text for text, i in definition.vocabulary.items() if i in (definition.scores or ())]
    return BPE if any(len(text) > 1 for text in scored) else CHAR


def _types(
    definition: CharacterDefinition | UnigramDefinition, normalizer: SentencePieceNormalizer
) -> dict[int, int]:
    """The type of each id's piece."""
    ids = definition.vocabulary | definition.special_tokens
    scored = ids.values() if definition.scores is None else definition.scores
    types = dict.fromkeys(ids.values(), UNUSED) | dict.fromkeys(scored, NORMAL)
    if definition.byte_fallback:
        names = [f"<0x{byte:02X}>" for byte in range(256)]
        types |= {ids[name]: BYTE for name in names if name in ids}
    types |= {ids[text]: USER_DEFINED for text in normalizer.kept}
    types |= dict.fromkeys(definition.special_tokens.values(), CONTROL)
    return types | {ids[definition.unknown or ""]: UNKNOWN}


def serialize(model: Model) -> bytes:
    """The bytes of a `.model` file. Raises ValueError if the model is not sound."""
    check(model)
    ids = model.ids(*range(NORMAL, BYTE + 1))
    unknown = next(iter(model.ids(UNKNOWN)))
    names = ((40, 45, unknown), (41, 46, model.start), (42, 47, model.end), (43, 48, model.padding))
    trainer: list[tuple[int, Value]] = [
        (3, model.model_type),
        (4, len(model.pieces)),
        (24, model.normalizer.whitespace_as_suffix),
        *((31, text) for text in model.normalizer.kept),
        (35, model.byte_fallback),
        *((number, ids.get(name, -1)) for number, _, name in names),
        (44, model.unknown_surface),
        *((number, name) for _, number, name in names),
    ]
    normalizer: list[tuple[int, Value]] = [
        (2, model.normalizer.charsmap),
        (3, model.normalizer.add_dummy_prefix),
        (4, model.normalizer.remove_extra_whitespaces),
        (5, model.normalizer.escape_whitespaces),
    ]
    pieces = [_message(enumerate(piece, 1)) for piece in model.pieces]
    messages = [
        *((1, piece) for piece in pieces),
        (2, _message(trainer)),
        (3, _message(normalizer)),
    ]
    return _message(messages)


def _message(values: Iterable[tuple[int, Value]]) -> bytes:
    return b"".join(written(number, value) for number, value in values)
