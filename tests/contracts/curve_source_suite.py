"""What every source of curves owes; a source inherits `CurveSourceSuite` and gives the `source` fixture."""

from __future__ import annotations

import numpy as np
import pytest

from framedex.errors import UsageError
from framedex.index import Row
from framedex.keys import is_key
from framedex.scores.curves import CurveSource, Prompt

#: A source has a curve for each of these over every video of its rows.
TEXTS = ("a red dog", "two blue cats", "something green")

#: What a product may be off by in the company of others.
ROUNDING = 1e-6


def asked(*texts: str, variant: str = "question") -> list[Prompt]:
    return [Prompt(text=text, question_id=f"id of {text}", variant=variant) for text in texts]


class CurveSourceSuite:
    """Inherit, and define a fixture `source` over two videos or more on one grid."""

    def rows(self, source: CurveSource) -> list[Row]:
        rows = source.rows()
        assert len(rows) > 1
        return rows

    def test_it_says_what_it_is(self, source: CurveSource) -> None:
        assert is_key(source.key)
        assert source.name
        assert source.measure in ("cosine", "raw")
        assert source.provenance
        assert all(isinstance(value, str) and value for value in source.provenance.values())

    def test_rows_are_those_of_its_grids_one_for_each_video(self, source: CurveSource) -> None:
        (grid,) = source.grids()
        rows = self.rows(source)
        assert {row.grid for row in rows} == {grid}
        assert len({row.video_key for row in rows}) == len(rows)
        assert source.rows(grid) == rows
        assert source.rows("every=999") == []

    def test_a_curve_is_of_frames_of_its_row(self, source: CurveSource) -> None:
        for row in self.rows(source):
            source.check(row, asked(*TEXTS))
            for curve in source.curves(row, asked(*TEXTS)):
                assert curve.row == row
                assert (curve.rows.dtype, curve.pts_us.dtype, curve.scores.dtype) == (np.int64, np.int64, np.float64)
                assert np.isfinite(curve.scores).all()
                assert (np.diff(curve.rows) > 0).all()
                assert (np.diff(curve.pts_us) > 0).all()
                assert 0 <= curve.rows[0] <= curve.rows[-1] < row.count
                assert row.first_pts_us <= curve.pts_us[0] <= curve.pts_us[-1] <= row.last_pts_us
                assert curve.whole == (len(curve.rows) == row.count)
                np.testing.assert_array_equal(curve.times_s, (curve.pts_us - row.first_pts_us) / 1e6)

    def test_curves_are_those_of_the_prompts_in_order(self, source: CurveSource) -> None:
        row = self.rows(source)[0]
        together = source.curves(row, asked(*TEXTS, *TEXTS[::-1]))
        assert np.abs(together[0].scores - together[1].scores).max() > 100 * ROUNDING
        for prompt, forth, back in zip(asked(*TEXTS), together[:3], together[:2:-1], strict=True):
            (alone,) = source.curves(row, [prompt])
            for curve in (forth, back):
                np.testing.assert_allclose(curve.scores, alone.scores, atol=ROUNDING)
                np.testing.assert_array_equal(curve.rows, alone.rows)

    def test_many_videos_at_once_are_the_videos_one_by_one(self, source: CurveSource) -> None:
        rows = self.rows(source)
        asks = [(rows[0], asked(*TEXTS)), (rows[1], asked(TEXTS[1])), (rows[0], asked(TEXTS[2]))]
        together = list(source.many(asks))
        assert [len(curves) for curves in together] == [3, 1, 1]
        for (row, prompts), curves in zip(asks, together, strict=True):
            for curve, alone in zip(curves, source.curves(row, prompts), strict=True):
                assert curve.row == row
                np.testing.assert_array_equal(curve.rows, alone.rows)
                np.testing.assert_array_equal(curve.pts_us, alone.pts_us)
                np.testing.assert_allclose(curve.scores, alone.scores, atol=ROUNDING)
        assert list(source.many([])) == []

    def test_another_variant_of_the_same_text_has_the_same_curve(self, source: CurveSource) -> None:
        row = self.rows(source)[0]
        (one,), (other,) = (source.curves(row, asked(TEXTS[0], variant=variant)) for variant in ("question", "answer"))
        np.testing.assert_array_equal(one.scores, other.scores)

    def test_videos_differ(self, source: CurveSource) -> None:
        one, other = (source.curves(row, asked(TEXTS[0]))[0] for row in self.rows(source)[:2])
        assert not np.array_equal(one.scores, other.scores)

    def test_texts_that_are_cut_are_among_those_asked(self, source: CurveSource) -> None:
        assert source.truncated_texts(TEXTS) == ()
        assert set(source.truncated_texts(["dog " * 2000])) <= {"dog " * 2000}

    def test_an_empty_prompt_is_refused(self) -> None:
        with pytest.raises(UsageError, match="expected a prompt that is not empty"):
            asked(" ")
