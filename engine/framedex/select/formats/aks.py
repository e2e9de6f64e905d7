"""AKS's parallel lists, one entry for each question in the order of the manifest: `frames.json`, `scores.json`, and selections.

`frames.json` has the numbers of the frames that are scored, `scores.json` their scores, `<setting>.json` the numbers of those
chosen. A number is a frame's place among all frames of the file.

Source: the lists that ncTimTang/AKS's `feature_extract.py` writes and its `frame_select.py` reads and writes, as forks of it have
them (number j × int(rate) there: an index at `every=<int(rate)>` has the same frames).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framedex.errors import UsageError
from framedex.index.frames import numbers_again
from framedex.scores.transform import Scores
from framedex.select.formats.base import SUFFIX, Chosen, SettingFiles, Wanted, file_name, json_list, write_json
from framedex.select.scored import Scored


class AksWriter(SettingFiles):
    """A folder with the two lists, in a folder of their own for each of several variants, and a file for each setting.

    Raises:
        UsageError: a file is named in place of a folder.
    """

    def __init__(self, wanted: Wanted) -> None:
        if wanted.path.suffix == SUFFIX:
            raise UsageError(f"{wanted.path}: AKS's lists are several files; name a folder")
        super().__init__(wanted)
        self._curves: dict[tuple[str, str], tuple[NDArray[np.int64], Scores]] = {}

    def frames(self, video: Scored) -> NDArray[np.int64]:
        """Numbers in the file."""
        return numbers_again(video.row, video.pts_us)

    def seen(self, video: Scored, frames: NDArray[Any]) -> None:
        """Keep every question's curve."""
        for asked, scores in zip(video.asked, video.scores, strict=True):
            self._curves[asked.variant, asked.question.id] = (frames, scores)

    def document(self, chosen: Iterable[Chosen]) -> Iterator[str]:
        """The numbers alone."""
        return json_list(each.values for each in chosen)

    def discard(self) -> None:
        """Forget the curves, too."""
        self._curves.clear()
        super().discard()

    def finish(self) -> None:
        """Write the lists, then the settings."""
        variants = self.wanted.variants
        for variant in variants:
            folder = self.wanted.path / file_name(variant) if len(variants) > 1 else self.wanted.path
            curves = [self._curves[variant, each.question.id] for each in self.wanted.asked if each.variant == variant]
            for name, lists in (
                ("frames", (numbers.tolist() for numbers, _ in curves)),
                ("scores", (scores.tolist() for _, scores in curves)),
            ):
                write_json(folder / f"{name}{SUFFIX}", json_list(lists))
                self.written.append(folder / f"{name}{SUFFIX}")
        super().finish()
