"""Upper bits of picture order counts, and how far pictures overtake each other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framedex.decode.bitstream.order import Reordering, full_count
from framedex.decode.bitstream.picture import Untrusted


@pytest.mark.parametrize(
    ("lsb", "previous", "count"),
    [
        (3, 0, 3),
        (0, 14, 16),  # wraps upwards
        (15, 17, 15),  # and downwards
        (8, 0, 8),  # half a modulus above is above
        (9, 0, -7),
        (0, 8, 16),  # half a modulus below is taken for above
        (1, 8, 1),
        (14, -4, -2),
        (2, -2, 2),
    ],
)
def test_counts_worked_out_by_hand(lsb: int, previous: int, count: int) -> None:
    assert full_count(lsb, previous=previous, modulus=16) == count


@given(st.integers(-(2**40), 2**40), st.integers(-127, 128), st.integers(8, 16))
def test_counts_within_half_a_modulus_are_found(previous: int, step: int, n_bits: int) -> None:
    modulus = 1 << n_bits
    count = previous + step
    assert full_count(count % modulus, previous=previous, modulus=modulus) == count


@given(st.permutations(range(12)), st.integers(0, 6))
def test_reordering_is_counted_as_by_hand(counts: list[int], most: int) -> None:
    reordering = Reordering()
    reordering.add(99, most=most)
    reordering.begin()
    for i, count in enumerate(counts):
        if sum(before > count for before in counts[:i]) > most:
            with pytest.raises(Untrusted, match=f"more than the {most}"):
                reordering.add(count, most=most)
            return
        reordering.add(count, most=most)
