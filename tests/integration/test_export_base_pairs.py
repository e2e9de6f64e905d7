"""The export of each pair family at a real base shape, with random weights."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from base_shapes import CRIS, exported
from contracts.pair_scorer_suite import TEXTS, pair_frames
from framedex.pair import load_pair_scorer
from framedex_export.pair_export import export_pair_scorer
from pair_checkpoints import make_blip, make_clipseg, make_cris_mask


@dataclass(frozen=True)
class Base:
    """A family at its base shape: millions of parameters per graph, and what is kept of a frame."""

    family: str
    make: Callable[[Path], Path]
    graphs_m: dict[str, int]
    cached_nbytes: int


BASES = {
    "cris-r50": Base(
        "cris-mask",
        lambda folder: make_cris_mask(
            folder, fused=(256, 512, 1024), hidden=2048, width=64, blocks=(3, 4, 6, 3), dim=1024, **CRIS
        ),
        {"frame": 47, "text": 64, "pair": 36},
        692_224 * 4,
    ),
    "clipseg-rd64": Base(
        "clipseg",
        lambda folder: make_clipseg(
            folder,
            vision={"image_size": 224, "patch_size": 16},
            text={"vocab_size": 49408},
            side=352,
            extract_layers=[3, 6, 9],
            reduce_dim=64,
            use_complex_transposed_convolution=True,
        ),
        {"frame": 72, "text": 64, "pair": 1},
        3 * 485 * 64 * 4,
    ),
    "blip-itm-base": Base(
        "blip-itm",
        lambda folder: make_blip(
            folder,
            vision={"image_size": 384, "patch_size": 16},
            text={"vocab_size": 30524, "num_attention_heads": 12},
            scale=1.5,
        ),
        {"frame": 86, "pair": 137},
        577 * 768 * 4,
    ),
}


@pytest.mark.long
@pytest.mark.parametrize("name", BASES)
def test_a_base_shape_reaches_parity_and_runs_from_disk(name: str, tmp_path: Path) -> None:
    base = BASES[name]
    export = partial(export_pair_scorer, base.family, report=print)
    manifest = exported(name, base.make, export, tmp_path).artefact.manifest
    print(manifest.parity)
    assert manifest.parity is not None
    millions = {
        file.removesuffix(".onnx"): round(entry.nbytes / 4e6)
        for file, entry in manifest.files.items()
        if file.endswith(".onnx")
    }
    print(millions)
    assert set(millions) == set(base.graphs_m)
    assert max(abs(millions[part] - expected) for part, expected in base.graphs_m.items()) <= 1
    assert 4 * sum(int(np.prod(value.shape)) for value in manifest.graphs.frame.outputs) == base.cached_nbytes
    with load_pair_scorer(tmp_path / "artefact", threads=2) as scorer:
        frames = pair_frames(scorer, 4)
        scorer.scores(pair_frames(scorer, 1, seed=9), TEXTS[:1])  # opens the sessions
        first = time.monotonic()
        one = scorer.scores(frames, TEXTS[:1])
        second = time.monotonic()
        more = scorer.scores(frames, TEXTS)
        third = time.monotonic()
    assert np.isfinite(more).all()
    assert np.abs(more[0] - one[0]).max() < 1e-4
    print(
        f"{name}: {(second - first) / 4:.2f} s a frame with one text, {(third - second) / 12:.2f} s a pair after that"
    )
