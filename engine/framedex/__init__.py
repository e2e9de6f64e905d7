"""framedex: embed a video's frames once; after that every prompt, sampler and oracle question is a lookup.

    store = framedex.Store.open("S")
    index = store["dive.mp4"]
    encoder = framedex.load_encoder("micro-siglip")
    scores = index.scores(encoder.embed_texts(["a red striped thing"]))
    framedex.select("top", scores[0], budget=8, pts_us=index.pts_us)

Importing this package is cheap: a stage's libraries are imported when the stage is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

# The function, not the package of the same name, is what `framedex.select` means; bound once the package has been imported.
from framedex.select import samplers, select

if TYPE_CHECKING:
    from framedex.contracts import EmbeddingBlock, FrameBatch, ScoreMatrix, Selection, TowerBatch
    from framedex.embed import load_embedder as load_encoder
    from framedex.errors import FramedexError
    from framedex.index.store import Store
    from framedex.index.video_index import VideoIndex
    from framedex.select.many import select_many

__version__ = "0.1.0"

__all__ = [
    "EmbeddingBlock",
    "FrameBatch",
    "FramedexError",
    "ScoreMatrix",
    "Selection",
    "Store",
    "TowerBatch",
    "VideoIndex",
    "load_encoder",
    "samplers",
    "select",
    "select_many",
]

_HOMES = {
    "EmbeddingBlock": "framedex.contracts:EmbeddingBlock",
    "FrameBatch": "framedex.contracts:FrameBatch",
    "FramedexError": "framedex.errors:FramedexError",
    "ScoreMatrix": "framedex.contracts:ScoreMatrix",
    "Selection": "framedex.contracts:Selection",
    "Store": "framedex.index.store:Store",
    "TowerBatch": "framedex.contracts:TowerBatch",
    "VideoIndex": "framedex.index.video_index:VideoIndex",
    "load_encoder": "framedex.embed:load_embedder",
    "select_many": "framedex.select.many:select_many",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'framedex' has no attribute {name!r}")
    module, attribute = _HOMES[name].split(":")
    return getattr(importlib.import_module(module), attribute)
