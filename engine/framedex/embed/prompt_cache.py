"""Prompt vectors of earlier runs, in a SQLite file: a shortcut that no result depends on.

The file holds what the text tower gave, to the bit, under a key of the text and of all that the bits may depend on. It can be
deleted at any time. Where it cannot be read or written, vectors are computed as if there were none, and `trouble` says why.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import numpy as np

from framedex.contracts import Vectors
from framedex.keys import Json, canonical_json

FILE: Final = "prompts.sqlite"

#: In the file's header, so that no other database is taken for one, and its version.
_APPLICATION_ID: Final = 0x46_44_58_50  # "FDXP"
_VERSION: Final = 1
_TABLE: Final = "CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID"

#: Seconds to wait for another process's write before going on without the cache.
_WAIT_S: Final = 2.0
#: Names in one question; SQLite takes 999 at least.
_ASKED: Final = 500
_UNIT_TOLERANCE: Final = 1e-3

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


class PromptCache:
    """The vectors of one store's prompts; every call opens the file and closes it.

    Args:
        store: the store's folder.
        writes: whether vectors are kept; those that are there are read in any case.

    Attributes:
        path: the file.
        trouble: why the file was last not read or written, in a sentence, or None.
    """

    def __init__(self, store: Path, *, writes: bool = True) -> None:
        self.path = cache_file(store)
        self._writes = writes
        self.trouble: str | None = None

    def read(self, made_by: Json, texts: Sequence[str], *, dim: int) -> dict[str, Vectors]:
        """Those of `texts` that are there: float32 (dim,), unit vectors.

        Args:
            made_by: what the vectors depend on beside the text.
            texts: distinct.
            dim: of the encoder.
        """
        found: dict[str, Vectors] = {}
        if not self.path.is_file():
            return found
        keys = {_key(made_by, text): text for text in texts}
        with self._noted("read"), self._opened("ro") as database:
            if _is_empty(database):  # another process is about to make it
                return found
            _require_ours(database)
            for some in _parts(list(keys)):
                marks = ",".join("?" * len(some))
                query = f"SELECT key, vector FROM vectors WHERE key IN ({marks})"  # noqa: S608  # marks only
                for key, data in database.execute(query, some):
                    vector = np.frombuffer(data, np.float32)
                    # Written so that NaN does not pass.
                    if vector.shape == (dim,) and abs(np.linalg.norm(vector) - 1) <= _UNIT_TOLERANCE:
                        found[keys[key]] = vector
        return found

    def write(self, made_by: Json, vectors: Mapping[str, Vectors]) -> None:
        """Keep vectors, by text; what is there under the same key is replaced."""
        if not self._writes:
            return
        rows = [
            (_key(made_by, text), np.ascontiguousarray(vector, np.float32).tobytes())
            for text, vector in vectors.items()
        ]
        with self._noted("written"):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self._opened("rwc") as database:
                # At once: two that read first and write then would wait for each other.
                database.execute("BEGIN IMMEDIATE")
                if _is_empty(database):
                    database.execute(_TABLE)
                    database.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
                    database.execute(f"PRAGMA user_version = {_VERSION}")
                _require_ours(database)
                database.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)
                database.execute("COMMIT")

    @contextmanager
    def _opened(self, mode: str) -> Iterator[sqlite3.Connection]:
        # Percent-escaped, so that "?" and "#" in a path are no parts of a URI. No write-ahead log: it would need two more files,
        # a folder that readers can write, and shared memory. No flush to disk: after a power failure there may be no cache.
        uri = f"{self.path.absolute().as_uri()}?mode={mode}"
        with closing(sqlite3.connect(uri, uri=True, timeout=_WAIT_S, isolation_level=None)) as database:
            database.execute("PRAGMA synchronous = OFF")
            yield database

    @contextmanager
    def _noted(self, what: str) -> Iterator[None]:
        """Go on without the cache where SQLite or the file system refuses."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            self.trouble = (
                f"{self.path}: the cache of prompt vectors cannot be {what} ({error}); they are computed, delete the file if "
                "this goes on"
            )


def cache_file(store: Path) -> Path:
    """Where a store's cache is: in the store; where that is on a network file system or read-only, in the user's own folder."""
    root = store.resolve()
    kind = file_system(root)
    if kind in _NETWORK or kind.startswith(_FUSE) or not os.access(root, os.W_OK):
        with contextlib.suppress(RuntimeError):  # nobody's home
            own = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
            return own / "framedex" / hashlib.sha256(os.fsencode(root)).hexdigest()[:32] / FILE
    return store / "cache" / FILE


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


def _require_ours(database: sqlite3.Connection) -> None:
    (application,) = database.execute("PRAGMA application_id").fetchone()
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if (application, version) != (_APPLICATION_ID, _VERSION):
        raise sqlite3.DatabaseError("it is of another version, or another program's")


def _key(made_by: Json, text: str) -> bytes:
    return hashlib.sha256(canonical_json([made_by, text]).encode(errors="surrogatepass")).digest()[:16]


def _parts(keys: list[bytes]) -> Iterator[list[bytes]]:
    for start in range(0, len(keys), _ASKED):
        yield keys[start : start + _ASKED]
