"""The floor under a decode: the packets that it has to decode, from memory, through the decoder and no further."""

from __future__ import annotations

from av.packet import Packet
from av.video.stream import VideoStream

from framedex.decode import Grid, VideoSource
from framedex.decode.pyav import PyAVReader
from framedex.decode.pyav_stream import opened


class Floor:
    """A video's needed packets, by the engine's own plan; all of them where it has none. bench/decode.py tells them apart itself.

    Args:
        source: the video file.
        grid: which frames are wanted.
    """

    def __init__(self, source: VideoSource, grid: Grid) -> None:
        self._path = source.path
        with PyAVReader(source, threads=1, progress=_nothing) as reader:
            plan, _ = reader.plan(grid)
        self._groups: list[list[Packet[VideoStream]]] = []
        with opened(self._path, threads=1, progress=_nothing) as video:
            packets = list(video.packets())
        if plan is None:
            self._groups.append(packets)
        else:
            self._groups = [[packets[number] for number in group.feed.tolist()] for group in plan.groups]

    def decode(self, threads: int) -> int:
        """Decode them with as many threads of the decoder's own; the number of frames."""
        n_frames = 0
        with opened(self._path, threads=threads, progress=_nothing) as video:
            for group in self._groups:
                for packet in (*group, None):
                    n_frames += sum(1 for _ in video.decoded(packet, "the floor"))
                video.stream.codec_context.flush_buffers()
        return n_frames


def _nothing() -> None:
    """Nobody waits."""
