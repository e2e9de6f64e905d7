"""Every source of curves keeps the contract: an index, and stored scores, whole and partial."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.curve_source_suite import TEXTS, CurveSourceSuite
from contracts.store_samples import new_store, put, sample_pts, unit_vectors, video_key
from framedex.embed import load_embedder
from framedex.index import EncoderEntry, Store
from framedex.score import load_scorer
from framedex.scores.index_curves import IndexCurves
from framedex.scores.stored_curves import StoredCurves
from score_samples import new_scores, pair_set, prompt, score_file, scores_of


class TestIndexCurves(CurveSourceSuite):
    @pytest.fixture(params=[None, "numpy", "native"])
    def source(self, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[IndexCurves]:
        store = Store.open(tmp_path / "S", create=True)
        with load_embedder("micro-siglip", threads=1) as embedder, load_scorer(request.param or "numpy") as scorer:
            manifest = embedder.manifest
            entry = EncoderEntry(
                key=manifest.encoder_key,
                name="sample",
                dim=manifest.dim,
                artefact="micro-siglip",
                identity=manifest.identity(),
            )
            store.add_encoder(entry)
            for number in range(2):
                put(store, number, vectors=unit_vectors(5, manifest.dim, seed=number), encoder=entry)
            yield IndexCurves(store, embedder, scorer=None if request.param is None else scorer)


class TestStoredCurves(CurveSourceSuite):
    @pytest.fixture(params=[5, 3])
    def source(self, tmp_path: Path, request: pytest.FixtureRequest) -> StoredCurves:
        store, scores = new_store(tmp_path / "S"), new_scores(tmp_path / "S")
        for number in range(2):
            put(store, number)
            for seed, text in enumerate(TEXTS):
                curve = scores_of(request.param, seed=10 * number + seed)
                scores.put(score_file(number, subject=prompt(text), pts_us=sample_pts(request.param), scores=curve))
        assert {row.video_key for row in store.videos()} == {video_key(0), video_key(1)}
        return StoredCurves(store, pair_set())
