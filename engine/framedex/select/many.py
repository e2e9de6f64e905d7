"""Every selection of many videos in one call: samplers × budgets × seeds over all prompts' curves, arrays in and out."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final

import numpy as np

from framedex import _native
from framedex.contracts import Pts, Vectors
from framedex.errors import UsageError
from framedex.keys import canonical_json
from framedex.score.base import View
from framedex.select import native, read_sampler
from framedex.select.base import DrawKey, Intervals, Request, Rows, Sampler
from framedex.select.checked import check_budget, check_items, check_seed, check_whole
from framedex.select.given import Curves, Given
from framedex.select.parameters import check_kind
from framedex.select.picks import Picks, beside_each_other
from framedex.select.together import rows_together

#: More is a slip: threads beyond the machine's only wait for each other.
_THREADS_MAX: Final = 1024


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
    threads = check_whole("threads", threads, first=1, last=_THREADS_MAX)
    rules = tuple(_sampler(sampler) for sampler in check_items("samplers", samplers, "samplers"))
    wanted = tuple(check_budget(budget) for budget in check_items("budgets", budgets, "whole numbers"))
    drawn = tuple(check_seed(seed) for seed in check_items("seeds", seeds, "whole numbers"))
    if not rules or not wanted or not drawn:
        raise UsageError(
            f"select_many: expected a sampler, a budget and a seed or more, got {len(rules)}, {len(wanted)}, {len(drawn)}"
        )
    given = Given(
        scores=scores,
        pts_us=pts_us,
        embeddings=embeddings,
        prompts=prompts,
        evidence_us=evidence_us,
        videos=videos,
        questions=questions,
        variants=variants,
    )
    known = native.NativeRules(rules)
    found = _by_native(given, known, rules, wanted, drawn, threads)
    others = [position for position in range(len(rules)) if position not in known.positions]
    if not others:
        return found
    by_python = _by_python(given, [rules[position] for position in others], wanted, drawn, threads)
    return beside_each_other([(known.positions, found), (others, by_python)], rules)


def _sampler(sampler: Sampler | str) -> Sampler:
    if isinstance(sampler, str):
        return read_sampler(sampler)
    check_kind(type(sampler))
    return sampler


def _by_native(
    given: Given,
    known: native.NativeRules,
    rules: Sequence[Sampler],
    budgets: tuple[int, ...],
    seeds: tuple[int, ...],
    threads: int,
) -> Picks:
    """The samplers that the native core knows, all in one call, which also checks the scores of all others."""
    samplers = tuple(rules[position] for position in known.positions)
    nothing = Request(pts_us=np.zeros(1, np.int64), budget=1, draw=DrawKey())
    for sampler, rule in zip(samplers, known.rules, strict=True):
        if given.scores is None and native.reads_scores(rule):
            nothing.need_scores(sampler.name)
        if given.embeddings is None and rule["rule"] == "mmr":
            nothing.need_embeddings(sampler.name)
    try:
        values, offsets, wrong_curve, wrong_video = _native.select_many(
            samplers=known.rules,
            budgets=list(budgets),
            shapes=given.shapes,
            pts_us=given.pts_us,
            scores=given.scores,
            embeddings=given.embeddings if any(rule["rule"] == "mmr" for rule in known.rules) else None,
            videos=given.videos,
            questions=given.questions,
            variants=given.variants,
            seeds=[canonical_json(seed) for seed in seeds],
            draws=known.draws,
            threads=threads,
        )
    except (TypeError, ValueError) as error:
        raise UsageError(str(error)) from error
    if wrong_curve >= 0:
        raise given.no_numbers(wrong_curve)
    if wrong_video >= 0:
        raise given.no_vectors(wrong_video)
    return Picks(values=values, offsets=offsets, shapes=given.shapes, samplers=samplers, budgets=budgets, seeds=seeds)


def _by_python(
    given: Given, samplers: Sequence[Sampler], budgets: tuple[int, ...], seeds: tuple[int, ...], threads: int
) -> Picks:
    """Every other sampler, video by video."""
    given.check_what_others_read(samplers)
    videos = range(len(given.shapes))

    def of_video(video: int) -> list[Rows]:
        return _of_video(given, video, samplers, budgets, seeds)

    if min(threads, len(videos)) > 1:
        with ThreadPoolExecutor(min(threads, len(videos))) as pool:
            parts = [part for of in pool.map(of_video, videos) for part in of]
    else:
        parts = [part for video in videos for part in of_video(video)]
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum([len(part) for part in parts], dtype=np.int64)])
    values = np.concatenate(parts).astype(np.int32) if parts else np.zeros(0, np.int32)
    return Picks(
        values=values, offsets=offsets, shapes=given.shapes, samplers=tuple(samplers), budgets=budgets, seeds=seeds
    )


def _of_video(
    given: Given, video: int, samplers: Sequence[Sampler], budgets: tuple[int, ...], seeds: tuple[int, ...]
) -> list[Rows]:
    """The rows of every prompt × sampler × budget × seed of a video."""
    prompts = list(given.requests(video))
    by_sampler = []
    for sampler in samplers if prompts else ():
        draws = [[replace(each.draw, seed=seed, sampler=sampler.name) for seed in seeds] for each in prompts]
        asked = [
            replace(prompt, budget=budget, draw=draw)
            for prompt, of_prompt in zip(prompts, draws, strict=True)
            for budget in budgets
            for draw in of_prompt
        ]
        by_sampler.append(rows_together(sampler, asked))
    each = len(budgets) * len(seeds)
    return [
        rows
        for first in range(0, len(prompts) * each, each)
        for found in by_sampler
        for rows in found[first : first + each]
    ]
