"""The decoder on PyAV, which carries FFmpeg: any container and codec of real files, on the CPU."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from fractions import Fraction
from itertools import chain
from typing import cast

import av
import numpy as np
from av.packet import Packet
from av.sidedata.sidedata import SideData
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from framedex.contracts import FrameBatch, Pixels, Timing
from framedex.decode.base import DecodeSummary, GridSample, Progress, VideoInfo, VideoSource
from framedex.decode.batches import in_batches
from framedex.decode.grids import Grid, pts_to_us
from framedex.decode.integrity import check_whole
from framedex.decode.orientation import Orientation
from framedex.decode.packets import PacketScan, PacketTable
from framedex.decode.plan import DecodePlan, make_plan
from framedex.decode.planned import PacketFeed, decoders_for, planned_pictures
from framedex.decode.pyav_stream import FrameStream, opened
from framedex.decode.reader import PassReader
from framedex.decode.walk import GridWalk
from framedex.errors import DecodeFailed, PlanFailed

_PIECE = 4096


class PyAVReader(PassReader[FrameBatch]):
    """A video file, read by FFmpeg. Only the packets that the sampled frames depend on are decoded, where these can be known.

    Frames have their stored size: a pixel aspect ratio is not applied, and high dynamic range is not mapped to standard.

    Args:
        source: the file.
        threads: decoding threads, >= 1.
        progress: called at every packet, in any thread.

    Raises:
        VideoError: the file cannot be used: it is cut short, no video, or its first frame does not decode.
    """

    def __init__(self, source: VideoSource, *, threads: int, progress: Progress) -> None:
        super().__init__()
        self._path = source.path
        self._threads = threads
        self._progress = progress
        self._orientations: dict[int, Orientation] = {}
        self._scan: PacketScan | None = None
        self._table: PacketTable | None = None
        self._held: ExitStack | None = None  # the file as it was left, for the first pass
        check_whole(self._path)
        with ExitStack() as stack:
            self._video = stack.enter_context(self._opened())
            self._rate = self._video.rate
            self._begun = self._video.frames()
            first = next(self._begun, None)
            if first is None:
                raise DecodeFailed(
                    f"{self._path}: its {self._video.codec} stream holds no frame that can be decoded; make or copy the file "
                    "again"
                )
            self._colour_matrix = int(first.colorspace)
            self._first: VideoFrame | None = first  # where the held file goes on from it
            self._info = self._info_of(first)
            self._held = stack.pop_all()

    @property
    def info(self) -> VideoInfo:
        """What the container says, and the size and rotation of the first frame."""
        return self._info

    @property
    def orientation(self) -> Orientation:
        """How the first frame is turned to be shown."""
        return self._first_orientation

    @property
    def colour_matrix(self) -> int:
        """The first frame's MatrixCoefficients (ISO/IEC 23091-2); 2 where nothing is said."""
        return self._colour_matrix

    def first_picture(self) -> Pixels:
        """The first frame, which opening the file decodes: uint8 (H, W, 3), upright; to be asked for before anything else."""
        assert self._first is not None, "the file has been read on"
        return self._picture(VideoReformatter(), self._first)

    @property
    def rate(self) -> Fraction | None:
        """Frames per second as the container has it: a hint."""
        return self._rate

    @property
    def table(self) -> PacketTable | None:
        """The packets, or None where they cannot be trusted: then everything is decoded."""
        self._scanned()
        return self._table

    @property
    def distrust(self) -> str | None:
        """Why the packets cannot be trusted, or None."""
        return self._scanned().distrust

    def close(self) -> None:
        """End a pass that is under way and free its decoder; safe to call twice."""
        super().close()
        self._release()

    def plan(self, *grids: Grid) -> tuple[DecodePlan | None, tuple[GridSample, ...]]:
        """What a pass over `grids` decodes, and the frames it takes; no plan where everything is decoded."""
        dense = any(grid.needs_pictures or grid.takes_all_at(self.rate) for grid in grids)
        table = None if dense else self.table
        if table is None:
            return None, ()
        timeline = table.timeline
        walk: GridWalk[int] = GridWalk(
            path=self._path,
            grids=grids,
            time_base=table.time_base,
            timing="container",
            last=int(timeline[-1]),
            look=_no_picture,
        )
        targets = [pts for _, pts in walk.taken(_one_by_one(timeline))]
        samples = walk.summary(decoded="needed", damaged_frames=0).samples
        del timeline
        if not targets:
            return DecodePlan(groups=(), n_packets=len(table)), samples
        plan = make_plan(table, np.array(targets, dtype=np.int64))
        return (plan if plan.is_worth else None), samples

    def _opened(self, threads: int | None = None) -> AbstractContextManager[FrameStream]:
        return opened(self._path, threads=threads or self._threads, progress=self._progress)

    def _release(self) -> None:
        self._first = None
        if self._held is not None:
            self._held.close()
            self._held = None

    def _info_of(self, first: VideoFrame) -> VideoInfo:
        self._first_orientation = orientation = self._orientation(first)
        turned = orientation.transposed
        return VideoInfo(
            container=self._video.container_name,
            codec=self._video.codec,
            width=first.height if turned else first.width,
            height=first.width if turned else first.height,
            rotation_deg=orientation.rotation_deg,
            stated_us=self._video.stated_us,
        )

    def _scanned(self) -> PacketScan:
        """Read every packet, or as many as it takes to see that they cannot be trusted; once."""
        if self._scan is None:
            with ExitStack() as stack:
                if self._held is not None:
                    self._begun.close()
                    self._first = None
                    video = self._video
                else:  # a pass has the file
                    video = stack.enter_context(self._opened())
                scan = PacketScan(video.container_name, video.stream)
                for packet in video.head:
                    scan.add(packet)
                video.keep_first()
                if scan.distrust is None:
                    for packet in video.packets():
                        scan.add(packet)
                        if scan.distrust is not None:
                            break
                self._scan, self._table = scan, scan.table()
        return self._scan

    def _one_pass(
        self, grids: Sequence[Grid], timing: Timing, *, everything: bool
    ) -> Generator[FrameBatch, None, DecodeSummary]:
        if timing == "container" and not everything:
            plan, samples = self.plan(*grids)
            if plan is not None:
                return (yield from self._planned_pass(plan, samples))
        return (yield from self._whole_pass(grids, timing))

    def _planned_pass(
        self, plan: DecodePlan, samples: tuple[GridSample, ...]
    ) -> Generator[FrameBatch, None, DecodeSummary]:
        table = self._table
        assert table is not None
        with ExitStack() as stack:
            number = decoders_for(
                plan, table, threads=self._threads, frame_nbytes=3 * self._info.width * self._info.height
            )
            video = self._first_video(stack)
            videos = [video] if number == 1 else [stack.enter_context(self._opened(threads=1)) for _ in range(number)]
            for decoder in videos:
                if decoder is not self._video:
                    _prime(decoder, self._video.head[0])
            scalers = [VideoReformatter() for _ in videos]  # a scaler per frame would cost memory and time
            feed = PacketFeed(video, self._path, table)
            pictures = planned_pictures(
                videos,
                feed,
                plan,
                path=self._path,
                table=table,
                picture=lambda decoder, frame: self._picture(scalers[decoder], frame),
            )
            stack.callback(pictures.close)
            yield from in_batches((pts_to_us(pts, table.time_base), picture) for pts, picture in pictures)
        timeline = table.timeline
        return DecodeSummary(
            timing="container",
            decoded="needed" if table.reads_references else "groups",
            frames=len(timeline),
            decoded_frames=sum(int(table.shown[group.feed].sum()) for group in plan.groups),
            damaged_frames=0,
            first_pts_us=pts_to_us(int(timeline[0]), table.time_base),
            last_pts_us=pts_to_us(int(timeline[-1]), table.time_base),
            samples=samples,
        )

    def _first_video(self, stack: ExitStack) -> FrameStream:
        """The file as it was left, at its first packet again; opened anew where that is not to be had."""
        self._first = None
        if self._held is not None:
            self._begun.close()
            stack.push(self._held)
            self._held = None
            if self._video.restart():
                return self._video
        return stack.enter_context(self._opened())

    def _whole_pass(self, grids: Sequence[Grid], timing: Timing) -> Generator[FrameBatch, None, DecodeSummary]:
        last: int | None = None
        if any(grid.needs_last for grid in grids):
            with self._opened() as video:
                for pts, _ in _timed(video.frames(), timing):
                    last = pts
        with ExitStack() as stack:
            if self._held is not None and self._first is not None:  # go on from where the file was left
                video, frames = self._video, chain([self._first], self._begun)
                stack.push(self._held)
                self._held = self._first = None
                video.keep_first()
            else:
                video = self._first_video(stack)
                frames = chain(video.frames())
            walk: GridWalk[VideoFrame] = GridWalk(
                path=self._path,
                grids=grids,
                time_base=self._time_base(video.stream)
                if timing == "container"
                else self._frame_duration(video.stream),
                timing=timing,
                last=last,
                look=lambda frame: frame,
            )
            scaler = VideoReformatter()  # one for the whole pass: a scaler per frame costs memory and time
            taken = walk.taken(_timed(frames, timing))
            yield from in_batches((pts_us, self._picture(scaler, frame)) for pts_us, frame in taken)
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


def _timed(frames: Iterator[VideoFrame], timing: Timing) -> Iterator[tuple[int | None, VideoFrame]]:
    """Every frame with its timestamp, or its number where times are rebuilt."""
    if timing == "container":
        return ((frame.pts, frame) for frame in frames)
    return enumerate(frames)


def _one_by_one(timeline: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Timestamps as Python's integers, which take several times their room: a few thousand at a time."""
    for start in range(0, len(timeline), _PIECE):
        piece = timeline[start : start + _PIECE].tolist()
        yield from zip(piece, piece, strict=True)


def _prime(video: FrameStream, first: Packet[VideoStream]) -> None:
    try:
        video.prime(first)
    except DecodeFailed as error:
        raise PlanFailed(f"the first packet does not decode by itself: {error}") from error


def _no_picture(pts: int) -> VideoFrame:
    raise AssertionError(f"the grid looks at the frame at {pts}, which a plan does not decode")
