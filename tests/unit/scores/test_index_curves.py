"""Curves of more videos than are open at a time, and a broken file found among many."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from contracts.store_samples import put, unit_vectors
from framedex.embed import load_embedder
from framedex.errors import StoreError
from framedex.index import EncoderEntry, Store, many
from framedex.scores.curves import Prompt
from framedex.scores.index_curves import IndexCurves


@pytest.fixture
def curves(tmp_path: Path) -> Iterator[IndexCurves]:
    store = Store.open(tmp_path / "S", create=True)
    with load_embedder("micro-siglip", threads=1) as embedder:
        manifest = embedder.manifest
        entry = EncoderEntry(
            key=manifest.encoder_key,
            name="sample",
            dim=manifest.dim,
            artefact="micro-siglip",
            identity=manifest.identity(),
        )
        store.add_encoder(entry)
        for number in range(5):
            put(store, number, vectors=unit_vectors(3 + number, manifest.dim, seed=number), encoder=entry)
        yield IndexCurves(store, embedder)


PROMPTS = [Prompt(text="a red dog", question_id="a"), Prompt(text="two blue cats", question_id="b")]


@pytest.mark.parametrize("at_a_time", [1, 3000, 1 << 20])
def test_few_files_are_open_at_a_time(curves: IndexCurves, at_a_time: int, monkeypatch: pytest.MonkeyPatch) -> None:
    asks = [(row, PROMPTS) for row in curves.rows()]
    expected = [curve.scores for row, prompts in asks for curve in curves.curves(row, prompts)]
    monkeypatch.setattr(many, "GROUP_NBYTES", at_a_time)
    got = [curve.scores for each in curves.many(asks) for curve in each]
    assert len(got) == 10
    for one, other in zip(got, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_file_that_holds_no_numbers_is_named(curves: IndexCurves, tmp_path: Path) -> None:
    rows = curves.rows()
    path = rows[3].place.index_path(tmp_path / "S")
    data = bytearray(path.read_bytes())
    data[118:120] = b"\x00\x7e"  # the first half: NaN
    path.write_bytes(data)
    with pytest.raises(StoreError, match=f"{path.name}: holds vectors that are no numbers"):
        list(curves.many([(row, PROMPTS) for row in rows]))
