"""Counts are the same however they are counted, survive being interrupted, and can be added to."""

import json
import os
from collections import Counter

import pytest

from groundup.tokenizers import counting, memory, piece_counts, text_chunks
from groundup.tokenizers.bpe import BPE
from groundup.tokenizers.piece_counts import PieceCounts, count_pieces
from groundup.tokenizers.split import PATTERNS, Split

ENOUGH = 280 << 20  # bytes: little more than Python itself is taken to need


@pytest.fixture
def files(tmp_path, stdlib_texts, udhr_texts):
    """Files of code and of 40 languages, one of them larger than many chunks."""
    folder = tmp_path / "corpus"
    folder.mkdir()
    texts = [*stdlib_texts[:10], *udhr_texts[::10], "".join(stdlib_texts[10:20])]
    for i, text in enumerate(texts):
        (folder / f"{i:03}.txt").write_text(text, encoding="utf-8", newline="")
    return sorted(folder.iterdir())


def plain(paths, pattern="llama3"):
    counts, split = Counter(), Split(PATTERNS.get(pattern, (pattern,)))
    for path in paths:
        counts.update(split(path.read_bytes().decode()))
    return {piece.encode(): count for piece, count in counts.items()}


def small_chunks(monkeypatch, size=3000):
    monkeypatch.setattr(counting, "_TURN", 20_000)
    original = text_chunks.chunks_of
    monkeypatch.setattr(counting, "chunks_of", lambda source, start: original(source, start, size))


@pytest.mark.parametrize("pattern", [*PATTERNS, r"\w+| +|[^\w ]+"])
def test_cut_into_chunks_and_by_two_threads_the_counts_are_those_of_whole_files(
    files, monkeypatch, pattern
):
    small_chunks(monkeypatch)
    counts = count_pieces(files, pattern, threads=2)
    assert dict(counts.items()) == plain(files, pattern)
    assert counts.table.total == sum(plain(files, pattern).values())


def test_the_table_does_not_depend_on_threads_memory_or_folder(files, tmp_path, monkeypatch):
    small_chunks(monkeypatch)
    whole = count_pieces(files, "o200k").table
    monkeypatch.setattr(
        piece_counts, "_room", lambda memory, threads: None if memory is None else 1 << 16
    )
    runs = []
    take = counting.Counting._spill
    monkeypatch.setattr(
        counting.Counting, "_spill", lambda self, table: (runs.append(1), take(self, table))
    )
    for threads, folder in [(1, None), (2, None), (2, tmp_path / "kept")]:
        table = count_pieces(files, "o200k", threads=threads, memory=ENOUGH, folder=folder).table
        assert len(runs) > 4, "the table was full several times"
        for name in ("hashes", "lengths", "blob", "counts"):
            assert bytes(getattr(table, name)) == bytes(getattr(whole, name)), name
        runs.clear()


class Stop(Exception):
    """What interrupts counting in a test."""


def stopping_after(most):
    """A progress that stops the work once so many bytes are counted, and says how many were."""
    import contextlib

    seen = [0]

    @contextlib.contextmanager
    def progress(label, *, total=None, unit="", done=0):
        def advance(amount=1, note=""):
            seen[0] += amount
            if seen[0] > most:
                raise Stop

        yield advance

    return progress, seen


def test_counting_goes_on_where_it_was_stopped(files, tmp_path, monkeypatch):
    small_chunks(monkeypatch)
    monkeypatch.setattr(piece_counts, "_CHECKPOINT", 60_000)
    size = sum(file.stat().st_size for file in files)
    folder, rounds, counted = tmp_path / "kept", 0, 0
    while True:
        rounds += 1
        progress, seen = stopping_after(size / 4)
        try:
            counts = count_pieces(files, "gpt2", folder=folder, threads=2, progress=progress)
        except Stop:
            counted += seen[0]
            continue
        break
    assert rounds > 3
    assert counted < size * 1.3, "little was counted twice"
    assert dict(counts.items()) == plain(files, "gpt2")
    assert not list(folder.glob("run-*")), "nothing is left over"


def test_more_files_are_added_and_known_ones_are_not_read_again(files, tmp_path):
    folder = tmp_path / "kept"
    count_pieces(files[:6], "cl100k", folder=folder)
    for file in files[:6]:
        stat = file.stat()
        file.write_bytes(b"?" * stat.st_size)  # same size and time: it must not be opened
        os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    progress, seen = stopping_after(1 << 60)
    count_pieces(files, "cl100k", folder=folder, progress=progress)
    assert seen[0] == sum(file.stat().st_size for file in files[6:])
    again, seen = stopping_after(1 << 60)
    counts = count_pieces(files, "cl100k", folder=folder, progress=again)
    assert seen[0] == 0
    assert dict(counts.items()) == dict(PieceCounts.load(folder).items())


def test_a_file_that_changed_is_counted_anew(files, tmp_path):
    folder = tmp_path / "kept"
    count_pieces(files[:3], "cl100k", folder=folder)
    files[0].write_text("something else entirely")
    counts = count_pieces(files[:3], "cl100k", folder=folder)
    assert dict(counts.items()) == plain(files[:3])
    other = count_pieces(files[:3], "gpt2", folder=folder)
    assert dict(other.items()) == plain(files[:3], "gpt2")


def test_another_size_of_vocabulary_is_learnt_from_the_table(files, tmp_path):
    counts = count_pieces(files, "cl100k", folder=tmp_path / "kept")
    for size in (400, 900):
        ours = BPE.from_counts(counts, vocab_size=size)
        assert ours.definition == BPE.train(files, vocab_size=size, pattern="cl100k").definition


@pytest.mark.parametrize("options", [{"threads": 2}, {"memory": ENOUGH}, {"memory": 280 << 20}])
def test_training_gives_the_same_for_any_threads_and_memory(files, options, monkeypatch):
    """With no memory beyond Python's own, the arrays of learning lie in files."""
    monkeypatch.setattr(memory, "AT_REST", 280 << 20)
    whole = BPE.train(files, vocab_size=1500)
    assert BPE.train(files, vocab_size=1500, **options).definition == whole.definition


@pytest.mark.parametrize("size", [64, 1000, 1 << 20])
def test_chunks_are_whole_and_cut_where_no_piece_is(files, size):
    for file in files[:4]:
        chunks = list(text_chunks.chunks_of(file, 0, size))
        data = file.read_bytes()
        assert b"".join(chunk.data for chunk in chunks) == data
        assert chunks[-1].end == len(data)
        for chunk in chunks[:-1]:
            assert data[chunk.end - 1 : chunk.end].isalpha()
            assert data[chunk.end : chunk.end + 1] == b" "
        if len(chunks) > 2:
            rest = list(text_chunks.chunks_of(file, chunks[0].end, size))
            assert b"".join(chunk.data for chunk in rest) == data[chunks[0].end :]


def test_an_empty_file_has_no_chunks(tmp_path):
    (tmp_path / "empty").touch()
    assert list(text_chunks.chunks_of(tmp_path / "empty")) == []
    assert dict(count_pieces([tmp_path / "empty"], "gpt2").items()) == {}


def test_bad_input_is_refused_in_one_sentence(tmp_path):
    bad = tmp_path / "latin.txt"
    bad.write_bytes(b"word " * 10 + b"caf\xe9 " + b"word " * 10)
    cases = [
        (lambda: count_pieces([bad], "gpt2"), "latin.txt is not UTF-8: byte 53 is 0xe9"),
        (lambda: count_pieces([bad], r"\w+"), "latin.txt is not UTF-8: byte 53 is 0xe9"),
        (lambda: count_pieces(["a\ud800"], "gpt2"), "lone surrogate U\\+D800"),
        (lambda: count_pieces("one text", "gpt2"), "put it into a list"),
        (lambda: count_pieces([], "gpt-5"), "no pattern 'gpt-5'; wanted one of gpt2, cl100k"),
        (lambda: count_pieces([], "(a"), "is no regular expression"),
        (lambda: count_pieces([], "gpt2", memory=1 << 20), "memory is 1 MB, but Python"),
        (lambda: count_pieces([], "gpt2", threads=0), "threads is 0"),
        (lambda: count_pieces(["a"], "gpt2", folder=tmp_path / "k"), "pass paths, not texts"),
        (lambda: PieceCounts.load(tmp_path), "holds no complete counts"),
    ]
    for act, words in cases:
        with pytest.raises(ValueError, match=words) as problem:
            act()
        assert "\n" not in str(problem.value)
    with pytest.raises(OSError, match=r"missing\.txt"):
        count_pieces([tmp_path / "missing.txt"], "gpt2")


def test_damaged_counts_are_told(tmp_path, files):
    folder = tmp_path / "kept"
    count_pieces(files[:2], "gpt2", folder=folder)
    table = next(folder.glob("table-*"))
    (table / "counts.bin").write_bytes(b"short")
    with pytest.raises(ValueError, match=r"counts\.bin has 5 bytes"):
        PieceCounts.load(folder)
    (folder / "state.json").write_text("{")
    with pytest.raises(ValueError, match=r"state.json is damaged"):
        count_pieces(files[:2], "gpt2", folder=folder)
    (folder / "state.json").write_text(json.dumps([1]))
    with pytest.raises(ValueError, match="choose another folder"):
        count_pieces(files[:2], "gpt2", folder=folder)


def test_empty_files_are_counted_into_a_folder(tmp_path):
    (tmp_path / "empty").touch()
    for _ in range(2):
        counts = count_pieces([tmp_path / "empty"], "gpt2", folder=tmp_path / "kept")
        assert len(counts) == 0
    assert BPE.from_counts(counts, vocab_size=300).vocab_size == 259
