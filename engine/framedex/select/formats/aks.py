"""AKS's parallel lists, one entry for each question in the order of the manifest: `frames.json`, `scores.json`, and selections.

`frames.json` has the numbers of the frames that are scored, `scores.json` their scores, `<setting>.json` the numbers of those
chosen. A number is a frame's place among all frames of the file.

Source: the lists that ncTimTang/AKS's `feature_extract.py` writes and its `frame_select.py` reads and writes, as forks of it have
them (number j × int(rate) there: an index at `every=<int(rate)>` has the same frames).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framedex.errors import UsageError
from framedex.index import Row
from framedex.index.frames import numbers_again
from framedex.select.formats.base import SUFFIX, SettingFiles, Wanted, file_name, write_json
from framedex.select.scored import Asked, Scored


class AksWriter(SettingFiles):
    """A folder with the two lists, in a folder of their own for each of several variants, and a file for each setting.

    Raises:
        UsageError: a file is named in place of a folder.
    """

    def __init__(self, wanted: Wanted) -> None:
        if wanted.path.suffix == SUFFIX:
            raise UsageError(f"{wanted.path}: AKS's lists are several files; name a folder")
        super().__init__(wanted)
        self._curves: dict[tuple[str, str], tuple[list[int], list[float]]] = {}

    def frames(self, video: Scored) -> NDArray[np.int64]:
        """Numbers in the file."""
        return numbers_again(video.row, video.pts_us)

    def seen(self, video: Scored, frames: NDArray[Any]) -> None:
        """Keep every question's curve."""
        numbers = frames.tolist()
        for asked, scores in zip(video.asked, video.scores, strict=True):
            self._curves[asked.variant, asked.question.id] = (numbers, scores.tolist())

    def document(self, chosen: Sequence[tuple[Asked, Row, list[Any]]]) -> Any:
        """The numbers alone."""
        return [numbers for _, _, numbers in chosen]

    def finish(self) -> None:
        """Write the lists, then the settings."""
        variants = self.wanted.variants
        for variant in variants:
            folder = self.wanted.path / file_name(variant) if len(variants) > 1 else self.wanted.path
            curves = [self._curves[variant, each.question.id] for each in self.wanted.asked if each.variant == variant]
            for name, values in (
                ("frames", [numbers for numbers, _ in curves]),
                ("scores", [each for _, each in curves]),
            ):
                write_json(folder / f"{name}{SUFFIX}", values)
                self.written.append(folder / f"{name}{SUFFIX}")
        super().finish()
