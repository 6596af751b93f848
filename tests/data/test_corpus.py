"""A folder becomes two Parquet files and an account of everything that was left out."""

import json
import os

import pyarrow.parquet as pq
import pytest

from groundup.data import corpus, sources
from groundup.data.corpus import CorpusConfig, read_documents, write_corpus


@pytest.fixture
def folder(tmp_path):
    """Forty distinct small modules."""
    root = tmp_path / "src"
    root.mkdir()
    for i in range(40):
        (root / f"m{i:02}.py").write_text(f"def f{i}(x):\n    return x + {i}\n")
    return root


def config(root, **changes):
    return CorpusConfig(path=root, validation_share=0.2, **changes)


def test_documents_come_back_and_every_drop_has_its_reason(folder, tmp_path):
    (folder / "copy.py").write_text((folder / "m00.py").read_text())
    (folder / "empty.py").write_text("\n")
    (folder / "bad.py").write_bytes(b"x = '\xff'\n")
    (folder / "made.py").write_text("# DO NOT EDIT\n")
    (folder / "big.py").write_text("x = 1\n" * 1000)
    os.symlink(folder / "nowhere", folder / "gone.py")
    (folder / "COPYING").write_text("free")
    manifest = write_corpus(config(folder, max_file_bytes=3000), tmp_path / "out")
    assert manifest == json.loads((tmp_path / "out/manifest.json").read_text())
    assert manifest["licence"] == "COPYING"
    reasons = {reason: item["files"] for reason, item in manifest["dropped"].items()}
    assert reasons == {
        "duplicate": 1,
        "empty": 1,
        "generated": 1,
        "not text": 1,
        "too large": 1,
        "unreadable": 1,
    }
    assert manifest["dropped"]["too large"]["bytes"] == 6000
    lines = (tmp_path / "out/excluded.jsonl").read_text().splitlines()
    excluded = {row["path"]: row for row in map(json.loads, lines)}
    assert excluded["m00.py"]["reason"] == "duplicate"  # copy.py comes first in the walk
    assert excluded["m00.py"]["detail"] == "copy.py"
    assert str(folder) not in (tmp_path / "out/excluded.jsonl").read_text()
    assert excluded["bad.py"]["detail"].startswith("bad.py is not text")
    found = {s: read_documents(tmp_path / "out", s) for s in corpus.SPLITS}
    assert {s: len(d) for s, d in found.items()} == manifest["documents"]
    assert {s: sum(x.size for x in d) for s, d in found.items()} == manifest["bytes"]
    every = {d.path: d.text for documents in found.values() for d in documents}
    assert len(every) == 40
    assert all(text == (folder / path).read_text() for path, text in every.items())


def test_parquet_rows_hold_path_text_hash_size_and_split(folder, tmp_path):
    write_corpus(config(folder), tmp_path)
    table = pq.read_table(tmp_path / "validation.parquet")
    assert table.column_names == ["path", "text", "sha256", "bytes", "split"]
    assert set(table["split"].to_pylist()) == {"validation"}


def test_the_same_files_give_the_same_bytes(folder, tmp_path):
    for out in ("one", "two"):
        write_corpus(config(folder), tmp_path / out)
    for name in ("train.parquet", "validation.parquet", "excluded.jsonl", "manifest.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_new_file_moves_no_other_one(folder, tmp_path):
    write_corpus(config(folder), tmp_path / "one")
    before = {d.path for d in read_documents(tmp_path / "one", "validation")}
    for i in range(10):
        (folder / f"n{i}.py").write_text(f"y = {i}\n")
    write_corpus(config(folder), tmp_path / "two")
    after = {d.path for d in read_documents(tmp_path / "two", "validation")}
    assert 0 < len(before) < 40
    assert {path for path in after if path.startswith("m")} == before


def test_another_seed_holds_out_other_documents(folder, tmp_path):
    held_out = []
    for seed in (0, 1):
        write_corpus(config(folder, seed=seed), tmp_path / str(seed))
        held_out.append({d.path for d in read_documents(tmp_path / str(seed), "validation")})
    assert held_out[0] != held_out[1]


def test_max_bytes_takes_the_same_part_every_time_and_counts_the_rest(folder, tmp_path):
    manifest = write_corpus(config(folder, max_bytes=400), tmp_path / "part")
    assert 400 <= sum(manifest["bytes"].values()) < 440
    more = write_corpus(config(folder, max_bytes=600), tmp_path / "more")
    paths = [
        {d.path for s in corpus.SPLITS for d in read_documents(tmp_path / name, s)}
        for name in ("part", "more")
    ]
    assert paths[0] < paths[1]
    assert more["dropped"]["beyond max_bytes"]["files"] == 40 - len(paths[1])


def test_one_long_text_file_is_cut_and_split_by_pieces(tmp_path):
    book = tmp_path / "book.txt"
    book.write_text("".join(f"Chapter {i}.\n\nSome words follow here.\n\n" for i in range(20000)))
    manifest = write_corpus(CorpusConfig(path=book), tmp_path / "out")
    assert manifest["documents"]["validation"] >= 1
    assert sum(manifest["bytes"].values()) == book.stat().st_size
    assert read_documents(tmp_path / "out", "train")[0].path.startswith("book.txt#")


def test_two_documents_are_enough(tmp_path):
    (tmp_path / "a.md").write_text("one")
    (tmp_path / "b.md").write_text("two")
    manifest = write_corpus(CorpusConfig(path=tmp_path), tmp_path / "out")
    assert manifest["documents"] == {"train": 1, "validation": 1}


def test_generated_files_can_be_kept(folder, tmp_path):
    (folder / "made.py").write_text("# DO NOT EDIT\n")
    assert write_corpus(config(folder, keep_generated=True), tmp_path)["dropped"] == {}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "holds no file that ends in one of"),
        ({"a.bin": "x"}, "holds no file that ends in one of"),
        ({"a.txt": " ", "b.txt": ""}, r"all 2 files were dropped \(2 empty\)"),
        ({"a.txt": "alone"}, r"1 document \(5 bytes\); it needs at least 2"),
    ],
)
def test_too_little_text_is_an_error_that_says_what_there_is(tmp_path, files, message):
    root = tmp_path / "src"
    root.mkdir()
    for name, text in files.items():
        (root / name).write_text(text)
    with pytest.raises(ValueError, match=message):
        write_corpus(CorpusConfig(path=root), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="there is no corpus at"):
        write_corpus(CorpusConfig(path=tmp_path / "nowhere"), tmp_path)
    with pytest.raises(ValueError, match="the corpus stage writes it"):
        read_documents(tmp_path, "train")


@pytest.mark.parametrize(
    "changes",
    [{"validation_share": 0.0}, {"validation_share": 1.0}, {"max_bytes": 0}, {"suffixes": ("py",)}],
)
def test_settings_that_cannot_be_are_refused(changes):
    with pytest.raises(ValueError, match=next(iter(changes)).split("_")[0].rstrip("es")):
        CorpusConfig(**changes)


def test_the_digest_follows_contents_and_names(folder):
    before = corpus.digest(config(folder))
    assert corpus.digest(config(folder)) == before
    (folder / "m00.py").write_text("changed = True\n")
    changed = corpus.digest(config(folder))
    (folder / "m00.py").rename(folder / "m99.py")
    assert len({before, changed, corpus.digest(config(folder))}) == 3


def test_without_a_path_it_is_the_standard_library():
    config = CorpusConfig()
    assert config.root() == sources.standard_library()
    assert config.endings() == (".py",)
    assert (config.root() / "os.py").is_file()
