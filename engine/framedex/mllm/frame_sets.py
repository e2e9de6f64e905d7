"""Asks by the frames that they show: what is read once for all of them, and what of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from framedex.contracts import Pixels
from framedex.mllm.base import Answer, Ask, PreparedFrames
from framedex.mllm.family import Family, Shown
from framedex.mllm.tokens import Ids, Prompt, PromptReader


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Seen:
    """Frames of some ask, their keys, and how they stand in a prompt."""

    frames: PreparedFrames
    keys: tuple[str, ...]
    shown: Shown


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FrameSet:
    """What is asked about one set of frames; grows while asks are sorted.

    Attributes:
        seen: the frames; None for none.
        prefix: ids before the questions; () for no frames.
        rows: which ask each prompt is of.
        prompts: the questions.
    """

    seen: Seen | None
    prefix: Ids
    rows: list[int] = field(default_factory=list)
    prompts: list[Prompt] = field(default_factory=list)

    @property
    def keys(self) -> tuple[str, ...]:
        """Of its frames."""
        return () if self.seen is None else self.seen.keys

    def asked(self, *, writes: bool) -> Iterator[tuple[int, Prompt]]:
        """Its prompts whose answers are written, or scored, each with the row of its ask."""
        return ((row, prompt) for row, prompt in zip(self.rows, self.prompts, strict=True) if prompt.writes is writes)

    def pictures(self) -> Iterator[tuple[str, Pixels]]:
        """Its frames by key."""
        if self.seen is not None:
            yield from zip(self.seen.keys, self.seen.frames.pixels, strict=True)


def by_frames(asks: Sequence[Ask], family: Family, reader: PromptReader) -> tuple[list[FrameSet], dict[int, Answer]]:
    """Sort asks by what they show.

    Returns:
        The sets in the order in which they come up, and by row the answers to asks that cannot be put to the model.

    Raises:
        ValueError: frames are not of this model's size.
    """
    seen: dict[int, Seen] = {}  # by identity: the same object need not be looked at twice
    sets: dict[tuple[Ids, tuple[str, ...]], FrameSet] = {}
    refused: dict[int, Answer] = {}
    for row, ask in enumerate(asks):
        frames = ask.frames
        if frames is not None and id(frames) not in seen:
            family.check(frames)
            seen[id(frames)] = Seen(frames=frames, keys=frames.keys(), shown=family.shown(frames))
        mine = None if frames is None else seen[id(frames)]
        prompt = reader.read(ask, None if mine is None else mine.shown)
        if isinstance(prompt, Answer):
            refused[row] = prompt
            continue
        key = (prompt.prefix, () if mine is None else mine.keys)
        frame_set = sets.setdefault(key, FrameSet(seen=mine, prefix=prompt.prefix))
        frame_set.rows.append(row)
        frame_set.prompts.append(prompt)
    return list(sets.values()), refused
