"""Drop curves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from framedex.analysis.drop import drop_rows
from framedex.analysis.interval import Resampling
from framedex.errors import StoreError
from framedex.sweep.record import Record
from record_tables import columns, record

RESAMPLING = Resampling(draws=200)


def dropped(video: int, right: bool, *, rate: float, by: str, kept: int, base: str = "uniform") -> Record:
    params = json.dumps({"base": base, "by": by, "rate": rate}, sort_keys=True)
    rows = tuple(range(kept))
    shown: dict[str, Any] = {"rows": rows, "pts_us": rows, "scores": (0.1,) * kept}
    return record(video, "q", right, arm="drop", sampler="drop", params=params, **shown)


def test_a_curve_begins_with_all_frames_and_each_point_is_paired_with_it(tmp_path: Path) -> None:
    asked = [record(video, "q", video < 3) for video in range(4)]  # 3 of 4 at rate 0, with 4 frames
    asked += [dropped(video, video < 2, rate=0.5, by="lowest", kept=2) for video in range(4)]
    asked += [dropped(video, video < 1, rate=0.75, by="lowest", kept=1) for video in range(4)]
    asked += [dropped(video, video < 3, rate=0.5, by="random", kept=2) for video in range(1, 4)]  # video 0 is missing
    rows = drop_rows(columns(tmp_path, asked), RESAMPLING)
    assert [(row.by, row.rate, row.frames, row.accuracy.value) for row in rows] == [
        ("none", 0.0, 4.0, 0.75),
        ("lowest", 0.5, 2.0, 0.5),
        ("lowest", 0.75, 1.0, 0.25),
        ("random", 0.5, 2.0, pytest.approx(2 / 3)),
    ]
    assert [row.minus_full and row.minus_full.value for row in rows] == [None, -0.25, -0.5, 0.0]
    assert rows[3].minus_full is not None
    assert rows[3].minus_full.questions == 3  # of which 2 are right with and without


def test_without_its_base_a_curve_has_no_difference(tmp_path: Path) -> None:
    asked = [record(0, "q"), dropped(0, True, rate=0.5, by="lowest", kept=2, base="top")]
    (row,) = drop_rows(columns(tmp_path, asked), RESAMPLING)
    assert (row.base, row.rate, row.minus_full) == ("top", 0.5, None)


def test_a_drop_without_a_rate_is_refused(tmp_path: Path) -> None:
    asked = [record(0, "q", arm="drop", sampler="drop", params='{"base":"uniform","by":"lowest"}')]
    with pytest.raises(StoreError, match="expected rate"):
        drop_rows(columns(tmp_path, asked), RESAMPLING)
