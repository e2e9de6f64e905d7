"""The process that decodes: one input after another, into slots that its parent empties.

Started as `python -m framedex.ingest.worker SOCKET MEMORY PARENT`; it ends with its parent, whichever way that ends.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from framedex.contracts import Pixels
from framedex.decode import Grid, TowerReader, VideoSource, identify, passes
from framedex.errors import FramedexError, OverBudget
from framedex.ingest import messages
from framedex.ingest.channel import Channel
from framedex.ingest.dedupe import Repeats
from framedex.ingest.slots import Ring
from framedex.ingest.towers import open_towers

_PR_SET_PDEATHSIG = 1
#: Where memory runs out, the system should end a decoder and not the process that holds the work.
_OOM_SCORE = 500


class Worker:
    """Does jobs until the parent closes the channel."""

    def __init__(self, channel: Channel, ring: Ring, setup: messages.Setup) -> None:
        self._channel = channel
        self._ring = ring
        self._setup = setup
        self._free = list(range(setup.layout.slots))

    def run(self) -> None:
        """Do jobs, for ever."""
        self._send(messages.Ready())
        while True:
            job = self._receive()
            assert isinstance(job, messages.Job), job
            self._send(self._outcome(job))

    def _outcome(self, job: messages.Job) -> messages.Done | messages.Failed:
        try:
            source = identify(job.path, folder_fps=self._setup.folder_fps, progress=self._ring.tick)
            self._send(messages.Identified(source=source))
            answer = self._receive()
            assert isinstance(answer, messages.Decode), answer
            for group in answer.groups:
                self._decode(source, group, threads=job.threads)
        except MemoryError:
            return messages.Failed(
                error=OverBudget.__name__,
                reason=f"{job.path}: decoding it ran out of memory; free some, or convert the file",
            )
        except FramedexError as error:
            return messages.Failed(error=type(error).__name__, reason=str(error))
        except Exception as error:  # noqa: BLE001  # a fault of ours or of a library costs one video, not the run
            return messages.Failed(
                error=type(error).__name__,
                reason=f"{job.path}: unexpected {type(error).__name__}: {' '.join(str(error).split())}",
            )
        return messages.Done()

    def _decode(self, source: VideoSource, group: tuple[int, ...], *, threads: int) -> None:
        grids: Sequence[Grid] = [self._setup.grids[number] for number in group]
        with self._opened(source, threads) as reader:
            repeats = Repeats(tolerance=self._setup.tolerance)
            for item in passes(reader, *grids):
                self._ring.tick()
                if isinstance(item, str):
                    repeats = Repeats(tolerance=self._setup.tolerance)
                    self._send(messages.Begun(group=group, timing=item))
                else:
                    self._hand_over(item.pts_us.tolist(), item.pixels, repeats)
            self._send(messages.Ended(info=reader.info, summary=reader.summary))

    def _opened(self, source: VideoSource, threads: int) -> TowerReader:
        return open_towers(
            source,
            decoder=self._setup.decoder,
            image=self._setup.image,
            threads=threads,
            progress=self._ring.tick,
        )

    def _hand_over(self, times_us: Sequence[int], pixels: Pixels, repeats: Repeats) -> None:
        """Write the frames that are new into slots, and tell the parent of all of them."""
        done = 0
        while done < len(pixels):
            rows: list[int] = []
            slot: int | None = None
            n_new = 0
            for frame in pixels[done:]:
                if n_new == self._setup.layout.frames:
                    break
                row = repeats.row_of(frame)
                if row is None:
                    slot = self._take_slot() if slot is None else slot
                    self._ring.frames(slot)[n_new] = frame
                    n_new += 1
                rows.append(messages.NEW if row is None else row)
            self._send(
                messages.Frames(
                    slot=slot,
                    pts_us=np.array(times_us[done : done + len(rows)], dtype=np.int64),
                    repeats=np.array(rows, dtype=np.int64),
                )
            )
            self._ring.tick()
            done += len(rows)

    def _take_slot(self) -> int:
        if not self._free:
            began = time.monotonic_ns()
            while not self._free:
                self._freed(self._from_parent())
            self._ring.add_waited(time.monotonic_ns() - began)
            self._ring.tick()
        return self._free.pop()

    def _receive(self) -> object:
        while isinstance(message := self._from_parent(), messages.Release):
            self._freed(message)
        return message

    def _freed(self, message: object) -> None:
        assert isinstance(message, messages.Release), message
        self._free.append(message.slot)

    def _from_parent(self) -> object:
        try:
            return self._channel.receive()
        except EOFError:
            sys.exit()

    def _send(self, message: messages.FromWorker) -> None:
        try:
            self._channel.send(message)
        except OSError:
            sys.exit()


def die_with(parent: int) -> None:
    """End this process when the thread that started it ends, where the system can do that; and if it has ended already."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit()


def main() -> None:
    """Entry point of the process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all processes of a terminal; the parent ends this one
    end, memory, parent = map(int, sys.argv[1:])
    die_with(parent)
    channel = Channel(socket.socket(fileno=end))
    setup = channel.receive()
    assert isinstance(setup, messages.Setup), setup
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(str(_OOM_SCORE))
    ring = Ring(memory, setup.layout)
    os.close(memory)
    Worker(channel, ring, setup).run()


if __name__ == "__main__":
    main()
