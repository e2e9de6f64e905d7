"""From what a model read to answers: log-probabilities of options and letters, and the time that each answer took."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from framedex.mllm.base import Answer
from framedex.mllm.branches import Branch
from framedex.mllm.frame_sets import FrameSet
from framedex.mllm.greedy import GreedyRules
from framedex.mllm.options import Limits
from framedex.mllm.reading import Reading, ReadTree


def answers_of(
    reading: Reading,
    batch: Sequence[FrameSet],
    to_come: Sequence[FrameSet],
    *,
    limits: Limits,
    greedy: GreedyRules,
) -> dict[int, tuple[Answer, list[int] | None]]:
    """Answers to all that is asked about some sets of frames.

    Args:
        reading: the model.
        batch: sets that are read together.
        to_come: sets that follow.
        limits: how much at a time.
        greedy: how answers are written.

    Returns:
        By row the answer, and the tokens that were written; None where none were.
    """
    visual = reading.see(batch, to_come, limits)
    seen = time.perf_counter()
    prefix = reading.prefill(batch, visual)
    prefilled = time.perf_counter()
    answers: dict[int, tuple[Answer, list[int] | None]] = {}
    weights: dict[int, int] = {}
    for read in chain(reading.trees(batch, prefix, limits), reading.write(batch, prefix, limits, greedy=greedy)):
        words = read.written or (None,) * len(read.tree.branches)
        for branch, totals, ids in zip(read.tree.branches, _totals(reading, read), words, strict=True):
            answers[branch.row] = (_answer(branch, totals), ids)
            weights[branch.row] = len(branch.prompt.suffix) + sum(branch.prompt.option_tokens) + len(ids or ())
    answer_s = (time.perf_counter() - prefilled) / sum(weights.values())
    prefill_s = _shares(prefilled - seen, [len(frame_set.prefix) for frame_set in batch])
    for frame_set, prefill in zip(batch, prefill_s, strict=True):
        n, tower = len(frame_set.rows), reading.tower_s(frame_set)
        for row in frame_set.rows:
            answer, ids = answers[row]
            times = (tower / n, prefill / n, answer_s * weights[row])
            answers[row] = (
                replace(answer, tower_time_s=times[0], prefill_time_s=times[1], answer_time_s=times[2]),
                ids,
            )
    return answers


def logits_of(
    reading: Reading, batch: Sequence[FrameSet], to_come: Sequence[FrameSet], *, limits: Limits
) -> dict[int, NDArray[np.float32]]:
    """By row the logits, float32 (vocabulary,), of the token after each scored prompt about some sets of frames."""
    prefix = reading.prefill(batch, reading.see(batch, to_come, limits))
    logits: dict[int, NDArray[np.float32]] = {}
    for read in reading.trees(batch, prefix, limits):
        branches = read.tree.branches
        leaves = reading.language.logits(read.hidden[[branch.leaf for branch in branches]])
        logits.update(zip((branch.row for branch in branches), leaves.cpu().numpy(), strict=True))
    return logits


def _totals(reading: Reading, read: ReadTree) -> Iterator[tuple[float, ...]]:
    """Log-probabilities of the options of each branch."""
    branches = read.tree.branches
    nodes = [list(chain.from_iterable(branch.nodes)) for branch in branches]
    tokens = chain.from_iterable(chain.from_iterable(branch.tokens) for branch in branches)
    logprobs = reading.language.logprobs(read.hidden, list(chain.from_iterable(nodes)), list(tokens))
    ends = np.cumsum([len(each) for each in nodes])
    for branch, mine in zip(branches, np.split(logprobs, ends[:-1]), strict=True):
        yield branch.totals(mine)


def _answer(branch: Branch, totals: tuple[float, ...]) -> Answer:
    return Answer(
        choice=int(np.argmax(totals)) if totals else None,
        option_logprobs=totals,
        option_tokens=branch.prompt.option_tokens,
        prompt_tokens=len(branch.prompt),
    )


def _shares(total_s: float, weights: Sequence[int]) -> list[float]:
    """A batch's time by each set's part in it; 0 for all where none has one."""
    whole = sum(weights)
    return [total_s * weight / whole if whole else 0.0 for weight in weights]
