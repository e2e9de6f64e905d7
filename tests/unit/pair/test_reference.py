"""The reference set of a pair scorer: what is written comes back, and one that does not fit is refused in one sentence."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from framedex.embed.reference import REFERENCE_NAME
from framedex.errors import ArtefactError
from framedex.pair.artefact import PairArtefact
from framedex.pair.reference import read_pair_reference
from pair_checkpoints import pair_artefact


@pytest.fixture
def artefact(tmp_path: Path) -> PairArtefact:
    """A copy, opened; its reference may be replaced behind its manifest's back."""
    return PairArtefact.open(shutil.copytree(pair_artefact("clipseg"), tmp_path / "artefact"))


def test_what_was_written_comes_back_with_the_same_bytes(artefact: PairArtefact) -> None:
    path = artefact.folder / REFERENCE_NAME
    before = path.read_bytes()
    reference = read_pair_reference(artefact)
    assert reference.logits.shape == (len(reference.texts), len(reference.pixels), 64, 64)
    assert len({tuple(size) for size in reference.sizes.tolist()}) == 3
    assert reference.logits.std() > 1e-3
    reference.write(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda ref: {"pixels": ref.pixels[:, :-1]},
            r"pixels: expected uint8 \(3, 64, 64, 3\), got uint8 \(3, 63, 64, 3\)",
        ),
        (lambda ref: {"sizes": ref.sizes[:2]}, r"sizes: expected int32 \(3, 2\)"),
        (lambda ref: {"sizes": ref.sizes * 0}, "sizes of 1 or more"),
        (lambda ref: {"logits": ref.logits.astype(np.float64)}, "logits: expected float32"),
        (lambda ref: {"logits": ref.logits[..., 0]}, r"logits: expected float32 \(2, 3, 64, 64\)"),
        (lambda ref: {"logits": ref.logits * np.float32("nan")}, "expected finite logits"),
        (lambda ref: {"texts": ("one",)}, r"logits: expected float32 \(1, 3, 64, 64\)"),
        (
            lambda ref: {"pixels": ref.pixels[:1], "sizes": ref.sizes[:1], "logits": ref.logits[:, :1]},
            "expected two pictures or more",
        ),
    ],
)
def test_a_set_that_does_not_fit_is_refused(artefact: PairArtefact, change: Any, message: str) -> None:
    reference = read_pair_reference(artefact)
    dataclasses.replace(reference, **change(reference)).write(artefact.folder / REFERENCE_NAME)
    with pytest.raises(ArtefactError, match=rf"reference\.npz: .*{message}"):
        read_pair_reference(artefact)


@pytest.mark.parametrize("damage", ["cut", "empty", "other", "numbers"])
def test_what_is_no_set_is_refused(artefact: PairArtefact, damage: str) -> None:
    path = artefact.folder / REFERENCE_NAME
    reference = read_pair_reference(artefact)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "other":
        np.savez(path, vectors=np.zeros(3))
    else:
        arrays = {name: getattr(reference, name) for name in ("pixels", "sizes", "logits")}
        np.savez(path, texts=np.arange(len(reference.texts)), **arrays)
    with pytest.raises(ArtefactError, match=r"reference\.npz: .*export it again"):
        read_pair_reference(artefact)
