"""Decoders that go wrong on files whose name says so, and are PyAV's on all others; named "bad_decoders:NAME"."""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from framedex.contracts import FrameBatch, Timing
from framedex.decode import Grid, VideoReader, VideoSource
from framedex.decode.pyav import PyAVReader

#: What a file's name has to hold.
BAD = "bad"


def _opened(
    source: VideoSource, threads: int, progress: Callable[[], None], go_wrong: Callable[[], None]
) -> VideoReader:
    if BAD in source.path.name:
        go_wrong()
    return PyAVReader(source, threads=threads, progress=progress)


def hangs(source: VideoSource, *, threads: int, progress: Callable[[], None]) -> VideoReader:
    """Hangs in native code and keeps the interpreter's lock, as a decoder of the field does."""
    return _opened(source, threads, progress, lambda: ctypes.PyDLL(None).pause())


def crashes(source: VideoSource, *, threads: int, progress: Callable[[], None]) -> VideoReader:
    """Reads an address that is nobody's."""

    def go_wrong() -> None:
        print("the decoder's last words", file=sys.stderr, flush=True)
        ctypes.string_at(0)

    return _opened(source, threads, progress, go_wrong)


def crashes_once(source: VideoSource, *, threads: int, progress: Callable[[], None]) -> VideoReader:
    """Crashes the first time, in the middle of the video's frames; a file beside the video says that it has."""
    trace = source.path.with_suffix(".crashed")
    if BAD not in source.path.name or trace.exists():
        return PyAVReader(source, threads=threads, progress=progress)
    trace.touch()
    left = 100

    def count() -> None:
        nonlocal left
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
        progress()

    return PyAVReader(source, threads=threads, progress=count)


def grows(source: VideoSource, *, threads: int, progress: Callable[[], None]) -> VideoReader:
    """Takes more and more memory, and calls that progress."""

    def go_wrong() -> None:
        held = []
        while len(held) < 100:
            held.append(b"x" * (100 << 20))
            progress()
            time.sleep(0.02)

    return _opened(source, threads, progress, go_wrong)


def never_ends(source: VideoSource, *, threads: int, progress: Callable[[], None]) -> VideoReader:
    """Makes progress for ever."""

    def go_wrong() -> None:
        while True:
            progress()
            time.sleep(0.001)

    return _opened(source, threads, progress, go_wrong)


class _Endless(PyAVReader):
    """Gives one picture after the other, all the same, for ever."""

    def frames(self, *grids: Grid, timing: Timing = "container", everything: bool = False) -> Iterator[FrameBatch]:
        for number in itertools.count():
            yield FrameBatch(pts_us=np.array([number]), frames=np.zeros((1, 32, 32, 3), np.uint8))


def gives_for_ever(source: VideoSource, *, threads: int, progress: Callable[[], None]) -> VideoReader:
    """Gives frames for ever, as fast as it can."""
    reader = _Endless if BAD in source.path.name else PyAVReader
    return reader(source, threads=threads, progress=progress)


def stops(source: VideoSource, *, threads: int, progress: Callable[[], None]) -> VideoReader:
    """Stops its own process, as SIGSTOP does."""
    return _opened(source, threads, progress, lambda: os.kill(os.getpid(), signal.SIGSTOP))


def is_at_fault(source: VideoSource, *, threads: int, progress: Callable[[], None]) -> VideoReader:
    """Raises what no decoder should."""

    def go_wrong() -> None:
        raise ZeroDivisionError("by nothing")

    return _opened(source, threads, progress, go_wrong)


def says_its_process(source: VideoSource, *, threads: int, progress: Callable[[], None]) -> VideoReader:
    """Leaves the number of its process in the video's folder, then waits for ever."""
    Path(source.path.with_suffix(".pid")).write_text(str(os.getpid()))
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            progress()
            time.sleep(0.01)
    return PyAVReader(source, threads=threads, progress=progress)
