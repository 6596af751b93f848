"""Where a learner's facts are kept: one SQLite file in the person's own data folder.

Facts are added, in one transaction a call, and read; triggers in the file refuse to change or to
delete one. `delete` removes everything, and what was there is no longer in the file. Write-ahead
logging lets several processes write at once: a writer waits for another, up to `PATIENCE` seconds.
Every call opens the file and closes it, so a `Progress` can be used from any thread.
"""

import contextlib
import json
import os
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundup.course.facts import DETAILS, KINDS, Fact, as_json, from_json

PATIENCE = 10.0
"""Seconds to wait for another process that writes."""
FORMAT = "groundup progress"
"""What an exported file says it is."""
_APPLICATION = 0x67757001
"""SQLite's field for whose database this is."""
_STAYS = """
CREATE TRIGGER facts_are_not_changed BEFORE UPDATE ON facts
BEGIN SELECT RAISE(ABORT, 'a fact is never changed'); END;
CREATE TRIGGER facts_are_not_deleted BEFORE DELETE ON facts
BEGIN SELECT RAISE(ABORT, 'a fact is never deleted'); END
"""
SCHEMA = (
    """
    CREATE TABLE facts (
        id TEXT PRIMARY KEY NOT NULL, kind TEXT NOT NULL, at TEXT NOT NULL,
        body TEXT NOT NULL, details TEXT NOT NULL
    ) WITHOUT ROWID
    """,
    f"CREATE INDEX facts_in_order ON facts (kind, at, id);{_STAYS}",
)
"""What makes each version of the file from the one before; the file says which it has.

A new kind of fact, or a new field, is a new version too (a step that does nothing): an older
groundup must not read it half.
"""


@dataclass(frozen=True, kw_only=True)
class Merged:
    """What an import did."""

    added: int
    known: int
    """Facts that were there already."""
    different: int
    """Of those: with the same id and other content; the ones that were here stay."""


def default_file() -> Path:
    """`progress.db` in the person's data folder for groundup.

    Raises ValueError when platformdirs is not installed.
    """
    try:
        import platformdirs
    except ImportError as problem:
        raise ValueError(
            f"platformdirs is not installed ({problem}); install it with "
            "`pip install 'groundup[learn]'`"
        ) from problem
    return platformdirs.user_data_path("groundup", appauthor=False) / "progress.db"


class Progress:
    """The facts in one file; it is made with the first fact.

    Every method raises ValueError when the file is damaged, another program's or a newer
    groundup's, and OSError when it cannot be written: a full disk, a folder that is read-only,
    another process that does not finish. What was in it stays as it was.
    """

    def __init__(self, file: Path | None = None) -> None:
        self.file = default_file() if file is None else file

    def add(self, *facts: Fact) -> None:
        """Keep facts, all or none. A fact that is there already is left alone."""
        self._merge(facts)

    def facts(self, *kinds: type[Fact], details: bool = False) -> list[Fact]:
        """Facts of these kinds (none named: of all), the oldest first.

        Without `details`, the code and the results of attempts and the gates of project runs are
        left empty: a page needs none of them.
        """
        if not self.file.exists():
            return []
        names = [name for name, kind in KINDS.items() if not kinds or kind in kinds]
        columns = "id, kind, at, body" + (", details" if details else "")
        marks = ", ".join("?" * len(names))
        query = f"SELECT {columns} FROM facts WHERE kind IN ({marks}) ORDER BY at, id"
        with self._opened() as database:
            rows = database.execute(query, names).fetchall()
        try:
            return [_fact(row) for row in rows]
        except (ValueError, TypeError, AttributeError) as problem:
            raise ValueError(_damaged(self.file, problem)) from problem

    def export(self, file: Path, *, overwrite: bool = False) -> int:
        """Write all facts as one JSON file; how many. An existing file is kept unless `overwrite`.

        The file is there whole or not at all.
        """
        if file.exists() and not overwrite:
            raise ValueError(f"{file} is there already; give another name, or --overwrite")
        facts = [as_json(fact) for fact in self.facts(details=True)]
        text = json.dumps({"format": FORMAT, "version": 1, "facts": facts}, indent=1)
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(text + "\n")
                stream.flush()
                os.fsync(stream.fileno())
            Path(name).replace(file)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        return len(facts)

    def merge(self, file: Path) -> Merged:
        """Add the facts of an exported file that are not here yet, all or none of them."""
        return self._merge(_exported(file))

    def delete(self) -> int:
        """Remove every fact for good, also from the bytes of the file; how many there were."""
        if not self.file.exists():
            return 0
        with self._opened() as database:
            database.execute("PRAGMA secure_delete = ON")
            with _transaction(database):
                database.execute("DROP TRIGGER facts_are_not_deleted")
                count = database.execute("DELETE FROM facts").rowcount
                database.execute("DROP TRIGGER facts_are_not_changed")
                _run(database, _STAYS)
            database.execute("VACUUM")
            is_busy, _, _ = database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if is_busy:
            raise OSError(
                f"the facts are deleted, but another process still reads {self.file} as it was; "
                "close it and delete again"
            )
        return int(count)

    def _merge(self, facts: Sequence[Fact]) -> Merged:
        rows = [_row(fact) for fact in facts]
        if not rows and not self.file.exists():
            return Merged(added=0, known=0, different=0)
        added = different = 0
        with self._opened() as database, _transaction(database):
            for row in rows:
                insert = "INSERT OR IGNORE INTO facts VALUES (?, ?, ?, ?, ?)"
                is_new = database.execute(insert, row).rowcount == 1
                added += is_new
                if not is_new:
                    query = "SELECT * FROM facts WHERE id = ?"
                    different += database.execute(query, row[:1]).fetchone() != row
        return Merged(added=added, known=len(rows) - added, different=different)

    @contextlib.contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        database = None
        try:
            database = sqlite3.connect(self.file, timeout=PATIENCE, isolation_level=None)
            _prepare(database, self.file)
            yield database
        except sqlite3.Error as problem:
            raise _in_words(problem, self.file) from problem
        finally:
            if database is not None:
                database.close()


def _row(fact: Fact) -> tuple[str, ...]:
    table = as_json(fact)
    identity, kind, at = table.pop("id"), table.pop("kind"), table.pop("at")
    details = {name: table.pop(name) for name in sorted(DETAILS & table.keys())}
    return identity, kind, at, _text(table), _text(details)


def _fact(row: tuple[str, ...]) -> Fact:
    identity, kind, at, *parts = row
    table = {key: value for part in parts for key, value in json.loads(part).items()}
    return from_json({"kind": kind, "id": identity, "at": at, **table})


def _text(table: dict[str, Any]) -> str:
    return json.dumps(table, sort_keys=True, allow_nan=False, separators=(",", ":"))


def _exported(file: Path) -> list[Fact]:
    try:
        table = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as problem:
        raise ValueError(f"{file} is no exported progress: {problem}") from problem
    if not isinstance(table, dict) or table.get("format") != FORMAT:
        raise ValueError(f"{file} is no exported progress: it does not say {FORMAT!r}")
    if table.get("version") != 1 or not isinstance(table.get("facts"), list):
        raise ValueError(
            f"{file} says version {table.get('version')!r}; this groundup reads version 1, so "
            "update groundup"
        )
    found = []
    for number, one in enumerate(table["facts"]):
        try:
            found.append(from_json(one))
        except (ValueError, TypeError) as problem:
            raise ValueError(f"{file}, fact {number}: {problem}; nothing was added") from problem
    return found


def _prepare(database: sqlite3.Connection, file: Path) -> None:
    """Bring the file to this groundup's version, or refuse it as it is."""
    with _transaction(database, "DEFERRED"):  # one look at it, whatever others do meanwhile
        version = _version(database, file)
    if database.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        _write_ahead(database)
    if version == len(SCHEMA):
        return
    with _transaction(database):
        for step in SCHEMA[_version(database, file) :]:  # another process may have been faster
            _run(database, step)
        database.execute(f"PRAGMA application_id = {_APPLICATION}")
        database.execute(f"PRAGMA user_version = {len(SCHEMA)}")


def _version(database: sqlite3.Connection, file: Path) -> int:
    """The file's version; 0: it is new. Raises ValueError for one this groundup must not touch."""
    [owner] = database.execute("PRAGMA application_id").fetchone()
    [version] = database.execute("PRAGMA user_version").fetchone()
    [things] = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if owner != _APPLICATION and (owner or version or things):
        raise ValueError(f"{file} is another program's database; give another file for progress")
    if version > len(SCHEMA):
        raise ValueError(
            f"{file} was written by a newer groundup (version {version}; this one reads up to "
            f"{len(SCHEMA)}): update groundup. The file was left as it is"
        )
    return int(version)


def _write_ahead(database: sqlite3.Connection) -> None:
    """Switch to write-ahead logging. SQLite does not wait by itself when two processes do so."""
    gives_up = time.monotonic() + PATIENCE
    while True:
        try:
            database.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as problem:
            is_locked = problem.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not is_locked or time.monotonic() > gives_up:
                raise
            time.sleep(0.01)


def _run(database: sqlite3.Connection, script: str) -> None:
    """Statements one by one: sqlite3's own `executescript` would end the transaction."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            database.execute(statement)
            statement = ""
    if statement.strip():
        database.execute(statement)


@contextlib.contextmanager
def _transaction(database: sqlite3.Connection, kind: str = "IMMEDIATE") -> Iterator[None]:
    database.execute(f"BEGIN {kind}")
    try:
        yield
        database.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):  # SQLite may have rolled back already
            database.execute("ROLLBACK")
        raise


def _in_words(problem: sqlite3.Error, file: Path) -> Exception:
    code = getattr(problem, "sqlite_errorcode", 0) & 0xFF
    words = {
        sqlite3.SQLITE_FULL: "the disk is full; nothing was added, and what was there is kept",
        sqlite3.SQLITE_READONLY: "it or its folder is read-only; give another file, or make it "
        "writable",
        sqlite3.SQLITE_CANTOPEN: "it cannot be opened: its folder is read-only, or it is a "
        "folder itself",
        sqlite3.SQLITE_BUSY: f"another process has been writing to it for {PATIENCE:g} seconds; "
        "nothing was added",
        sqlite3.SQLITE_IOERR: "the disk refuses to read or write it; nothing was added",
    }
    if code in words:
        return OSError(f"{file}: {words[code]} ({problem})")
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return ValueError(_damaged(file, problem))
    return ValueError(f"{file}: {problem}")


def _damaged(file: Path, problem: Exception) -> str:
    return (
        f"{file} is damaged ({problem}) and was left as it is; move it away, and bring back what "
        "you exported with `groundup learn progress import FILE`"
    )
