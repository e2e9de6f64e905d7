"""Which encoder a command uses on a store."""

from __future__ import annotations

from framedex.cli.output import default_threads
from framedex.embed import BUNDLED, load_embedder
from framedex.embed.base import Embedder
from framedex.errors import UsageError
from framedex.index import Store


def embedder_for(store: Store, encoder: str | None) -> Embedder:
    """The embedder whose vectors `store` holds.

    `encoder` names an artefact; without one, the store's only encoder is looked for among the bundled ones and where its artefact
    was when the store was made.

    Raises:
        UsageError: none or several encoders in the store and none named, one named that the store does not hold, or an artefact
            that is no longer where it was.
    """
    held = store.encoders()
    if encoder is not None:
        embedder = load_embedder(encoder, threads=default_threads())
        key = embedder.manifest.encoder_key
        if key not in {entry.key for entry in held}:
            embedder.close()
            names = ", ".join(f"{entry.name} ({entry.key})" for entry in held) or "no encoder yet"
            raise UsageError(f"--encoder {encoder}: its key {key} is not in {store.path}, which holds {names}")
        return embedder
    if not held:
        raise UsageError(
            f"{store.path}: holds no video yet; run: framedex index VIDEOS --store {store.path} --encoder ARTEFACT"
        )
    if len(held) > 1:
        names = ", ".join(f"{entry.name} ({entry.key})" for entry in held)
        raise UsageError(f"{store.path}: holds several encoders, {names}; choose one with --encoder ARTEFACT")
    (entry,) = held
    for place in (*BUNDLED, entry.artefact):
        try:
            embedder = load_embedder(place, threads=default_threads())
        except UsageError:
            continue
        if embedder.manifest.encoder_key == entry.key:
            return embedder
        embedder.close()
    raise UsageError(
        f"{store.path}: was made with encoder {entry.name!r} (key {entry.key}) from {entry.artefact}, "
        "where it is no longer found; name its folder with --encoder ARTEFACT"
    )
