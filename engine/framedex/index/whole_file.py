"""Files that are there whole or not at all, and the sentences for when the file system refuses."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from framedex.errors import StorageError, UsageError

#: Names of files being written begin and end so; readers pass over every name that begins with a dot.
TEMPORARY_PREFIX = "."
TEMPORARY_SUFFIX = ".tmp"

_REMEDIES = {
    errno.ENOSPC: "free space or use another disk, then run the same command again",
    errno.EDQUOT: "the quota is used up: free space, then run the same command again",
    errno.EFBIG: "the file would pass the size limit of the file system or process: raise it, then run the same command again",
    errno.EROFS: "the file system is read-only: use another place, or mount it writable",
    errno.EACCES: "check the owner and permissions",
    errno.EPERM: "check the owner and permissions",
    errno.EIO: "the disk reports a fault: check it before going on",
}


@dataclass(frozen=True, slots=True)
class FileIdentity:
    """Tells one file from the next under the same name."""

    device: int
    inode: int
    mtime_ns: int
    nbytes: int

    @classmethod
    def of(cls, status: os.stat_result) -> FileIdentity:
        """The identity of what `os.stat` described."""
        return cls(status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size)


def storage_error(doing: str, path: Path | str, error: OSError) -> StorageError:
    """The sentence for a refusal: what was being done to which file, what the system said, what to do."""
    remedy = _REMEDIES.get(error.errno or 0, "check the path and the disk, then run the same command again")
    return StorageError(f"{path}: cannot {doing}: {error.strerror or error}; {remedy}")


class StagedFile:
    """A file on its way to `path`: complete and on disk under a temporary name, until `publish`; gone on leaving, if unpublished.

    Raises:
        StorageError: the file system refused; what was at `path` still is.
    """

    def __init__(self, path: Path, data: bytes | memoryview) -> None:
        self.path = path
        self._temporary = _temporary(path)
        try:
            with self._temporary.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
                self.identity = FileIdentity.of(os.fstat(file.fileno()))
        except OSError as error:
            self._discard()
            raise storage_error("write", path, error) from error

    def publish(self) -> None:
        """Rename it to `path`, replacing what was there, and flush the folder."""
        try:
            self._temporary.replace(self.path)
            _sync_folder(self.path.parent)
        except OSError as error:
            raise storage_error("write", self.path, error) from error

    def _discard(self) -> None:
        with contextlib.suppress(OSError):  # already renamed, or the file system refuses this too
            self._temporary.unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._discard()


def write_whole(path: Path, data: bytes | memoryview) -> None:
    """Put `data` at `path`, replacing what was there: temporary name, fsync, rename, fsync of the folder.

    Raises:
        StorageError: the file system refused; nothing of the new file is left, and what was at `path` still is.
    """
    with StagedFile(path, data) as staged:
        staged.publish()


@contextlib.contextmanager
def writing_whole(path: Path) -> Iterator[BinaryIO]:
    """A file to be written bit by bit: at `path` once the block has ended, replacing what was there; gone where it fails.

    Raises:
        StorageError: the file system refused; what was at `path` still is.
    """
    temporary = _temporary(path)
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise storage_error("write", path, error) from error
    finally:
        with contextlib.suppress(OSError):  # renamed, or the file system refuses this too
            temporary.unlink()


def delete(path: Path) -> bool:
    """Delete a file for good; False where there was none.

    Raises:
        StorageError: the file system refused.
    """
    try:
        path.unlink()
        _sync_folder(path.parent)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise storage_error("delete", path, error) from error
    return True


def make_folder(folder: Path) -> None:
    """Create `folder` and its missing parents so that they survive a power cut.

    Raises:
        StorageError: the file system refused.
    """
    if folder.is_dir():
        return
    make_folder(folder.parent)
    try:
        folder.mkdir(exist_ok=True)
        _sync_folder(folder.parent)
    except OSError as error:
        raise storage_error("create the folder", folder, error) from error


def check_folder(folder: Path, *, subject: str, otherwise: str) -> None:
    """Before work is done that is to be kept in a folder, see that it is there or can be made; nothing is made.

    Args:
        folder: to be written to.
        subject: what it is for, for the message.
        otherwise: what can be asked for instead of naming a folder.

    Raises:
        UsageError: something else stands in its place, or it cannot be written to.
    """
    there = folder
    while not os.path.lexists(there) and there != there.parent:
        there = there.parent
    if not there.is_dir():
        raise UsageError(f"{subject} {folder}: expected a folder, but {there} is none; name a folder, or {otherwise}")
    if not os.access(there, os.W_OK | os.X_OK):
        raise UsageError(f"{subject} {folder}: cannot be written to; name a folder that can, or {otherwise}")


def read_whole(path: Path) -> bytes:
    """The bytes of a file.

    Raises:
        FileNotFoundError: no such file.
        StorageError: any other refusal.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise storage_error("read", path, error) from error


def _temporary(path: Path) -> Path:
    return path.with_name(f"{TEMPORARY_PREFIX}{path.name}.{os.getpid()}.{secrets.token_hex(4)}{TEMPORARY_SUFFIX}")


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
