"""Determinantal point processes along time, the budget shared by dynamic programming."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from framedex.contracts import Vectors
from framedex.errors import UsageError
from framedex.select.base import Input, Request, Rows, Scores

Matrix = NDArray[np.float64]

_WIDTHS = 2.0 ** np.arange(-3, 2)
_LEAST = 1e-5  # of a frame's variance: what products rounded to 1e-5 leave of one that those taken determine


@dataclass(frozen=True, slots=True, kw_only=True)
class Mdp3:
    """Frames that are near the prompt and unlike each other, segment by segment.

    Likeness is k(x, y) = the mean of exp(-|x - y|² / 2w) over w = 1/8, 1/4, 1/2, 1, 2; relevance is r = k(prompt, frame). A
    set Y of frames is worth (2 / balance)·Σ log r + log det S, S the likenesses within Y. In every segment frames are taken
    greedily by what they add (incremental Cholesky), given the frame that was last in time of the segments before. A table
    over segments and frames used so far finds how many each segment gives. Its states keep one set each, the best, so the
    whole is greedy, not exact. Ties go to the earlier frame, and to more frames in earlier segments.

    Args:
        balance: lambda of the paper, above 0: small ones prefer relevance.
        segment: frames in a segment; 32 for budgets up to 32, else 128, where not given.

    Source: arXiv 2501.02885 (lambda 0.2, the kernel's widths, the two lengths of segments). The mean over widths in place of
    their sum changes no choice: it adds the same to all sets of one size.
    """

    name: ClassVar[str] = "mdp3"
    kind: ClassVar[Literal["keyframe"]] = "keyframe"
    needs: ClassVar[tuple[Input, ...]] = ("embeddings", "prompt")
    wants: ClassVar[tuple[Input, ...]] = ()
    cost: ClassVar[str] = "n·k·min(k, segment)² + n·segment·d"

    balance: float = 0.2
    segment: int | None = None

    def __post_init__(self) -> None:
        if self.balance <= 0:
            raise UsageError(f"sampler 'mdp3', balance: expected a number above 0, got {self.balance}")
        if self.segment is not None and self.segment < 1:
            raise UsageError(f"sampler 'mdp3', segment: expected 1 frame or more, got {self.segment}")

    def rows(self, request: Request) -> Rows:
        """Exactly min(budget, n) rows."""
        embeddings, prompt = request.need_embeddings(self.name), request.need_prompt(self.name)
        if request.n <= request.budget:
            return np.arange(request.n, dtype=np.int64)
        worth = 2 / self.balance * np.log(likeness(embeddings, prompt[None, :])[:, 0])
        length = self.segment or (32 if request.budget <= 32 else 128)
        return _shared(embeddings, worth, length, request.budget)


def likeness(these: Vectors, those: Vectors) -> Matrix:
    """The kernel between unit rows (n, d) and (m, d): float64 (n, m), in (0, 1]."""
    # Rounded, so that equal frames are equally near wherever they stand.
    squared = np.maximum(2 - 2 * np.round((these @ those.T).astype(np.float64), 5), 0)
    return np.asarray(np.mean([np.exp(-squared / (2 * width)) for width in _WIDTHS], axis=0))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Step:
    """One segment's part of the table: by frames used after it, frames used before; by those, what was taken, in order."""

    before: NDArray[np.int64]
    picks: NDArray[np.int64]


def _shared(embeddings: Vectors, worth: Scores, length: int, k: int) -> Rows:
    value, last, steps = np.full(k + 1, -np.inf), np.full(k + 1, -1, dtype=np.int64), []
    value[0] = 0
    for first in range(0, len(embeddings), length):
        part = slice(first, first + length)
        gained, picks = _greedy(embeddings, worth, part, np.where(np.isfinite(value), last, -1), min(k, length))
        latest = np.maximum.accumulate(picks, axis=1)
        used, before = (
            np.arange(k + 1)[:, None],
            np.arange(k, -1, -1)[None, :],
        )  # more before goes first: argmax takes it
        taken = used - before
        possible = (taken >= 0) & (taken < gained.shape[1])
        new = np.where(possible, value[before] + gained[before, np.where(possible, taken, 0)], -np.inf)
        which = k - np.argmax(new, axis=1)
        took = np.arange(k + 1) - which
        last = np.where(took > 0, latest[which, np.maximum(took - 1, 0)], last[which])
        value = new.max(axis=1)
        steps.append(_Step(before=which, picks=picks))
    rows, used_now = [], k
    for step in reversed(steps):
        before_now = int(step.before[used_now])
        rows += step.picks[before_now, : used_now - before_now].tolist()
        used_now = before_now
    return np.sort(np.array(rows, dtype=np.int64))


def _greedy(
    embeddings: Vectors, worth: Scores, part: slice, given: NDArray[np.int64], most: int
) -> tuple[Matrix, NDArray[np.int64]]:
    """Greedy sets of a segment, all at once for several frames that each may be given.

    Args:
        embeddings: of the video.
        worth: likewise, what a frame adds by itself.
        part: rows of the segment.
        given: int64 (s,), a row before the segment, or -1 for none.
        most: frames to take.

    Returns:
        Values (s, most + 1) of the first 0, 1, … frames taken, -inf where there are no more; and their rows (s, most).
    """
    inside, alone = embeddings[part], worth[part]
    states, m = len(given), len(inside)
    within = likeness(inside, inside)
    values, picks = np.full((states, most + 1), -np.inf), np.zeros((states, most), dtype=np.int64)
    values[:, 0] = 0
    factors = np.zeros((min(most, m) + 1, states, m))
    factors[0] = np.where(given[:, None] >= 0, likeness(embeddings[given], inside), 0)
    left = np.diagonal(within) - factors[0] ** 2
    free = np.zeros((states, m))
    every = np.arange(states)
    for at in range(min(most, m)):
        gain = np.log(np.maximum(left, _LEAST)) + alone + free
        pick = np.argmax(gain, axis=1)
        values[:, at + 1] = values[:, at] + gain[every, pick]
        picks[:, at] = part.start + pick
        free[every, pick] = -np.inf
        known = np.einsum("tsm,ts->sm", factors[: at + 1], factors[: at + 1, every, pick])
        of_pick = left[every, pick][:, None]
        # A frame that those taken determine has nothing to tell of the others but rounding.
        told = np.where(of_pick > _LEAST, (within[pick] - known) / np.sqrt(np.maximum(of_pick, _LEAST)), 0)
        bound = np.sqrt(np.maximum(left, 0))
        factors[at + 1] = np.clip(told, -bound, bound)
        left = left - factors[at + 1] ** 2
    return values, picks
