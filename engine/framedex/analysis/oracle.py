"""The sliding-window oracle: what the best window would give, raw and cross-fitted over option orders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framedex.analysis.interval import Estimate, Resampling, estimate
from framedex.analysis.outcomes import Outcomes, accuracy_outcomes
from framedex.analysis.records import UNIFORM, Records
from framedex.analysis.setting import Context, Setting
from framedex.errors import StoreError


@dataclass(frozen=True, slots=True, kw_only=True)
class OracleRow:
    """One window rule against uniform sampling at one budget, over the questions that have both.

    Attributes:
        length: frames in a window.
        stride: frames between the starts of windows.
        uniform_budget: frames of the uniform side; None where uniform was not run.
        windows: mean number of windows W per question.
        incomplete: questions left out because a window lacks an answer under some option order.
        uniform: accuracy of uniform sampling.
        raw: *raw oracle*: right where any window is right, averaged over the option orders. It rises with W by guessing.
        guesser: 1 - (1 - 1 / C)^W, what independent guesses alone would give the raw oracle. No correction: windows
            overlap, so it says too much.
        cross_fitted: *cross-fitted oracle* (our name), see `cross_fitted_oracle`; None where it cannot be had.
        gap_raw: raw - uniform, paired.
        gap_cross_fitted: cross_fitted - uniform, paired; None likewise.
        order_changes: share of windows whose chosen option changes with the order of options; None with one order.
        correction: "cross-fitted", or why guessing cannot be corrected for.
    """

    context: Context
    length: int
    stride: int
    uniform_budget: int | None
    questions: int
    videos: int
    windows: float
    incomplete: int
    uniform: Estimate | None
    raw: Estimate
    guesser: float
    cross_fitted: Estimate | None
    gap_raw: Estimate | None
    gap_cross_fitted: Estimate | None
    order_changes: float | None
    correction: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Asked:
    """A question's windows: W × K answers under K option orders."""

    question: int
    video: int
    options: int
    right: NDArray[np.bool_]
    answer: NDArray[np.int64]


def cross_fitted_oracle(right: NDArray[np.bool_]) -> float:
    """Accuracy of the best window, the window chosen on other answers than it is scored on.

    For each option order: choose the window that is right most often on the other orders, score it on this one; average
    over the orders. Tied windows count with their mean. A guess that happens to be right is not right again when the
    options stand elsewhere, so guessing gains nothing. It stays a lower bound of the best window's true accuracy, because
    the choice itself may err; and a guess that sticks to an option's content whatever its place is not corrected.

    Args:
        right: bool (W, K), windows × option orders, K >= 2.
    """
    others = right.sum(axis=1, keepdims=True) - right
    best = others == others.max(axis=0)
    return float(((best & right).sum(axis=0) / best.sum(axis=0)).mean())


def oracle_rows(records: Records, resampling: Resampling) -> tuple[OracleRow, ...]:
    """A row per window rule and budget of uniform."""
    groups: dict[tuple[Context, int, int], list[Setting]] = {}
    for setting in records.arm("window"):
        rule = (setting.context, setting.whole_number("length"), setting.whole_number("stride"))
        groups.setdefault(rule, []).append(setting)
    rows: list[OracleRow] = []
    for (context, length, stride), members in sorted(groups.items()):
        asked, incomplete = _asked(records, members)
        ran = [s for s in records.arm("select") if (s.context, s.sampler) == (context, UNIFORM)]
        budgets: list[int | None] = [*sorted({s.budget for s in ran})]
        for budget in budgets or [None]:
            uniform = None
            if budget is not None:
                uniform = accuracy_outcomes(records, records.selected(context, UNIFORM, budget, ""))
            row = _row(context, (length, stride), budget, asked, incomplete, uniform, resampling)
            rows.extend([row] if row else [])
    return tuple(rows)


def _row(
    context: Context,
    rule: tuple[int, int],
    budget: int | None,
    asked: Sequence[_Asked],
    incomplete: int,
    uniform: Outcomes | None,
    resampling: Resampling,
) -> OracleRow | None:
    if uniform is not None:
        have = set(uniform.question.tolist())
        asked = [one for one in asked if one.question in have]
    raw = _outcomes(asked, [float(one.right.any(axis=0).mean()) for one in asked])
    raw_estimate = estimate(raw, resampling)
    if raw_estimate is None:
        return None
    several = all(one.right.shape[1] > 1 for one in asked)
    changes = np.concatenate([(one.answer != one.answer[:, :1]).any(axis=1) for one in asked])
    correction = "cross-fitted"
    if not several:
        correction = "cannot correct: one option order"
    elif not changes.any():
        correction = "cannot correct: no answer changes with the order of options"
    crossed = None
    if correction == "cross-fitted":
        crossed = _outcomes(asked, [cross_fitted_oracle(one.right) for one in asked])
    return OracleRow(
        context=context,
        length=rule[0],
        stride=rule[1],
        uniform_budget=budget,
        questions=raw_estimate.questions,
        videos=raw_estimate.videos,
        windows=float(np.mean([len(one.right) for one in asked])),
        incomplete=incomplete,
        uniform=estimate(_shared(uniform, raw), resampling) if uniform else None,
        raw=raw_estimate,
        guesser=float(np.mean([1 - (1 - 1 / one.options) ** len(one.right) for one in asked])),
        cross_fitted=estimate(crossed, resampling) if crossed else None,
        gap_raw=estimate(raw.minus(uniform), resampling) if uniform else None,
        gap_cross_fitted=estimate(crossed.minus(uniform), resampling) if crossed and uniform else None,
        order_changes=float(changes.mean()) if several else None,
        correction=correction,
    )


def _shared(outcomes: Outcomes, other: Outcomes) -> Outcomes:
    kept = np.isin(outcomes.question, other.question)
    return Outcomes(question=outcomes.question[kept], video=outcomes.video[kept], value=outcomes.value[kept])


def _outcomes(asked: Sequence[_Asked], values: Sequence[float]) -> Outcomes:
    return Outcomes(
        question=np.array([one.question for one in asked], np.int64),
        video=np.array([one.video for one in asked], np.int64),
        value=np.array(values, np.float64),
    )


def _asked(records: Records, members: Sequence[Setting]) -> tuple[list[_Asked], int]:
    """Questions with an answer for every window under every order, by code, and the number of the others."""
    rows = records.rows(*members)
    identity = np.stack([records.question[rows], records.window[rows], records.order[rows]])
    _, first, place = np.unique(identity, axis=1, return_index=True, return_inverse=True)
    answer = records.answer[rows]
    if (answer != answer[first[place.ravel()]]).any():
        raise StoreError(
            "records: a window has different answers under two prompt variants, but it is asked once for all"
        )
    asked, incomplete = [], 0
    for one in _by_question(records, rows[first]):
        if one is None:
            incomplete += 1
        else:
            asked.append(one)
    return asked, incomplete


def _by_question(records: Records, rows: NDArray[np.int64]) -> Iterator[_Asked | None]:
    """Rows come sorted by question, window, order; questions of one video have the same windows."""
    seen = np.unique(np.stack([records.video[rows], records.window[rows]]), axis=1)[0]
    in_video = dict(zip(*(part.tolist() for part in np.unique(seen, return_counts=True)), strict=True))
    edges = np.flatnonzero(np.diff(records.question[rows])) + 1
    for own in np.split(rows, edges):
        if not len(own):
            continue
        windows, orders = len(np.unique(records.window[own])), len(np.unique(records.order[own]))
        if windows * orders != len(own) or windows != in_video[int(records.video[own[0]])]:
            yield None
            continue
        yield _Asked(
            question=int(records.question[own[0]]),
            video=int(records.video[own[0]]),
            options=int(records.options[own[0]]),
            right=records.correct[own].reshape(windows, orders),
            answer=records.answer[own].reshape(windows, orders),
        )
