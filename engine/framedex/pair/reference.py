"""The reference set of a pair scorer's artefact: a few frames and texts, and the logits that torch gives for every pair."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from framedex.contracts import Pixels
from framedex.embed.reference import REFERENCE_NAME
from framedex.errors import ArtefactError
from framedex.pair.artefact import PairArtefact
from framedex.pair.manifest import PairManifest

_ARRAYS: Final = ("pixels", "sizes", "texts", "logits")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PairReference:
    """What a network gives, whole and in float32, by the model that its artefact was made from.

    Attributes:
        pixels: uint8 (n, H, W, 3), of the network's size, n >= 2.
        sizes: int32 (n, 2), height and width of each picture before it was resized.
        texts: m >= 1 texts, none empty.
        logits: float32 (m, n, h, w) maps, or (m, n), finite.
    """

    pixels: Pixels
    sizes: NDArray[np.int32]
    texts: tuple[str, ...]
    logits: NDArray[np.float32]

    def write(self, path: Path) -> None:
        """Write the set as .npz; equal sets give equal bytes."""
        np.savez_compressed(
            path, pixels=self.pixels, sizes=self.sizes, texts=np.array(self.texts, np.str_), logits=self.logits
        )


def read_pair_reference(artefact: PairArtefact) -> PairReference:
    """The artefact's reference set, checked against its manifest.

    Raises:
        ArtefactError: it is no such set, or does not fit the manifest.
    """
    path = artefact.folder / REFERENCE_NAME
    try:
        # The file is ours to close: NumPy leaves one open that is no whole archive.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in _ARRAYS}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ArtefactError(f"{path}: no reference set of a pair scorer ({error}); export it again") from error
    _require_fit(path, found, artefact.manifest)
    return PairReference(
        pixels=found["pixels"], sizes=found["sizes"], texts=tuple(found["texts"].tolist()), logits=found["logits"]
    )


def _require_fit(path: Path, found: dict[str, NDArray[Any]], manifest: PairManifest) -> None:
    n, m = len(np.atleast_1d(found["pixels"])), len(np.atleast_1d(found["texts"]))
    expected = {
        "pixels": (np.dtype(np.uint8), (n, *manifest.image.size, 3)),
        "sizes": (np.dtype(np.int32), (n, 2)),
        "logits": (np.dtype(np.float32), (m, n, *manifest.graphs.pair.outputs[0].shape)),
    }
    for name, (dtype, shape) in expected.items():
        if found[name].dtype != dtype or found[name].shape != shape:
            raise ArtefactError(
                f"{path}: {name}: expected {dtype} {shape}, got {found[name].dtype} {found[name].shape}; export it again"
            )
    texts = found["texts"]
    if n < 2 or texts.dtype.kind != "U" or texts.ndim != 1 or m < 1:
        raise ArtefactError(
            f"{path}: expected two pictures or more and a row of texts, got {n} and {texts.dtype} {texts.shape}; export it again"
        )
    if not np.isfinite(found["logits"]).all() or (found["sizes"] < 1).any():
        raise ArtefactError(f"{path}: expected finite logits, and sizes of 1 or more; export it again")
