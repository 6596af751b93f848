"""What keeps an answer that runs wild from doing harm: limits, and no network where that works.

It protects from accidents and from tricks within reason, not from malice: whoever may run Python
may do with this machine what its user may.

Linux gives limits to all, and namespaces (a process's own network and process numbers) to root and,
mostly, to every user; where it refuses, or on another system, less is kept, and `Result.kept` says
what was. RLIMIT_AS counts addresses, of which torch alone takes gigabytes; so the limit is what
there is at the start plus the allowance.
"""

import contextlib
import ctypes
import errno
import importlib
import math
import os
import signal
import socket
import struct
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_NEW_USER, _NEW_PROCESSES, _NEW_NETWORK = 0x10000000, 0x20000000, 0x40000000  # <linux/sched.h>
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG
_GET_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 0x1  # SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one run may use."""

    seconds: float = 5.0
    """Of computing, for each check."""
    patience: float = 20.0
    """Seconds on the clock, for each check."""
    total: float = 120.0
    """Seconds on the clock, for all."""
    memory: int = 2 << 30
    """Bytes beyond what Python, NumPy and torch take."""
    file_size: int = 16 << 20
    """Bytes of a file it writes."""
    processes: int = 64
    """Processes and threads at once."""


class OutOfTime(BaseException):
    """An answer computed for longer than it may."""


def load() -> None:
    """Import what the limits need, so that a forked process need not."""
    for name in ("fcntl", "resource"):
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


def isolate() -> list[str]:
    """Give the processes forked from here a network and process numbers of their own, if allowed.

    Says what was got, for people. A process in its own numbering is killed with all it started.
    """
    if not sys.platform.startswith("linux"):
        return []
    for flags in (_NEW_USER | _NEW_PROCESSES | _NEW_NETWORK, _NEW_PROCESSES | _NEW_NETWORK):
        with contextlib.suppress(OSError):
            _unshare(flags)
            return ["no network", "its own processes"]
    return []


def _unshare(flags: int) -> None:
    user, group = os.getuid(), os.getgid()
    if ctypes.CDLL(None, use_errno=True).unshare(flags):
        raise OSError(ctypes.get_errno(), "unshare")
    if flags & _NEW_USER:  # stay who we are
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")


def die_with_parent() -> None:
    """Ask the system to kill this process when its parent ends."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)


def bring_up_loopback() -> None:
    """Let the processes of one run talk with each other over 127.0.0.1, where that is allowed."""
    import fcntl

    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_:
        asked = struct.pack("16sh14x", b"lo", 0)
        [flags] = struct.unpack_from("h", fcntl.ioctl(any_, _GET_FLAGS, asked), 16)
        fcntl.ioctl(any_, _SET_FLAGS, struct.pack("16sh14x", b"lo", flags | _UP))


def limit(limits: Limits) -> list[str]:
    """Set this process's own limits, as far as the system has them; says which, for people."""
    try:
        import resource
    except ImportError:  # Windows
        return []
    kept = ["computing time", "file size"]
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _lower(resource.RLIMIT_FSIZE, limits.file_size)
    if addresses := _addresses():
        _lower(resource.RLIMIT_AS, addresses + limits.memory)
        kept.append("memory")
    if os.getuid() and sys.platform.startswith("linux"):
        # counted for the user, or for their namespace; root is free of it, and is watched instead
        _lower(resource.RLIMIT_NPROC, _threads_of(os.getuid()) + limits.processes)
        kept.append("processes")
    return kept


def limit_computing(limits: Limits) -> None:
    """From now on, `limits.seconds` of computing; then OutOfTime, a second later the end."""
    try:
        import resource
    except ImportError:
        return
    signal.signal(signal.SIGXCPU, _out_of_time)
    until = math.ceil(time.process_time() + limits.seconds)
    _lower(resource.RLIMIT_CPU, until, keep_hard=True)


def _out_of_time(_signal: int, _frame: object) -> None:
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)  # the system sends it again, every second
    raise OutOfTime


def _lower(which: int, wanted: int, *, keep_hard: bool = False) -> None:
    import resource

    _, hard = resource.getrlimit(which)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(which, (most, hard if keep_hard else most))


def _addresses() -> int:
    """Bytes of this process's address space; 0 where that is not to be had."""
    with contextlib.suppress(OSError):
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        return pages * os.sysconf("SC_PAGE_SIZE")
    return 0


def _threads_of(user: int) -> int:
    count = 0
    for status in _statuses():
        if status.get("Uid", "").split()[:1] == [str(user)]:
            count += int(status.get("Threads", "1"))
    return count


def _statuses() -> Iterator[dict[str, str]]:
    """The `status` of every process that may be read."""
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            lines = (folder / "status").read_text().splitlines()
            yield dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def used_by(process: int) -> tuple[int, int]:
    """How many threads a process and its descendants are, and how many bytes they hold; Linux."""
    waiting, threads, held = [process], 0, 0
    while waiting and threads < 10_000:
        folder = Path(f"/proc/{waiting.pop()}")
        with contextlib.suppress(OSError, ValueError):
            pages = (folder / "statm").read_text().split()
            held += (int(pages[1]) - int(pages[2])) * os.sysconf("SC_PAGE_SIZE")
            for task in (folder / "task").iterdir():
                threads += 1
                waiting += [int(one) for one in (task / "children").read_text().split()]
    return threads, held


def kill_group(process: int) -> None:
    """Kill a process and its session; not an error when it is gone."""
    for kill in (os.killpg, os.kill):
        try:
            kill(process, signal.SIGKILL)
        except OSError as problem:
            if problem.errno not in (errno.ESRCH, errno.EPERM):
                raise
