"""Frames in memory that two processes share: a ring of slots, and what the parent reads of a worker that may no longer answer.

The memory has no name in any file system, so nothing of it is left however the processes end.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from dataclasses import dataclass

import numpy as np

from framedex.contracts import Pixels

#: Slots of a worker: one that is being filled, and enough that it can go on while the embedder is at a batch.
SLOTS = 4
SLOT_FRAMES = 16
#: Most bytes of the slots of all workers; where towers are large or workers many, slots hold fewer frames.
RINGS_NBYTES = 256 << 20

_HEADER_NBYTES = 64
_PROGRESS, _WAITED_NS = 0, 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotLayout:
    """What a ring looks like.

    Attributes:
        slots: how many, >= 2.
        frames: of one slot, >= 1.
        height: of a frame, in pixels.
        width: likewise.
    """

    slots: int
    frames: int
    height: int
    width: int

    @classmethod
    def fitting(cls, *, size: tuple[int, int], workers: int, nbytes: int = RINGS_NBYTES) -> SlotLayout:
        """The layout of each worker's ring, so that those of all `workers` take at most `nbytes`, where that is possible.

        Args:
            size: height and width of a frame.
            workers: how many rings there are.
            nbytes: for all of them.
        """
        frames = nbytes // (workers * 3 * size[0] * size[1])
        slots = min(SLOTS, max(2, frames))
        return cls(slots=slots, frames=min(SLOT_FRAMES, max(1, frames // slots)), height=size[0], width=size[1])

    @property
    def frame_nbytes(self) -> int:
        """Bytes of one frame."""
        return 3 * self.height * self.width

    @property
    def nbytes(self) -> int:
        """Bytes of the ring with its header."""
        return _HEADER_NBYTES + self.slots * self.frames * self.frame_nbytes


class Ring:
    """One worker's slots, and its counters; mapped by both processes, freed with the last view of it.

    Args:
        file: descriptor of `anonymous_file(layout.nbytes)`; may be closed afterwards.
        layout: what it looks like.
    """

    def __init__(self, file: int, layout: SlotLayout) -> None:
        shared = np.frombuffer(mmap.mmap(file, layout.nbytes), dtype=np.uint8)
        # Each counter has one writer, and an aligned number of eight bytes is never seen half written.
        self._counters = shared[:_HEADER_NBYTES].view(np.int64)
        self._frames = shared[_HEADER_NBYTES:].reshape(layout.slots, layout.frames, layout.height, layout.width, 3)

    def frames(self, slot: int) -> Pixels:
        """The frames of a slot: uint8 (frames, height, width, 3), a view."""
        frames: Pixels = self._frames[slot]
        return frames

    def tick(self) -> None:
        """Say that work goes on."""
        self._counters[_PROGRESS] += 1

    def add_waited(self, nanoseconds: int) -> None:
        """Count time spent waiting for a free slot."""
        self._counters[_WAITED_NS] += nanoseconds

    @property
    def progress(self) -> int:
        """A number that grows while work goes on."""
        return int(self._counters[_PROGRESS])

    @property
    def waited_s(self) -> float:
        """Seconds spent waiting for a free slot, in all."""
        return float(self._counters[_WAITED_NS]) / 1e9


def anonymous_file(nbytes: int) -> int:
    """Descriptor of a file without a name, in memory where the system can do that; for the caller to close.

    Raises:
        StorageError: the process may not have files of that size.
    """
    if hasattr(os, "memfd_create"):
        file = os.memfd_create("framedex")
    else:
        with tempfile.TemporaryFile() as temporary:
            file = os.dup(temporary.fileno())
    try:
        os.truncate(file, nbytes)
    except OSError as error:
        # Only here: it brings the store with it, which a decode process has no use for.
        from framedex.index.whole_file import storage_error

        os.close(file)
        raise storage_error("write", "the memory that decode processes share", error) from error
    return file
