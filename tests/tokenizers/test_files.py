import pytest

from groundup.tokenizers.files import bytes_of, find_files


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    for name in ("b.txt", "a.txt", "sub/deep/c.txt", "sub/d.md", ".hidden.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(files):
    return [file.as_posix() for file in files]


def test_patterns_reach_all_folders_and_a_file_comes_once_and_sorted(corpus):
    assert names(find_files(["**/*.txt"])) == ["a.txt", "b.txt", "sub/deep/c.txt"]
    assert names(find_files(["b.txt", "*.txt", "sub/*.md"])) == ["a.txt", "b.txt", "sub/d.md"]
    assert names(find_files([".hidden.txt"])) == [".hidden.txt"]
    assert find_files([]) == []


def test_a_name_with_brackets_is_that_file(corpus):
    (corpus / "x[1].txt").write_text("x")
    assert names(find_files(["x[1].txt"])) == ["x[1].txt"]


def test_the_home_folder_is_understood(corpus, monkeypatch):
    monkeypatch.setenv("HOME", str(corpus))
    assert find_files(["~/a.txt"]) == [corpus / "a.txt"]


def test_what_matches_nothing_and_what_is_a_folder_is_refused(corpus):
    with pytest.raises(ValueError, match=r"no file matches '\*\.rst' here in /"):
        find_files(["*.txt", "*.rst"])
    with pytest.raises(ValueError, match=r"sub is a folder; say which files in it, as 'sub/\*\*"):
        find_files(["sub"])


@pytest.mark.parametrize(
    ("size", "wanted"),
    [("512MB", 512 << 20), ("2 GiB", 2 << 30), ("1.5g", 3 << 29), ("7", 7), ("3kb", 3 << 10)],
)
def test_sizes(size, wanted):
    assert bytes_of(size) == wanted


@pytest.mark.parametrize("size", ["", "MB", "-1MB", "1XB", "lots", "1e9"])
def test_what_is_no_size_is_refused(size):
    with pytest.raises(ValueError, match="wanted one like 512MB or 2GB"):
        bytes_of(size)
