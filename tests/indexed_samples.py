"""A store of random vectors whose encoder can embed prompts, and what its curves come from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from contracts.store_samples import put, unit_vectors
from framedex.embed import load_embedder
from framedex.index import EncoderEntry, Store
from framedex.scores.index_curves import IndexCurves


@contextmanager
def indexed(path: Path, counts: Sequence[int] = (5, 9, 3)) -> Iterator[tuple[Store, IndexCurves]]:
    """Videos of so many frames, one a second, under micro-siglip."""
    store = Store.open(path, create=True)
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
        for number, count in enumerate(counts):
            put(store, number, vectors=unit_vectors(count, manifest.dim, seed=number), encoder=entry)
        yield store, IndexCurves(store, embedder)
