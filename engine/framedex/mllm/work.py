"""What answering costs, in counts: frames in the tower, prefills, forwards, tokens."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Done or planned.

    Attributes:
        tower_frames: frames that pass the vision tower, those among them that pass only to time it as their tokens are in files.
        read_frames: frames whose tokens are read from files instead.
        prefills: sets of frames whose part of the prompt is read.
        forwards: calls of the language model, prefills included; sets that are read together are one.
        written_forwards: those of them that write answers, each a token of all answers about a set at most.
        prefix_tokens: tokens in prefills.
        suffix_tokens: tokens after the frames: questions and options, what they share counted once.
    """

    tower_frames: int = 0
    read_frames: int = 0
    prefills: int = 0
    forwards: int = 0
    written_forwards: int = 0
    prefix_tokens: int = 0
    suffix_tokens: int = 0

    def __add__(self, other: Work) -> Work:
        return Work(**{field.name: getattr(self, field.name) + getattr(other, field.name) for field in fields(self)})

    def __sub__(self, other: Work) -> Work:
        return Work(**{field.name: getattr(self, field.name) - getattr(other, field.name) for field in fields(self)})
