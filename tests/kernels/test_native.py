import os
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from groundup.kernels import native

SOURCE = """#include "number.h"
extern "C" __attribute__((visibility("default"))) int answer() { return NUMBER; }
"""


@pytest.fixture
def compiler():
    try:
        return native.find_compiler()
    except native.CompileError as problem:
        pytest.skip(str(problem))


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "source" / "answer.cpp"
    path.parent.mkdir()
    path.write_text(SOURCE)
    path.with_name("number.h").write_text("#define NUMBER 42\n")
    return path


@pytest.fixture
def kept(tmp_path):
    return tmp_path / "kept"


@pytest.fixture
def calls(compiler, tmp_path, monkeypatch):
    """The real compiler behind a script that notes each compilation; the file it notes them in."""
    folder, log = tmp_path / "bin", tmp_path / "calls"
    write_compiler(
        folder, f'case "$1" in --version) ;; *) echo x >> {log} ;; esac\n{compiler} "$@"'
    )
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    log.touch()
    return log


def write_compiler(folder, script):
    folder.mkdir()
    path = folder / "c++"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def count(calls):
    return len(calls.read_text().split())


def test_a_source_is_compiled_once(source, kept, calls):
    assert native.load(source, cache=kept).answer() == 42
    assert native.load(source, cache=kept).answer() == 42
    assert count(calls) == 1


def test_what_the_library_follows_from_decides_whether_it_is_made_anew(source, kept, calls):
    native.load(source, cache=kept)
    native.load(source, ["-O1"], kept)
    assert count(calls) == 2
    source.with_name("number.h").write_text("#define NUMBER 43\n")
    assert native.load(source, cache=kept).answer() == 43
    assert count(calls) == 3


def test_many_at_once_compile_once(source, kept, calls):
    with ThreadPoolExecutor(6) as threads:
        found = list(threads.map(lambda _: native.load(source, cache=kept).answer(), range(6)))
    assert found == [42] * 6
    assert count(calls) == 1


def test_a_broken_library_is_made_anew(source, kept, calls, tmp_path):
    native.load(source, cache=tmp_path / "elsewhere")
    [library] = (tmp_path / "elsewhere").glob("*.so")
    kept.mkdir(mode=0o700)
    (kept / library.name).write_bytes(b"torn")
    assert native.load(source, cache=kept).answer() == 42
    assert count(calls) == 2


def test_nothing_half_made_stays(source, kept, calls):
    source.write_text("this is no C++\n")
    with pytest.raises(native.CompileError):
        native.load(source, cache=kept)
    assert not [path for path in kept.iterdir() if path.suffix != ".lock"]


def test_without_a_folder_of_its_own_it_works_and_keeps_nothing(source, tmp_path, calls):
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(stat.S_IRWXU | stat.S_IRWXG | stat.S_IRWXO)  # anybody could put a library there
    file = tmp_path / "file"
    file.touch()
    for place in (shared, file):
        assert native.load(source, cache=place).answer() == 42
    assert not list(shared.iterdir())
    assert count(calls) == 2


def test_a_folder_that_others_cannot_write_to_is_made(source, kept, calls):
    native.load(source, cache=kept)
    assert not kept.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def test_without_a_compiler_the_reason_is_said(source, kept, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(native.CompileError, match=r"no C\+\+ compiler \(looked for c\+\+, g\+\+"):
        native.load(source, cache=kept)


def test_the_compilers_first_error_is_said_in_one_line(source, kept, compiler):
    source.write_text(SOURCE.replace("NUMBER", "nothing"))
    with pytest.raises(native.CompileError) as caught:
        native.load(source, cache=kept)
    assert "answer.cpp" in str(caught.value)
    assert "nothing" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_a_compiler_that_makes_nothing_of_use_is_an_error(source, kept, monkeypatch, tmp_path):
    folder = tmp_path / "bin"
    write_compiler(folder, '[ "$1" = --version ] || { for last; do :; done; echo torn > "$last"; }')
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    with pytest.raises(native.CompileError, match="does not load"):
        native.load(source, cache=kept)


def test_a_compiler_that_says_nothing_is_an_error(source, kept, monkeypatch, tmp_path):
    folder = tmp_path / "bin"
    write_compiler(folder, "exit 3")
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    with pytest.raises(native.CompileError, match=r"could not compile .*: it gave no reason"):
        native.load(source, cache=kept)


def test_every_header_of_our_sources_is_there():
    for source in native.SOURCES.iterdir():
        assert native._texts(source)


def test_cores_are_counted_once(monkeypatch):
    assert 1 <= native.core_count() <= os.cpu_count()
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)), raising=False)
    for text, count in (("", 16), ("siblings\t: 8\ncpu cores\t: 8\n", 16),
                        ("siblings\t: 16\ncpu cores\t: 8\n", 8)):  # fmt: skip
        monkeypatch.setattr(native, "_cpuinfo", lambda text=text: text)
        assert native.core_count() == count
