"""Visual tokens in memory: as many bytes as were allowed, those used longest ago gone first."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from framedex.mllm.token_cache import TokenCache


def test_the_one_used_longest_ago_goes_first() -> None:
    cache = TokenCache(3 * 8)
    for key in "abc":
        cache.put(key, torch.zeros(1, 2))
    assert cache.get("a") is not None
    cache.put("d", torch.zeros(1, 2))
    assert [key for key in "abcd" if key in cache] == ["a", "c", "d"]
    assert (cache.nbytes, cache.limit_nbytes, cache.typical_nbytes) == (24, 24, 8)


@given(
    limit=st.integers(0, 60),
    puts=st.lists(st.tuples(st.sampled_from("abcde"), st.integers(1, 6)), max_size=20),
)
def test_it_never_holds_more_than_it_may_and_gives_what_was_put(limit: int, puts: list[tuple[str, int]]) -> None:
    cache, last = TokenCache(limit), dict[str, int]()
    for key, n in puts:
        cache.put(key, torch.full((n, 1), float(n)))
        last[key] = n
        assert cache.nbytes <= limit
        if 4 * n <= limit:
            got = cache.get(key)
            assert got is not None
            assert got.tolist() == [[float(n)]] * n
        for name, size in last.items():
            kept = cache.get(name)
            assert kept is None or len(kept) == size or 4 * size > limit
    cache.clear()
    assert (len(cache), cache.nbytes, cache.typical_nbytes) == (0, 0, 0)
