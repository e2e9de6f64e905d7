"""Embedders by name, and the one call that opens an encoder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from framedex.embed.bundled import BUNDLED
from framedex.registry import Registry

if TYPE_CHECKING:
    from framedex.embed.base import Embedder

__all__ = ["BUNDLED", "embedders", "load_embedder"]

#: Each is called as `(artefact, threads=…)`.
embedders: Registry[Callable[..., Embedder]] = Registry("embedder")
embedders.add("onnxruntime-cpu", "framedex.embed.onnxruntime:OnnxRuntimeEmbedder", extra="cpu")

_AUTO = "onnxruntime-cpu"


def load_embedder(encoder: str | Path | None, *, runtime: str = "auto", threads: int = 1) -> Embedder:
    """Open an encoder artefact on a runtime.

    Args:
        encoder: a bundled name ("micro-siglip") or an artefact's folder; None is refused, there is no default.
        runtime: a name of `embedders`, or "auto": the fastest that this machine has, named in the embedder's provenance.
        threads: that the runtime may use, >= 1.

    Raises:
        UsageError: unknown encoder or runtime, or threads below 1.
        MissingDependency: the runtime is not installed.
        ArtefactError: the artefact does not hold.
    """
    from framedex.embed.artefact import Artefact

    make = embedders.load(_AUTO if runtime == "auto" else runtime)
    return make(Artefact.open(encoder), threads=threads)
