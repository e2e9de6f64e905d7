"""Determinantal point processes along time, the budget shared by dynamic programming."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from framedex.contracts import Vectors
from framedex.errors import UsageError
from framedex.select.base import Input, Request, Rows, Scores
from framedex.select.together import by_group

Matrix = NDArray[np.float64]

_WIDTHS = 2.0 ** np.arange(-3, 2)
_LEAST = 1e-5  # of a frame's variance: what products rounded to 1e-5 leave of one that those taken determine
_LEAST_BALANCE = 1e-6  # below, doubles lose what likeness adds beside 2 / balance
_TOGETHER = 16  # prompts in one table
_CELLS = 1 << 20  # of the budget's frames before and after a segment, all prompts of a table


@dataclass(frozen=True, slots=True, kw_only=True)
class Mdp3:
    """Frames that are near the prompt and unlike each other, segment by segment.

    Likeness is k(x, y) = the mean of exp(-|x - y|² / 2w) over w = 1/8, 1/4, 1/2, 1, 2; relevance is r = k(prompt, frame). A
    set Y of frames is worth (2 / balance)·Σ log r + log det S, S the likenesses within Y. In every segment frames are taken
    greedily by what they add (incremental Cholesky), given the frame that was last in time of the segments before. A table
    over segments and frames used so far finds how many each segment gives. Its states keep one set each, the best, so the
    whole is greedy, not exact. Ties go to the earlier frame, and to more frames in earlier segments.

    Args:
        balance: lambda of the paper, 1e-6 or more: small ones prefer relevance.
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
        if not self.balance >= _LEAST_BALANCE:
            raise UsageError(f"sampler 'mdp3', balance: expected {_LEAST_BALANCE:g} or more, got {self.balance}")
        if self.segment is not None and self.segment < 1:
            raise UsageError(f"sampler 'mdp3', segment: expected 1 frame or more, got {self.segment}")

    def rows(self, request: Request) -> Rows:
        """Exactly min(budget, n) rows."""
        return self.rows_of_video([request])[0]

    def rows_of_video(self, requests: Sequence[Request]) -> list[Rows]:
        """As `rows`; the largest budget's table has those of all others with segments as long, prompts side by side."""
        return by_group(requests, self._length, self._of_length)

    def _length(self, request: Request) -> int:
        """Frames in a segment; 0 where all are taken."""
        request.need_embeddings(self.name)
        request.need_prompt(self.name)
        return 0 if request.n <= request.budget else self.segment or (32 if request.budget <= 32 else 128)

    def _of_length(self, requests: Sequence[Request]) -> list[Rows]:
        embeddings, length = requests[0].need_embeddings(self.name), self._length(requests[0])
        if not length:
            return [np.arange(len(embeddings), dtype=np.int64)] * len(requests)
        prompts = {id(request.prompt): request.need_prompt(self.name) for request in requests}
        worth = np.stack(
            [2 / self.balance * np.log(likeness(embeddings, prompt[None, :])[:, 0]) for prompt in prompts.values()]
        )
        most = max(request.budget for request in requests)
        together = max(min(_TOGETHER, _CELLS // (most + 1) ** 2), 1)
        tables = {
            prompt: (part, number)
            for first in range(0, len(prompts), together)
            for part in [_table(embeddings, worth[first : first + together], length, most)]
            for number, prompt in enumerate([*prompts][first : first + together])
        }
        return [_walked(*tables[id(request.prompt)], request.budget) for request in requests]


def likeness(these: Vectors, those: Vectors) -> Matrix:
    """The kernel between unit rows (n, d) and (m, d): float64 (n, m), in (0, 1]."""
    # Rounded, so that equal frames are equally near wherever they stand.
    squared = np.maximum(2 - 2 * np.round((these @ those.T).astype(np.float64), 5), 0)
    return np.asarray(np.mean([np.exp(-squared / (2 * width)) for width in _WIDTHS], axis=0))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Step:
    """One segment's part of the table, for some prompts.

    Attributes:
        before: int64 (prompts, k + 1), by frames used after it, frames used before.
        state: int64 (prompts, k + 1), by frames used before, which state that was.
        picks: int64 (states, most), what was taken from each, in order.
    """

    before: NDArray[np.int64]
    state: NDArray[np.int64]
    picks: NDArray[np.int64]


def _table(embeddings: Vectors, worth: Scores, length: int, k: int) -> list[_Step]:
    """The table over segments, for prompts side by side.

    Args:
        embeddings: of the video.
        worth: float64 (prompts, n), what a frame adds by itself.
        length: of a segment.
        k: the largest budget; a table says of every smaller one what that one's would.
    """
    value, last = np.full((len(worth), k + 1), -np.inf), np.full((len(worth), k + 1), -1, dtype=np.int64)
    value[:, 0] = 0
    used, before = np.arange(k + 1)[:, None], np.arange(k, -1, -1)[None, :]  # more before goes first: argmax takes it
    prompt, steps = np.arange(len(worth))[:, None], []
    for first in range(0, len(embeddings), length):
        part = slice(first, first + length)
        # Few frames were last, whatever was used: of every prompt and frame, once.
        given, state = np.unique(
            np.where(np.isfinite(value), last, -1) + 1 + prompt * (len(embeddings) + 1), return_inverse=True
        )
        of, row = np.divmod(given, len(embeddings) + 1)
        state = state.reshape(value.shape)
        gained, picks = _greedy(embeddings, worth[of, part], part, row - 1, length, min(k, length))
        taken = used - before
        possible = (taken >= 0) & (taken < gained.shape[1])
        new = value[:, before[0]][:, None, :] + gained[state[:, before[0]][:, None, :], np.where(possible, taken, 0)]
        new[:, ~possible] = -np.inf
        which = k - np.argmax(new, axis=2)
        took = used[:, 0] - which
        from_state = np.take_along_axis(state, which, axis=1)
        latest = np.maximum.accumulate(picks, axis=1)[from_state, np.maximum(took - 1, 0)]
        last = np.where(took > 0, latest, np.take_along_axis(last, which, axis=1))
        value = new.max(axis=2)
        steps.append(_Step(before=which, state=state, picks=picks))
    return steps


def _walked(steps: Sequence[_Step], prompt: int, k: int) -> Rows:
    """The rows by which a table comes to k frames."""
    rows: list[int] = []
    for step in reversed(steps):
        before = int(step.before[prompt, k])
        rows += step.picks[step.state[prompt, before], : k - before].tolist()
        k = before
    return np.sort(np.array(rows, dtype=np.int64))


def _greedy(
    embeddings: Vectors, alone: Scores, part: slice, given: NDArray[np.int64], length: int, most: int
) -> tuple[Matrix, NDArray[np.int64]]:
    """Greedy sets of a segment, all at once for several frames that each may be given, and prompts.

    Args:
        embeddings: of the video.
        alone: float64 (states, m), what the segment's frames add by themselves.
        part: rows of the segment.
        given: int64 (states,), a row before the segment, or -1 for none.
        length: of the segments.
        most: frames to take.

    Returns:
        Values (states, most + 1) of the first 0, 1, … frames taken, -inf where there are no more; and their rows (states, most).
    """
    inside = embeddings[part]
    states, m = alone.shape
    within = likeness(inside, inside)
    values, picks = np.full((states, most + 1), -np.inf), np.zeros((states, most), dtype=np.int64)
    values[:, 0] = 0
    factors = np.zeros((min(most, m) + 1, states, m))
    for segment in np.unique(given[given >= 0] // length).tolist():
        # Whole segments: what a product of matrices gives may depend on their shapes.
        of = (given >= 0) & (given // length == segment)
        first = segment * length
        factors[0, of] = likeness(embeddings[first : first + length], inside)[given[of] - first]
    left = np.diagonal(within) - factors[0] ** 2
    gains = alone.copy()
    every = np.arange(states)
    for at in range(min(most, m)):
        gain = np.log(np.maximum(left, _LEAST)) + gains
        pick = np.argmax(gain, axis=1)
        values[:, at + 1] = values[:, at] + gain[every, pick]
        picks[:, at] = part.start + pick
        gains[every, pick] = -np.inf
        known = np.einsum("tsm,ts->sm", factors[: at + 1], factors[: at + 1, every, pick])
        of_pick = left[every, pick][:, None]
        # A frame that those taken determine has nothing to tell of the others but rounding.
        told = np.where(of_pick > _LEAST, (within[pick] - known) / np.sqrt(np.maximum(of_pick, _LEAST)), 0)
        bound = np.sqrt(np.maximum(left, 0))
        factors[at + 1] = np.clip(told, -bound, bound)
        left = left - factors[at + 1] ** 2
    return values, picks
