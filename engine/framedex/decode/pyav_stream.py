"""A video file opened by PyAV, and its frames in output order; every way for this to fail is a sentence here."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from framedex.decode.base import Progress
from framedex.decode.packets import can_seek
from framedex.errors import DecodeFailed, NotAVideo, NoVideoStream, PlanFailed, TruncatedVideo

# FFmpeg opens a text file as a video through "tty" and a JPEG through an image pipe, and playlists read other files: so only
# containers of video, and only the named file.
_OPEN_OPTIONS = {
    "format_whitelist": "mov,mp4,matroska,webm,avi,mpegts,mpeg,flv,asf,ogg,mxf",
    "protocol_whitelist": "file",
}


class FrameStream:
    """The best video stream of an open file, to be walked through once.

    Attributes:
        container_name: short format name.
        codec: name of the codec, not of the library that decodes it: "av1", not "libdav1d".
        stream: PyAV's stream.
        incomplete_packets: packets so far that the container flagged: pieces of them are missing, and frames may be.
        head: the packets read so far, until `keep_first`.
    """

    def __init__(self, path: Path, container: InputContainer, *, threads: int, progress: Progress) -> None:
        self._path = path
        self._progress = progress
        self._container = container
        self.stream = _video_stream(path, container)
        self.stream.thread_count = threads
        self.stream.thread_type = "AUTO"
        self.container_name = container.format.name
        self.codec = self.stream.codec_context.codec.canonical_name
        self.head: list[Packet[VideoStream]] = []
        self._keeps_head = True
        self._begin()

    @property
    def rate(self) -> Fraction | None:
        """Frames per second as the container has it: a hint."""
        return self.stream.average_rate

    @property
    def stated_us(self) -> int | None:
        """Length in microseconds as the container has it: a hint."""
        return self._container.duration

    def _begin(self) -> None:
        """Nothing is read yet."""
        self.incomplete_packets = 0
        self._pushed_back: Packet[VideoStream] | None = None
        self._frames = 0
        self._last_sent = self._last_shown = float("-inf")
        self._damaged: set[int | None] = set()

    @property
    def damaged_frames(self) -> int:
        """Frames so far that the decoder flagged as corrupt, or whose packet the container did, which may have cost the frame."""
        return len(self._damaged)

    def restart(self) -> bool:
        """Go back to the first packet, the decoder as new; False where the container has no index to trust for that."""
        if not can_seek(self.container_name) or not self.head:
            return False
        first = self.head[0]
        start = first.dts if first.dts is not None else first.pts
        if start is None:
            return False
        try:
            self._container.seek(start, stream=self.stream, backward=True)
        except av.FFmpegError:
            return False
        self.flush()
        self._begin()
        again = next(self.packets(), None)
        if again is None or (again.pts, again.dts, again.size) != (first.pts, first.dts, first.size):
            return False
        self._pushed_back = again
        return True

    def prime(self, first: Packet[VideoStream]) -> None:
        """Let the decoder see the stream's first packet: some of what it finds there, it keeps for good.

        Raises:
            DecodeFailed: the packet does not decode.
        """
        for packet in (first, None):
            for _ in self.decoded(packet, "its start"):
                pass
        self.flush()

    def flush(self) -> None:
        """Make the decoder forget the pictures that it holds."""
        self.stream.codec_context.flush_buffers()

    def keep_first(self) -> None:
        """Of the packets at the head keep the first only, to which `restart` goes back."""
        del self.head[1:]
        self._keeps_head = False

    def jump(self, dts: int) -> None:
        """Go to the last key frame at or before a decoding time, as the container's index has it.

        Raises:
            PlanFailed: it has none.
        """
        self._pushed_back = None
        try:
            self._container.seek(dts, stream=self.stream, backward=True)
        except av.FFmpegError as error:
            raise PlanFailed(f"{self._path}: the container's index leads nowhere: {error.strerror}") from error

    def frames(self) -> Generator[VideoFrame, None, None]:
        """All frames in output order; the first packet that does not decode ends the video.

        Raises:
            TruncatedVideo: the last packet is incomplete.
            DecodeFailed: the container or a packet cannot be read.
        """
        packets = self.packets()
        at, cut = "its start", False
        for packet in packets:
            at, cut = _position(packet), packet.is_corrupt
            if cut:
                self.incomplete_packets += 1
                self._damaged.add(packet.pts)
            if packet.pts is not None and not packet.is_discard:
                self._last_sent = max(self._last_sent, packet.pts)
            try:
                yield from self.decoded(packet, at)
            except DecodeFailed as error:
                if cut and next(packets, None) is None:
                    raise self._cut_short(at) from error
                raise
        yield from self.decoded(None, "its end")
        if cut:
            raise self._cut_short(at)
        if self.stream.thread_count > 1 and self._last_sent > self._last_shown:
            yield from self._missing()

    def packets(self) -> Generator[Packet[VideoStream], None, None]:
        """The stream's packets without empty ones, which a decoder would take for the end.

        Raises:
            DecodeFailed: the container cannot be read to its end.
        """
        if self._pushed_back is not None:
            packet, self._pushed_back = self._pushed_back, None
            yield packet
        try:
            for packet in self._container.demux(self.stream):
                if packet.size:
                    self._progress()
                    if self._keeps_head:
                        self.head.append(packet)
                    yield packet
        except av.FFmpegError as error:
            raise DecodeFailed(
                f"{self._path}: the container cannot be read to its end: {error.strerror}; copy or download it again"
            ) from error
        except IndexError:
            # PyAV 18.1 trips, behind the last packet, over a stream that appeared after the file was opened.
            return

    def decoded(self, packet: Packet[VideoStream] | None, at: str) -> Iterator[VideoFrame]:
        """What the decoder gives for a packet, or at the end.

        Raises:
            DecodeFailed: the packet does not decode.
        """
        self._progress()
        try:
            frames = self.stream.codec_context.decode(packet)
        except av.FFmpegError as error:
            raise DecodeFailed(
                f"{self._path}: {self.codec} decoding stopped near {at}: {error.strerror}; copy, download or convert the file "
                "again"
            ) from error
        for frame in frames:
            self._frames += 1
            if frame.pts is not None:
                self._last_shown = max(self._last_shown, frame.pts)
            if frame.is_corrupt:
                self._damaged.add(frame.pts)
            yield frame

    def _missing(self) -> Iterator[VideoFrame]:
        """Frames at the end that never came.

        PyAV drops an error, and every frame behind it, where threads hand over several frames at the end (seen with PyAV 18.1
        and four threads). One thread shows whether frames are missing: it gives them or raises the error.
        """
        with opened(self._path, threads=1, progress=self._progress) as alone:
            for frame in islice(alone.frames(), self._frames, None):
                if frame.is_corrupt:
                    self._damaged.add(frame.pts)
                yield frame

    def _cut_short(self, at: str) -> TruncatedVideo:
        return TruncatedVideo(
            f"{self._path}: the file is cut short: its last packet, at {at}, is incomplete; copy or download it again"
        )


@contextmanager
def opened(path: Path, *, threads: int, progress: Progress) -> Iterator[FrameStream]:
    """Open a file and its best video stream, to be decoded by at most `threads` threads; `progress` is called at every packet.

    Raises:
        NotAVideo: no container that is read here.
        NoVideoStream: nothing in it but sound, subtitles, cover pictures.
        DecodeFailed: no decoder for the stream.
    """
    try:
        # "file:" keeps a colon in a name from being read as a protocol; metadata in odd encodings is no reason to fail.
        container = av.open(f"file:{path}", "r", options=_OPEN_OPTIONS, metadata_errors="replace")
    except av.FFmpegError as error:
        raise NotAVideo(
            f"{path}: no video container that FFmpeg can open ({error.strerror}); expected MP4, MOV, MKV, WebM, AVI, "
            "MPEG-TS or the like"
        ) from error
    with container:
        yield FrameStream(path, container, threads=threads, progress=progress)


def _video_stream(path: Path, container: InputContainer) -> VideoStream:
    streams = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
    if not streams:
        kinds = {"cover picture" if stream.type == "video" else stream.type for stream in container.streams}
        raise NoVideoStream(
            f"{path}: expected a video stream, got {' and '.join(sorted(kinds)) or 'no stream at all'}; name a file with "
            "moving pictures"
        )
    best = container.streams.best("video")
    stream = next((stream for stream in streams if stream is best), streams[0])
    if stream.codec_context is None:
        raise DecodeFailed(f"{path}: FFmpeg has no decoder for the codec of its video; convert the file to H.264")
    return stream


def _position(packet: Packet[VideoStream]) -> str:
    stamp = packet.pts if packet.pts is not None else packet.dts
    return "a packet without a time" if stamp is None else f"{float(stamp * packet.time_base):.3f} s"
