"""The grids that a command line asks for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from framedex.decode.grids.base import Grid
from framedex.decode.grids.counted import CountGrid, EveryGrid
from framedex.decode.grids.listed import TimesGrid
from framedex.decode.grids.rate import FpsGrid
from framedex.decode.grids.scene import SceneGrid

DEFAULT_FPS = "1"


def asked_grids(
    *,
    fps: str | None = None,
    every: str | None = None,
    count: str | None = None,
    timestamps: Path | None = None,
    scene: str | None = None,
) -> tuple[Grid, ...]:
    """Read the options; each but `timestamps` takes several values with commas between: "1,2,4".

    Args:
        fps: rates; 1 where no option is given at all.
        every: steps in frames.
        count: numbers of frames.
        timestamps: a file of times.
        scene: thresholds.

    Returns:
        Each grid once, in this order.

    Raises:
        UsageError: a value that is none.
    """
    if all(option is None for option in (fps, every, count, timestamps, scene)):
        fps = DEFAULT_FPS
    kinds: tuple[tuple[str | None, Callable[[str], Grid]], ...] = (
        (fps, FpsGrid.parse),
        (every, EveryGrid.parse),
        (count, CountGrid.parse),
        (scene, SceneGrid.parse),
    )
    grids = [parse(value.strip()) for text, parse in kinds if text is not None for value in text.split(",")]
    if timestamps is not None:
        grids.append(TimesGrid.read(timestamps))
    return tuple({grid.name: grid for grid in grids}.values())
