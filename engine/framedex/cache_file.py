"""Bytes by key in a local SQLite file: a shortcut that no result depends on.

The file can be deleted at any time. Where it cannot be read or written the work goes on without it, and `trouble` says why.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

#: Keys in one question; SQLite takes 999 at least.
_ASKED: Final = 500

#: File systems on which SQLite's locks cannot be relied on.
_NETWORK: Final = frozenset(
    {
        "9p",
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "gfs2",
        "glusterfs",
        "gpfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "ocfs2",
        "orangefs",
        "smb3",
        "smbfs",
        "vboxsf",
        "virtiofs",
    }
)
_FUSE: Final = "fuse"  # sshfs, s3fs and their like; their names begin so
_ESCAPED: Final = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheKind:
    """What a cache file holds.

    Attributes:
        application_id: in the file's header, so that no other database is taken for one.
        version: likewise, of what the bytes mean.
        table: its name.
        column: that the bytes are in.
        holds: what they are, for messages: "prompt vectors".
        otherwise: what happens where there are none: "they are computed".
        wait_s: seconds to wait for another process's write before going on without.
    """

    application_id: int
    version: int
    table: str
    column: str
    holds: str
    otherwise: str
    wait_s: float = 2.0


class CacheFile:
    """One file; every call opens it and closes it.

    Args:
        path: of the file, which need not be there.
        kind: what it holds.

    Attributes:
        trouble: why the file was last not read or written, in a sentence, or None.
    """

    def __init__(self, path: Path, kind: CacheKind) -> None:
        self.path = path
        self.trouble: str | None = None
        self._kind = kind

    def read(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """The bytes of those keys that are there."""
        found: dict[bytes, bytes] = {}
        if not self.path.is_file():
            return found
        with self._noted("read"), self._opened("ro") as database:
            if _is_empty(database):  # another process is about to make it
                return found
            self._require_ours(database)
            for some in _parts(keys):
                marks = ",".join("?" * len(some))
                kind = self._kind
                query = f"SELECT key, {kind.column} FROM {kind.table} WHERE key IN ({marks})"  # noqa: S608  # names and marks
                found.update(database.execute(query, some).fetchall())
        return found

    def write(self, rows: Iterable[tuple[bytes, bytes]]) -> None:
        """Keep bytes by key, all or none of them; what is there under the same key is replaced."""
        kind = self._kind
        with self._noted("written"):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self._opened("rwc") as database:
                # At once: two that read first and write then would wait for each other.
                database.execute("BEGIN IMMEDIATE")
                if _is_empty(database):
                    database.execute(
                        f"CREATE TABLE IF NOT EXISTS {kind.table} "
                        f"(key BLOB PRIMARY KEY, {kind.column} BLOB NOT NULL) WITHOUT ROWID"
                    )
                    database.execute(f"PRAGMA application_id = {kind.application_id}")
                    database.execute(f"PRAGMA user_version = {kind.version}")
                self._require_ours(database)
                database.executemany(f"INSERT OR REPLACE INTO {kind.table} VALUES (?, ?)", rows)  # noqa: S608  # a name
                database.execute("COMMIT")

    @contextmanager
    def _opened(self, mode: str) -> Iterator[sqlite3.Connection]:
        # Percent-escaped, so that "?" and "#" in a path are no parts of a URI. No write-ahead log: it would need two more files,
        # a folder that readers can write, and shared memory. No flush to disk: after a power failure there may be no cache.
        uri = f"{self.path.absolute().as_uri()}?mode={mode}"
        with closing(sqlite3.connect(uri, uri=True, timeout=self._kind.wait_s, isolation_level=None)) as database:
            database.execute("PRAGMA synchronous = OFF")
            yield database

    @contextmanager
    def _noted(self, what: str) -> Iterator[None]:
        """Go on without the cache where SQLite or the file system refuses."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            self.trouble = (
                f"{self.path}: the cache of {self._kind.holds} cannot be {what} ({error}); {self._kind.otherwise}, "
                "delete the file if this goes on"
            )

    def _require_ours(self, database: sqlite3.Connection) -> None:
        (application,) = database.execute("PRAGMA application_id").fetchone()
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if (application, version) != (self._kind.application_id, self._kind.version):
            raise sqlite3.DatabaseError("it is of another version, or another program's")


def store_cache_file(store: Path, name: str) -> Path:
    """Where a store's cache is: in the store; where that is on a network file system or read-only, in the user's own folder."""
    root = store.resolve()
    if is_network(root) or not os.access(root, os.W_OK):
        with contextlib.suppress(RuntimeError):  # nobody's home
            own = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
            return own / "framedex" / hashlib.sha256(os.fsencode(root)).hexdigest()[:32] / name
    return store / "cache" / name


def is_network(path: Path) -> bool:
    """Whether an absolute path is on a file system on which SQLite's locks cannot be relied on."""
    kind = file_system(path)
    return kind in _NETWORK or kind.startswith(_FUSE)


def file_system(path: Path, *, mounts: Path = Path("/proc/self/mountinfo")) -> str:
    """Type of the file system that holds an absolute path, as Linux calls it; empty where that is not told.

    Source: proc(5), `/proc/pid/mountinfo`: the mount point is the fifth field, the type the first one behind the dash.
    """
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return ""
    kind, depth = "", -1
    for line in lines:
        fields, _, rest = line.partition(" - ")
        point = Path(_ESCAPED.sub(lambda octal: chr(int(octal[1], 8)), fields.split(" ")[4]))
        # The last of several mounts on one point hides those before it.
        if path.is_relative_to(point) and len(point.parts) >= depth:
            kind, depth = rest.split(" ")[0], len(point.parts)
    return kind


def _is_empty(database: sqlite3.Connection) -> bool:
    (count,) = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return bool(count == 0)


def _parts(keys: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    for start in range(0, len(keys), _ASKED):
        yield keys[start : start + _ASKED]
