"""Files become text or a reason not to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.data import sources


def test_walk_is_sorted_and_leaves_out_what_is_not_the_persons_own(tmp_path):
    for name in (
        "b.py",
        "a.py",
        "z/inner.py",
        "z/notes.bin",
        "__pycache__/a.py",
        "site-packages/x.py",
        ".git/x.py",
        "env/x.py",
        "env/pyvenv.cfg",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x = 1\n")
    (tmp_path / "loop").symlink_to(tmp_path)
    found = [path.relative_to(tmp_path).as_posix() for path in sources.walk(tmp_path, (".py",))]
    assert found == ["a.py", "b.py", "z/inner.py"]


def test_a_single_file_is_its_own_walk(tmp_path):
    path = tmp_path / "story"
    path.write_text("once")
    assert list(sources.walk(path, (".txt",))) == [path]


def test_a_python_file_is_read_in_the_encoding_it_declares(tmp_path):
    path = tmp_path / "old.py"
    path.write_bytes("# -*- coding: latin-1 -*-\nname = 'café'\r\n".encode("latin-1"))
    assert sources.read_text(path) == "# -*- coding: latin-1 -*-\nname = 'café'\n"


def test_a_byte_order_mark_is_not_text(tmp_path):
    for name in ("a.txt", "a.py"):
        (tmp_path / name).write_bytes(b"\xef\xbb\xbfhello\n")
        assert sources.read_text(tmp_path / name) == "hello\n"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", b"\xff\xfe broken"),
        ("a.txt", b"a\0b"),
        ("a.py", b"# coding: no-such-thing\n"),
        ("a.py", b"x = '\xff'\n"),
        ("a.py", b"# coding: utf-7\nx = '+2AA-'\n"),
    ],
)
def test_what_is_not_text_is_refused_by_name(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"{name} is not text"):
        sources.read_text(path)


@given(st.text(alphabet="ab \né", max_size=300), st.integers(1, 50))
def test_pieces_join_to_the_text_and_are_no_longer_than_asked(text, most):
    found = sources.pieces(text, most)
    assert "".join(found) == text
    for piece in found:
        assert len(piece.encode()) <= most or len(piece.splitlines()) == 1


def test_pieces_are_cut_at_blank_lines_where_possible():
    assert sources.pieces("one\ntwo\n\nthree\n\nfour\n", 16) == ["one\ntwo\n\nthree\n\n", "four\n"]


def test_licence_files_are_found_by_their_usual_names(tmp_path):
    for name in ("LICENSE", "licence.txt", "COPYING", "licensing.py", "readme"):
        (tmp_path / name).write_text("x")
    assert sources.licence_files(tmp_path) == ["COPYING", "LICENSE", "licence.txt"]
