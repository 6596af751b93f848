"""A tokenizer trained into a folder: nothing is lost, nothing is read twice."""

import json

import pytest

from groundup.tokenizers import piece_counts
from groundup.tokenizers.bpe import BPE
from groundup.tokenizers.kinds import unknown_id
from groundup.tokenizers.load import load
from groundup.tokenizers.training_run import Settings, added_to, read_record, train_into


@pytest.fixture
def files(tmp_path, stdlib_texts):
    paths = [tmp_path / f"{i}.txt" for i in range(4)]
    for path, text in zip(paths, stdlib_texts, strict=False):
        path.write_text(text, encoding="utf-8")
    return paths


def settings(**given):
    return Settings(**{"kind": "bpe", "vocab_size": 400, **given})


def test_it_is_what_training_makes_and_the_folder_holds_it(files, tmp_path):
    made = train_into(tmp_path / "out", settings(pattern="gpt2"), files)
    wanted = BPE.train(files, vocab_size=400, pattern="gpt2")
    assert made.definition.merges == wanted.definition.merges
    assert load(tmp_path / "out").encode("def area(x):") == made.encode("def area(x):")
    assert read_record(tmp_path / "out")["pattern"] == "gpt2"


def test_the_same_again_does_nothing_and_another_needs_force(files, tmp_path):
    out = tmp_path / "out"
    train_into(out, settings(), files)
    before = (out / "tokenizer.json").read_bytes()
    assert train_into(out, settings(), files) is None
    with pytest.raises(ValueError, match=r"with another vocab size; .* what was counted is kept"):
        train_into(out, settings(vocab_size=300), files)
    with pytest.raises(ValueError, match="with another files"):
        train_into(out, settings(), files[:2])
    assert (out / "tokenizer.json").read_bytes() == before
    assert train_into(out, settings(vocab_size=300), files, force=True).vocab_size == 300
    assert read_record(out)["vocab_size"] == 300


def test_another_size_and_more_files_do_not_read_the_old_text_again(files, tmp_path, monkeypatch):
    out = tmp_path / "out"
    train_into(out, settings(), files[:3])
    read = []
    real = piece_counts.Counting.count

    def count(self, sources, done):
        sources = list(sources)
        read.extend(source[1] for source in sources)
        return real(self, sources, done)

    monkeypatch.setattr(piece_counts.Counting, "count", count)
    train_into(out, settings(vocab_size=350), files[:3], force=True)
    assert read == []
    kept, every = added_to(out, Settings(kind="bpe"), files[3:])
    assert kept == settings(vocab_size=350)
    made = train_into(out, kept, every, force=True)
    assert read == [files[3].resolve()]
    assert made.definition.merges == BPE.train(files, vocab_size=350).definition.merges


def test_a_strangers_tokenizer_is_never_replaced_unasked(files, tmp_path):
    out = tmp_path / "theirs"
    BPE.train(files, vocab_size=300).save(out)
    with pytest.raises(ValueError, match="holds a tokenizer that was not trained here"):
        train_into(out, settings(), files)
    with pytest.raises(ValueError, match="theirs has none"):
        added_to(out, Settings(kind="bpe"), files)


def test_what_is_wrong_is_said_before_anything_is_read_or_written(files, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(ValueError, match="need at least 259"):
        train_into(out, settings(vocab_size=100), files)
    with pytest.raises(ValueError, match="nothing is unknown to bpe"):
        train_into(out, settings(unknown="drop"), files)
    with pytest.raises(ValueError, match="a bound on memory is for bpe"):
        train_into(out, settings(kind="words"), files, memory=1 << 30)
    with pytest.raises(ValueError, match="is a file; the tokenizer needs a folder"):
        train_into(files[0], settings(), files)
    files[0].write_text("")
    with pytest.raises(ValueError, match="there is no text in"):
        train_into(out, settings(), files[:1])
    assert not out.exists()


def test_a_damaged_record_is_a_clear_error(files, tmp_path):
    out = tmp_path / "out"
    train_into(out, settings(), files)
    (out / "training.json").write_text(json.dumps({"kind": "bpe"}))
    with pytest.raises(ValueError, match=r"training\.json is damaged; delete it"):
        train_into(out, settings(), files)
    (out / "training.json").write_text("{")
    with pytest.raises(ValueError, match=r"training\.json is damaged; delete it"):
        read_record(out)


def test_a_kind_that_needs_the_unknown_token_gets_it(files, tmp_path):
    made = train_into(tmp_path / "w", settings(kind="words", special_tokens=("<|end|>",)), files)
    assert made.special_tokens == {"[UNK]": 0, "<|end|>": 1}
    made = train_into(
        tmp_path / "d", settings(kind="words", special_tokens=("<|end|>",), unknown="drop"), files
    )
    assert made.special_tokens == {"<|end|>": 0}
    for kind in ("unigram", "character-bpe"):
        made = train_into(tmp_path / kind, settings(kind=kind, special_tokens=("<|end|>",)), files)
        assert unknown_id(made) == 0
        assert made.token_bytes(made.special_tokens["<|end|>"]) == b"<|end|>"
    assert train_into(tmp_path / "b", Settings(kind="bytes"), []).vocab_size == 256
