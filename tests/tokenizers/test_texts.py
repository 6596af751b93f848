"""Texts and files give the same; a file that is no text is named."""

import pytest

from groundup.tokenizers.texts import read_texts


def test_texts_and_files_may_be_mixed(tmp_path):
    file = tmp_path / "a.txt"
    file.write_bytes("één\r\n\n".encode())
    assert list(read_texts(["x", file, ""])) == ["x", "één\r\n\n", ""]
    assert list(read_texts(iter([]))) == []


def test_a_file_that_is_not_utf_8_is_named_with_the_place(tmp_path):
    file = tmp_path / "latin.txt"
    file.write_bytes(b"caf\xe9 noir")
    with pytest.raises(ValueError, match=r"latin.txt is not UTF-8: byte 3 is 0xe9 .*convert"):
        list(read_texts([file]))


def test_what_cannot_be_read(tmp_path):
    with pytest.raises(FileNotFoundError):
        list(read_texts([tmp_path / "none"]))
    with pytest.raises(ValueError, match="lone surrogate"):
        list(read_texts(["\ud800"]))
    with pytest.raises(ValueError, match="wanted a text, got int"):
        list(read_texts([3]))
    for single in ("a text", tmp_path):
        with pytest.raises(ValueError, match="wanted several texts or paths, got one"):
            list(read_texts(single))
