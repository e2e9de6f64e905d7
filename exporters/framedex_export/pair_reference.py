"""Writes a pair scorer's reference set: what the torch network gives, whole, for the artefact to be proved with before use."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from framedex.embed.reference import REFERENCE_NAME
from framedex.pair.reference import PairReference
from framedex_export.battery import pictures, tower_pixels
from framedex_export.families import PairFamily

# Scenes of the battery, square, wide and upright: few, because every process that scores runs them first.
_PICTURES = (1, 15, 19)
_TEXTS = ("a dog jumps over the fence", "What colour is the car on the left?")


def write_pair_reference(network: PairFamily, folder: Path) -> None:
    """Write `reference.npz` into `folder`; the file is then listed like any other of the artefact."""
    every = list(pictures())
    chosen = [every[number] for number in _PICTURES]
    pixels = tower_pixels(chosen, network.image)
    PairReference(
        pixels=pixels,
        sizes=np.array([picture.shape[:2] for picture in chosen], np.int32),
        texts=_TEXTS,
        logits=network.outputs(pixels, _TEXTS),
    ).write(folder / REFERENCE_NAME)
