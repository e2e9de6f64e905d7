"""What a quarantine entry says of the run in which its video failed, and the settings that this gives back."""

from __future__ import annotations

import contextlib
import importlib.metadata
from collections.abc import Mapping
from fractions import Fraction

import framedex
from framedex.decode import CountGrid, EveryGrid, FpsGrid, Grid, SceneGrid, TimesGrid
from framedex.embed.base import Embedder
from framedex.index.faiss_file import DTYPES
from framedex.index.quarantine import QuarantineEntry
from framedex.ingest.outcomes import IngestSettings
from framedex.ingest.watch import Limits

#: What a failed video does not depend on, so that it is held back whichever of these a run has.
_BESIDE = frozenset({"encoder", "artefact", "runtime", "precision", "dtype", "dedupe_tolerance"})

#: The distributions of which one is installed; its version says what a decoder is.
_DALI = ("nvidia-dali-cuda130", "nvidia-dali-cuda120")
_DISTRIBUTIONS = {"pyav": ("av",), "dali-cpu": _DALI, "dali-gpu": _DALI}


def request_of(settings: IngestSettings, embedder: Embedder | None = None) -> dict[str, str]:
    """All that a run was asked for, in words.

    Args:
        settings: the run's.
        embedder: adds the encoder.
    """
    limits = settings.limits
    request = {
        "grids": " ".join(grid.name for grid in settings.grids),
        "decoder": settings.decoder,
        "decoder_version": decoder_version(settings.decoder),
        "folder_fps": settings.folder_fps or "",
        "time_limit": f"{limits.time_s:g}",
        "stall_limit": f"{limits.stall_s:g}",
        "memory_limit": f"{limits.memory_gib:g}",
        "framedex": framedex.__version__,
        "dedupe_tolerance": str(settings.dedupe_tolerance),
        "dtype": settings.dtype or "",
    }
    times = [time for grid in settings.grids if isinstance(grid, TimesGrid) for time in grid.times_s]
    if times:  # a grid's name holds but a hash of its list
        request["times"] = " ".join(map(str, times))
    if embedder is not None:
        request |= {"encoder": embedder.manifest.encoder_key, "artefact": embedder.origin}
        request |= {name: value for name, value in embedder.provenance.items() if name in ("runtime", "precision")}
    return request


def holds(entry: QuarantineEntry, request: Mapping[str, str]) -> bool:
    """Whether an entry's video would only fail again: all that its decode depends on is as it was."""
    return bool(entry.request) and _decisive(entry.request) == _decisive(request)


def settings_of(
    request: Mapping[str, str],
    *,
    threads: int,
    time_s: float | None = None,
    stall_s: float | None = None,
    memory_gib: float | None = None,
) -> IngestSettings:
    """The settings of a request, to run it again.

    Args:
        request: as `request_of` wrote it.
        threads: of all stages together.
        time_s: in place of the request's limit, where it is given.
        stall_s: likewise.
        memory_gib: likewise.

    Raises:
        KeyError, ValueError, UsageError: the request is not one that this version wrote.
    """
    dtype = request["dtype"] or None
    if dtype is not None and dtype not in DTYPES:
        raise ValueError(f"dtype: expected one of {', '.join(DTYPES)}, got {dtype!r}")
    return IngestSettings(
        grids=tuple(_grid(name, request) for name in request["grids"].split()),
        threads=threads,
        dtype=dtype,
        decoder=request["decoder"],
        folder_fps=request["folder_fps"] or None,
        dedupe_tolerance=int(request["dedupe_tolerance"]),
        limits=Limits(
            time_s=time_s or float(request["time_limit"]),
            stall_s=stall_s or float(request["stall_limit"]),
            memory_gib=memory_gib or float(request["memory_limit"]),
        ),
        retry=True,
    )


def decoder_version(decoder: str) -> str:
    """Version of the library behind a decoder's name; empty for one that is no distribution."""
    for distribution in _DISTRIBUTIONS.get(decoder, (decoder,)):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError, ValueError):
            return importlib.metadata.version(distribution)
    return ""


def _decisive(request: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in request.items() if name not in _BESIDE}


def _grid(name: str, request: Mapping[str, str]) -> Grid:
    kind, _, value = name.partition("=")
    match kind:
        case "fps":
            return FpsGrid.parse(value.replace("_", "/"))
        case "every":
            return EveryGrid.parse(value)
        case "count":
            return CountGrid.parse(value)
        case "scene":
            return SceneGrid.parse(value)
        case "times":
            return TimesGrid(times_s=tuple(Fraction(time) for time in request["times"].split()))
    raise ValueError(f"grid: expected fps, every, count, scene or times, got {name!r}")
