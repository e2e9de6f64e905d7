"""Kernels in C++ (engine/native); built into the wheel."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

def simd_level() -> str:
    """The best level that this processor runs: "avx512", "avx2" (with FMA and F16C) or "portable"."""

def scores_f16(
    prompts: NDArray[np.float32], matrix: NDArray[np.float16], *, threads: int, level: str = ""
) -> NDArray[np.float32]:
    """Inner products of every prompt with every row of `matrix`: `look_up` of one video, scores alone.

    Args:
        prompts: float32 (m, d), C-contiguous, aligned.
        matrix: float16 (n, d), C-contiguous, at any byte address.
        threads: upper bound; small work runs on fewer.
        level: "portable", "avx2" or "avx512"; empty takes `simd_level()`.

    Returns:
        float32 (m, n).

    Raises:
        TypeError: another dtype, or no array.
        ValueError: not two dimensions, not C-contiguous, prompts unaligned, the two d differ, `threads` < 1, or `level` is
            unknown or not run by this processor.
    """

def look_up(
    prompts: Sequence[NDArray[np.float32]],
    frames: Sequence[NDArray[Any]],
    *,
    threads: int,
    scores: bool = True,
    k: int = 0,
    statistics: bool = False,
    window_length: int = 0,
    window_stride: int = 1,
    level: str = "",
) -> tuple[
    NDArray[np.float32] | None,
    NDArray[np.float32] | None,
    NDArray[np.int64] | None,
    NDArray[np.float32] | None,
    NDArray[np.float32] | None,
    NDArray[np.float32] | None,
    int,
]:
    """Inner products of each video's prompts with its frames, accumulated in float32, and what is made of them.

    A score is the same bit for bit whatever the other prompts, frames and videos and `threads`, and on avx2 and avx512. The
    GIL is released.

    Args:
        prompts: of each video, float32 (m, d), C-contiguous, aligned; m and d may differ between videos.
        frames: of each video, float16 or float32 (n, d), C-contiguous, at any byte address.
        threads: upper bound; small work runs on fewer.
        scores: whether all scores are given.
        k: best frames per prompt, cut to n; 0 for none.
        statistics: whether maxima and means are given, for videos of n >= 1.
        window_length: frames of a window whose maxima are given; 0 for none.
        window_stride: frames between the starts of windows; the last one is moved back to end with the video.
        level: "portable", "avx2" or "avx512"; empty takes `simd_level()`.

    Returns:
        Each None where not asked for, else flat, videos one after the other: scores (m × n of each); the best scores (m ×
        min(k, n)), best first, of equal ones the earlier frame first; their frames, int64; maxima (m); means (m), summed in
        float64; maxima of windows (m × windows; none where n = 0). Last the first video with a score that is no number, or -1;
        what else is said of such a video is unspecified.

    Raises:
        TypeError: another dtype, or no array; the message says of which video.
        ValueError: numbers of videos or widths that differ, not two dimensions, not C-contiguous, prompts unaligned, or an
            option out of range.
    """

def select_many(
    *,
    samplers: Sequence[dict[str, Any]],
    budgets: Sequence[int],
    shapes: NDArray[np.int64],
    pts_us: Sequence[NDArray[np.int64]] | None,
    scores: Sequence[NDArray[Any]] | None,
    embeddings: Sequence[NDArray[Any]] | None,
    videos: Sequence[str] | None,
    questions: Sequence[Sequence[str]] | None,
    variants: Sequence[Sequence[str]] | None,
    seeds: Sequence[str],
    draws: Sequence[str],
    threads: int,
    level: str = "",
) -> tuple[NDArray[np.int32], NDArray[np.int64], int, int]:
    """Selections of samplers × budgets × seeds over every prompt's curve: the rules of framedex.select, the same rows.

    The same whatever `threads` and, but for mmr, whose cosines are those of `look_up`, whatever `level`. The GIL is released.

    Args:
        samplers: each a rule with its parameters (framedex.select.native).
        budgets: each >= 1.
        shapes: int64 (videos, 2), prompts m and frames n of each, n from 1 to 2^31 - 1.
        pts_us: of each video, int64 (n,), strictly increasing, which is all that is looked at.
        scores: of each video, float32 or float64 (m, n), C-contiguous, aligned; None where no sampler reads any.
        embeddings: of each video, float16 or float32 (n, d), C-contiguous, at any byte address; likewise.
        videos: of each its key, part of each draw, as are the other two; "" where None. Not looked at where nothing draws.
        questions: of each video, for each prompt the question's id.
        variants: of each video, for each prompt its variant.
        seeds: as JSON.
        draws: names of samplers as JSON; rules say which one they draw as.
        threads: upper bound; small work runs on fewer.
        level: "portable", "avx2" or "avx512"; empty takes `simd_level()`.

    Returns:
        Rows of all selections by video, prompt, sampler, budget and seed; offsets (selections + 1,) into them; the first curve,
        of all videos, with a score that is no number, or -1; the first video with a vector that is none, or -1. Where there is
        either, rows and offsets are unspecified.

    Raises:
        TypeError: another dtype, or no array; the message says of which video.
        ValueError: a rule that there is not, shapes that differ, or an option out of range.
    """
