"""The reference set of an artefact: a few tower pictures and texts, and the vectors that torch gives for them in float32."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from framedex.contracts import Pixels, Vectors
from framedex.embed.artefact import Artefact
from framedex.embed.manifest import Manifest
from framedex.errors import ArtefactError

#: The file's name in an artefact; it is listed in the manifest's `files` where it is there, and is no part of the encoder key.
REFERENCE_NAME = "reference.npz"

#: Fewer say nothing about ranks.
MIN_ROWS = 4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reference:
    """What an encoder gives, by the model that its artefact was made from.

    Attributes:
        pixels: uint8 (p, H, W, 3), of the tower's size, p >= 4.
        image_vectors: float32 (p, d), unit rows: torch, float32.
        texts: t >= 4 texts, none empty.
        text_vectors: float32 (t, d), unit rows: torch, float32.
    """

    pixels: Pixels
    image_vectors: Vectors
    texts: tuple[str, ...]
    text_vectors: Vectors

    def write(self, path: Path) -> None:
        """Write the set as .npz; equal sets give equal bytes."""
        np.savez_compressed(
            path,
            pixels=self.pixels,
            image_vectors=self.image_vectors,
            texts=np.array(self.texts, np.str_),
            text_vectors=self.text_vectors,
        )


def read_reference(artefact: Artefact) -> Reference:
    """The artefact's reference set, checked against its manifest.

    Raises:
        ArtefactError: the artefact has none, or it does not fit the manifest.
    """
    path = artefact.folder / REFERENCE_NAME
    if REFERENCE_NAME not in artefact.manifest.files:
        raise ArtefactError(
            f"{artefact.folder}: has no reference vectors ({REFERENCE_NAME}), which every runtime but onnxruntime-cpu in "
            "float32 needs to be proved; export it again with --force"
        )
    try:
        # The file is ours to close: NumPy leaves one open that is no whole archive.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in ("pixels", "image_vectors", "texts", "text_vectors")}
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ArtefactError(f"{path}: no reference set ({error}); export it again") from error
    _require_fit(path, found, artefact.manifest)
    return Reference(
        pixels=found["pixels"],
        image_vectors=found["image_vectors"],
        texts=tuple(found["texts"].tolist()),
        text_vectors=found["text_vectors"],
    )


def _require_fit(path: Path, found: dict[str, NDArray[np.generic]], manifest: Manifest) -> None:
    shapes = {
        "pixels": (np.dtype(np.uint8), (*manifest.image.size, 3)),
        "image_vectors": (np.dtype(np.float32), (manifest.dim,)),
        "text_vectors": (np.dtype(np.float32), (manifest.dim,)),
    }
    for name, (dtype, shape) in shapes.items():
        got = found[name]
        if got.dtype != dtype or got.shape[1:] != shape or len(got) < MIN_ROWS:
            raise ArtefactError(
                f"{path}: {name}: expected {dtype} of {MIN_ROWS} rows or more of {shape}, got {got.dtype} {got.shape}; "
                "export it again"
            )
    if found["texts"].dtype.kind != "U" or found["texts"].ndim != 1:
        raise ArtefactError(
            f"{path}: texts: expected a row of texts, got {found['texts'].dtype} {found['texts'].shape}; export it again"
        )
    for first, second in (("pixels", "image_vectors"), ("texts", "text_vectors")):
        if len(found[first]) != len(found[second]):
            raise ArtefactError(
                f"{path}: {len(found[first])} {first} against {len(found[second])} {second}; export it again"
            )
