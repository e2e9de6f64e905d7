"""Scores of maps and matches against numbers derived by hand, and where a letterbox's content lies."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from framedex.embed.manifest import ImageRules
from framedex.pair.frame_score import (
    MASK_RULES,
    Content,
    MaskRule,
    frame_scores,
    mask_scores,
    match_scores,
)

ALL = Content(rows=(0, 2), columns=(0, 5))


def _rules(resize: str, size: tuple[int, int] = (416, 416)) -> ImageRules:
    letterbox = resize == "letterbox"
    value: dict[str, Any] = {
        "size": size,
        "resize": resize,
        "interpolation": "cubic" if letterbox else "bilinear",
        "antialias": not letterbox,
        "channel_order": "RGB",
        "rescale": 1 / 255,
        "mean": (0.5, 0.5, 0.5),
        "std": (0.5, 0.5, 0.5),
    }
    return ImageRules.model_validate(value)


def _logit(probabilities: list[list[float]]) -> np.ndarray:
    values = np.array(probabilities)
    return np.log(values / (1 - values)).astype(np.float32)[np.newaxis]


@pytest.mark.parametrize(
    ("rule", "expected"),
    # Ten cells that add up to 3.2, of which three are above 0.35; the top hundredth of ten is one.
    [("max", 0.9), ("mean", 0.32), ("top1%", 0.9), ("area", 0.3)],
)
def test_each_rule_by_hand(rule: MaskRule, expected: float) -> None:
    logits = _logit([[0.1, 0.2, 0.3, 0.05, 0.4], [0.9, 0.1, 0.1, 0.25, 0.8]])
    (score,) = mask_scores(logits, rule=rule, content=ALL, threshold=0.35)
    assert score == pytest.approx(expected, abs=1e-6)


def test_the_top_hundredth_is_rounded_up_and_averaged() -> None:
    cells = np.full((1, 10, 25), 0.1)  # 250 cells, of which 3 are looked at
    cells[0, 4, 3], cells[0, 9, 24], cells[0, 0, 0], cells[0, 5, 5] = 0.9, 0.6, 0.3, 0.2
    logits = np.log(cells / (1 - cells)).astype(np.float32)
    content = Content(rows=(0, 10), columns=(0, 25))
    assert mask_scores(logits, rule="top1%", content=content, threshold=0.5)[0] == pytest.approx(0.6, abs=1e-6)


@pytest.mark.parametrize("rule", MASK_RULES)
def test_maps_are_scored_each_for_itself_and_within_their_range(rule: MaskRule) -> None:
    logits = np.random.default_rng(0).normal(0, 3, (4, 2, 5)).astype(np.float32)
    scores = mask_scores(logits, rule=rule, content=ALL, threshold=0.35)
    assert scores.dtype == np.float32
    assert ((scores >= 0) & (scores <= 1)).all()
    for row in range(4):
        assert mask_scores(logits[row : row + 1], rule=rule, content=ALL, threshold=0.35)[0] == scores[row]


def test_the_content_of_a_wide_frame_in_a_letterbox() -> None:
    """1280 x 720 in 416: 234 lines from line 91 on. A cell is four lines, its centre at 4 i + 2: those of 23 to 80 are within."""
    content = Content.of(720, 1280, _rules("letterbox"), (104, 104))
    assert content == Content(rows=(23, 81), columns=(0, 104))


def test_the_content_of_a_tall_frame_in_a_letterbox() -> None:
    """100 x 200 in 8: four columns from column 2 on; cells of two columns have their centres at 1, 3, 5, 7: the middle two."""
    content = Content.of(200, 100, _rules("letterbox", (8, 8)), (4, 4))
    assert content == Content(rows=(0, 4), columns=(1, 3))


@pytest.mark.parametrize(("height", "width"), [(1, 2000), (2000, 1), (1, 1), (416, 416), (3, 640)])
def test_a_frame_of_any_shape_has_a_cell(height: int, width: int) -> None:
    content = Content.of(height, width, _rules("letterbox"), (104, 104))
    for first, last in (content.rows, content.columns):
        assert 0 <= first < last <= 104
    thin = content.rows if width > height else content.columns
    if max(height, width) > 100 * min(height, width):
        assert thin == (52, 53)


def test_what_lies_on_the_borders_does_not_count() -> None:
    """The borders shout, and the score is the content's: 0.25 everywhere but one cell of 0.75."""
    probabilities = np.full((1, 4, 4), 0.999)
    probabilities[0, :, 1:3] = 0.25
    probabilities[0, 2, 1] = 0.75
    logits = np.log(probabilities / (1 - probabilities)).astype(np.float32)
    rules, size = _rules("letterbox", (8, 8)), (200, 100)
    expected = {"max": 0.75, "mean": (7 * 0.25 + 0.75) / 8, "top1%": 0.75, "area": 1 / 8}
    for rule in MASK_RULES:
        (score,) = frame_scores(logits, rule=rule, threshold=0.35, image=rules, size=size)
        assert score == pytest.approx(expected[rule], abs=1e-6)
    (whole,) = frame_scores(logits, rule="max", threshold=0.35, image=_rules("squash", (8, 8)), size=size)
    assert whole == pytest.approx(0.999, abs=1e-6)


def test_a_match_is_a_probability_or_the_logit_itself() -> None:
    logits = np.array([0.0, math.log(3), -math.log(9), 20.0, 30.0], np.float32)
    prob = match_scores(logits, rule="prob")
    assert prob[:3] == pytest.approx([0.5, 0.75, 0.1], abs=1e-7)
    # Why there is `logit`: far up, the probability no longer tells pairs apart.
    assert prob[3] == prob[4] == 1
    assert match_scores(logits, rule="logit").tolist() == logits.tolist()
