"""Prices of visual tokens: nothing is said or decided until both ways were timed, and a tie is for the files."""

from __future__ import annotations

from framedex.mllm.token_prices import TokenPrices


def test_prices_are_averages_over_frames() -> None:
    prices = TokenPrices()
    prices.tower.add(3.0, frames=4)
    prices.tower.add(1.0)
    assert (prices.tower.each_s, prices.reading.each_s) == (0.8, 0.0)
    assert (prices.known, prices.reading_is_slow, prices.told) == (False, False, "")
    prices.reading.add(0.8)
    assert (prices.known, prices.reading_is_slow) == (True, False)
    assert prices.told == (
        "a frame's visual tokens take 800 ms to read from a file and 800 ms in the tower: files are used"
    )
    prices.reading.add(0.9)
    assert prices.reading_is_slow
    assert prices.told.endswith(
        "850 ms to read from a file and 800 ms in the tower: files are neither read nor written"
    )
