"""Artefacts of real shapes: made and exported with their cost told, and taken through the commands."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

from cli import ok
from clips import encode

T = TypeVar("T")

#: CRIS with CLIP's text transformer, for the makers of checkpoints.
CRIS: dict[str, Any] = {"vocabulary": 49408, "text_width": 512, "text_layers": 12, "variance": (0.2, 0.4)}


def exported(name: str, make: Callable[[Path], Path], export: Callable[[Path, Path], T], folder: Path) -> T:
    """What `export` makes of a checkpoint; both lie in `folder` then, and seconds and peak memory are printed."""
    started = time.monotonic()
    make(folder / "checkpoint")
    made = time.monotonic()
    result = export(folder / "checkpoint", folder / "artefact")
    done = time.monotonic()
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{name}: made in {made - started:.0f} s, exported in {done - made:.0f} s, peak {peak_mb:.0f} MB")
    return result


def found_in_a_store(folder: Path) -> None:
    """Index a clip with the artefact in `folder`, and search it."""
    clip = folder / "clip.mp4"
    encode(clip, range(20), Fraction(1, 10))
    indexed = ok(
        "index", clip, "--store", folder / "S", "--encoder", folder / "artefact", "--count", 3, "--json"
    ).json()
    assert [entry["frames"] for entry in indexed["indexed"]] == [3]
    hits = ok("search", folder / "S", "a dog jumps over the fence", "-k", 2, "--json").json()["hits"]
    assert len(hits) == 2
    assert hits[0]["score"] >= hits[1]["score"]
