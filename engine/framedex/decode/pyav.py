"""The decoder on PyAV, which carries FFmpeg: any container and codec of real files, on the CPU."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from fractions import Fraction
from typing import cast

import av
import numpy as np
from av.sidedata.sidedata import SideData
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from framedex.contracts import FrameBatch, Pixels, Timing
from framedex.decode.base import DecodeSummary, VideoInfo, VideoSource
from framedex.decode.batches import in_batches
from framedex.decode.grids import Grid
from framedex.decode.integrity import check_whole
from framedex.decode.orientation import Orientation
from framedex.decode.pyav_stream import opened
from framedex.decode.reader import PassReader
from framedex.decode.walk import GridWalk
from framedex.errors import DecodeFailed


class PyAVReader(PassReader):
    """A video file, read by FFmpeg; every pass opens the file anew, so that passes do not depend on each other.

    Frames have their stored size: a pixel aspect ratio is not applied, and high dynamic range is not mapped to standard.

    Args:
        source: the file.
        threads: decoding threads, >= 1.

    Raises:
        VideoError: the file cannot be used: it is cut short, no video, or its first frame does not decode.
    """

    def __init__(self, source: VideoSource, *, threads: int) -> None:
        super().__init__()
        self._path = source.path
        self._threads = threads
        self._orientations: dict[int, Orientation] = {}
        check_whole(self._path)
        self._info = self._look()

    @property
    def info(self) -> VideoInfo:
        """What the container says, and the size and rotation of the first frame."""
        return self._info

    def _look(self) -> VideoInfo:
        with opened(self._path, threads=1) as video:
            first = next(video.frames(), None)
            if first is None:
                raise DecodeFailed(
                    f"{self._path}: its {video.codec} stream holds no frame that can be decoded; make or copy the file again"
                )
            orientation = self._orientation(first)
            turned = orientation.transposed
            return VideoInfo(
                container=video.container_name,
                codec=video.codec,
                width=first.height if turned else first.width,
                height=first.width if turned else first.height,
                rotation_deg=orientation.rotation_deg,
            )

    def _one_pass(
        self, grids: Sequence[Grid], timing: Timing, *, everything: bool
    ) -> Generator[FrameBatch, None, DecodeSummary]:
        del everything
        with opened(self._path, threads=self._threads) as video:
            timed: Iterator[tuple[int | None, VideoFrame]]
            if timing == "container":
                time_base = self._time_base(video.stream)
                timed = ((frame.pts, frame) for frame in video.frames())
            else:
                time_base = self._frame_duration(video.stream)
                timed = enumerate(video.frames())
            walk = GridWalk(
                path=self._path, grids=grids, time_base=time_base, timing=timing, last=None, look=lambda frame: frame
            )
            scaler = VideoReformatter()  # one for the whole pass: a scaler per frame costs memory and time
            yield from in_batches((pts_us, self._picture(scaler, frame)) for pts_us, frame in walk.taken(timed))
            summary = walk.summary(decoded="everything", damaged_frames=video.damaged_frames)
            self._check_damage(summary, incomplete_packets=video.incomplete_packets)
            return summary

    def _check_damage(self, summary: DecodeSummary, *, incomplete_packets: int) -> None:
        if summary.timing == "reconstructed" and incomplete_packets:
            raise DecodeFailed(
                f"{self._path}: its timestamps are not in order, and with {incomplete_packets} incomplete packets they cannot be "
                "rebuilt by counting frames; copy or download the file again"
            )
        if summary.damaged_frames > summary.decoded_frames:
            raise DecodeFailed(
                f"{self._path}: {summary.damaged_frames} frames are damaged or lost, only {summary.decoded_frames} could be "
                "decoded; copy or download the file again"
            )

    def _picture(self, scaler: VideoReformatter, frame: VideoFrame) -> Pixels:
        orientation = self._orientation(frame)
        try:
            rgb = scaler.reformat(frame, format="rgb24", threads=1)
        except av.FFmpegError as error:
            raise DecodeFailed(
                f"{self._path}: pictures of format {frame.format.name} cannot be converted to RGB: {error.strerror}; convert "
                "the file to yuv420p"
            ) from error
        return orientation.apply(cast(Pixels, rgb.to_ndarray()))

    def _orientation(self, frame: VideoFrame) -> Orientation:
        # Side data and their frame hold each other, so a frame whose side data is read lives until the next collection of
        # cycles, and its picture with it: they are read once per angle, not once per frame.
        angle_deg = frame.rotation
        if angle_deg not in self._orientations:
            self._orientations[angle_deg] = self._read_orientation(frame)
        return self._orientations[angle_deg]

    def _read_orientation(self, frame: VideoFrame) -> Orientation:
        matrix = frame.side_data.get("DISPLAYMATRIX")
        if matrix is None:
            return Orientation()
        orientation = Orientation.from_display_matrix(np.frombuffer(bytes(cast(SideData, matrix)), dtype=np.int32))
        if orientation is None:
            raise DecodeFailed(
                f"{self._path}: its display matrix turns the picture by {frame.rotation} degrees, expected a multiple of 90; "
                "convert the file so that its pictures are stored upright"
            )
        return orientation

    def _time_base(self, stream: VideoStream) -> Fraction:
        if stream.time_base is None:
            raise DecodeFailed(f"{self._path}: the video stream has no time base; remux the file")
        return stream.time_base

    def _frame_duration(self, stream: VideoStream) -> Fraction:
        rate = stream.average_rate or stream.guessed_rate
        if not rate:
            raise DecodeFailed(
                f"{self._path}: its timestamps are not in order and it states no frame rate to rebuild them from; remux the file"
            )
        return 1 / rate
