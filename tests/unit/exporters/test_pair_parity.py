"""The bars of a pair scorer's parity: what passes, and what does not."""

from __future__ import annotations

import pytest

from framedex.errors import ArtefactError
from framedex.pair.manifest import PairParity, RuleParity
from framedex_export.pair_parity import require

GOOD = RuleParity(max_difference=1e-6, rank_agreement=1.0, ranked=100)


def _parity(**changes: object) -> PairParity:
    value = {
        "images": 8,
        "texts": 6,
        "tokenizer_texts": 144,
        "preprocessing_max_grey_levels": 0,
        "output_max_difference": 1e-5,
        "output_deviation": 0.5,
        "scores": {"max": GOOD, "area": GOOD},
    }
    return PairParity.model_validate(value | changes)


def _refusal(**changes: object) -> str | None:
    """Why these figures are refused; None where they pass."""
    try:
        require(_parity(**changes))
    except ArtefactError as error:
        return str(error)
    return None


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"output_max_difference": 0.001},
        {"output_max_difference": 0.009, "output_deviation": 10.0},
        {"scores": {"max": RuleParity(max_difference=0.1, rank_agreement=0.99, ranked=100)}},
        {"scores": {"max": GOOD, "area": RuleParity(max_difference=0.3, rank_agreement=0.5, ranked=9)}},
        {"scores": {"max": RuleParity(max_difference=0, ranked=0)}},
        {"preprocessing_max_grey_levels": 1},
    ],
)
def test_good_figures_pass(changes: dict[str, object]) -> None:
    assert _refusal(**changes) is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"output_max_difference": 0.002}, "output_max_difference is 0.002, expected 0.001 or less"),
        ({"output_max_difference": 0.02, "output_deviation": 10.0}, "is 0.02, expected 0.01 or less"),
        (
            {"scores": {"max": RuleParity(max_difference=0.1, rank_agreement=0.98, ranked=100)}},
            "rank_agreement of max is 0.980000, expected 0.99 or more",
        ),
        ({"preprocessing_max_grey_levels": 2}, "preprocessing differs by 2 grey levels"),
    ],
)
def test_figures_beyond_a_bar_are_refused(changes: dict[str, object], message: str) -> None:
    assert message in (_refusal(**changes) or "")
