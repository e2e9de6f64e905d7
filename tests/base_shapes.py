"""An artefact of a real shape through the commands: a clip is indexed with it, and found."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from cli import ok
from clips import encode


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
