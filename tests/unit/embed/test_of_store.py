"""Which embedder a store means."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.store_samples import encoder_entry
from framedex.embed import load_embedder
from framedex.embed.of_store import store_embedder
from framedex.errors import UsageError
from framedex.index import Store
from framedex.ingest import encoder_entry as entry_of


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store that knows micro-siglip."""
    store = Store.open(tmp_path / "S", create=True)
    with load_embedder("micro-siglip") as embedder:
        store.add_encoder(entry_of(embedder))
    return store


@pytest.mark.parametrize("how", ["nothing", "name", "key"])
def test_found_by_what_the_store_says(store: Store, how: str) -> None:
    (entry,) = store.encoders()
    named = {"nothing": None, "name": entry.name, "key": entry.key}[how]
    with store_embedder(store, named, threads=1) as embedder:
        assert embedder.manifest.encoder_key == entry.key


def test_several_encoders_ask_which(store: Store) -> None:
    store.add_encoder(encoder_entry())
    with pytest.raises(UsageError, match=r"holds several encoders, micro-siglip .*, sample .*; choose one"):
        store_embedder(store, None, threads=1)
    with store_embedder(store, "micro-siglip", threads=1) as embedder:
        assert embedder.origin == "micro-siglip"
    with pytest.raises(UsageError, match=r"'sample' .* from /artefacts/sample, where it is no longer found"):
        store_embedder(store, "sample", threads=1)


def test_an_encoder_that_the_store_does_not_hold(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "S", create=True)
    with pytest.raises(UsageError, match="holds no video yet"):
        store_embedder(store, None, threads=1)
    store.add_encoder(encoder_entry())
    with pytest.raises(UsageError, match=r"encoder micro-siglip: its key .* is not in .*, which holds sample"):
        store_embedder(store, "micro-siglip", threads=1)
