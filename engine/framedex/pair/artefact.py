"""A pair scorer's artefact on disk: found by path, and proved against its manifest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from framedex.embed.artefact import prove_files
from framedex.embed.manifest import TOKENIZER_NAME
from framedex.errors import UsageError
from framedex.pair.manifest import Graph, PairManifest, read_pair_manifest

_EXPORT_ONE = "make one: framedex-export cris-mask CHECKPOINT -o ARTEFACT (or clipseg, blip-itm)"


@dataclass(frozen=True, slots=True, kw_only=True)
class PairArtefact:
    """A folder whose files are what its manifest says.

    Attributes:
        folder: absolute; holds manifest.json and the files that it lists.
        manifest: checked.
    """

    folder: Path
    manifest: PairManifest

    @classmethod
    def open(cls, artefact: str | Path) -> Self:
        """Read an artefact and check every file's size and SHA-256 against the manifest.

        Raises:
            UsageError: no folder there.
            ArtefactError: the folder is no pair scorer's artefact, its manifest does not hold, or a file is missing or changed.
            StorageError: a file cannot be read.
        """
        folder = Path(artefact)
        if not str(artefact).strip() or not folder.exists():
            raise UsageError(f"pair scorer {str(artefact)!r}: no such folder; {_EXPORT_ONE}")
        if not folder.is_dir():
            raise UsageError(f"pair scorer {folder}: expected an artefact's folder, got a file; {_EXPORT_ONE}")
        manifest = read_pair_manifest(folder)
        prove_files(folder, manifest.files)
        return cls(folder=folder.resolve(), manifest=manifest)

    def path(self, graph: Graph) -> Path:
        """The file of one of the manifest's graphs."""
        return self.folder / graph.file

    @property
    def tokenizer(self) -> Path:
        """The `tokenizer.json`."""
        return self.folder / TOKENIZER_NAME
