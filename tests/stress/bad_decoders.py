"""Decoders that fail in the ways in which native code fails: each on files whose name contains "bad", else it is PyAV's.

`framedex index --decoder bad_decoders:NAME` finds them where PYTHONPATH holds this folder.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

from framedex.contracts import FrameBatch, Timing
from framedex.decode.base import Decoder, Progress, VideoReader, VideoSource
from framedex.decode.grids import Grid
from framedex.decode.pyav import PyAVReader

_WITH_LOCK = ctypes.PyDLL(None)  # calls keep the interpreter's lock: nothing else in the process runs meanwhile
_WITHOUT_LOCK = ctypes.CDLL(None)
_NAP_S = 0.005


def _bad_on_opening(misbehave: Callable[[Progress], None]) -> Decoder:
    def decoder(source: VideoSource, *, threads: int, progress: Progress) -> VideoReader:
        if "bad" in source.path.name:
            misbehave(progress)
        return PyAVReader(source, threads=threads, progress=progress)

    return decoder


def _bad_inside(misbehave: Callable[[Progress], None]) -> Decoder:
    """After the first frames of the video have been handed over."""

    class Reader(PyAVReader):
        def frames(self, *grids: Grid, timing: Timing = "container", everything: bool = False) -> Iterator[FrameBatch]:
            for batch in super().frames(*grids, timing=timing, everything=everything):
                yield batch
                if "bad" in self._path.name:
                    misbehave(self._progress)

    return Reader


def _hang_with_lock(_: Progress) -> None:
    _WITH_LOCK.pause()


def _hang_without_lock(_: Progress) -> None:
    _WITHOUT_LOCK.pause()


def _hang_deaf(_: Progress) -> None:
    """Hear no signal that can be kept out."""
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    while True:
        _WITH_LOCK.pause()


def _stop(_: Progress) -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def _hang_with_child(_: Progress) -> None:
    """A program that the decoder started outlives it, unless somebody sees to it."""
    subprocess.Popen(["sleep", "600"])
    _WITHOUT_LOCK.pause()


def _segfault(_: Progress) -> None:
    ctypes.string_at(8)


def _abort(_: Progress) -> None:
    os.abort()


def _leave(_: Progress) -> None:
    os._exit(3)


def _leave_quietly(_: Progress) -> None:
    os._exit(0)


def _system_exit(_: Progress) -> None:
    sys.exit("decoder: giving up")


def _raise(_: Progress) -> None:
    raise RuntimeError("the decoder's tables\nare inconsistent")


def _thread_raises(_: Progress) -> None:
    """A thread of the decoder dies, and the decoder waits for it for ever."""
    threading.excepthook = lambda _: None
    threading.Thread(target=lambda: 1 / 0).start()
    threading.Event().wait()


def _grow(progress: Progress) -> None:
    """Touch every page, and tell of progress, as a decoder with a leak would; 40 GiB at most, should nobody stop it."""
    held = []
    for _ in range(40 * 64):
        held.append(b"\xff" * (16 << 20))
        progress()
        time.sleep(_NAP_S)


def _grow_at_once(_: Progress) -> None:
    """Ask for more than there is in one piece, and touch it."""
    held = bytearray(12 << 30)
    held[:: 1 << 12] = b"\xff" * len(held[:: 1 << 12])


def _endless_progress(progress: Progress) -> None:
    while True:
        progress()
        time.sleep(_NAP_S)


def _print_garbage(_: Progress) -> None:
    for handle in (1, 2):
        os.write(handle, b"\x00\xff{]\x1b[31mgarbage\r\n" * 2000)
    print("more of it", "\N{SNOWMAN}")


hangs_with_lock = _bad_on_opening(_hang_with_lock)
hangs_without_lock = _bad_on_opening(_hang_without_lock)
hangs_inside = _bad_inside(_hang_with_lock)
hangs_deaf = _bad_on_opening(_hang_deaf)
stops = _bad_on_opening(_stop)
hangs_with_child = _bad_on_opening(_hang_with_child)
waits_for_dead_thread = _bad_inside(_thread_raises)
segfaults = _bad_on_opening(_segfault)
segfaults_inside = _bad_inside(_segfault)
aborts = _bad_on_opening(_abort)
leaves = _bad_on_opening(_leave)
leaves_quietly = _bad_inside(_leave_quietly)
exits = _bad_on_opening(_system_exit)
raises = _bad_on_opening(_raise)
raises_inside = _bad_inside(_raise)
grows = _bad_inside(_grow)
grows_at_once = _bad_on_opening(_grow_at_once)
never_ends = _bad_inside(_endless_progress)
prints_garbage = _bad_on_opening(_print_garbage)
