"""Which encoder a command uses on a store."""

from __future__ import annotations

from framedex.cli.output import default_threads
from framedex.embed.base import Embedder
from framedex.embed.of_store import store_embedder
from framedex.index import Store


def embedder_for(store: Store, encoder: str | None) -> Embedder:
    """The embedder of `--encoder`, or of the store's only encoder, on every core; `store_embedder` says what is refused."""
    return store_embedder(store, encoder, threads=default_threads())
