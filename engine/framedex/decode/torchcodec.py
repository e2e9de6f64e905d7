"""The decoder on TorchCodec: frames by number, paired with the timestamps that the packets carry.

TorchCodec uses the FFmpeg libraries that it finds on the system, not PyAV's, and gives times as floating-point seconds. So the
packets are read by PyAV, their timestamps stay integers, and every frame that TorchCodec gives must have the time of the packet
that it is taken for; a video where that does not hold is refused, with the default decoder named.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from framedex.contracts import FrameBatch, Pixels, Timing
from framedex.decode.base import DecodeSummary, Progress, VideoInfo, VideoSource
from framedex.decode.batches import in_batches
from framedex.decode.grids import Grid
from framedex.decode.packets import PacketTable
from framedex.decode.pyav import PyAVReader
from framedex.decode.pyav_stream import opened
from framedex.decode.reader import PassReader
from framedex.decode.walk import GridWalk
from framedex.errors import DecodeFailed, MissingDependency

try:
    from torchcodec.decoders import VideoDecoder
except (RuntimeError, OSError) as error:  # not ImportError: it is installed, but not for these libraries
    raise MissingDependency(
        "TorchCodec is installed, but its libraries do not load: it needs FFmpeg's shared libraries on the system and the torch "
        "that it was built for; install both, or use the default decoder"
    ) from error

#: Seconds by which a frame's time may differ from its packet's: half of the microsecond in which times are kept.
_TOLERANCE_S = 0.5e-6
_OTHER_DECODER = "use the default decoder, pyav"


class TorchCodecReader(PassReader[FrameBatch]):
    """A video file, read by TorchCodec, which goes to the key frame before a frame and decodes from there.

    Videos of which the packets do not say when each frame is shown are refused, and so are those that TorchCodec would show
    otherwise than their display matrix says. TorchCodec does not tell damaged frames from whole ones: those that FFmpeg
    patches are not counted.

    Args:
        source: the file.
        threads: decoding threads, >= 1.
        progress: called at every packet that is looked at and at every frame.

    Raises:
        VideoError: the file cannot be used, or not with this decoder.
    """

    def __init__(self, source: VideoSource, *, threads: int, progress: Progress) -> None:
        super().__init__()
        self._path = source.path
        self._progress = progress
        with PyAVReader(source, threads=threads, progress=progress) as looked:
            self._info = looked.info
            if looked.table is None:
                self._refuse(f"its packets do not tell the frames: {looked.distrust}")
            self._table: PacketTable = looked.table
        self._timeline: NDArray[np.int64] = self._table.timeline
        with opened(self._path, threads=1, progress=progress) as video:
            stream_index = video.stream.index
        try:
            # "file:" keeps a colon in a name from being read as a protocol.
            self._decoder: VideoDecoder | None = VideoDecoder(
                f"file:{self._path}",
                stream_index=stream_index,
                dimension_order="NHWC",
                num_ffmpeg_threads=threads,
                seek_mode="exact",
            )
        except (RuntimeError, ValueError) as error:
            raise self._failed("cannot open it", error) from error
        self._check_pairing(self._decoder)

    @property
    def info(self) -> VideoInfo:
        """What the container says, and the size and rotation of the first frame."""
        return self._info

    def close(self) -> None:
        """End a pass that is under way and free the decoder; safe to call twice."""
        super().close()
        self._decoder = None

    def _check_pairing(self, decoder: VideoDecoder) -> None:
        if len(decoder) != len(self._timeline):
            self._refuse(f"TorchCodec counts {len(decoder)} frames, its packets {len(self._timeline)}")
        # TorchCodec turns pictures but never mirrors them; for a matrix that mirrors, the two always state different angles.
        turned_deg = round(decoder.metadata.rotation or 0) % 360
        if turned_deg != self._info.rotation_deg:
            self._refuse(
                f"TorchCodec turns its pictures by {turned_deg} degrees, its display matrix asks for a mirrored picture turned "
                f"by {self._info.rotation_deg}"
            )

    def _one_pass(
        self, grids: Sequence[Grid], timing: Timing, *, everything: bool
    ) -> Generator[FrameBatch, None, DecodeSummary]:
        if timing != "container":
            self._refuse("TorchCodec reads videos by their timestamps and cannot count frames instead")
        for grid in grids:
            if grid.needs_pictures:
                self._refuse(f"{grid.name} compares the pictures as they are stored, which TorchCodec does not give")
        walk: GridWalk[int] = GridWalk(
            path=self._path,
            grids=grids,
            time_base=self._table.time_base,
            timing=timing,
            last=int(self._timeline[-1]),
            look=_no_picture,
        )
        taken = {
            number: pts_us for pts_us, number in walk.taken((pts, i) for i, pts in enumerate(self._timeline.tolist()))
        }
        decoded = range(len(self._timeline)) if everything else list(taken)
        pictures = ((number, self._picture(number)) for number in decoded)
        yield from in_batches((taken[number], picture) for number, picture in pictures if number in taken)
        return walk.summary(
            decoded="everything" if everything else "groups", damaged_frames=0, decoded_frames=len(decoded)
        )

    def _picture(self, number: int) -> Pixels:
        """Frame `number`, in the order in which frames are shown: uint8 (H, W, 3), upright."""
        assert self._decoder is not None, "the reader is closed"
        self._progress()
        at_s = float(int(self._timeline[number]) * self._table.time_base)
        try:
            frame = self._decoder.get_frame_at(number)
        except (RuntimeError, IndexError) as error:
            raise self._failed(f"gives no frame at {at_s:.6f} s", error) from error
        if abs(frame.pts_seconds - at_s) > _TOLERANCE_S:
            self._refuse(
                f"frame {number} has the time {at_s:.6f} s, TorchCodec gives the one at {frame.pts_seconds:.6f} s for it"
            )
        picture: Pixels = frame.data.numpy()
        return picture

    def _refuse(self, why: str) -> NoReturn:
        raise DecodeFailed(f"{self._path}: {why}; {_OTHER_DECODER}")

    def _failed(self, what: str, error: Exception) -> DecodeFailed:
        # Its messages begin with a function and a place in its sources.
        lines = str(error).strip().splitlines() or [type(error).__name__]
        reason = re.split(r"\.cpp:\d+, *", lines[0])[-1].rstrip(".")
        return DecodeFailed(f"{self._path}: TorchCodec {what}: {reason}; {_OTHER_DECODER}")


def _no_picture(number: int) -> NoReturn:
    raise AssertionError(f"a grid looks at frame {number}, which is not decoded yet")
