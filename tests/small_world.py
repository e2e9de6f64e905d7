"""The small world that the integration tests share; the fixture `world` makes it once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class SmallWorld:
    """Eight clips, one per format, their captions, and a store that holds them at 1 fps. Not to be changed by tests."""

    folder: Path
    captions: Path
    store: Path

    @property
    def clips(self) -> list[Path]:
        return sorted((self.folder / "clips").iterdir())
