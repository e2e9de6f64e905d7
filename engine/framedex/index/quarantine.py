"""Inputs that could not be indexed: what failed, how often and why (docs/format.md)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from framedex.errors import StoreError, UsageError
from framedex.index.strict_json import Fields, json_bytes, parse_json
from framedex.index.whole_file import delete, make_folder, read_whole, write_whole
from framedex.keys import is_key

QUARANTINE_VERSION: Final = 2

_UTC_FORMAT: Final = "%Y-%m-%dT%H:%M:%SZ"
_UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantineEntry:
    """One input that failed.

    Attributes:
        key: video key, or a key of what was named where the content could not be read.
        paths: where it was met, sorted.
        error: class of the last error.
        reason: its sentence.
        attempts: how often it was tried.
        first_at: first failure, UTC, "2026-01-31T12:00:00Z".
        last_at: last failure, likewise.
        request: what the run was asked for in which it failed last; empty where nobody knows (entries of version 1).
    """

    key: str
    paths: tuple[str, ...]
    error: str
    reason: str
    attempts: int
    first_at: str
    last_at: str
    request: Mapping[str, str]

    def __post_init__(self) -> None:
        if not is_key(self.key):
            raise ValueError(f"key: expected 32 lower-case hex digits, got {self.key!r}")
        if not self.paths or list(self.paths) != sorted(set(self.paths)):
            raise ValueError(f"paths: expected one path or more, sorted, each once, got {list(self.paths)}")
        if self.attempts < 1:
            raise ValueError(f"attempts: expected 1 or more, got {self.attempts}")
        for name, time in (("first_at", self.first_at), ("last_at", self.last_at)):
            if _UTC.fullmatch(time) is None:
                raise ValueError(f"{name}: expected a time such as 2026-01-31T12:00:00Z, got {time!r}")

    def to_json(self) -> bytes:
        """The entry's file."""
        return json_bytes({"version": QUARANTINE_VERSION, **asdict(self)})

    @classmethod
    def from_json(cls, subject: str, data: bytes) -> QuarantineEntry:
        """Read an entry's file; `subject` names it in messages.

        Raises:
            StoreError: any deviation from docs/format.md.
        """
        value = parse_json(subject, data)
        first = isinstance(value, dict) and value.get("version") == 1
        names = [name for name in cls.__dataclass_fields__ if not (first and name == "request")]
        fields = Fields(subject, value, ("version", *names))
        fields.version(1 if first else QUARANTINE_VERSION)
        try:
            return cls(
                key=fields.text("key"),
                paths=fields.texts("paths"),
                error=fields.text("error"),
                reason=fields.text("reason"),
                attempts=fields.integer("attempts"),
                first_at=fields.text("first_at"),
                last_at=fields.text("last_at"),
                request={} if first else fields.texts_by_name("request"),
            )
        except ValueError as error:
            raise StoreError(f"{subject}: {error}") from error


class Quarantine:
    """The quarantine of one store. A path is listed by the entry of what was last found there, and by no other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._keys_by_path: dict[str, set[str]] | None = None

    def add(
        self, *, key: str, path: str, error: str, reason: str, request: Mapping[str, str] | None = None
    ) -> QuarantineEntry:
        """Record one more failure of an input.

        Raises:
            StorageError: the file system refused.
        """
        now = datetime.now(UTC).strftime(_UTC_FORMAT)
        before = self._readable(key)
        entry = QuarantineEntry(
            key=key,
            paths=tuple(sorted({path, *(before.paths if before else ())})),
            error=error,
            reason=reason,
            attempts=(before.attempts if before else 0) + 1,
            first_at=before.first_at if before else now,
            last_at=now,
            request=dict(request or {}),
        )
        self._write(entry)
        self._leave(path, keep=key)
        self._of_path(path).add(key)
        return entry

    def met_at(self, *, key: str, path: str) -> None:
        """The bytes of an entry, where there is one, are at a further path too.

        Raises:
            StorageError: the file system refused.
        """
        entry = self._readable(key)
        if entry is not None and path not in entry.paths:
            self._write(replace(entry, paths=tuple(sorted({*entry.paths, path}))))
            self._leave(path, keep=key)
            self._of_path(path).add(key)

    def forgive(self, *, key: str, path: str) -> None:
        """An input is fine now: the entry of its key goes, and its path leaves all others, which go when it was their last.

        Raises:
            StorageError: the file system refused.
        """
        self.remove(key)
        self._leave(path, keep=None)

    def get(self, key: str) -> QuarantineEntry | None:
        """The entry of `key`, or None.

        Raises:
            UsageError: not a key.
            StoreError: the entry breaks docs/format.md.
        """
        path = self._path(key)
        try:
            data = read_whole(path)
        except FileNotFoundError:
            return None
        entry = QuarantineEntry.from_json(str(path), data)
        if entry.key != key:
            raise StoreError(f"{path}: the entry is of {entry.key}; a file was moved or renamed")
        return entry

    def remove(self, key: str) -> bool:
        """Forget an input, so that it is tried again; False where it was not there.

        Raises:
            StorageError: the file system refused.
        """
        return delete(self._path(key))

    def video_keys(self) -> set[str]:
        """Keys of all entries, which are video keys where the content could be read; no entry is read."""
        return {path.stem for path in self.folder.glob("*.json") if is_key(path.stem)}

    def list(self) -> list[QuarantineEntry]:
        """All entries, by first path.

        Raises:
            StoreError: an entry breaks docs/format.md.
        """
        found = [entry for key in self.video_keys() if (entry := self.get(key)) is not None]
        return sorted(found, key=lambda entry: (entry.paths, entry.key))

    def _leave(self, path: str, *, keep: str | None) -> None:
        """Take a path out of every entry but one."""
        for key in [key for key in self._of_path(path) if key != keep]:
            self._of_path(path).discard(key)
            entry = self._readable(key)
            if entry is None or path not in entry.paths:
                continue
            paths = tuple(other for other in entry.paths if other != path)
            if paths:
                self._write(replace(entry, paths=paths))
            else:
                self.remove(key)

    def _of_path(self, path: str) -> set[str]:
        """Keys of the entries that list a path, as they were when this was first asked, and as changed from here since."""
        if self._keys_by_path is None:
            self._keys_by_path = {}
            for key in self.video_keys():
                entry = self._readable(key)
                for listed in entry.paths if entry is not None else ():
                    self._keys_by_path.setdefault(listed, set()).add(key)
        return self._keys_by_path.setdefault(path, set())

    def _readable(self, key: str) -> QuarantineEntry | None:
        """The entry of `key`, where it is there and whole: a damaged one is replaced."""
        try:
            return self.get(key)
        except StoreError:
            return None

    def _write(self, entry: QuarantineEntry) -> None:
        make_folder(self.folder)
        write_whole(self._path(entry.key), entry.to_json())

    def _path(self, key: str) -> Path:
        if not is_key(key):
            raise UsageError(f"quarantine: expected a key of 32 lower-case hex digits, got {key!r}")
        return self.folder / f"{key}.json"
