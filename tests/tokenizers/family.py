"""What every kind of tokenizer must do: `CHECKS`, each called with one that was trained.

A kind joins by an entry in `KINDS` of test_family.py.
"""

import copy
import pickle
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import tokenizers

from groundup.tokenizers.load import load
from groundup.tokenizers.normalize import normalize
from groundup.tokenizers.tokenizer import Tokenizer

END = "<|end|>"
"""A special token that every kind is trained with."""
TEXTS = (
    "Hello, world! It's 12345 o'clock, isn't it?",
    "def f(x):\n\treturn x**2  # squared\r\n\r\n",
    " leading and trailing  spaces   ",
    "naïve café, na\u0131\u0308ve cafe\u0301, \ufb01ne, \u1e9b\u0323, İstanbul ΟΔΥΣΣΕΥΣ",
    "Zalgo: Z\u0351\u036b\u0343a\u0334\u0310l\u0310\u0304g\u033d\u0352o, e\u0323\u0303\u0306",
    "日本語のテキスト、漢字、한국어 \u1112\u1161\u11ab",
    "مرحبا بالعالم، שלום עולם \u200f\u200e",
    "हिन्दी में, ภาษาไทย, বাংলা",
    "😀👩\u200d👩\u200d👧🏽🇳🇱 ❤\ufe0f",
    "\x00\x01\x7f\x85\xa0\u2028\u3000\ufeff\ufffd\ue000",
    "a" * 300,
    "▁ ## [CLS] <s> <0x41> Ġ",
)


@dataclass(frozen=True)
class Kind:
    """A kind of tokenizer, and what it promises."""

    name: str
    train: Callable[..., Tokenizer]
    """Called with texts (or paths) and `vocab_size=`; must train with the special token END."""
    vocab_size: int
    round_trip: str = "none"
    """Which texts come back as they were: "all", those of characters it was trained on ("known"),
    or "none"."""
    unknown: str | None = None
    """The special token that stands for what is unknown, if there is one."""
    judged: bool = True
    """Whether Hugging Face's library reads its file and agrees id for id."""


@dataclass(frozen=True)
class Trained:
    """What a check is called with."""

    kind: Kind
    tokenizer: Tokenizer
    texts: Sequence[str]
    """What it was trained on."""
    folder: Path
    """An empty one."""

    def control_ids(self) -> set[int]:
        """The ids that no plain text may have."""
        special = self.tokenizer.special_tokens
        return {token for name, token in special.items() if name != self.kind.unknown}


def check_ids_are_in_the_vocabulary(trained: Trained) -> None:
    tokenizer = trained.tokenizer
    assert tokenizer.vocab_size <= trained.kind.vocab_size
    for text in (*TEXTS, trained.texts[0]):
        ids = tokenizer.encode(text)
        assert all(type(token) is int and 0 <= token < tokenizer.vocab_size for token in ids)
        assert ids == tokenizer.encode_ordinary(text) == tokenizer.encode(text)


def check_texts_come_back(trained: Trained) -> None:
    wanted = {"all": (*TEXTS, *trained.texts), "known": trained.texts, "none": ()}
    for text in wanted[trained.kind.round_trip]:
        ids = trained.tokenizer.encode(text)
        assert trained.tokenizer.decode(ids) == text
        assert trained.tokenizer.decode_bytes(ids) == text.encode()


def check_a_batch_is_its_texts(trained: Trained) -> None:
    texts = [*TEXTS, *trained.texts]
    single = [trained.tokenizer.encode(text) for text in texts]
    for threads in (1, 2):
        batch = trained.tokenizer.encode_batch(texts, threads=threads)
        assert all(isinstance(ids, np.ndarray) and ids.dtype.kind == "i" for ids in batch)
        assert [ids.tolist() for ids in batch] == single
    assert trained.tokenizer.encode_batch([]) == []


def check_what_is_saved_is_what_is_loaded(trained: Trained) -> None:
    trained.tokenizer.save(trained.folder)
    for path in (trained.folder, trained.folder / "tokenizer.json"):
        for again in (load(path), type(trained.tokenizer).load(str(path))):
            assert type(again) is type(trained.tokenizer)
            assert again.special_tokens == trained.tokenizer.special_tokens
            assert again.vocab_size == trained.tokenizer.vocab_size
            for text in (*TEXTS, trained.texts[0]):
                assert again.encode(text) == trained.tokenizer.encode(text)
                assert again.offsets(text) == trained.tokenizer.offsets(text)
            again.save(trained.folder / "again")
            first, second = (
                (folder / "tokenizer.json").read_bytes()
                for folder in (trained.folder, trained.folder / "again")
            )
            assert first == second


def check_tokenizers_agrees_with_the_saved_file(trained: Trained) -> None:
    if not trained.kind.judged:
        return
    ours = trained.tokenizer
    ours.save(trained.folder)
    theirs = tokenizers.Tokenizer.from_file(str(trained.folder / "tokenizer.json"))
    compared = 0
    for text in (*TEXTS, *trained.texts):
        ids = theirs.encode(text, add_special_tokens=False).ids
        assert ours.encode(text, allowed_special="all") == ids, text[:80]
        assert ours.decode(ids) == theirs.decode(ids, skip_special_tokens=False), text[:80]
        whole = ours.encode(text, allowed_special="all", add_special_tokens=True)
        assert whole == theirs.encode(text, add_special_tokens=True).ids
        compared += len(ids)
    assert compared > 4000
    text = f"a {END} b{END}"
    wanted = theirs.encode(text, add_special_tokens=False).ids
    assert ours.encode(text, allowed_special={END}) == wanted
    pair = theirs.encode("one", "and two")
    assert ours.encode_pair("one", "and two") == (pair.ids, pair.type_ids)


def check_offsets_lead_back_to_the_text(trained: Trained) -> None:
    tokenizer = trained.tokenizer
    for text in (*TEXTS, trained.texts[0][:3000]):
        ids, spans = tokenizer.encode(text), tokenizer.offsets(text)
        assert len(ids) == len(spans)
        starts, ends = [s for s, _ in spans], [e for _, e in spans]
        assert starts == sorted(starts)
        assert ends == sorted(ends)
        assert all(0 <= start <= end <= len(text) for start, end in spans)
        for token, (start, end) in zip(ids, spans, strict=True):
            if token not in tokenizer.special_tokens.values():
                source = text[start:end]
                bare = tokenizer.token_bytes(token).strip(b" ").removeprefix("▁".encode())
                written = (source, normalize(tokenizer.frame.normalizers, source))
                assert any(bare in text.encode() for text in written), (source, token)
        if trained.kind.round_trip == "all":
            assert set().union(*(range(*span) for span in spans)) == set(range(len(text)))
    spans = tokenizer.offsets(f"a{END}", allowed_special={END})
    assert spans[-1] == (1, 1 + len(END))


def check_what_a_stranger_writes_is_no_control_token(trained: Trained) -> None:
    tokenizer, control = trained.tokenizer, trained.control_ids()
    names = list(tokenizer.special_tokens)
    assert END in names
    for text in ("".join(names), " ".join(names), f"hello{END}", f"{END}hello", f" {END} "):
        assert control.isdisjoint(tokenizer.encode(text))
        assert control.isdisjoint(tokenizer.encode_ordinary(text))
        assert control.isdisjoint(tokenizer.encode_batch([text])[0].tolist())
        assert control.isdisjoint(tokenizer.encode(text, allowed_special=set()))
    allowed = tokenizer.encode("".join(names), allowed_special="all")
    assert allowed == list(tokenizer.special_tokens.values())


def check_special_tokens_are_allowed_or_an_error_as_in_tiktoken(trained: Trained) -> None:
    tokenizer = trained.tokenizer
    end = tokenizer.special_tokens[END]
    text = f"hello {END}"
    with pytest.raises(
        ValueError, match=r"<\|end\|>.* at character 6; put it into allowed_special"
    ):
        tokenizer.encode(text, disallowed_special="all")
    with pytest.raises(ValueError, match=r"<\|end\|>"):
        tokenizer.encode(text, disallowed_special={END})
    for disallowed in ("all", {END}, set()):
        ids = tokenizer.encode(text, allowed_special={END}, disallowed_special=disallowed)
        assert ids[-1] == end
    with pytest.raises(ValueError, match="'<x>' is not a special token here; there are"):
        tokenizer.encode(text, allowed_special={"<x>"})
    for options in ({"allowed_special": END}, {"disallowed_special": END}):
        with pytest.raises(ValueError, match="by a set of names or 'all'; got the text"):
            tokenizer.encode("a", **options)
    assert tokenizer.decode([end], skip_special_tokens=True) == ""


def check_a_stream_gives_what_decode_gives(trained: Trained) -> None:
    tokenizer = trained.tokenizer
    ids = [i for i in range(tokenizer.vocab_size) if _is_token(tokenizer, i)]
    dice = random.Random(0)
    rows = [dice.choices(ids, k=dice.randrange(12)) for _ in range(300)]
    rows += [tokenizer.encode(text) for text in TEXTS]
    stream = tokenizer.stream()
    for row in rows:
        given = [stream.push(token) for token in row] + [stream.flush()]
        assert "".join(given) == tokenizer.decode(row)


def _is_token(tokenizer: Tokenizer, token: int) -> bool:
    try:
        return isinstance(tokenizer.token_bytes(token), bytes)
    except ValueError:
        return False


def check_bad_input_is_refused(trained: Trained) -> None:
    tokenizer = trained.tokenizer
    for action in (tokenizer.encode, tokenizer.encode_ordinary, tokenizer.offsets):
        with pytest.raises(
            ValueError, match=r"character 1 of the text is the lone surrogate U\+D8"
        ):
            action("a\ud800b")
        with pytest.raises(ValueError, match="wanted a text, got bytes"):
            action(b"a")
    assert tokenizer.encode("\ud83d\ude00", errors="replace") == tokenizer.encode("😀")
    assert tokenizer.encode("\ud83d", errors="replace") == tokenizer.encode("\ufffd")
    for token in (-1, tokenizer.vocab_size, 1 << 40):
        with pytest.raises(ValueError, match=f"no token {token}; this vocabulary's ids run to"):
            tokenizer.token_bytes(token)
        with pytest.raises(ValueError, match=f"no token {token}"):
            tokenizer.decode([token])
        with pytest.raises(ValueError, match=f"no token {token}"):
            tokenizer.stream().push(token)


def check_an_empty_text_is_nothing(trained: Trained) -> None:
    tokenizer = trained.tokenizer
    assert tokenizer.encode("") == tokenizer.offsets("") == []
    assert tokenizer.decode([]) == tokenizer.stream().flush() == ""
    assert tokenizer.encode_batch([""])[0].tolist() == []


def check_copies_do_the_same(trained: Trained) -> None:
    tokenizer = trained.tokenizer
    wanted = [tokenizer.encode(text) for text in TEXTS]
    for again in (
        pickle.loads(pickle.dumps(tokenizer)),
        copy.copy(tokenizer),
        copy.deepcopy(tokenizer),
    ):
        assert [again.encode(text) for text in TEXTS] == wanted


def check_training_does_not_depend_on_the_order_of_texts(trained: Trained) -> None:
    again = trained.kind.train(trained.texts[::-1], vocab_size=trained.kind.vocab_size)
    assert again.to_json() == trained.tokenizer.to_json()


def check_training_reads_files(trained: Trained) -> None:
    trained.folder.mkdir(exist_ok=True)
    paths = []
    for i, text in enumerate(trained.texts):
        paths.append(trained.folder / f"{i}.txt")
        paths[-1].write_bytes(text.encode())
    again = trained.kind.train(paths, vocab_size=trained.kind.vocab_size)
    assert again.to_json() == trained.tokenizer.to_json()


def check_a_vocabulary_too_small_is_refused(trained: Trained) -> None:
    for size in (0, 1, len(trained.tokenizer.special_tokens)):
        with pytest.raises(ValueError, match=rf"vocab_size is {size};"):
            trained.kind.train(trained.texts, vocab_size=size)


CHECKS: tuple[Callable[[Trained], None], ...] = (
    check_ids_are_in_the_vocabulary,
    check_texts_come_back,
    check_a_batch_is_its_texts,
    check_what_is_saved_is_what_is_loaded,
    check_tokenizers_agrees_with_the_saved_file,
    check_offsets_lead_back_to_the_text,
    check_what_a_stranger_writes_is_no_control_token,
    check_special_tokens_are_allowed_or_an_error_as_in_tiktoken,
    check_a_stream_gives_what_decode_gives,
    check_bad_input_is_refused,
    check_an_empty_text_is_nothing,
    check_copies_do_the_same,
    check_training_does_not_depend_on_the_order_of_texts,
    check_training_reads_files,
    check_a_vocabulary_too_small_is_refused,
)
"""What every kind is held to."""
