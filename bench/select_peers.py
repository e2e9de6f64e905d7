"""What bench/select.py is compared with: each sampler in NumPy, over many curves of one length at once.

Each takes scores (C, n) and budgets below n, and gives for each budget the rows of every curve: int32 (C, k), increasing; `drop`
(C, k - ⌊k / 2⌋). There is no loop over curves but where a draw's key is hashed, and one over frames only where a rule takes one
frame after the other. What budgets share is done once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.floating[Any]]
Rows = NDArray[np.int32]
Found = list[Rows]
Mask = NDArray[np.bool_]


def uniform(count: int, n: int, budgets: Sequence[int]) -> Found:
    """Centres of k equal segments, the same for `count` curves of n frames."""
    return [np.tile(_centres(n, k), (count, 1)) for k in budgets]


def top(scores: Scores, budgets: Sequence[int]) -> Found:
    """The k highest: everything that reaches the k-th of the sorted scores."""
    ordered = np.sort(scores, axis=1)
    return [_rows(_reaching(scores, ordered, np.full(len(scores), k)), k) for k in budgets]


def bottom(scores: Scores, budgets: Sequence[int]) -> Found:
    """The k lowest."""
    return top(-scores, budgets)


def window_top(scores: Scores, budgets: Sequence[int]) -> Found:
    """The window of k frames with the largest sum, by differences of cumulative sums."""
    reached = np.zeros((len(scores), scores.shape[1] + 1))
    np.cumsum(scores, axis=1, dtype=np.float64, out=reached[:, 1:])
    first = [np.argmax(reached[:, k:] - reached[:, :-k], axis=1).astype(np.int32)[:, None] for k in budgets]
    return [each + np.arange(k, dtype=np.int32) for each, k in zip(first, budgets, strict=True)]


def window_bottom(scores: Scores, budgets: Sequence[int]) -> Found:
    """The window with the smallest sum."""
    return window_top(-scores, budgets)


def drop(scores: Scores, budgets: Sequence[int]) -> Found:
    """Of uniform's k frames the lowest half is dropped."""
    found = []
    for rows in (_centres(scores.shape[1], k) for k in budgets):
        (kept,) = top(scores[:, rows], [len(rows) - len(rows) // 2])
        found.append(rows[kept])
    return found


def aks(scores: Scores, budgets: Sequence[int], *, t1: float = 0.8, depth: int = 5) -> Found:
    """Halves that do not stand out are halved; a segment whose best frame does not exceed its mean by t1 cannot."""
    scaled = _minmax(scores)
    count, n = scaled.shape
    deepest = [min(depth, k.bit_length() - 1) for k in budgets]
    taken = [np.zeros((count, n), np.bool_) for _ in budgets]
    levels = [[(0, n, np.ones((len(budgets), count), np.bool_))]]
    for level in range(max(deepest) + 1):
        following = []
        for first, last, active in levels[-1]:
            segment = scaled[:, first:last]
            mean = segment.mean(axis=1)
            may = segment.max(axis=1) - mean > t1
            ordered = np.sort(segment[may], axis=1) if may.any() else None
            for at, k in enumerate(budgets):
                stops = np.full(count, level == deepest[at])
                if ordered is not None and level < deepest[at]:
                    stops[may] = ordered[:, -k:].mean(axis=1) - mean[may] > t1
                leaf = np.flatnonzero(active[at] & stops)
                _take_best(taken[at], segment, leaf, first, k >> level)
                active[at] &= ~stops
            if active.any():
                middle = first + (last - first) // 2
                following += [(first, middle, active.copy()), (middle, last, active)]
        levels.append(following)
    return [_topped_up(mask, scaled, k) for mask, k in zip(taken, budgets, strict=True)]


def bolt(scores: Scores, budgets: Sequence[int]) -> Found:
    """A frame is taken where a quantile lies between its cumulative share and that of the frame before."""
    scaled = _minmax(scores)
    scaled[~scaled.any(axis=1)] = 1
    shares = np.cumsum(scaled / scaled.sum(axis=1, keepdims=True), axis=1)
    passed = np.empty_like(shares)
    found = []
    for k in budgets:
        np.subtract(shares, 1 / k, out=passed)
        passed *= (k - 1) / (1 - 2 / k)
        passed += 1 + 1e-9
        np.clip(np.floor(passed, out=passed), 0, k, out=passed)
        passed[:, -1] = k
        mask = np.empty(scores.shape, np.bool_)
        np.greater(passed[:, :1], 0, out=mask[:, :1])
        np.greater(passed[:, 1:], passed[:, :-1], out=mask[:, 1:])
        found.append(_topped_up(mask, scores, k))
    return found


def qframe(scores: Scores, budgets: Sequence[int], texts: Sequence[bytes], *, tau: float) -> Found:
    """The top of scores and Gumbel noise; texts say what each curve draws by."""
    drawn = uniforms(texts, scores.shape[1])
    noise = -np.log(-np.log(np.maximum(drawn, 2.0**-54)))
    return top(scores.astype(np.float64) / tau + noise, budgets)


def mmr(scores: Scores, cosines: NDArray[np.float64], budgets: Sequence[int], *, share: float = 0.5) -> Found:
    """One by one, all curves side by side; scores (V, m, n), cosines between a video's frames (V, n, n)."""
    videos, m, n = scores.shape
    relevance = share * scores.astype(np.float64)
    video = np.arange(videos)[:, None]
    curve, prompt = np.arange(videos)[:, None], np.arange(m)[None, :]
    last = np.argmax(scores, axis=2)
    taken = np.zeros((videos, m, n), np.bool_)
    nearest = np.full((videos, m, n), -np.inf)
    found: dict[int, Rows] = {}
    for size in range(1, max(budgets) + 1):
        taken[curve, prompt, last] = True
        if size in budgets:
            found[size] = _rows(taken.reshape(-1, n), size)
        np.maximum(nearest, cosines[video, last], out=nearest)
        gain = relevance - (1 - share) * nearest
        gain[taken] = -np.inf
        last = np.argmax(gain, axis=2)
    return [found[k] for k in budgets]


def cosines_of(frames: NDArray[np.float32]) -> NDArray[np.float64]:
    """Between all frames of each video, rounded to five decimals: (V, n, d) to (V, n, n)."""
    return np.asarray(np.round((frames @ frames.transpose(0, 2, 1)).astype(np.float64), 5))


def uniforms(texts: Sequence[bytes], n: int) -> NDArray[np.float64]:
    """Philox4x64-10 of every text's key, all blocks of all curves side by side: (C, n) in [0, 1)."""
    digests = np.frombuffer(b"".join(hashlib.sha256(text).digest()[:16] for text in texts), ">u8").reshape(-1, 2)
    high, low = digests[:, :1].astype(np.uint64), digests[:, 1:].astype(np.uint64)
    shape = (len(texts), -(-n // 4))
    counter: list[Any] = [np.broadcast_to(np.arange(1, shape[1] + 1, dtype=np.uint64), shape)]
    counter += [np.zeros(shape, np.uint64) for _ in range(3)]
    with np.errstate(over="ignore"):
        for turn in range(10):
            step = np.uint64(turn)
            keys = low + step * np.uint64(0x9E3779B97F4A7C15), high + step * np.uint64(0xBB67AE8584CAA73B)
            first, second = _product(0xD2E7470EE14C6C93, counter[0]), _product(0xCA5A826395121157, counter[2])
            counter = [second[0] ^ counter[1] ^ keys[0], second[1], first[0] ^ counter[3] ^ keys[1], first[1]]
    numbers = np.stack(counter, axis=2).reshape(len(texts), -1)[:, :n]
    return np.asarray((numbers >> np.uint64(11)) * 2.0**-53, np.float64)


def _centres(n: int, k: int) -> Rows:
    return np.asarray((2 * np.arange(k) + 1) * n // (2 * k), np.int32)


def _product(factor: int, values: NDArray[np.uint64]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """High and low 64 bits, by halves."""
    half, mask = np.uint64(32), np.uint64(0xFFFFFFFF)
    a, b = np.uint64(factor >> 32), np.uint64(factor & 0xFFFFFFFF)
    c, d = values >> half, values & mask
    low, cross = b * d, a * d
    middle = b * c + (low >> half) + (cross & mask)
    return a * c + (cross >> half) + (middle >> half), np.uint64(factor) * values


def _minmax(scores: Scores) -> NDArray[np.float64]:
    scores = scores.astype(np.float64)
    low = scores.min(axis=1, keepdims=True)
    span = scores.max(axis=1, keepdims=True) - low
    return np.asarray((scores - low) / np.where(span > 0, span, 1))


def _reaching(scores: Scores, ordered: Scores, sizes: NDArray[np.int64]) -> Mask:
    """The best of every curve, so many of each, given its scores in rising order; ties go to the earlier."""
    least = ordered[np.arange(len(scores)), scores.shape[1] - np.maximum(sizes, 1)][:, None]
    mask: Mask = scores >= least
    over = np.flatnonzero(mask.sum(axis=1) > sizes)
    if len(over):
        higher, equal = scores[over] > least[over], scores[over] == least[over]
        left = sizes[over, None] - higher.sum(axis=1, keepdims=True)
        mask[over] = higher | (equal & (np.cumsum(equal, axis=1) <= left))
    return mask


def _rows(mask: Mask, k: int) -> Rows:
    """Where a mask holds, k places in every row."""
    count, n = mask.shape
    rows: Rows = (np.flatnonzero(mask).reshape(count, k) - (np.arange(count) * n)[:, None]).astype(np.int32)
    return rows


def _take_best(taken: Mask, segment: NDArray[np.float64], leaf: NDArray[np.int64], first: int, k: int) -> None:
    """Mark the k best of a segment in some of the curves."""
    if not len(leaf) or not k:
        return
    part = segment if len(leaf) == len(segment) else segment[leaf]
    if k >= part.shape[1]:
        taken[leaf, first : first + part.shape[1]] = True
    elif k == 1:
        taken[leaf, first + np.argmax(part, axis=1)] = True
    else:
        (rows,) = top(part, [k])
        taken[leaf[:, None], first + rows] = True


def _topped_up(taken: Mask, scores: Scores, k: int) -> Rows:
    """Those that are taken and the best of the others, k of each curve."""
    missing = k - np.count_nonzero(taken, axis=1)
    few = np.flatnonzero(missing)
    if len(few):
        others = np.where(taken[few], -np.inf, scores[few])
        taken[few] |= _reaching(others, np.sort(others, axis=1), missing[few])
    return _rows(taken, k)
