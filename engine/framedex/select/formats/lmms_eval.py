"""Frame lists by question, for evaluation in lmms-eval: the fields that AKS's branch of it reads, and exact times beside them.

`[{"id", "video", "question", "frame_idx": [numbers], "frame_num", "use_topk", "times_s", "pts_us"}]`, one file for each setting,
in the order of the manifest. A number is a frame's place among all frames of the file.

Source: `frame_idx`, `frame_num` and `use_topk` are what ncTimTang/AKS puts into a benchmark's annotations for its branch of
lmms-eval. lmms-eval itself reads no list of frames; docs/interchange.md has a `doc_to_visual` that does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framedex.index.frames import numbers_again
from framedex.select.formats.base import Chosen, SettingFiles, json_list
from framedex.select.scored import Scored


class LmmsEvalWriter(SettingFiles):
    """One object a question."""

    def frames(self, video: Scored) -> NDArray[np.int64]:
        """Number in the file and timestamp: int64 (n, 2)."""
        return np.stack([numbers_again(video.row, video.pts_us), video.pts_us], axis=1)

    def document(self, chosen: Iterable[Chosen]) -> Iterator[str]:
        """The objects."""
        return json_list(_entry(each) for each in chosen)


def _entry(chosen: Chosen) -> dict[str, Any]:
    question, frames = chosen.asked.question, chosen.values
    return {
        "id": question.id,
        "video": question.video,
        "question": question.question,
        "frame_idx": [number for number, _ in frames],
        "frame_num": len(frames),
        "use_topk": True,
        "times_s": [(pts_us - chosen.row.time_origin_us) / 1e6 for _, pts_us in frames],
        "pts_us": [pts_us for _, pts_us in frames],
    }
