"""Five ways to get sampled frames of a clip, for bench/decode.py: ours and the peers.

Each gives (pts_us, RGB uint8 (H, W, 3)) of the wanted frames in order, from a file that it opens itself. Peers are told the
numbers of the wanted frames; ours is told the grid and finds them itself.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np

from framedex.contracts import Pixels
from framedex.decode import EveryGrid, FpsGrid, Grid, VideoSource, open_video, passes

Shown = tuple[int, Pixels]
#: Pictures that the libraries that answer in arrays are asked for at once: every picture of a clip does not fit into memory.
_AT_ONCE = 32
_REASON_LENGTH = 120


class PeerFailed(Exception):
    """A peer cannot read a clip."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Frames to get of one clip.

    Attributes:
        source: the clip, identified.
        width: of its pictures, pixels.
        height: likewise.
        grid: which frames, for ours.
        numbers: which frames, counted from 0 in the order in which they are shown, for the peers.
        times_us: their timestamps.
        stamps: their timestamps in units of the stream's time base.
    """

    source: VideoSource
    width: int
    height: int
    grid: Grid
    numbers: tuple[int, ...]
    times_us: tuple[int, ...]
    stamps: frozenset[int]


Peer = Callable[[Task, int], Iterator[Shown]]


def task_for(source: VideoSource, rate: Fraction | None) -> Task:
    """Resolve a grid on a clip's packets: the last frame at or before each of its points; None is every frame."""
    with av.open(str(source.path)) as container:
        stream = container.streams.video[0]
        time_base, width, height = stream.time_base, stream.width, stream.height
        stamps = sorted(packet.pts for packet in container.demux(stream) if packet.size and packet.pts is not None)
    assert time_base is not None
    times_s = [stamp * time_base for stamp in stamps]
    numbers = range(len(stamps))
    if rate is None:
        taken = list(numbers)
    else:
        points = range(int((times_s[-1] - times_s[0]) * rate) + 1)
        taken = sorted({bisect_right(times_s, times_s[0] + point / rate) - 1 for point in points})
    return Task(
        source=source,
        width=width,
        height=height,
        grid=EveryGrid(step=1) if rate is None else FpsGrid(fps=rate),
        numbers=tuple(taken),
        times_us=tuple(round(times_s[number] * 1_000_000) for number in taken),
        stamps=frozenset(stamps[number] for number in taken),
    )


def framedex_frames(task: Task, threads: int) -> Iterator[Shown]:
    """The engine's default decoder."""
    given = False
    with open_video(task.source, threads=threads) as reader:
        for item in passes(reader, task.grid):
            if isinstance(item, str):
                if given:
                    raise PeerFailed(f"{task.source.path.name}: batches were given and then made void")
            else:
                given = True
                yield from zip(item.pts_us.tolist(), item.frames, strict=True)


def pyav_frames(task: Task, threads: int) -> Iterator[Shown]:
    """PyAV, plainly: everything is decoded, the wanted frames are converted."""
    wanted = frozenset(task.numbers)
    with av.open(str(task.source.path)) as container:
        stream = container.streams.video[0]
        stream.thread_type, stream.thread_count = "AUTO", threads
        for number, frame in enumerate(container.decode(stream)):
            if number in wanted:
                assert frame.pts is not None
                assert frame.time_base is not None
                yield round(frame.pts * frame.time_base * 1_000_000), cast(Pixels, frame.to_ndarray(format="rgb24"))


def decord_frames(task: Task, threads: int) -> Iterator[Shown]:
    """Decord, frames by number."""
    import decord

    try:
        reader = decord.VideoReader(str(task.source.path), ctx=decord.cpu(0), num_threads=threads)
        for numbers in _chunks(task.numbers):
            pictures = reader.get_batch(list(numbers)).asnumpy()
            starts_s = reader.get_frame_timestamp(list(numbers))[:, 0]
            yield from zip(np.rint(starts_s.astype(np.float64) * 1e6).astype(int).tolist(), pictures, strict=True)
    except (decord.DECORDError, RuntimeError, IndexError) as error:
        raise PeerFailed(_reason(error, task.source.path)) from error


def torchcodec_frames(task: Task, threads: int) -> Iterator[Shown]:
    """TorchCodec, frames by number, found by its exact scan of the file."""
    from torchcodec.decoders import VideoDecoder

    try:
        decoder = VideoDecoder(task.source.path, dimension_order="NHWC", num_ffmpeg_threads=threads, seek_mode="exact")
        for numbers in _chunks(task.numbers):
            batch = decoder.get_frames_at(list(numbers))
            times_us = [round(seconds * 1_000_000) for seconds in batch.pts_seconds.tolist()]
            yield from zip(times_us, batch.data.numpy(), strict=True)
    except (RuntimeError, IndexError, ValueError) as error:
        raise PeerFailed(_reason(error, task.source.path)) from error


def ffmpeg_frames(task: Task, threads: int) -> Iterator[Shown]:
    """The ffmpeg command: the select filter picks the wanted frames by number, raw RGB comes through a pipe, without times."""
    command = ["ffmpeg", "-nostdin", "-v", "error", "-threads", str(threads), "-i", str(task.source.path)]
    step = task.numbers[1] - task.numbers[0] if len(task.numbers) > 1 else 0
    if step > 1 or len(task.numbers) == 1:
        command += ["-vf", f"select={'+'.join(f'eq(n,{number})' for number in task.numbers)}".replace(",", r"\,")]
    command += ["-map", "0:v:0", "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    nbytes = task.width * task.height * 3
    with subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=nbytes) as process:
        assert process.stdout is not None
        for time_us in task.times_us:
            data = process.stdout.read(nbytes)
            if len(data) < nbytes:
                break
            yield time_us, np.frombuffer(data, np.uint8).reshape(task.height, task.width, 3)
        rest = process.stdout.read()
    if rest or process.returncode:
        raise PeerFailed(f"{task.source.path.name}: ffmpeg ended with {process.returncode}, {len(rest)} bytes too many")


def peers() -> tuple[dict[str, Peer], dict[str, str]]:
    """The ways that are there, ours first, and for those that are not, why and what to do."""
    found: dict[str, Peer] = {"framedex": framedex_frames, "pyav": pyav_frames}
    absent: dict[str, str] = {}
    libraries: tuple[tuple[str, str, Peer], ...] = (
        ("decord", "decord", decord_frames),
        ("torchcodec", "torchcodec==0.13.*", torchcodec_frames),
    )
    for name, requirement, peer in libraries:
        problem = _import_problem(name)
        if problem is None:
            found[name] = peer
        else:
            absent[name] = f"{problem}; pip install '{requirement}'"
    if shutil.which("ffmpeg"):
        found["ffmpeg"] = ffmpeg_frames
    else:
        absent["ffmpeg"] = "no such command; install FFmpeg 5.1 or newer"
    return found, absent


def peer_versions() -> dict[str, str]:
    """Versions of what is there, for the record."""
    versions = {"av": av.__version__}
    for name in ("decord", "torchcodec", "torch"):
        if _import_problem(name) is None:
            versions[name] = str(__import__(name).__version__)
    if shutil.which("ffmpeg"):
        first = subprocess.run(["ffmpeg", "-version"], capture_output=True, text=True, check=True).stdout.splitlines()[
            0
        ]
        versions["ffmpeg"] = first.split()[2]
    return versions


def _import_problem(name: str) -> str | None:
    try:
        __import__(name)
    except ImportError:
        return "not installed"
    except (RuntimeError, OSError):  # TorchCodec's way to say that its FFmpeg or torch does not fit
        return "installed, but does not load its libraries"
    return None


def _chunks(numbers: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    for start in range(0, len(numbers), _AT_ONCE):
        yield numbers[start : start + _AT_ONCE]


def _reason(error: Exception, path: Path) -> str:
    """The first sentence of a library's message, without the places in its sources and the path of the clip."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    said = re.split(r"\.(?:cc|cpp):\d+[:,] *", lines[0])[-1].replace(f"[{path}]", "")
    return re.split(r"\.(?: [A-Z]|$)", said.replace(str(path), path.name))[0][:_REASON_LENGTH]


def clip_source(path: Path) -> VideoSource:
    """A clip as the engine wants it; its key plays no part here."""
    return VideoSource(path=path, key="0" * 32, nbytes=path.stat().st_size)
