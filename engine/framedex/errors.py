"""One tree of errors: the class says who can fix it, and its exit code is the command's.

    FramedexError
    ├── UsageError        2   the caller: a wrong path, name, option or value
    ├── MissingDependency 3   the installation: an extra that is not there
    ├── InvalidData       4   the data: a store, artefact or manifest that does not hold
    │   ├── StoreError
    │   └── ArtefactError
    ├── DeviceError       5   the machine: an accelerator or runtime that fails
    ├── StorageError      6   the disk: full, read-only, locked
    └── VideoError        1   one input: quarantined, the others go on
        ├── NotAVideo
        ├── NoFrameRate
        ├── NoVideoStream
        ├── TruncatedVideo
        ├── DecodeFailed
        ├── OutsideVideo
        ├── WorkerLost
        ├── OverBudget
        ├── PlanFailed            not fatal: asks for a decode of everything
        └── TimestampsUnordered   not fatal: asks for a decode with reconstructed times

Exit code 0 means all done, 1 done with quarantined inputs, 130 interrupted by Ctrl-C, 143 by SIGTERM, 141 nobody reads what
is printed.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_FIRST_LINE = 200


class FramedexError(Exception):
    """Base of every error that a user can meet; `exit_code` is what the command line returns."""

    exit_code = 2


class UsageError(FramedexError):
    """The request cannot be carried out as it was put: a wrong path, name, option or value."""

    exit_code = 2


class MissingDependency(FramedexError):
    """An optional dependency is needed and not installed; the message names the extra."""

    exit_code = 3


class InvalidData(FramedexError):
    """Something on disk does not hold what its description says."""

    exit_code = 4


class StoreError(InvalidData):
    """A store, or a file in it, breaks docs/format.md."""


class ArtefactError(InvalidData):
    """An encoder artefact breaks its manifest."""


class DeviceError(FramedexError):
    """A device or runtime failed."""

    exit_code = 5


class StorageError(FramedexError):
    """The file system refused: full, read-only or locked."""

    exit_code = 6


class VideoError(FramedexError):
    """One video cannot be used; it is quarantined and the others go on."""

    exit_code = 1


class NotAVideo(VideoError):
    """The file is empty or no container that we read."""


class NoFrameRate(VideoError):
    """A folder of images, and nothing says how many of them a second has."""


class NoVideoStream(VideoError):
    """The container holds no video stream."""


class TruncatedVideo(VideoError):
    """The file ends before its container says it does."""


class DecodeFailed(VideoError):
    """The decoder gave up inside the stream, or gave no frame."""


class OutsideVideo(VideoError):
    """Times were asked for that the video does not have."""


class WorkerLost(VideoError):
    """The process that decoded the video died of it, again and again."""


class OverBudget(VideoError):
    """The decode hung, or took more time or memory than it may, and was ended."""


class PlanFailed(VideoError):
    """Decoding only the needed frames did not give them: decode everything instead."""


class TimestampsUnordered(VideoError):
    """The container's timestamps do not increase in output order: decode again with reconstructed times."""


def did_you_mean(got: str, known: Iterable[str]) -> str:
    """Say what exists, and the nearest of it: ``"exists: a, b; did you mean 'b'?"``."""
    names = sorted(known)
    near = difflib.get_close_matches(got, names, n=1, cutoff=0.5)
    exists = f"exists: {', '.join(names)}" if names else "none exists"
    return f"{exists}; did you mean {near[0]!r}?" if near else exists


def first_line(error: BaseException) -> str:
    """What a library's exception says first, of 200 characters at most; its class where it says nothing.

    Where its first line ends in a colon the reason is on the next, and both are given.
    """
    lines = [line.strip() for line in str(error).strip().splitlines()] or [type(error).__name__]
    line = " ".join(lines[:2]) if lines[0].endswith(":") else lines[0]
    return line if len(line) <= _FIRST_LINE else f"{line[: _FIRST_LINE - 1]}…"
