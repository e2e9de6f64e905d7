"""The demo's page: score curves, the frames each sampler took, and how often that caught the evidence."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import framedex
from framedex.analysis import Analysis
from framedex.analysis.findings import under_headings
from framedex.contracts import Pixels
from framedex.decode import Grid, identify, open_video
from framedex.microworld.judge import Case, Judgement
from framedex.report.curve import Curve, curve_svg
from framedex.report.page import jpeg_data_uri, markup, render
from framedex.report.run import figure_values

#: Samplers drawn in the examples, in this order; all registered ones are in the table.
SHOWN = ("uniform", "random", "top", "bottom", "window-top")
_THUMBNAIL_WIDTH = 120


def demo_page(
    judgement: Judgement,
    examples: Sequence[Case],
    analysis: Analysis,
    *,
    grid: Grid,
    seed: int,
    encoder: str,
    n_videos: int,
    n_frames: int,
) -> str:
    """The whole page as text.

    Args:
        judgement: figures over all questions.
        examples: cases to draw; their videos are decoded once more for the thumbnails.
        analysis: of the answers.
        grid: the grid that was indexed.
        seed: of the clips.
        encoder: name of the encoder.
        n_videos: videos indexed.
        n_frames: frames indexed.
    """
    rows = sorted(
        [{"name": name, "share": share} for name, share in judgement.caught.items()]
        + [{"name": "chance", "share": judgement.chance}],
        key=lambda row: -float(str(row["share"])),
    )
    return render(
        "demo.html",
        finding=finding(judgement),
        rows=rows,
        examples=[_example(case, grid) for case in examples],
        findings=under_headings(analysis.findings),
        figures=figure_values(analysis),
        resampling=analysis.resampling,
        recall=judgement.recall.at_1,
        chance=judgement.recall.chance,
        questions=len(judgement.cases),
        budget=judgement.budget,
        videos=n_videos,
        frames=n_frames,
        grid=grid.name,
        encoder=encoder,
        seed=seed,
        version=framedex.__version__,
    )


def finding(judgement: Judgement) -> str:
    """The main comparison as a sentence that says what came out, whichever way."""
    top, uniform, bottom = (judgement.caught[name] for name in ("top", "uniform", "bottom"))
    verdict = "beats" if top > uniform else "does not beat"
    return (
        f"Taking the best-scored frames {verdict} uniform sampling: {100 * top:.0f} % against {100 * uniform:.0f} %; "
        f"the worst-scored frames catch {100 * bottom:.0f} %"
    )


def choose_examples(judgement: Judgement, n: int, *, but: Collection[str] = ()) -> list[Case]:
    """Up to n cases of different videos, none of paths `but`: those that tell top and uniform apart first, in order."""
    telling = sorted(judgement.cases, key=lambda case: case.caught("top") == case.caught("uniform"))
    chosen: dict[str, Case] = {}
    for case in (each for each in telling if each.path not in but):
        chosen.setdefault(case.path, case)
    return list(chosen.values())[:n]


def _example(case: Case, grid: Grid) -> dict[str, Any]:
    taken = {name: case.selections[name].rows for name in SHOWN}
    frames = frames_at(Path(case.path), grid, np.unique(np.concatenate(list(taken.values()))))
    return {
        "prompt": case.question.question,
        "video": Path(case.path).name,
        "curve": markup(
            curve_svg(
                Curve(times_s=case.times_s, scores=case.scores.scores[0], evidence=case.question.evidence, taken=taken)
            )
        ),
        "strips": [{"sampler": name, "thumbnails": _thumbnails(case, rows, frames)} for name, rows in taken.items()],
    }


def _thumbnails(case: Case, rows: np.ndarray, frames: Mapping[int, Pixels]) -> list[dict[str, Any]]:
    return [
        {
            "src": jpeg_data_uri(frames[row], width=_THUMBNAIL_WIDTH),
            "time": f"{case.times_s[row]:.2f} s",
            "hit": bool(case.in_evidence[row]),
        }
        for row in rows.tolist()
    ]


def frames_at(path: Path, grid: Grid, rows: np.ndarray) -> dict[int, Pixels]:
    """Decode a video on `grid` and keep the frames of these index rows: row → uint8 (H, W, 3)."""
    wanted = set(rows.tolist())
    kept: dict[int, Pixels] = {}
    first = 0
    with open_video(identify(path, folder_fps=None), threads=1) as reader:
        for batch in reader.frames(grid):
            for offset in range(len(batch)):
                if first + offset in wanted:
                    kept[first + offset] = batch.frames[offset].copy()
            first += len(batch)
    return kept
