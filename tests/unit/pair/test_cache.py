"""The cache never holds more bytes than it may, and drops what was used least recently."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framedex.pair.cache import ArrayCache, Arrays, own


def _arrays(nbytes: int) -> Arrays:
    return (np.zeros(nbytes, np.uint8),)


def test_what_was_used_least_recently_makes_room() -> None:
    cache: ArrayCache[str] = ArrayCache(100)
    cache.put("a", _arrays(40))
    cache.put("b", _arrays(40))
    assert cache.get("a") is not None
    cache.put("c", _arrays(30))
    assert cache.get("b") is None
    assert [cache.get(key) is not None for key in "ac"] == [True, True]
    assert (len(cache), cache.nbytes) == (2, 70)


def test_all_arrays_of_an_entry_count() -> None:
    cache: ArrayCache[str] = ArrayCache(100)
    cache.put("a", (np.zeros(10, np.float32), np.zeros(10, np.float32)))
    assert cache.nbytes == 80
    cache.put("b", _arrays(21))
    assert cache.get("a") is None


def test_what_is_larger_than_the_bound_is_not_kept_and_costs_no_other() -> None:
    cache: ArrayCache[str] = ArrayCache(100)
    cache.put("a", _arrays(60))
    cache.put("b", _arrays(101))
    assert cache.get("b") is None
    assert cache.get("a") is not None


def test_with_no_bytes_nothing_is_kept() -> None:
    cache: ArrayCache[str] = ArrayCache(0)
    cache.put("a", _arrays(1))
    assert (len(cache), cache.nbytes, cache.get("a")) == (0, 0, None)


def test_an_entry_that_is_put_again_counts_once_and_cannot_be_written() -> None:
    cache: ArrayCache[str] = ArrayCache(100)
    cache.put("a", _arrays(60))
    cache.put("a", _arrays(50))
    assert cache.nbytes == 50
    kept = cache.get("a")
    assert kept is not None
    with pytest.raises(ValueError, match="read-only"):
        kept[0][0] = 1
    cache.clear()
    assert (len(cache), cache.nbytes) == (0, 0)


def test_views_are_copied_before_they_are_kept() -> None:
    whole = np.arange(1000, dtype=np.float32)
    with pytest.raises(AssertionError, match="views"):
        ArrayCache[str](10_000).put("a", (whole[:3],))
    assert own(whole[:3]).base is None


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 60)), max_size=40), st.integers(0, 120))
def test_the_bound_holds_after_every_step(steps: list[tuple[str, int]], capacity: int) -> None:
    cache: ArrayCache[str] = ArrayCache(capacity)
    for key, nbytes in steps:
        cache.put(key, _arrays(nbytes))
        held = {name: found for name in "abcdef" if (found := cache.get(name)) is not None}
        assert cache.nbytes == sum(array.nbytes for arrays in held.values() for array in arrays) <= capacity
        assert len(cache) == len(held)
        assert nbytes > capacity or held[key][0].nbytes == nbytes
