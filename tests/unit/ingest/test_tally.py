"""Where the time went."""

from __future__ import annotations

import pytest

from framedex.ingest import Budget, Tally


def test_nothing_before_it_begins() -> None:
    assert Tally().stages() == ()


def test_shares_are_of_the_lanes() -> None:
    tally = Tally()
    tally.begin(Budget.split(2, videos=5))
    with tally.embedding():
        pass
    with tally.writing():
        pass
    tally.end()
    tally.decode_busy_s, tally.decode_wait_s = tally.wall_s, tally.wall_s / 2
    tally.decoded_frames, tally.embedded_frames = 300, 0
    decode, embed, write = tally.stages()
    assert (decode.stage, embed.stage, write.stage) == ("decode", "embed", "write")
    assert (decode.lanes, embed.lanes) == ("2 × 1", "1 × 2")
    assert (round(decode.busy, 6), round(decode.waiting, 6)) == (0.5, 0.25)
    assert decode.rate == pytest.approx(2 * 300 / tally.decode_busy_s), "of both lanes together"
    assert embed.rate is None
    assert 0 <= embed.busy + write.busy <= 1
