"""An artefact's way to disk: built in a folder beside its place, and put there whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from framedex.embed.manifest import MANIFEST_NAME, FileEntry
from framedex.embed.tensorrt_plan import FOLDER, keep_engines
from framedex.errors import StorageError, UsageError
from framedex.keys import sha256_file


@contextmanager
def staging(target: Path) -> Iterator[Path]:
    """A fresh folder on the target's file system, removed at the end unless `publish` has moved it.

    Raises:
        StorageError: the disk is full, read-only or not ours.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".partial", dir=target.parent))
    except OSError as error:
        raise _refused(target, error) from error
    try:
        yield folder
    except OSError as error:
        raise _refused(target, error) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def list_files(folder: Path) -> dict[str, FileEntry]:
    """Every file of `folder` by name with its size and SHA-256."""
    return {
        path.name: FileEntry(sha256=sha256_file(path), nbytes=path.stat().st_size) for path in sorted(folder.iterdir())
    }


def publish(folder: Path, target: Path, manifest: str, *, graphs: Collection[str] = ()) -> None:
    """Write the manifest last, sync everything, and rename `folder` to `target`, replacing an artefact that is there.

    Args:
        folder: `staging`'s.
        target: the artefact's place.
        manifest: its text.
        graphs: SHA-256 of graphs; TensorRT engines of these that are in the place, of any machine, stay there.

    Raises:
        UsageError: something that is no artefact is in the place.
    """
    for path in folder.iterdir():
        path.chmod(0o644)  # onnx writes weights for their owner only
        _sync(path)
    (folder / MANIFEST_NAME).write_text(manifest, encoding="utf-8")
    _sync(folder / MANIFEST_NAME)
    folder.chmod(0o755)  # mkdtemp's are for their owner only
    _sync(folder)
    old = folder.with_suffix(".old")
    if is_occupied(target):
        require_artefact(target)
        target.rename(old)
    folder.rename(target)
    keep_engines(old / FOLDER, target / FOLDER, graphs=graphs)
    _sync(target.parent)
    shutil.rmtree(old, ignore_errors=True)


def is_occupied(target: Path) -> bool:
    """Whether something is at `target` that a rename would not simply take the place of: all but an empty folder."""
    return target.exists() and not (target.is_dir() and not any(target.iterdir()))


def require_artefact(target: Path) -> None:
    """Refuse to replace what is no artefact.

    Raises:
        UsageError: `target` is a file, or a folder without a manifest.
    """
    if not (target / MANIFEST_NAME).is_file():
        raise UsageError(f"{target}: is there and is no encoder artefact; name another output folder")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refused(target: Path, error: OSError) -> StorageError:
    return StorageError(f"{target}: cannot be written ({error.strerror or error})")
