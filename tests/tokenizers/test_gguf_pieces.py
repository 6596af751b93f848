"""SentencePiece and WordPiece vocabularies in GGUF files, as llama.cpp's converter writes them."""

import contextlib
import io
import struct

import gguf as judge_writer
import pytest
import sentencepiece
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sentencepiece import sentencepiece_model_pb2

from groundup.tokenizers.character_bpe import CharacterBPE
from groundup.tokenizers.gguf_metadata import read_metadata
from groundup.tokenizers.gguf_vocabulary import from_metadata
from groundup.tokenizers.load import load
from groundup.tokenizers.unigram import Unigram
from groundup.tokenizers.wordpiece import WordPiece

shared_fixture = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
ODD = ["", " ", "  two  spaces ", "a" * 5_000, "שלום 👨‍👩‍👧 e\u0301", "\n\t x", "<s> </s>"]


@pytest.fixture(scope="module")
def lines(stdlib_texts):
    return [line for text in stdlib_texts[::4] for line in text.splitlines()]


def train(lines, kind):
    model = io.BytesIO()
    plain = {"normalization_rule_name": "identity", "remove_extra_whitespaces": False}
    options = {"byte_fallback": True} | plain if kind == "bpe" else {}
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_writer=model,
        model_type=kind,
        vocab_size=1000,
        user_defined_symbols=["<sep>"],
        minloglevel=2,
        **options,
    )
    return sentencepiece_model_pb2.ModelProto.FromString(model.getvalue())


def metadata_of(proto, kind):
    data = {
        "model": kind,
        "tokens": [piece.piece for piece in proto.pieces],
        "scores": [piece.score for piece in proto.pieces],
        "token_type": [piece.type for piece in proto.pieces],
        "bos_token_id": 1,
        "eos_token_id": 2,
    }
    if kind == "t5":
        data["remove_extra_whitespaces"] = True
        data["precompiled_charsmap"] = list(proto.normalizer_spec.precompiled_charsmap)
    return {f"tokenizer.ggml.{key}": value for key, value in data.items()}


@pytest.fixture(scope="module")
def llama(lines):
    proto = train(lines, "bpe")
    judge = sentencepiece.SentencePieceProcessor(model_proto=proto.SerializeToString())
    return metadata_of(proto, "llama"), judge


@pytest.fixture(scope="module")
def t5(lines):
    proto = train(lines, "unigram")
    judge = sentencepiece.SentencePieceProcessor(model_proto=proto.SerializeToString())
    return metadata_of(proto, "t5"), judge


@pytest.mark.reference
@pytest.mark.parametrize(("kind", "made"), [("llama", CharacterBPE), ("t5", Unigram)])
def test_ids_are_those_of_sentencepiece(request, kind, made, stdlib_texts, udhr_texts):
    metadata, judge = request.getfixturevalue(kind)
    tokenizer = from_metadata(metadata)
    assert isinstance(tokenizer, made)
    some = [*stdlib_texts[::8], *udhr_texts[::16], *ODD, "a<sep> b"]
    for text in some:
        ids = tokenizer.encode(text)
        assert ids == judge.encode(text), text[:80]
        assert tokenizer.decode(ids) == judge.decode(ids)
    assert len(some) >= 35
    assert (tokenizer.start_token, tokenizer.end_token) == ("<s>", "</s>")
    surrounded = tokenizer.encode("a", add_special_tokens=True)
    plain = judge.encode("a")
    assert surrounded == ([1, *plain] if kind == "llama" else [*plain, 2])


def test_what_the_file_says_goes_around_a_text(llama):
    metadata, judge = llama
    both = {"tokenizer.ggml.add_bos_token": True, "tokenizer.ggml.add_eos_token": True}
    tokenizer = from_metadata(metadata | both)
    assert tokenizer.encode("a", add_special_tokens=True) == [1, *judge.encode("a"), 2]
    neither = from_metadata(metadata | {"tokenizer.ggml.add_bos_token": False})
    assert neither.encode("a", add_special_tokens=True) == judge.encode("a")
    without = from_metadata(metadata | {"tokenizer.ggml.add_space_prefix": False})
    assert without.decode(without.encode("a b")) == "a b"
    assert without.encode("a b") != tokenizer.encode("a b")


@pytest.fixture(scope="module")
def file(llama, tmp_path_factory):
    """The same in a file, by the package of llama.cpp."""
    metadata, _ = llama
    path = tmp_path_factory.mktemp("gguf") / "llama.gguf"
    writer = judge_writer.GGUFWriter(path, "llama")
    writer.add_tokenizer_model("llama")
    writer.add_token_list(metadata["tokenizer.ggml.tokens"])
    writer.add_token_scores(metadata["tokenizer.ggml.scores"])
    writer.add_token_types(metadata["tokenizer.ggml.token_type"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_chat_template("{{ messages[0].content }}")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    return path


@pytest.mark.reference
def test_a_file_is_loaded_without_its_tensors(file, llama, lines):
    _, judge = llama
    tokenizer = load(file)
    for text in [*lines[:300], *ODD]:
        assert tokenizer.encode(text) == judge.encode(text)
    assert tokenizer.chat_template == "{{ messages[0].content }}"
    assert read_metadata(file)["general.architecture"] == "llama"


def test_a_byte_level_file_is_loaded(smollm2_file):
    tokenizer = load(smollm2_file)
    assert tokenizer.vocab_size == 49152
    assert tokenizer.decode(tokenizer.encode("Hello 12")) == "Hello 12"


@pytest.mark.reference
def test_wordpiece_is_read_back_from_marked_beginnings(stdlib_texts):
    trained = WordPiece.train(stdlib_texts[::8], vocab_size=800)
    texts = {i: text for text, i in trained.vocabulary.items()}
    tokens = []
    for i in range(trained.vocab_size):
        text = texts[i]
        if text in trained.special_tokens:
            tokens.append(text)
        else:
            tokens.append(text[2:] if text.startswith("##") else "▁" + text)
    names = trained.special_tokens
    metadata = {
        "model": "bert",
        "tokens": tokens,
        "token_type": [3 if i in names.values() else 1 for i in range(len(tokens))],
        "unknown_token_id": names["[UNK]"],
        "cls_token_id": names["[CLS]"],
        "seperator_token_id": names["[SEP]"],
    }
    tokenizer = from_metadata({f"tokenizer.ggml.{k}": v for k, v in metadata.items()})
    for text in [*stdlib_texts[:6], *ODD]:
        wanted = trained.encode(text, add_special_tokens=True)
        assert tokenizer.encode(text, add_special_tokens=True) == wanted


def test_a_file_cut_off_anywhere_is_refused(file, tmp_path):
    data, path = file.read_bytes(), tmp_path / "cut.gguf"
    for end in [*range(400), *range(400, len(data) - 64, 97)]:
        path.write_bytes(data[:end])
        with pytest.raises(ValueError, match="is not a readable GGUF file"):
            load(path)


@given(places=st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 255)), max_size=6))
@shared_fixture
def test_damage_is_refused_or_harmless(file, tmp_path_factory, places):
    data = bytearray(file.read_bytes())
    for place, value in places:
        data[place % len(data)] = value
    path = tmp_path_factory.mktemp("damage") / "x.gguf"
    path.write_bytes(data)
    with contextlib.suppress(ValueError):
        tokenizer = load(path)
        tokenizer.decode(tokenizer.encode("def abc  x\u0301 \U0001f600"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"scores": None}, "needs scores and kinds of its tokens"),
        ({"scores": [0.0]}, "has 1000 tokens, but 1 of 'tokenizer.ggml.scores'"),
        ({"scores": [float("nan")] * 1000}, "has the score nan"),
        ({"token_type": [1] * 1000}, "it has 0 pieces of type unknown"),
        ({"token_type": [9] * 1000}, "has type 9"),
        ({"tokens": ["a"] * 1000}, "its pieces 0 and 1 are both 'a'"),
        ({"precompiled_charsmap": [1, 2, 3]}, "its table of replacements has 3 bytes"),
        (
            {"precompiled_charsmap": "abc"},
            "'tokenizer.ggml.precompiled_charsmap' is no list of bytes",
        ),
        (
            {"precompiled_charsmap": [1.5]},
            "'tokenizer.ggml.precompiled_charsmap' is no list of bytes",
        ),
    ],
)
def test_bad_metadata_is_refused(llama, changes, words):
    changed = {f"tokenizer.ggml.{key}": value for key, value in changes.items()}
    with pytest.raises(ValueError, match=words):
        from_metadata(llama[0] | changed)


def test_a_head_that_claims_too_much_is_refused(tmp_path):
    path = tmp_path / "x.gguf"
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, 2**60))
    with pytest.raises(ValueError, match="it says it has 1152921504606846976 metadata pairs"):
        load(path)
    path.write_bytes(b"")
    with pytest.raises(ValueError, match="it is empty"):
        load(path)
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "none.gguf")
