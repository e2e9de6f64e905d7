"""All that is asked of one video, sampler by sampler: shared where a sampler can share, one by one where it cannot."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import cast

import numpy as np

from framedex.errors import UsageError
from framedex.select.base import OfVideo, Request, Rows, Sampler

_NONE: Rows = np.zeros(0, dtype=np.int64)


def rows_together(sampler: Sampler, requests: Sequence[Request]) -> list[Rows]:
    """The rows of every request, in order; all are of one video, one or more.

    Raises:
        UsageError: the sampler needs what the requests do not have, or, of another package, gives what are no sorted unique rows.
    """
    if shares(sampler):
        parts = [np.asarray(rows) for rows in cast(OfVideo, sampler).rows_of_video(requests)]
    else:
        parts = [np.asarray(sampler.rows(request)) for request in requests]
    if len(parts) != len(requests):
        raise UsageError(
            f"sampler {sampler.name!r}, rows_of_video: expected rows for {len(requests)} requests, got {len(parts)}"
        )
    if not _all_rows(parts, requests[0].n):
        for rows in parts:
            check_rows(sampler, rows, requests[0].n)
    return parts


def shares(sampler: Sampler) -> bool:
    """Whether it has `rows_of_video`, and no class below the one that says so has replaced `rows` alone."""
    for kind in type(sampler).__mro__:
        if "rows_of_video" in vars(kind):
            return True
        if "rows" in vars(kind):
            return False
    return False


def by_group(
    requests: Sequence[Request],
    key: Callable[[Request], Hashable],
    answer: Callable[[Sequence[Request]], Iterable[Rows]],
) -> list[Rows]:
    """Answers of the requests, in order, found for all of one key at a time."""
    groups: dict[Hashable, list[int]] = {}
    for place, request in enumerate(requests):
        groups.setdefault(key(request), []).append(place)
    found = [_NONE] * len(requests)
    for places in groups.values():
        for place, rows in zip(places, answer([requests[place] for place in places]), strict=True):
            found[place] = rows
    return found


def by_budget(requests: Sequence[Request], rule: Callable[[Request], Rows]) -> list[Rows]:
    """Answers of requests that differ by nothing that the rule reads but the budget."""
    return by_group(requests, lambda request: request.take, lambda same: [rule(same[0])] * len(same))


def check_rows(sampler: Sampler, rows: Rows, n: int) -> None:
    """Raise where a sampler gave no rows.

    Raises:
        UsageError: rows that are not sorted, unique, int64 and of n frames.
    """
    whole = rows.ndim == 1 and rows.dtype == np.int64
    if not whole or (np.diff(rows) <= 0).any() or (len(rows) and not 0 <= rows[0] <= rows[-1] < n):
        raise UsageError(f"sampler {sampler.name!r}: expected sorted unique rows, int64 from 0 to {n - 1}, got {rows}")


def _all_rows(parts: Sequence[Rows], n: int) -> bool:
    """What `check_rows` asks, of all at once."""
    if any(rows.ndim != 1 or rows.dtype != np.int64 for rows in parts):
        return False
    values = np.concatenate(parts)
    rises = np.diff(values, prepend=-1) > 0
    starts = np.cumsum([len(rows) for rows in parts])[:-1]
    rises[starts[starts < len(values)]] = True  # first rows of the others
    return bool(rises.all()) and (not len(values) or 0 <= int(values.min()) <= int(values.max()) < n)
