"""The bars of a pair scorer's parity: what passes, what does not, and what is ranked."""

from __future__ import annotations

import numpy as np
import pytest

from framedex.errors import ArtefactError
from framedex.pair.manifest import PairParity, RuleParity
from framedex_export.pair_parity import compare_scores, require

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


def test_good_figures_pass() -> None:
    require(_parity())
    require(_parity(output_max_difference=0.009, output_deviation=10.0))
    require(_parity(scores={"max": GOOD, "area": RuleParity(max_difference=0.3, rank_agreement=0.5, ranked=9)}))
    require(_parity(scores={"max": RuleParity(max_difference=0, ranked=0)}))


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
    with pytest.raises(ArtefactError, match=message):
        require(_parity(**changes))


def test_ranks_by_hand() -> None:
    """Two texts, three pictures: six pairs, of which one is tied in the reference and one of the rest is turned round."""
    expected = np.array([[0.1, 0.2, 0.3], [0.5, 0.5, 0.1]], np.float32)
    got = np.array([[0.2, 0.1, 0.3], [0.4, 0.5, 0.1]], np.float32)
    measured = compare_scores(got, expected)
    assert measured.ranked == 5
    assert measured.rank_agreement == pytest.approx(4 / 5)
    assert measured.max_difference == pytest.approx(0.1)


def test_with_nothing_to_rank_there_is_no_agreement() -> None:
    same = np.ones((2, 3), np.float32)
    assert compare_scores(same, same).rank_agreement is None
