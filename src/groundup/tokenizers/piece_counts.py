"""How often each piece occurs in the training text: all that learning merges needs to know of it.

A corpus of any size has few different pieces, and counting is the only part of training that reads
it. Threads count chunks in turn; what does not fit into memory goes to disk as runs sorted by a
hash of the piece, which are merged in the end. Counts add up, so the table is the same for any
number of threads and any bound on memory. It is kept, so that another size of vocabulary is learnt
from it in seconds, and more files need only be added.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundup.observe.progress import Progress, silent
from groundup.tokenizers.count_table import CountTable, merge_into
from groundup.tokenizers.counting import Counting
from groundup.tokenizers.memory import AT_REST, give_back, map_large_arrays
from groundup.tokenizers.split import patterns_named, scan_of
from groundup.tokenizers.text_chunks import size_of
from groundup.tokenizers.texts import read_texts

_CHECKPOINT = 2 << 30  # bytes of text after which all counts are safe on disk: some seconds' work
_SLOW_CHECKPOINT = 128 << 20  # the same where a regular expression cuts
_TEXT = 32 << 20  # bytes of text that is being read
_LEAST = _TEXT + (32 << 20)  # bytes that counting cannot do without
_STATE = "state.json"


@dataclass(frozen=True)
class PieceCounts:
    """Different pieces with their counts, and the patterns that cut them."""

    patterns: tuple[str, ...]
    table: CountTable

    def __len__(self) -> int:
        return len(self.table)

    def items(self) -> Iterator[tuple[bytes, int]]:
        """Each piece, as UTF-8, with its count."""
        return self.table.items()

    @classmethod
    def load(cls, folder: Path) -> "PieceCounts":
        """The counts that `count_pieces` left in a folder.

        Raises ValueError if they are not complete, OSError if they are not there.
        """
        state = _read_state(folder)
        if not state.get("complete"):
            raise ValueError(f"{folder} holds no complete counts; count again with the same texts")
        return cls(tuple(state["patterns"]), CountTable.load(folder / state["runs"][0]))


def count_pieces(
    texts_or_paths: Iterable[str | Path],
    pattern: str,
    *,
    folder: Path | None = None,
    memory: int | None = None,
    threads: int = 1,
    progress: Progress = silent,
) -> PieceCounts:
    """Count the pieces that `pattern` (a name or a regular expression) cuts the texts into.

    `memory`: about how many bytes the process may use; `threads`: how many count at a time. With a
    `folder` the counts stay there: what was interrupted goes on where it was, and files that were
    counted before are not read again. Texts may be files (paths), which a `folder` needs.

    Raises ValueError on text that is not UTF-8, an unknown pattern, and too little memory; OSError
    if a file cannot be read.
    """
    patterns = patterns_named(pattern)
    room = _room(memory, threads)
    if isinstance(texts_or_paths, str | Path):
        next(read_texts(texts_or_paths))  # says what is wrong with a single text
    if folder is not None:
        return _Kept(folder, patterns, texts_or_paths).count(room, threads, progress)
    import tempfile  # slow to import, and seldom needed

    with tempfile.TemporaryDirectory() as runs:
        counting = Counting(patterns, Path(runs), room, threads)
        with progress("counting pieces", total=_total(texts_or_paths), unit="bytes") as advance:
            counting.count(((0, s, 0) for s in texts_or_paths), lambda _, size: advance(size))
        return PieceCounts(patterns, counting.finish())


def _total(sources: Iterable[str | Path]) -> int | None:
    return sum(map(size_of, sources)) if isinstance(sources, Sequence) else None


def _room(memory: int | None, threads: int) -> int | None:
    """The bytes that each thread's table may take.

    One table at a time is taken out, which needs two and a half times its size as well.
    """
    if threads < 1:
        raise ValueError(f"threads is {threads}; it must be 1 or more")
    if memory is None:
        return None
    if memory < AT_REST + _LEAST:
        raise ValueError(
            f"memory is {memory >> 20} MB, but Python and the libraries take {AT_REST >> 20} MB "
            f"themselves; allow at least {AT_REST + _LEAST >> 20} MB"
        )
    map_large_arrays()
    return (memory - AT_REST - _TEXT) // (threads + 3)


class _Kept:
    """Counts that stay in a folder: `state.json` says what they hold, and what is still to do."""

    def __init__(
        self, folder: Path, patterns: tuple[str, ...], paths: Iterable[str | Path]
    ) -> None:
        self._folder = folder
        self._sources = [_describe(path) for path in paths]
        self._state: dict[str, Any] = {
            "patterns": list(patterns),
            "sources": self._sources,
            "position": [0, 0],
            "runs": [],
            "complete": False,
        }
        self._patterns = patterns
        self._go_on(_read_state(folder))

    def _go_on(self, before: dict[str, Any]) -> None:
        """Take over what was counted before, if it is of the same patterns and of these files."""
        if before.get("patterns") != self._state["patterns"]:
            return
        known = before["sources"]
        if not before["complete"] and known == self._sources:
            self._state = before
        elif before["complete"] and all(source in self._sources for source in known):
            new = [source for source in self._sources if source not in known]
            self._state["sources"] = known + new
            self._state["position"] = [len(known), 0]
            self._state["runs"] = before["runs"]
            self._state["complete"] = not new

    def count(self, room: int | None, threads: int, progress: Progress) -> PieceCounts:
        """Count what is not counted yet, and return the whole."""
        if not self._state["complete"]:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._count_rest(room, threads, progress)
        self._tidy()
        return PieceCounts.load(self._folder)

    def _count_rest(self, room: int | None, threads: int, progress: Progress) -> None:
        state, since = self._state, 0
        runs = [self._folder / name for name in state["runs"]]
        number, start = state["position"]
        rest = state["sources"][number:]
        sizes = [size for _, size, _ in rest]
        every = _SLOW_CHECKPOINT if scan_of(self._patterns) is None else _CHECKPOINT

        def done(position: tuple[int, int], size: int) -> None:
            nonlocal since
            advance(size)
            since += size
            if since >= every:
                since = 0
                self._write(position, counting.spill())

        counting = Counting(self._patterns, self._folder, room, threads, runs)
        with progress("counting pieces", total=sum(sizes) - start, unit="bytes") as advance:
            counting.count(
                ((number + i, Path(rest[i][0]), start if i == 0 else 0) for i in range(len(rest))),
                done,
            )
        end = (len(state["sources"]), 0)
        runs, table = counting.spill(), self._folder / f"table-{counting.next_number:06}"
        self._write(end, runs)
        counting.drop()  # its tables are large
        merge_into(runs, table, memory=(room or 1 << 60) * threads)
        give_back()
        state["complete"] = True
        self._write(end, [table])

    def _write(self, position: tuple[int, int], runs: Sequence[Path]) -> None:
        self._state["position"] = list(position)
        self._state["runs"] = [run.name for run in runs]
        fresh = self._folder / (_STATE + ".new")
        fresh.write_text(json.dumps(self._state), encoding="utf-8")
        fresh.replace(self._folder / _STATE)

    def _tidy(self) -> None:
        """Remove tables and runs that the state does not name: others, or half-written ones."""
        import shutil

        for path in self._folder.iterdir():
            if path.name.startswith(("run-", "table-")) and path.name not in self._state["runs"]:
                shutil.rmtree(path)


def _describe(source: str | Path) -> list[Any]:
    if not isinstance(source, Path):
        raise ValueError("counts that stay in a folder come from files; pass paths, not texts")
    about = source.stat()
    return [str(source.resolve()), about.st_size, about.st_mtime_ns]


def _read_state(folder: Path) -> dict[str, Any]:
    """What state.json holds; nothing if there is none."""
    file = folder / _STATE
    if not file.exists():
        return {}
    try:
        state = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as problem:
        raise ValueError(f"{file} is damaged ({problem}); delete {folder}") from problem
    if not isinstance(state, dict) or not {"patterns", "sources", "runs"} <= state.keys():
        raise ValueError(f"{file} is not what counting writes; choose another folder")
    return state
