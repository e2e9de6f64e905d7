"""BOLT's selections: `{video: [{question_id, question, frames: [seconds]}]}`, one file for each setting.

Source: sming256/BOLT, `select_frames.py` (writes it, seconds rounded to two decimals) and the same authors' branch of lmms-eval
(`frame_indices_json`: frame = round(seconds × average rate), the question found by its text). Ours have six decimals.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framedex.errors import UsageError
from framedex.index import Row
from framedex.select.formats.base import Chosen, SettingFiles, Wanted, json_object
from framedex.select.scored import Scored


class BoltWriter(SettingFiles):
    """Videos by the stem of their file; seconds count from a video's first frame and are exact to the microsecond."""

    def __init__(self, wanted: Wanted) -> None:
        super().__init__(wanted)
        self._rows: dict[str, Row] = {}

    def frames(self, video: Scored) -> NDArray[np.float64]:
        """Seconds from the first frame."""
        name = PurePath(video.row.source.path).stem
        other = self._rows.setdefault(name, video.row)
        if other.video_key != video.row.video_key:
            raise UsageError(
                f"{video.row.source.path}: BOLT knows videos by the stem of their file, and {other.source.path} has the same; "
                "write them one by one, or as parquet"
            )
        return video.times_s

    def document(self, chosen: Iterable[Chosen]) -> Iterator[str]:
        """By video, in the order in which the questions first name them."""
        by_video: dict[str, list[Chosen]] = {}
        for each in chosen:
            by_video.setdefault(PurePath(each.row.source.path).stem, []).append(each)
        return json_object((video, [_entry(each) for each in found]) for video, found in by_video.items())


def _entry(chosen: Chosen) -> dict[str, Any]:
    question = chosen.asked.question
    return {"question_id": question.id, "question": question.question, "frames": chosen.values}
