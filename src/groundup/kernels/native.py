"""C++ of this package, compiled at first use with the system's own compiler and kept.

    library = native.load(native.SOURCES / "decoder.cpp")      # a ctypes.CDLL

What is kept is named after everything that decides what it is: the sources, the flags, the compiler
and what the processor can do. So a changed source, a new compiler or a home folder that moves to
another machine never meets a library that was made for something else. Two processes that compile
at the same time wait for each other; a library appears under its name only when it is whole.

Leaves out Windows (no compiler of its own that takes these flags) and compiling for other machines.
"""

import contextlib
import ctypes
import hashlib
import importlib
import os
import platform
import re
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

SOURCES = Path(__file__).parent / "cpp"
"""Where the C++ of this package lies."""
FLAGS = (
    *("-std=c++20", "-O3", "-shared", "-fPIC", "-pthread", "-w"),
    "-ffp-contract=off",  # a product and a sum are rounded apart unless the source says otherwise
    "-fvisibility=hidden",  # two libraries in one process must not take parts of each other
)
"""For every source."""
_COMPILERS = ("c++", "g++", "clang++")
_INCLUDE = re.compile(r'^#include "(.+)"', re.MULTILINE)
_SECONDS = 300


class CompileError(RuntimeError):
    """There is no library, for the reason that is the message: one line, for people."""


def machine_flags() -> tuple[str, ...]:
    """What lets the compiler use all instructions of this processor."""
    is_arm = platform.machine().lower() in ("arm64", "aarch64")
    return ("-mcpu=native",) if is_arm else ("-march=native",)


def load(
    source: Path, flags: Sequence[str] | None = None, cache: Path | None = None
) -> ctypes.CDLL:
    """The library of a C++ source, compiled now if it was not before.

    `flags` come after `FLAGS`; None: `machine_flags()`. `cache` is the folder in which libraries
    are kept; None: `groundup` in the user's cache folder, or, where that cannot be used, nothing is
    kept. Raises CompileError if there is no compiler, or it refuses.
    """
    compiler = find_compiler()
    command = [compiler, *FLAGS, *(machine_flags() if flags is None else flags)]
    name = f"{source.stem}-{_fingerprint(source, command)}.so"
    folder = user_cache() if cache is None else cache
    if not _is_ours(folder):
        with tempfile.TemporaryDirectory(prefix="groundup-") as private:
            # a library that is loaded stays, even when its file is gone
            return _open(_compile(source, command, Path(private) / name))
    path = folder / name
    if path.is_file():
        with contextlib.suppress(CompileError):
            return _open(path)
    with _only_one(folder / f"{name}.lock"):
        if not path.is_file() or not _loads(path):
            _compile(source, command, path)
    return _open(path)


def find_compiler() -> str:
    """The system's C++ compiler. Raises CompileError if there is none."""
    for name in _COMPILERS:
        if found := shutil.which(name):
            return found
    raise CompileError(f"there is no C++ compiler (looked for {', '.join(_COMPILERS)})")


def user_cache() -> Path:
    """The folder for what can be made again: the platform's own place for it."""
    try:
        home = Path.home()
    except RuntimeError:
        return Path(os.devnull)
    place = "Library/Caches" if platform.system() == "Darwin" else ".cache"
    return home / place / "groundup"


def cpu_features() -> frozenset[str]:
    """What the processor can do, in the system's own words; empty where it does not say."""
    found = re.search(r"^(?:flags|Features)\s*:(.*)$", _cpuinfo(), re.MULTILINE)
    return frozenset(found[1].split()) if found else frozenset()


def core_count() -> int:
    """Cores that this process may use; two threads of one core count once, where that is known."""
    usable = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        usable = len(os.sched_getaffinity(0))
    found = dict(re.findall(r"^(siblings|cpu cores)\s*:\s*(\d+)$", _cpuinfo(), re.MULTILINE))
    threads, cores = (int(found.get(name, 1)) for name in ("siblings", "cpu cores"))
    return max(1, usable // max(1, threads // max(1, cores)))


def _cpuinfo() -> str:
    try:
        return Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _fingerprint(source: Path, command: Sequence[str]) -> str:
    digest = hashlib.sha256()
    parts = [*map(str, command), _version(command[0]), platform.platform(), platform.processor()]
    for part in [*parts, *sorted(cpu_features()), *_texts(source)]:
        digest.update(part.encode() + b"\0")
    return digest.hexdigest()[:20]


def _texts(source: Path) -> list[str]:
    """The source and what it includes of ours, directly or not."""
    texts: dict[Path, str] = {}
    waiting = [source]
    while waiting:
        path = waiting.pop()
        if path not in texts:
            texts[path] = path.read_text(encoding="utf-8")
            waiting += [path.with_name(name) for name in _INCLUDE.findall(texts[path])]
    return [texts[path] for path in sorted(texts)]


def _version(compiler: str) -> str:
    try:
        done = subprocess.run(
            [compiler, "--version"], capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise CompileError(f"{compiler} does not start: {problem}") from problem
    return done.stdout


def _is_ours(folder: Path) -> bool:
    """Whether libraries can be kept in a folder, and nobody else can put one there."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat()
    except OSError:
        return False
    is_shared = bool(status.st_mode & (stat.S_IWGRP | stat.S_IWOTH))
    is_own = not hasattr(os, "getuid") or status.st_uid == os.getuid()
    return is_own and not is_shared and os.access(folder, os.W_OK)


@contextlib.contextmanager
def _only_one(lock: Path) -> Iterator[None]:
    """One process at a time, where the system has such locks; it lets go when a process dies."""
    try:
        fcntl = importlib.import_module("fcntl")
    except ModuleNotFoundError:
        yield
        return
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _compile(source: Path, command: Sequence[str], path: Path) -> Path:
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        done = subprocess.run(
            [*command, str(source), "-o", str(partial)],
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        if done.returncode:
            raise CompileError(
                f"{command[0]} could not compile {source.name}: {_gist(done.stderr)}"
            )
        os.replace(partial, path)
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise CompileError(f"{source.name} could not be compiled: {problem}") from problem
    finally:
        partial.unlink(missing_ok=True)
    return path


def _gist(output: str) -> str:
    """The first error of a compiler's many lines."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if re.search(r"\berror\b.*:", line)]
    return (errors or lines or ["it gave no reason"])[0][:300]


def _open(path: Path) -> ctypes.CDLL:
    try:
        return ctypes.CDLL(str(path))
    except OSError as problem:
        raise CompileError(f"{path.name} was compiled but does not load: {problem}") from problem


def _loads(path: Path) -> bool:
    with contextlib.suppress(CompileError):
        _open(path)
        return True
    return False
