import numpy as np
import pytest

from framedex.microworld.recall import PairScore, inside, score_pair, summarise

TIMES_S = np.arange(5.0)


def test_intervals_include_their_ends():
    assert inside(TIMES_S, [(1.0, 2.0), (3.5, 9.0)]).tolist() == [False, True, True, False, True]


def test_the_top_frame_decides_and_the_first_of_equals_counts():
    scores = np.array([0.1, 0.7, 0.7, 0.2, 0.0])
    assert score_pair(scores, TIMES_S, [(0.5, 1.5)]) == PairScore(hit=True, evidence_share=0.2)
    assert score_pair(scores, TIMES_S, [(1.5, 4.5)]) == PairScore(hit=False, evidence_share=0.6)


def test_pairs_are_averaged_and_those_out_of_reach_are_counted():
    recall = summarise(
        [
            PairScore(hit=True, evidence_share=0.2),
            PairScore(hit=False, evidence_share=0.4),
            PairScore(hit=False, evidence_share=0.0),
        ]
    )
    assert recall.at_1 == pytest.approx(1 / 3)
    assert recall.chance == pytest.approx(0.2)
    assert (recall.n_pairs, recall.n_out_of_reach) == (3, 1)


def test_no_pairs_have_no_recall():
    with pytest.raises(ValueError, match="no pairs"):
        summarise([])
