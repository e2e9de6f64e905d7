"""The embedder whose vectors a store holds, found by what the store says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from framedex.embed import BUNDLED, load_embedder
from framedex.embed.base import Embedder
from framedex.errors import UsageError

if TYPE_CHECKING:
    from framedex.index import EncoderEntry, Store


def store_embedder(store: Store, encoder: str | None, *, threads: int) -> Embedder:
    """Open the embedder of one of the store's encoders.

    Args:
        store: the store.
        encoder: an artefact (bundled name or folder), or the name or key of an encoder of the store, which is looked for among
            the bundled ones and where its artefact was when the store was made; None for the store's only encoder.
        threads: that the runtime may use, >= 1.

    Raises:
        UsageError: none or several encoders in the store and none named, one named that the store does not hold, or an artefact
            that is no longer where it was.
        MissingDependency: the runtime is not installed.
        ArtefactError: the artefact does not hold.
    """
    recorded = store.encoders()
    # One that was recorded before its first video failed is not asked about where another has videos.
    held = [entry for entry in recorded if store.grids(entry.key)] or recorded
    names = ", ".join(f"{entry.name} ({entry.key})" for entry in held)
    if not held:
        raise UsageError(
            f"{store.path}: holds no video yet; run: framedex index VIDEOS --store {store.path} --encoder ARTEFACT"
        )
    if encoder is None:
        if len(held) > 1:
            raise UsageError(f"{store.path}: holds several encoders, {names}; choose one by its artefact, name or key")
        return find_embedder(store, held[0], threads=threads)
    matching = [entry for entry in held if encoder in (entry.key, entry.name)]
    if len(matching) == 1 and encoder not in BUNDLED:
        return find_embedder(store, matching[0], threads=threads)
    embedder = load_embedder(encoder, threads=threads)
    key = embedder.manifest.encoder_key
    if key not in {entry.key for entry in held}:
        embedder.close()
        raise UsageError(f"encoder {encoder}: its key {key} is not in {store.path}, which holds {names}")
    return embedder


def find_embedder(
    store: Store, entry: EncoderEntry, *, threads: int, runtime: str = "auto", precision: str | None = None
) -> Embedder:
    """Open the embedder of an encoder that the store knows, from among the bundled ones or where its artefact was.

    Args:
        store: the store.
        entry: the encoder.
        threads: that the runtime may use, >= 1.
        runtime: as `load_embedder` has it.
        precision: likewise.

    Raises:
        UsageError: it is found in neither place.
        MissingDependency: the runtime is not installed.
        ArtefactError: the artefact does not hold.
    """
    for place in (*BUNDLED, entry.artefact):
        try:
            embedder = load_embedder(place, threads=threads, runtime=runtime, precision=precision)
        except UsageError:
            continue
        if embedder.manifest.encoder_key == entry.key:
            return embedder
        embedder.close()
    raise UsageError(
        f"{store.path}: was made with encoder {entry.name!r} (key {entry.key}) from {entry.artefact}, "
        "where it is no longer found; name its artefact's folder"
    )
