"""Sets of frames and their questions through the model: tower, prefixes, trees; every step is counted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import torch

from framedex.mllm.branches import Tree, grown
from framedex.mllm.family import Family
from framedex.mllm.frame_sets import FrameSet
from framedex.mllm.greedy import GreedyRules
from framedex.mllm.language import Growing, LanguageModel, Prefix
from framedex.mllm.options import Limits
from framedex.mllm.tokens import WRITTEN_TOKENS
from framedex.mllm.visual import VisualTokens
from framedex.mllm.work import Work
from framedex.mllm.writing import written

#: Every token of a tree is compared with every other, though few see each other: beyond so many, another forward costs less.
TREE_TOKENS = 4096


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReadTree:
    """A tree that was read.

    Attributes:
        tree: the tree.
        hidden: (nodes, hidden), last hidden states.
        written: of each branch, the tokens of its answer; () where none is written.
    """

    tree: Tree
    hidden: torch.Tensor
    written: tuple[list[int], ...] = ()


class Reading:
    """A model that reads.

    Args:
        family: loaded.
        language: its language model.
        visual: its tower.
    """

    def __init__(self, family: Family, language: LanguageModel, visual: VisualTokens) -> None:
        self._family = family
        self._language = language
        self._visual = visual
        self._work = Work()

    @property
    def language(self) -> LanguageModel:
        """The language model."""
        return self._language

    @property
    def work(self) -> Work:
        """What was read so far."""
        return replace(self._work, tower_frames=self._visual.frames, read_frames=self._visual.frames_read)

    @torch.inference_mode()
    def see(self, batch: Sequence[FrameSet], to_come: Sequence[FrameSet], limits: Limits) -> list[torch.Tensor]:
        """Pass the frames that are not known yet through the tower.

        Args:
            batch: sets, all with frames or all without.
            to_come: sets that follow.
            limits: frames at a time.

        Returns:
            What stands at the placeholders of each set with frames, on the model's device.
        """
        pictures = dict(chain.from_iterable(frame_set.pictures() for frame_set in batch))
        ahead = chain.from_iterable(frame_set.pictures() for frame_set in to_come)
        tokens = self._visual.of(pictures, to_come=ahead, at_once=limits.frames)
        return [
            self._family.visual([self._language.put(tokens[key]) for key in frame_set.keys], frame_set.seen.shown)
            for frame_set in batch
            if frame_set.seen is not None
        ]

    @property
    def token_prices(self) -> str:
        """What visual tokens take from files and in the tower, in words; "" where that is not known."""
        return self._visual.prices.told

    def tower_s(self, frame_set: FrameSet) -> float:
        """Seconds that a set's frames took in the tower, told once."""
        return self._visual.seconds(frame_set.keys)

    def prefill(self, batch: Sequence[FrameSet], visual: Sequence[torch.Tensor]) -> Prefix | None:
        """Read what comes before the questions; None where nothing does."""
        if not visual:
            return None
        prefix = self._language.prefixes([frame_set.prefix for frame_set in batch], visual)
        self._work += Work(
            prefills=len(batch), forwards=1, prefix_tokens=sum(len(frame_set.prefix) for frame_set in batch)
        )
        return prefix

    def trees(self, batch: Sequence[FrameSet], prefix: Prefix | None, limits: Limits) -> Iterator[ReadTree]:
        """Read the questions whose answers are scored, as many of each set at a time as the limits let."""
        limit = max(1, min(limits.tokens, TREE_TOKENS) // len(batch))
        waiting = [grown(frame_set.asked(writes=False), limit=limit) for frame_set in batch]
        while any(waiting):
            numbers = [number for number, trees in enumerate(waiting) if trees]
            alone = prefix
            if prefix is not None and len(numbers) < len(batch):
                # Some sets have no more questions: the others go on one by one.
                numbers = numbers[:1]
                alone = prefix.row(numbers[0])
            trees = [waiting[number].pop(0) for number in numbers]
            hidden = self._language.trees(alone, [tree.tree for tree in trees])
            self._work += Work(forwards=1, suffix_tokens=sum(len(tree.tree) for tree in trees))
            for tree, states in zip(trees, hidden, strict=True):
                yield ReadTree(tree=tree, hidden=states)

    def write(
        self, batch: Sequence[FrameSet], prefix: Prefix | None, limits: Limits, *, greedy: GreedyRules
    ) -> Iterator[ReadTree]:
        """Read the questions whose answers are written, and write them.

        Args:
            batch: sets that `prefix` is of.
            prefix: of the batch.
            limits: tokens at a time.
            greedy: how they are written.
        """
        for number, frame_set in enumerate(batch):
            for tree in grown(frame_set.asked(writes=True), limit=min(limits.tokens, TREE_TOKENS)):
                growing = Growing(self._language, None if prefix is None else prefix.row(number))
                hidden, answers = written(growing, tree, before=frame_set.prefix, greedy=greedy, most=WRITTEN_TOKENS)
                self._work += Work(
                    forwards=growing.readings, written_forwards=growing.readings, suffix_tokens=len(tree.tree)
                )
                yield ReadTree(tree=tree, hidden=hidden, written=tuple(answers))

    def close(self) -> None:
        """Let go of all tokens."""
        self._visual.close()


def first_batch(sets: Sequence[FrameSet], *, tokens: int) -> Sequence[FrameSet]:
    """The sets at the front that are read together: those whose prefixes, padded, are `tokens` or fewer; one at least."""
    n, longest = 1, len(sets[0].prefix)
    if not longest:
        return sets[:1]
    while n < len(sets) and sets[n].prefix:
        longest = max(longest, len(sets[n].prefix))
        if (n + 1) * longest > tokens:
            break
        n += 1
    return sets[:n]
