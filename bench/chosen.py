"""Back ends by the names that people give a bench, each resolved once to a registered name that works here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from framedex.decode import decoders, require_decoder
from framedex.embed import auto_runtime, embedders, load_embedder
from framedex.embed.artefact import Artefact
from framedex.errors import DeviceError, MissingDependency
from framedex.registry import Registry
from framedex.score import AUTO as AUTO_SCORER
from framedex.score import load_scorer, scorers

#: Where members of a family run, the preferred first: "dali" is dali-gpu or dali-cpu, "torch" torch-cuda or torch-cpu.
_PLACES = ("cuda", "gpu", "cpu")


def chosen_decoder(name: str) -> str:
    """A decoder that can be used here.

    Raises:
        UsageError: no decoder has that name.
        MissingDependency, DeviceError: what it needs.
    """
    return _chosen(decoders, name, require_decoder)


def chosen_embedder(name: str, encoder: str) -> str:
    """A runtime that can be used here for an encoder.

    Raises:
        UsageError: no runtime has that name, or there is no such encoder.
        MissingDependency, DeviceError: what it needs.
    """
    if name == "auto":
        return auto_runtime(Artefact.open(encoder).manifest.precision)
    return _chosen(embedders, name, lambda full: load_embedder(encoder, runtime=full).close())


def chosen_scorer(name: str) -> str:
    """A scorer that can be used here.

    Raises:
        UsageError: no scorer has that name.
        MissingDependency, DeviceError: what it needs.
    """
    if name == "auto":
        return AUTO_SCORER
    return _chosen(scorers, name, lambda full: load_scorer(full).close())


def _chosen(registry: Registry[Any], name: str, require: Callable[[str], None]) -> str:
    """The name itself, or, where it is a family's, its first member that works; the last one's error where none does."""
    family = [full for place in _PLACES if (full := f"{name}-{place}") in registry.names()]
    for full in family[:-1]:
        try:
            require(full)
        except (MissingDependency, DeviceError):
            continue
        return full
    full = family[-1] if family else name
    require(full)
    return full
