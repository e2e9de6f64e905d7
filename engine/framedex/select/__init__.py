"""Samplers by name, and the one call that runs them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from framedex.contracts import Selection
from framedex.errors import UsageError
from framedex.registry import Registry
from framedex.select.base import DrawKey, Request, Rows, Sampler, Scores
from framedex.select.parameters import Value, build, parse_spec

#: Other packages add samplers as entry points of this group (docs/samplers.md).
GROUP = "framedex.samplers"

registry: Registry[type[Sampler]] = Registry("sampler", group=GROUP)
registry.add("uniform", "framedex.select.uniform:Uniform")
registry.add("uniform-ends", "framedex.select.uniform:UniformEnds")
registry.add("random", "framedex.select.uniform:Random")
registry.add("top", "framedex.select.confidence:Top")
registry.add("bottom", "framedex.select.confidence:Bottom")
registry.add("threshold", "framedex.select.threshold:Threshold")
registry.add("window-top", "framedex.select.windows:WindowTop")
registry.add("window-bottom", "framedex.select.windows:WindowBottom")
registry.add("drop", "framedex.select.drop:Drop")
registry.add("nms", "framedex.select.nms:Nms")
registry.add("aks", "framedex.select.aks:Aks")
registry.add("bolt", "framedex.select.bolt:Bolt")
registry.add("qframe", "framedex.select.qframe:QFrame")
registry.add("mdp3", "framedex.select.mdp3:Mdp3")
registry.add("mmr", "framedex.select.mmr:Mmr")
registry.add("kfc", "framedex.select.kfc:Kfc")
registry.add("wfs", "framedex.select.wfs:Wfs", extra="analysis")
registry.add("focus", "framedex.select.focus:Focus")
registry.add("kcentre", "framedex.select.kcentre:KCentre")
registry.add("kmeans", "framedex.select.kmeans:KMeans")
registry.add("scene", "framedex.select.scene:Scene")
registry.add("oracle-evidence", "framedex.select.oracle:OracleEvidence")

#: What a column of 32 bits holds.
BUDGET_MAX = 2**31 - 1

__all__ = ["DrawKey", "Request", "Sampler", "make_sampler", "parse_spec", "rows_of", "run", "samplers", "select"]


def samplers() -> tuple[str, ...]:
    """Names of the registered samplers."""
    return registry.names()


def make_sampler(name: str, /, **parameters: Value) -> Sampler:
    """A sampler by name with its parameters.

    Raises:
        UsageError: unknown sampler or parameter (what exists, did you mean), or a value out of range.
    """
    return build(registry.load(name), parameters)


def run(sampler: Sampler, request: Request) -> Selection:
    """Apply a sampler and give the rows their timestamps and scores.

    Raises:
        UsageError: it needs what the request does not have, or, of another package, gives what are no sorted unique rows.
    """
    rows = rows_of(sampler, request)
    scores = None if request.scores is None else request.scores[rows].astype(np.float32)
    return Selection(sampler=sampler.name, rows=rows, pts_us=request.pts_us[rows], scores=scores)


def rows_of(sampler: Sampler, request: Request) -> Rows:
    """The rows that a sampler gives.

    Raises:
        UsageError: as `run`.
    """
    rows = np.asarray(sampler.rows(request))
    whole = rows.ndim == 1 and rows.dtype == np.int64
    if not whole or (np.diff(rows) <= 0).any() or (len(rows) and not 0 <= rows[0] <= rows[-1] < request.n):
        raise UsageError(
            f"sampler {sampler.name!r}: expected sorted unique rows, int64 from 0 to {request.n - 1}, got {rows}"
        )
    return rows


def select(
    name: str,
    scores: ArrayLike | None = None,
    *,
    budget: int,
    pts_us: ArrayLike | None = None,
    embeddings: ArrayLike | None = None,
    prompt: ArrayLike | None = None,
    evidence_us: ArrayLike | None = None,
    seed: int = 0,
    video: str = "",
    question: str = "",
    variant: str = "",
    **parameters: Value,
) -> Selection:
    """Choose frames of one video for one prompt.

    Args:
        name: a sampler of `samplers()`.
        scores: (n,) a finite score per frame; samplers that look at none need only `pts_us`.
        budget: frames wanted, >= 1.
        pts_us: (n,) integer microseconds, strictly increasing; the row numbers where not given.
        embeddings: (n, d) unit vectors, for samplers that compare frames.
        prompt: (d,) unit vector, for samplers that read the prompt itself.
        evidence_us: (m, 2) first and last timestamp of each interval in which the answer can be seen, for "oracle-evidence".
        seed: of the samplers that draw.
        video: with `question` and `variant` part of the draw, so that each (video, question, variant) draws on its own.
        question: question id.
        variant: prompt variant.
        **parameters: of the sampler.

    Returns:
        Selection with unique sorted rows: min(budget, n) of them from a keyframe sampler.

    Raises:
        UsageError: unknown sampler or parameter, budget below 1, NaN, or lengths that do not agree.
    """
    sampler = make_sampler(name, **parameters)
    checked = _scores(scores)
    if checked is None and pts_us is None:
        raise UsageError("select: give scores, or pts_us for a sampler that needs none")
    n = len(checked) if checked is not None else len(np.asarray(pts_us))
    times = np.arange(n, dtype=np.int64) if pts_us is None else np.array(pts_us, dtype=np.int64)
    vectors = _rows_of("embeddings", embeddings, n)
    return run(
        sampler,
        Request(
            pts_us=_checked_times(times, n),
            budget=check_budget(budget),
            draw=DrawKey(seed=seed, video=video, question=question, variant=variant, sampler=name),
            scores=checked,
            embeddings=vectors,
            prompt=_prompt(prompt, vectors),
            evidence_us=_evidence(evidence_us),
        ),
    )


def check_budget(budget: int) -> int:
    """The budget itself.

    Raises:
        UsageError: below 1, or more than any index holds.
    """
    if isinstance(budget, bool) or not isinstance(budget, int | np.integer) or not 1 <= budget <= BUDGET_MAX:
        raise UsageError(f"budget: expected a whole number of frames from 1 to {BUDGET_MAX}, got {budget!r}")
    return int(budget)


def _scores(scores: ArrayLike | None) -> Scores | None:
    if scores is None:
        return None
    array = np.asarray(scores, dtype=np.float64)
    if array.ndim != 1:
        raise UsageError(f"scores: expected one score per frame, shape (n,), got {array.shape}")
    bad = np.flatnonzero(~np.isfinite(array))
    if len(bad):
        raise UsageError(f"scores: expected finite numbers, got {array[bad[0]]} at row {bad[0]} ({len(bad)} such rows)")
    return array


def _checked_times(pts_us: np.ndarray, n: int) -> np.ndarray:
    if pts_us.shape != (n,) or n == 0:
        raise UsageError(f"pts_us: expected one timestamp per frame, shape ({n},) with n >= 1, got {pts_us.shape}")
    if (np.diff(pts_us) <= 0).any():
        raise UsageError("pts_us: expected strictly increasing timestamps")
    return pts_us


def _rows_of(subject: str, rows: ArrayLike | None, n: int) -> np.ndarray | None:
    if rows is None:
        return None
    array = np.asarray(rows, dtype=np.float32)
    if array.ndim != 2 or len(array) != n:
        raise UsageError(f"{subject}: expected shape ({n}, d), got {array.shape}")
    bad = np.flatnonzero(~np.isfinite(array).all(axis=1))
    if len(bad):
        raise UsageError(f"{subject}: expected finite numbers, got others at row {bad[0]} ({len(bad)} such rows)")
    return array


def _prompt(prompt: ArrayLike | None, embeddings: np.ndarray | None) -> np.ndarray | None:
    if prompt is None:
        return None
    array = np.asarray(prompt, dtype=np.float32)
    shape = "(d,)" if embeddings is None else f"({embeddings.shape[1]},)"
    if array.ndim != 1 or (embeddings is not None and array.shape != embeddings.shape[1:]):
        raise UsageError(f"prompt: expected one vector, shape {shape}, got {array.shape}")
    if not np.isfinite(array).all():
        raise UsageError("prompt: expected finite numbers")
    return array


def _evidence(evidence_us: ArrayLike | None) -> np.ndarray | None:
    if evidence_us is None:
        return None
    array = np.asarray(evidence_us)
    if (
        array.ndim != 2
        or array.shape[1] != 2
        or not np.issubdtype(array.dtype, np.integer)
        or (np.diff(array) < 0).any()
    ):
        raise UsageError(
            f"evidence_us: expected integer microseconds (m, 2), first <= last, got {array.dtype} {array.shape}"
        )
    return array.astype(np.int64)
