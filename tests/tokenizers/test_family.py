"""Every kind of tokenizer passes the family's checks; a broken one does not."""

import sysconfig
from functools import partial
from pathlib import Path

import pytest
from tests.tokenizers.family import CHECKS, END, TEXTS, Kind, Trained

from groundup.tokenizers.bpe import BPE
from groundup.tokenizers.bytes import Bytes
from groundup.tokenizers.character_bpe import CharacterBPE
from groundup.tokenizers.characters import Characters
from groundup.tokenizers.normalize import Form, Lowercase, Replace, Strip
from groundup.tokenizers.pre_tokenize import WHITESPACE_SPLIT, Metaspace, punctuation
from groundup.tokenizers.stream import StreamDecoder
from groundup.tokenizers.unigram import Unigram
from groundup.tokenizers.wordpiece import SPECIAL_TOKENS, WordPiece
from groundup.tokenizers.words import DROP, Words

UNKNOWN = "[UNK]"
KINDS = [
    Kind("bytes", partial(Bytes.train, special_tokens=(END,)), 257, round_trip="all"),
    Kind("bpe", partial(BPE.train, special_tokens=(END,)), 600, round_trip="all"),
    Kind(
        "characters",
        partial(Characters.train, special_tokens=(UNKNOWN, END)),
        200,
        round_trip="known",
        unknown=UNKNOWN,
    ),
    Kind(
        "characters, others dropped, composed",
        partial(
            Characters.train,
            special_tokens=(END,),
            unknown=DROP,
            normalizers=(Form("NFKC"), Strip()),
        ),
        90,
        judged=False,
    ),
    Kind("words", partial(Words.train, special_tokens=(UNKNOWN, END)), 900, unknown=UNKNOWN),
    Kind(
        "words of another cut",
        partial(
            Words.train,
            special_tokens=(END, UNKNOWN),
            normalizers=(Form("NFD"), Lowercase(), Replace("e", "ee")),
            pre_tokenizers=(WHITESPACE_SPLIT, punctuation("merged_with_next"), Metaspace()),
        ),
        900,
        unknown=UNKNOWN,
    ),
    Kind(
        "wordpiece",
        partial(WordPiece.train, special_tokens=(*SPECIAL_TOKENS, END)),
        700,
        unknown=UNKNOWN,
    ),
    Kind(
        "wordpiece by likelihood, cased",
        partial(
            WordPiece.train,
            special_tokens=(UNKNOWN, END),
            score="likelihood",
            normalizers=(),
            pre_tokenizers=(WHITESPACE_SPLIT,),
            min_frequency=5,
        ),
        400,
        unknown=UNKNOWN,
    ),
    Kind(
        "character bpe",
        partial(CharacterBPE.train, special_tokens=("<unk>", END)),
        900,
        round_trip="known",
        unknown="<unk>",
    ),
    Kind(
        "character bpe, merges",
        partial(CharacterBPE.train_merges, special_tokens=("<unk>", END)),
        600,
        unknown="<unk>",
    ),
    Kind(
        "unigram",
        partial(Unigram.train, special_tokens=(END,)),
        900,
        round_trip="known",
        unknown="<unk>",
    ),
    Kind(
        "unigram without bytes",
        partial(Unigram.train, special_tokens=(END,), byte_fallback=False),
        900,
        unknown="<unk>",
    ),
]


@pytest.fixture(scope="module")
def training_texts():
    """Some of the standard library, and texts of other scripts."""
    library = Path(sysconfig.get_paths()["stdlib"])
    names = ("abc.py", "bisect.py", "heapq.py", "keyword.py", "sched.py")
    return [(library / name).read_text(encoding="utf-8") for name in names] + list(TEXTS[4:7])


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: kind.name)
def kind_and_tokenizer(request, training_texts):
    kind = request.param
    return kind, kind.train(training_texts, vocab_size=kind.vocab_size)


@pytest.mark.reference
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_family(kind_and_tokenizer, training_texts, tmp_path, check):
    kind, tokenizer = kind_and_tokenizer
    check(Trained(kind, tokenizer, training_texts, tmp_path))


FAULTS = {
    "check_ids_are_in_the_vocabulary": {"_encode_text": lambda self, text, *, first: [257]},
    "check_texts_come_back": {"token_bytes": lambda self, token: b"x"},
    "check_a_batch_is_its_texts": {"encode_batch": lambda self, texts, **options: []},
    "check_what_is_saved_is_what_is_loaded": {
        "from_json": classmethod(lambda cls, data, config: cls.train())
    },
    "check_tokenizers_agrees_with_the_saved_file": {
        "_encode_text": lambda self, text, *, first: [1 + byte for byte in text.upper().encode()]
    },
    "check_offsets_lead_back_to_the_text": {
        "_spans": lambda self, text, *, first: [(0, 1)] * len(text.encode())
    },
    "check_what_a_stranger_writes_is_no_control_token": {
        "encode_ordinary": lambda self, text: self.encode(text, allowed_special="all")
    },
    "check_special_tokens_are_allowed_or_an_error_as_in_tiktoken": {
        "_refuse": lambda self, text, disallowed: None
    },
    "check_a_stream_gives_what_decode_gives": {
        "stream": lambda self: StreamDecoder(self, drops_first_space=True)
    },
    "check_bad_input_is_refused": {"token_bytes": lambda self, token: b""},
    "check_an_empty_text_is_nothing": {"offsets": lambda self, text: [(0, 0)]},
    "check_copies_do_the_same": {"__getstate__": lambda self: vars(self) | {"first_id": 2}},
    "check_training_does_not_depend_on_the_order_of_texts": {"to_json": lambda self: {id(self): 0}},
    "check_training_reads_files": {"to_json": lambda self: {id(self): 0}},
    "check_a_vocabulary_too_small_is_refused": {"train": classmethod(lambda cls, texts, **o: None)},
}


def train_bytes(texts, *, vocab_size):
    return Bytes.train(texts, special_tokens=(END,), vocab_size=vocab_size)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_each_check_finds_a_fault(training_texts, tmp_path, monkeypatch, check):
    kind = Kind("faulty", train_bytes, 257, round_trip="all")
    tokenizer = train_bytes(training_texts, vocab_size=257)
    for name, fault in FAULTS[check.__name__].items():
        monkeypatch.setattr(Bytes, name, fault, raising=False)
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        check(Trained(kind, tokenizer, training_texts, tmp_path))
