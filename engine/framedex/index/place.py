"""Where the files of one index lie in a store."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from framedex.keys import is_key

INDEX_SUFFIX: Final = ".faiss"
ROW_SUFFIX: Final = ".json"

_GRID_NAME: Final = re.compile(r"[a-z]+=[A-Za-z0-9._+-]+", re.ASCII)
_GRID_NAME_LENGTH: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Place:
    """One (encoder, grid, video) of a store."""

    encoder_key: str
    grid: str
    video_key: str

    def __post_init__(self) -> None:
        for name, key in (("encoder_key", self.encoder_key), ("video_key", self.video_key)):
            if not is_key(key):
                raise ValueError(f"{name}: expected 32 lower-case hex digits, got {key!r}")
        if not is_grid_name(self.grid):
            raise ValueError(f"grid: expected a name such as fps=1, got {self.grid!r}")

    def folder(self, root: Path) -> Path:
        """The folder of both files."""
        return root / "index" / self.encoder_key / self.grid / self.video_key[:2]

    def index_path(self, root: Path) -> Path:
        """The vectors."""
        return self.folder(root) / f"{self.video_key}{INDEX_SUFFIX}"

    def row_path(self, root: Path) -> Path:
        """The row."""
        return self.folder(root) / f"{self.video_key}{ROW_SUFFIX}"


def is_grid_name(text: str) -> bool:
    """Whether `text` can name a grid's folder."""
    return len(text) <= _GRID_NAME_LENGTH and _GRID_NAME.fullmatch(text) is not None
