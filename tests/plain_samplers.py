"""Samplers as their rules say, one request at a time, frame by frame, with NumPy's products: twins of what is shared."""

from __future__ import annotations

import heapq
from collections.abc import Callable

import numpy as np

from framedex.scores.transform import minmax
from framedex.select.base import Request
from framedex.select.fill import best_rows, centres, largest_remainder, softmax, top_up
from framedex.select.focus import Focus, _nearest
from framedex.select.kfc import pair_weights, smoothed, unlikeness
from framedex.select.mdp3 import likeness
from framedex.select.scene import scene_starts
from framedex.select.wfs import boundaries, importance, important

#: Cosines of all frames and one.
Product = Callable[[np.ndarray, int], np.ndarray]


def rounded(embeddings: np.ndarray, row: int) -> np.ndarray:
    """float32, rounded to five decimals."""
    return np.round((embeddings @ embeddings[row]).astype(np.float64), 5)


def exact(embeddings: np.ndarray, row: int) -> np.ndarray:
    """float64, rounded likewise."""
    return np.round(embeddings.astype(np.float64) @ embeddings[row].astype(np.float64), 5)


def mmr(request: Request, product: Product = rounded) -> list[int]:
    scores, embeddings = request.scores, request.embeddings
    assert scores is not None
    assert embeddings is not None
    rows = [int(np.argmax(scores))]
    while len(rows) < request.take:
        gain = 0.5 * scores - 0.5 * np.max([product(embeddings, row) for row in rows], axis=0)
        gain[rows] = -np.inf
        rows.append(int(np.argmax(gain)))
    return sorted(rows)


def farthest(embeddings: np.ndarray, rows: list[int], k: int, product: Product) -> list[int]:
    while len(rows) < k:
        nearest = np.max([product(embeddings, row) for row in rows], axis=0)
        nearest[rows] = np.inf
        rows = [*rows, int(np.argmin(nearest))]
    return sorted(rows)


def kcentre(request: Request, product: Product = rounded) -> list[int]:
    assert request.scores is not None
    assert request.embeddings is not None
    return farthest(request.embeddings, [int(np.argmax(request.scores))], request.take, product)


def kmeans(request: Request, product: Product = rounded) -> list[int]:
    embeddings, k, n = request.embeddings, request.take, request.n
    assert embeddings is not None
    if n <= k:
        return list(range(n))
    uniforms = request.draw.uniforms(k)
    rows = [int(uniforms[0] * n)]
    for uniform in uniforms[1:]:
        reached = np.cumsum(np.maximum(2 - 2 * np.max([product(embeddings, row) for row in rows], axis=0), 0))
        if reached[-1] <= 0:
            break
        rows.append(min(int(np.searchsorted(reached, uniform * reached[-1], side="right")), n - 1))
    middles, before = embeddings[rows], None
    for turn in range(26):
        nearest = np.argmax(np.round(embeddings @ middles.T, 5), axis=1)
        if turn == 25 or (before is not None and np.array_equal(nearest, before)):
            break
        sums = np.stack([embeddings[nearest == held].sum(axis=0) for held in np.unique(nearest)])
        middles, before = sums / np.linalg.norm(sums, axis=1, keepdims=True), nearest
    medoids = []
    for held in np.unique(nearest):
        of = np.flatnonzero(nearest == held)
        medoids.append(int(of[np.argmax(np.round(embeddings[of] @ middles[held], 5))]))
    return farthest(embeddings, medoids, k, product)


def kfc(request: Request) -> list[int]:
    scores, embeddings, n, k = request.scores, request.embeddings, request.n, request.budget
    assert scores is not None
    assert embeddings is not None
    if n <= k:
        return list(range(n))
    weights = smoothed(pair_weights(scores, unlikeness(embeddings)))
    candidates = centres(min(max(min(128, n // 4), k), n), n)
    chosen = [int(candidates[np.argmax(weights[candidates, candidates])])]
    while len(chosen) < k:
        free = [row for row in candidates.tolist() if row not in chosen]
        sums = np.zeros(len(free))
        for row in chosen:
            sums += weights[free, row]
        chosen.append(free[int(np.argmax(sums))])
    rows = sorted(chosen)
    for at, row in enumerate(rows):
        places = [row, *(place for place in (row - 1, row + 1) if 0 <= place < n and place not in rows)]
        others = rows[:at] + rows[at + 1 :]
        rows[at] = places[int(np.argmax(np.round([weights[place, others].sum() for place in places], 9)))]
    return sorted(rows)


def mdp3(request: Request) -> list[int]:
    """Every state of the table on its own, its likenesses worked out anew, by determinants' incremental factors."""
    embeddings, prompt, n, k = request.embeddings, request.prompt, request.n, request.budget
    assert embeddings is not None
    assert prompt is not None
    if n <= k:
        return list(range(n))
    worth, kernel = 10 * np.log(likeness(embeddings, prompt[None])[:, 0]), likeness(embeddings, embeddings)
    length = 32 if k <= 32 else 128
    states: dict[int, tuple[float, int, list[int]]] = {0: (0.0, -1, [])}
    for first in range(0, n, length):
        after: dict[int, tuple[float, int, list[int]]] = {}
        for used in sorted(states, reverse=True):
            value, last, rows = states[used]
            picks, gains = _greedy(kernel, worth, range(first, min(first + length, n)), last, k - used)
            for took in range(len(picks) + 1):
                total = value + sum(gains[:took])
                if used + took not in after or total > after[used + took][0] + 1e-9:
                    after[used + took] = (total, max(picks[:took], default=last), rows + picks[:took])
        states = after
    return sorted(states[k][2])


def _greedy(
    kernel: np.ndarray, worth: np.ndarray, inside: range, given: int, most: int
) -> tuple[list[int], list[float]]:
    part = np.array(inside)
    factors = [kernel[given, part]] if given >= 0 else []
    left = 1 - np.sum([factor**2 for factor in factors], axis=0) if factors else np.ones(len(part))
    picks: list[int] = []
    gains: list[float] = []
    free = np.zeros(len(part))
    for _ in range(min(most, len(part))):
        gain = np.log(np.maximum(left, 1e-5)) + worth[part] + free
        pick = int(np.argmax(gain))
        picks.append(int(part[pick]))
        gains.append(float(gain[pick]))
        free[pick] = -np.inf
        told = np.zeros(len(part))
        if left[pick] > 1e-5:
            known = np.sum([factor * factor[pick] for factor in factors], axis=0) if factors else 0
            told = (kernel[part[pick], part] - known) / np.sqrt(left[pick])
        bound = np.sqrt(np.maximum(left, 0))
        factors.append(np.clip(told, -bound, bound))
        left = left - factors[-1] ** 2
    return picks, gains


def apart(free: np.ndarray, times: np.ndarray, gap_us: float, k: int, inside: range | None = None) -> list[int]:
    """Rows by score, each a gap from the others; what is taken or too near becomes -inf."""
    rows: list[int] = []
    part = np.array(inside if inside is not None else range(len(free)))
    while len(rows) < k and np.isfinite(free[part]).any():
        rows.append(int(part[np.argmax(free[part])]))
        free[np.abs(times - times[rows[-1]]) < gap_us] = -np.inf
        free[rows[-1]] = -np.inf
    return rows


def nms(request: Request) -> list[int]:
    scores, times = request.scores, request.pts_us
    assert scores is not None
    gap_us = min(float(times[-1] - times[0]) / (2 * request.budget), 10e6)
    rows: list[int] = []
    while len(rows) < request.take:
        free = scores.copy()
        for row in rows:
            free[np.abs(times - times[row]) < gap_us] = -np.inf
        free[rows] = -np.inf
        rows += apart(free, times, gap_us, request.take - len(rows))
        gap_us = gap_us / 2 if gap_us > 2 else 0.0
    return sorted(rows)


def focus(request: Request) -> list[int]:
    scores, times, k, n = request.scores, request.pts_us, request.budget, request.n
    assert scores is not None
    if n <= k:
        return list(range(n))
    seen = Focus().look(request)
    guessed = scores[_nearest(times, np.flatnonzero(seen.frames))]
    gap_us = min(1e6, float(times[-1] - times[0]) / (4 * k))
    rows = apart(np.where(seen.frames, guessed, -np.inf), times, gap_us, k // 5)
    free = guessed.copy()
    for row in rows:
        free[np.abs(times - times[row]) < gap_us] = -np.inf
    free[rows] = -np.inf
    arms = best_rows(seen.mean, min(max(seen.zoomed, 4), 32))
    ends = np.append(seen.starts, n)
    for arm, count in zip(arms, largest_remainder(softmax(seen.mean[arms], 0.06), k - len(rows)), strict=True):
        rows += apart(free, times, gap_us, int(count), range(int(ends[arm]), int(ends[arm + 1])))
    return [int(row) for row in top_up(np.array(rows, np.int64), guessed, k)]


def wfs(request: Request) -> list[int]:
    n, k = request.n, request.budget
    assert request.scores is not None
    assert request.embeddings is not None
    if n <= k:
        return list(range(n))
    scores = minmax(request.scores)
    found = boundaries(scores)
    if not len(found):
        return [int(row) for row in top_up(centres(k // 2, n), scores, k)]
    ends = [0, *found.tolist(), n]
    weights = importance(scores, np.array(ends[:-1]), np.diff(ends))
    kept = important(weights)
    counts = np.zeros(len(weights), np.int64)
    counts[kept] = largest_remainder(softmax(weights[kept], 1.0), k)
    rows: list[int] = []
    for first, last, count in zip(ends[:-1], ends[1:], counts.tolist(), strict=True):
        rows += _relevant(request.embeddings, scores, range(first, last), [], min(count, last - first))
    rows += _relevant(request.embeddings, scores, range(n), rows, k - len(rows))
    return sorted(rows)


def _relevant(embeddings: np.ndarray, scores: np.ndarray, inside: range, beside: list[int], k: int) -> list[int]:
    rows: list[int] = []
    while len(rows) < k:
        gain = np.full(len(scores), -np.inf)
        gain[inside] = 2 * scores[inside] - 1
        taken = [*beside, *rows]
        if taken:
            gain = 0.5 * gain - 0.5 * np.max([rounded(embeddings, row) for row in taken], axis=0)
            gain[taken] = -np.inf
        rows.append(int(np.argmax(gain)))
    return rows


def scene(request: Request) -> list[int]:
    assert request.embeddings is not None
    times = request.pts_us
    starts = scene_starts(request.embeddings, 2.0).tolist()
    ends = [*starts[1:], request.n]
    end_us = 2 * times[-1] - times[-2] if request.n > 1 else times[-1] + 1
    durations = np.diff([*times[starts].tolist(), int(end_us)])
    counts = [0] * len(starts)
    queue = [(-float(duration), at, 0) for at, duration in enumerate(durations)]
    once = [at for _, at, _ in sorted(queue)[: request.take]]
    for at in once:
        counts[at] = 1
    queue = [(-durations[at] / 2, at, 1) for at in range(len(starts)) if ends[at] - starts[at] > 1]
    heapq.heapify(queue)
    for _ in range(request.take - len(once)):
        _, at, _ = heapq.heappop(queue)
        counts[at] += 1
        if counts[at] < ends[at] - starts[at]:
            heapq.heappush(queue, (-durations[at] / (counts[at] + 1), at, 1))
    parts = zip(starts, ends, counts, strict=True)
    return [start + (2 * i + 1) * (end - start) // (2 * count) for start, end, count in parts for i in range(count)]


ALL: dict[str, Callable[[Request], list[int]]] = {
    "mmr": mmr,
    "kcentre": kcentre,
    "kmeans": kmeans,
    "kfc": kfc,
    "mdp3": mdp3,
    "nms": nms,
    "focus": focus,
    "wfs": wfs,
    "scene": scene,
}
