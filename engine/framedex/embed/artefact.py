"""An encoder artefact on disk: found by name or path, and proved against its manifest."""

from __future__ import annotations

import importlib.resources
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from framedex.embed.bundled import BUNDLED
from framedex.embed.manifest import TOKENIZER_NAME, FileEntry, Manifest, read_manifest
from framedex.errors import ArtefactError, StorageError, UsageError, did_you_mean
from framedex.keys import sha256_file

_EXPORT_ONE = "export one of your own: framedex-export siglip CHECKPOINT -o ARTEFACT (or siglip2, clip, cris)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Artefact:
    """A folder whose files are what its manifest says.

    Attributes:
        folder: holds manifest.json and the files that it lists.
        manifest: checked.
        origin: where it was found, so that it can be found again: a bundled name, or an absolute path.
    """

    folder: Path
    manifest: Manifest
    origin: str

    @classmethod
    def open(cls, encoder: str | Path | None) -> Self:
        """Find an artefact and check every file's size and SHA-256 against the manifest.

        Args:
            encoder: the name of a bundled encoder, or an artefact's folder. A name wins over a folder of that name: write
                "./NAME" for the folder. There is no default: None is refused.

        Raises:
            UsageError: None, or neither a bundled name nor a folder.
            ArtefactError: the folder is no artefact, its manifest does not hold, or a file is missing or changed.
            StorageError: a file cannot be read.
        """
        folder, origin = _find(encoder)
        manifest = read_manifest(folder)
        prove_files(folder, manifest.files)
        return cls(folder=folder, manifest=manifest, origin=origin)

    @property
    def image_graph(self) -> Path:
        """The image tower's ONNX file."""
        return self.folder / self.manifest.towers.image.file

    @property
    def text_graph(self) -> Path:
        """The text tower's ONNX file."""
        return self.folder / self.manifest.towers.text.file

    @property
    def tokenizer(self) -> Path:
        """The `tokenizer.json`."""
        return self.folder / TOKENIZER_NAME


def _find(encoder: str | Path | None) -> tuple[Path, str]:
    """The folder and where it was found."""
    bundled = f"bundled: {', '.join(BUNDLED)}"
    if encoder is None or not str(encoder).strip():
        raise UsageError(f"no encoder was named ({bundled}); name one, or {_EXPORT_ONE}")
    if isinstance(encoder, str) and encoder in BUNDLED:
        with importlib.resources.as_file(importlib.resources.files("framedex") / BUNDLED[encoder]) as folder:
            return folder, encoder
    path = Path(encoder)
    if path.exists():
        if not path.is_dir():
            raise UsageError(f"encoder {path}: expected an artefact's folder, got a file; {_EXPORT_ONE}")
        return path, str(path.resolve())
    if path.name == str(encoder):
        raise UsageError(f"unknown encoder {str(encoder)!r}; {did_you_mean(str(encoder), BUNDLED)}; or {_EXPORT_ONE}")
    raise UsageError(f"encoder {path}: no such folder ({bundled}); {_EXPORT_ONE}")


def prove_files(folder: Path, files: Mapping[str, FileEntry]) -> None:
    """Check every file's size and SHA-256 against a manifest's list.

    Raises:
        ArtefactError: a file is missing or changed.
        StorageError: a file cannot be read.
    """
    for name, entry in files.items():
        _prove_file(folder / name, nbytes=entry.nbytes, sha256=entry.sha256)


def _prove_file(path: Path, *, nbytes: int, sha256: str) -> None:
    try:
        got_nbytes = path.stat().st_size
        if got_nbytes != nbytes:
            raise ArtefactError(f"{path}: expected {nbytes} bytes, got {got_nbytes}; export it again")
        got_sha256 = sha256_file(path)
    except FileNotFoundError as error:
        raise ArtefactError(f"{path}: listed in the manifest and missing; export it again") from error
    except OSError as error:
        raise StorageError(f"{path}: cannot be read ({os.strerror(error.errno or 0)})") from error
    if got_sha256 != sha256:
        raise ArtefactError(
            f"{path}: expected SHA-256 {sha256}, got {got_sha256}; the file was changed: export it again"
        )
