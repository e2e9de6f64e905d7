"""Every selection of many videos in one call: samplers × budgets × seeds over all prompts' curves, arrays in and out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framedex.contracts import Pts, Vectors
from framedex.errors import UsageError
from framedex.score.base import View
from framedex.select import check_budget, make_sampler, parse_spec, rows_of
from framedex.select.base import DrawKey, Intervals, Request, Sampler
from framedex.select.picks import Picks

#: Curves of one video, (m, n): look-ups give the first, transforms the second.
Curves = NDArray[np.float32] | NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Videos:
    """What there is of the videos, by video; each None where it was not given. The attributes are those of `select_many`."""

    shapes: NDArray[np.int64]
    scores: Sequence[Curves] | None
    pts_us: Sequence[Pts] | None
    embeddings: Sequence[View] | None
    prompts: Sequence[Vectors] | None
    evidence_us: Sequence[Sequence[Intervals | None]] | None
    videos: Sequence[str] | None
    questions: Sequence[Sequence[str]] | None
    variants: Sequence[Sequence[str]] | None

    def requests(self, video: int) -> Iterator[Request]:
        """One request per prompt of a video, budget and draw still to be set."""
        m, n = self.shapes[video].tolist()
        pts_us = np.arange(n, dtype=np.int64) if self.pts_us is None else self.pts_us[video]
        embeddings = None if self.embeddings is None else np.asarray(self.embeddings[video], np.float32)
        for prompt in range(m):
            yield Request(
                pts_us=pts_us,
                budget=1,
                draw=DrawKey(
                    video="" if self.videos is None else self.videos[video],
                    question="" if self.questions is None else self.questions[video][prompt],
                    variant="" if self.variants is None else self.variants[video][prompt],
                ),
                scores=None if self.scores is None else np.asarray(self.scores[video][prompt], np.float64),
                embeddings=embeddings,
                prompt=None if self.prompts is None else self.prompts[video][prompt],
                evidence_us=None if self.evidence_us is None else self.evidence_us[video][prompt],
            )


def select_many(
    samplers: Sequence[Sampler | str],
    scores: Sequence[Curves] | None = None,
    *,
    budgets: Sequence[int],
    pts_us: Sequence[Pts] | None = None,
    embeddings: Sequence[View] | None = None,
    prompts: Sequence[Vectors] | None = None,
    evidence_us: Sequence[Sequence[Intervals | None]] | None = None,
    seeds: Sequence[int] = (0,),
    videos: Sequence[str] | None = None,
    questions: Sequence[Sequence[str]] | None = None,
    variants: Sequence[Sequence[str]] | None = None,
    threads: int = 1,
) -> Picks:
    """Choose frames of many videos, each for prompts of its own: what `select` chooses one by one, in one call.

    A video is so many frames and the curves over them; one whose prompts are scored on different frames is given as several. The
    selections do not depend on `threads`, nor on what else is asked for.

    Args:
        samplers: `make_sampler(…)`, or as on the command line: "top", "mmr:share=0.7".
        scores: of each video, float32 or float64 (m, n), finite: m prompts over n >= 1 frames. None for samplers that need none.
        budgets: frames wanted, each >= 1.
        pts_us: of each video, int64 (n,), strictly increasing; the row numbers where not given.
        embeddings: of each video, float16 or float32 (n, d) unit rows, C-contiguous, at any byte address, as
            `VideoIndex.vectors`.
        prompts: of each video, float32 (m, d) unit rows, for samplers that read the prompts themselves.
        evidence_us: of each video, for each prompt int64 (e, 2) or None, for "oracle-evidence".
        seeds: of the samplers that draw.
        videos: keys of the videos, part of each draw; "" where not given.
        questions: of each video, for each prompt the question's id; likewise.
        variants: of each video, for each prompt its variant; likewise.
        threads: most threads, >= 1; videos are shared between them.

    Returns:
        Picks: all selections, by video, prompt, sampler, budget and seed.

    Raises:
        UsageError: unknown sampler or parameter, budget below 1, NaN, shapes that do not agree, or a sampler without what it
            needs.
    """
    if threads < 1:
        raise UsageError(f"threads: expected 1 or more, got {threads}")
    if not samplers or not budgets or not seeds:
        raise UsageError(
            f"select_many: expected a sampler, a budget and a seed or more, got {len(samplers)}, {len(budgets)}, {len(seeds)}"
        )
    rules = tuple(_sampler(sampler) for sampler in samplers)
    wanted = tuple(check_budget(budget) for budget in budgets)
    given = Videos(
        shapes=_shapes(scores, pts_us, prompts, evidence_us, questions),
        scores=scores,
        pts_us=pts_us,
        embeddings=embeddings,
        prompts=prompts,
        evidence_us=evidence_us,
        videos=videos,
        questions=questions,
        variants=variants,
    )
    _check(given)
    parts = [
        rows_of(rule, replace(request, budget=budget, draw=replace(request.draw, seed=seed, sampler=rule.name)))
        for video in range(len(given.shapes))
        for request in given.requests(video)
        for rule in rules
        for budget in wanted
        for seed in seeds
    ]
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum([len(part) for part in parts], dtype=np.int64)])
    values = np.concatenate(parts).astype(np.int32) if parts else np.zeros(0, np.int32)
    return Picks(
        values=values, offsets=offsets, shapes=given.shapes, samplers=rules, budgets=wanted, seeds=tuple(seeds)
    )


def _sampler(sampler: Sampler | str) -> Sampler:
    if not isinstance(sampler, str):
        return sampler
    name, parameters = parse_spec(sampler)
    return make_sampler(name, **parameters)


def _shapes(
    scores: Sequence[Curves] | None,
    pts_us: Sequence[Pts] | None,
    prompts: Sequence[Vectors] | None,
    evidence_us: Sequence[Sequence[Intervals | None]] | None,
    questions: Sequence[Sequence[str]] | None,
) -> NDArray[np.int64]:
    """Prompts and frames of each video: of the scores, or where there are none of the first that has as many."""
    if scores is not None:
        _check_dimensions("scores", scores, 2)
        return np.array([each.shape for each in scores], np.int64).reshape(-1, 2)
    if pts_us is None:
        raise UsageError("select_many: give scores, or pts_us for samplers that need none")
    _check_dimensions("pts_us", pts_us, 1)
    by_prompt: Sequence[Any] | None = next(
        (each for each in (prompts, evidence_us, questions) if each is not None), None
    )
    if by_prompt is not None and len(by_prompt) != len(pts_us):
        raise UsageError(f"pts_us: expected one for each of {len(by_prompt)} videos, got {len(pts_us)}")
    counts = [1] * len(pts_us) if by_prompt is None else [len(each) for each in by_prompt]
    return np.array([(m, len(each)) for m, each in zip(counts, pts_us, strict=True)], np.int64).reshape(-1, 2)


def _check_dimensions(subject: str, arrays: Sequence[Any], ndim: int) -> None:
    wanted = {1: "(n,)", 2: "(m, n)"}[ndim]
    for video, array in enumerate(arrays):
        if not isinstance(array, np.ndarray) or array.ndim != ndim or not array.shape[-1]:
            got = f"{array.dtype} {array.shape}" if isinstance(array, np.ndarray) else f"a {type(array).__name__}"
            raise UsageError(f"{subject} of video {video}: expected an array {wanted} with n >= 1, got {got}")


def _check(given: Videos) -> None:
    count = len(given.shapes)
    by_video = ("scores", "pts_us", "embeddings", "prompts", "evidence_us", "videos", "questions", "variants")
    for subject in by_video:
        each: Sequence[Any] | None = getattr(given, subject)
        if each is not None and len(each) != count:
            raise UsageError(f"{subject}: expected one for each of {count} videos, got {len(each)}")
    for video, (m, n) in enumerate(given.shapes.tolist()):
        if given.scores is not None:
            _check_array(f"scores of video {video}", given.scores[video], (np.float32, np.float64), (m, n))
        if given.pts_us is not None:
            _check_array(f"pts_us of video {video}", given.pts_us[video], (np.int64,), (n,))
            if (np.diff(given.pts_us[video]) <= 0).any():
                raise UsageError(f"pts_us of video {video}: expected strictly increasing timestamps")
        width = None
        if given.embeddings is not None:
            _check_array(f"embeddings of video {video}", given.embeddings[video], (np.float16, np.float32), (n, None))
            width = given.embeddings[video].shape[1]
        if given.prompts is not None:
            _check_array(f"prompts of video {video}", given.prompts[video], (np.float32,), (m, width))
        for subject in ("evidence_us", "questions", "variants"):
            each = getattr(given, subject)
            if each is not None and len(each[video]) != m:
                raise UsageError(
                    f"{subject} of video {video}: expected one for each of {m} prompts, got {len(each[video])}"
                )
        for prompt, evidence in enumerate(given.evidence_us[video] if given.evidence_us is not None else ()):
            if evidence is not None:
                _check_array(f"evidence_us of video {video}, prompt {prompt}", evidence, (np.int64,), (None, 2))
                if (evidence[:, 0] > evidence[:, 1]).any():
                    raise UsageError(f"evidence_us of video {video}, prompt {prompt}: expected first <= last")


def _check_array(subject: str, array: Any, dtypes: tuple[type[np.generic], ...], shape: tuple[int | None, ...]) -> None:
    fits = isinstance(array, np.ndarray) and array.dtype in dtypes and array.ndim == len(shape)
    if not fits or any(want not in (None, got) for want, got in zip(shape, array.shape, strict=True)):
        kinds = " or ".join(np.dtype(dtype).name for dtype in dtypes)
        wanted = ", ".join("any" if want is None else str(want) for want in shape) + ("," if len(shape) == 1 else "")
        got = f"{array.dtype} {array.shape}" if isinstance(array, np.ndarray) else f"a {type(array).__name__}"
        raise UsageError(f"{subject}: expected {kinds} ({wanted}), got {got}")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        row = int(np.argwhere(~np.isfinite(array))[0, -1 if subject.startswith("scores") else 0])
        raise UsageError(f"{subject}: expected finite numbers, got others, the first at row {row}")
