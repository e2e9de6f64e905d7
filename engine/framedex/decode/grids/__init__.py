"""Grids: one file per way to say which frames are sampled, and the names by which a store knows them."""

from __future__ import annotations

from framedex.decode.grids.asked import asked_grids
from framedex.decode.grids.base import Cursor, Grid, Look, in_one_us, pts_to_us
from framedex.decode.grids.counted import CountGrid, EveryGrid
from framedex.decode.grids.listed import FramesGrid, TimesGrid
from framedex.decode.grids.rate import FpsGrid, parse_rate
from framedex.decode.grids.scene import SceneGrid

__all__ = [
    "CountGrid",
    "Cursor",
    "EveryGrid",
    "FpsGrid",
    "FramesGrid",
    "Grid",
    "Look",
    "SceneGrid",
    "TimesGrid",
    "asked_grids",
    "in_one_us",
    "parse_rate",
    "pts_to_us",
]
