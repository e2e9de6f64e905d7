"""The decoder on DALI, on the CPU or on a GPU by the same code: it decodes and resizes, everything else stays ours.

DALI counts frames by its own index of the file, skips packets with negative times, and asks the container for key frames. So it
never sees the video: packets are read, judged and chosen as for the default decoder, and DALI is given small clips of them
(`framedex.decode.pieces`) in which every frame's number is known. Its pictures are proved against FFmpeg's on the first frame.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Final, NoReturn

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from framedex.contracts import Fit, Pixels, Pts, Timing, TowerBatch
from framedex.decode.base import Decoded, DecodeSummary, FitOf, Progress, VideoInfo, VideoSource
from framedex.decode.colours import from_bt601
from framedex.decode.dali_pipeline import DaliFrames, DaliPipeline, DeviceName, as_pixels, as_tensor, require_device
from framedex.decode.grids import Grid, pts_to_us
from framedex.decode.orientation import Orientation
from framedex.decode.packets import PacketTable
from framedex.decode.pieces import Piece, pieces_of
from framedex.decode.plan import DecodePlan, make_plan
from framedex.decode.planned import PacketFeed
from framedex.decode.pyav import PyAVReader
from framedex.decode.pyav_stream import opened
from framedex.decode.reader import PassReader
from framedex.decode.walk import GridWalk
from framedex.errors import DecodeFailed

if TYPE_CHECKING:
    import torch

#: What DALI 2.4 decodes, by FFmpeg's names. The GPU's own list depends on the GPU.
CODECS: Final[dict[DeviceName, frozenset[str]]] = {
    "cpu": frozenset({"vp8", "vp9", "mjpeg"}),
    "gpu": frozenset({"vp8", "vp9", "mjpeg", "h264", "hevc", "av1", "mpeg4"}),
}
#: Mean difference in grey levels at which a video's first frame is another picture than FFmpeg's.
PROOF_LEVELS: Final = 4.0

#: Bytes of full-size pictures, and number of them, that DALI decodes of a piece before they are resized.
_PIECE_NBYTES = 192 << 20
_PIECE_FRAMES = 256

_OTHER_DECODER = "use the default decoder, pyav"
_RESAMPLING = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}


class Dali:
    """The registered "dali-cpu" and "dali-gpu".

    Args:
        device: where it decodes and resizes; it never becomes the other one.
    """

    def __init__(self, device: DeviceName) -> None:
        self._device = device

    def require(self) -> None:
        """Refuse a device that is not there.

        Raises:
            DeviceError: no GPU that DALI can use.
        """
        require_device(self._device)

    def __call__(self, source: VideoSource, *, fit: FitOf, threads: int, progress: Progress) -> DaliReader:
        """Open a video; `DaliReader` says what is refused."""
        return DaliReader(source, device=self._device, fit=fit, threads=threads, progress=progress)


on_cpu: Final = Dali("cpu")
on_gpu: Final = Dali("gpu")


class DaliReader(PassReader[TowerBatch]):
    """A video file whose frames DALI decodes and resizes.

    Refused are codecs that DALI does not decode, videos of which the packets do not say when each frame is shown, groups of
    pictures that begin with pictures which cannot be decoded there, and videos whose first frame DALI shows otherwise than
    FFmpeg does. Damaged frames that are not refused are not counted.

    Args:
        source: the file.
        device: "cpu" or "gpu".
        fit: how frames become the tower's.
        threads: of the CPU, >= 1: so many pieces are decoded at once.
        progress: called at every packet and before every run of DALI.

    Raises:
        VideoError: the file cannot be used, or not with this decoder.
    """

    def __init__(
        self, source: VideoSource, *, device: DeviceName, fit: FitOf, threads: int, progress: Progress
    ) -> None:
        super().__init__()
        self._path = source.path
        self._threads = threads
        self._progress = progress
        with PyAVReader(source, threads=threads, progress=progress) as looked:
            self._info = looked.info
            if self._info.codec not in CODECS[device]:
                self._refuse(
                    f"DALI decodes {', '.join(sorted(CODECS[device]))} on the {device.upper()}, got {self._info.codec}"
                )
            self._orientation: Orientation = looked.orientation
            first, matrix = looked.first_picture(), looked.colour_matrix
            if looked.table is None:
                self._refuse(f"its packets do not tell the frames: {looked.distrust}")
            self._table: PacketTable = looked.table
        self._timeline: NDArray[np.int64] = self._table.timeline
        self._fit = fit(self._info.height, self._info.width)
        frame_nbytes = 3 * self._info.width * self._info.height
        self._piece_frames = max(min(_PIECE_NBYTES // frame_nbytes, _PIECE_FRAMES), 1)
        try:
            colours = from_bt601(matrix)  # DALI's matrix for every video
        except KeyError:
            self._refuse(f"its colours are in matrix {matrix} (ISO/IEC 23091-2), which DALI does not know")
        self._pipeline = DaliPipeline(
            device=device,
            fit=_as_stored(self._fit, self._orientation),
            colours=colours,
            threads=threads,
            pieces=threads,
        )
        self._prove(first)

    @property
    def info(self) -> VideoInfo:
        """What the container says, and the size and rotation of the first frame."""
        return self._info

    def tensors(self, *grids: Grid) -> Iterator[tuple[Pts, torch.Tensor]]:
        """The frames that any of `grids` takes as torch tensors on DALI's device.

        They are DALI's own memory, unless the video is stored upside down or mirrored: those are turned into a copy.

        Yields:
            (int64 (k,) microseconds, uint8 (k, H, W, 3)), in order, valid until the next is asked for.

        Raises:
            VideoError: as `frames`.
        """
        _, targets = self._walked(grids)
        for pts, decoded in self._decoded(self._plan(targets)):
            yield self._in_us(pts), _turned_tensor(as_tensor(decoded), self._orientation, self._fit)

    def close(self) -> None:
        """End a pass that is under way and free DALI's memory; safe to call twice."""
        super().close()
        self._pipeline.close()

    def _one_pass(
        self, grids: Sequence[Grid], timing: Timing, *, everything: bool
    ) -> Generator[TowerBatch, None, DecodeSummary]:
        if timing != "container":
            self._refuse("DALI is given packets by their timestamps and cannot count frames instead")
        walk, targets = self._walked(grids)
        plan = self._plan(self._timeline if everything else targets)
        for pts, decoded in self._decoded(plan):
            taken = np.isin(pts, targets)
            if taken.any():
                pixels = _turned(as_pixels(decoded), self._orientation, self._fit)
                yield TowerBatch(pts_us=self._in_us(pts[taken]), pixels=np.ascontiguousarray(pixels[taken]))
        needed: Decoded = "needed" if self._table.reads_references else "groups"
        return walk.summary(
            decoded="everything" if everything else needed,
            damaged_frames=0,
            decoded_frames=sum(int(self._table.shown[group.feed].sum()) for group in plan.groups),
        )

    def _walked(self, grids: Sequence[Grid]) -> tuple[GridWalk[int], NDArray[np.int64]]:
        """A walk over all frames, and the timestamps of those that it takes."""
        for grid in grids:
            if grid.needs_pictures:
                self._refuse(f"{grid.name} compares the pictures as they are stored, which DALI does not give")
        walk: GridWalk[int] = GridWalk(
            path=self._path,
            grids=grids,
            time_base=self._table.time_base,
            timing="container",
            last=int(self._timeline[-1]),
            look=_no_picture,
        )
        frames = ((pts, pts) for pts in self._timeline.tolist())
        return walk, np.array([pts for _, pts in walk.taken(frames)], dtype=np.int64)

    def _plan(self, wanted: NDArray[np.int64]) -> DecodePlan:
        if not len(wanted):
            return DecodePlan(groups=(), n_packets=len(self._table))
        plan = make_plan(self._table, wanted)
        if any(group.led.any() for group in plan.groups):
            self._refuse("it has groups of pictures that begin with some which cannot be decoded there")
        return plan

    def _decoded(self, plan: DecodePlan) -> Iterator[tuple[NDArray[np.int64], DaliFrames]]:
        """The plan's frames, (timestamps, what DALI gave), in order, each valid until the next."""
        with ExitStack() as stack:
            video = stack.enter_context(opened(self._path, threads=1, progress=self._progress))
            feed = PacketFeed(video, self._path, self._table)
            pieces = pieces_of(plan, feed, self._table, video.stream, n_frames=self._piece_frames)
            while some := list(islice(pieces, self._threads)):
                self._progress()
                for piece, frames in zip(some, self._run(some), strict=True):
                    yield piece.pts, frames

    def _run(self, pieces: list[Piece]) -> list[DaliFrames]:
        try:
            return self._pipeline.run(pieces)
        except DecodeFailed as error:
            self._refuse(f"DALI gives no frames: {error}", error)

    def _prove(self, picture: Pixels) -> None:
        """Compare DALI's first frame with FFmpeg's, upright and at full size, resized by Pillow."""
        height, width = self._fit.resized
        resized = np.asarray(Image.fromarray(picture).resize((width, height), _RESAMPLING[self._fit.interpolation]))
        for _, frames in self._decoded(self._plan(self._timeline[:1])):
            (got,) = _turned(as_pixels(frames), self._orientation, self._fit)
            levels = np.abs(got.astype(np.int16) - _cut(resized, self._fit)).mean()
            if levels > PROOF_LEVELS:
                self._refuse(
                    f"DALI shows its first frame otherwise than FFmpeg, by {levels:.1f} grey levels on average, expected "
                    f"{PROOF_LEVELS} at most"
                )

    def _in_us(self, pts: NDArray[np.int64]) -> Pts:
        return np.array([pts_to_us(each, self._table.time_base) for each in pts.tolist()], dtype=np.int64)

    def _refuse(self, why: str, cause: Exception | None = None) -> NoReturn:
        raise DecodeFailed(f"{self._path}: {why}; {_OTHER_DECODER}") from cause


def _as_stored(fit: Fit, orientation: Orientation) -> Fit:
    """How pictures that lie on their side are to be resized."""
    if not orientation.transposed:
        return fit
    return replace(fit, resized=fit.resized[::-1], offset=fit.offset[::-1], size=fit.size[::-1])


def _turned(pixels: Pixels, orientation: Orientation, fit: Fit) -> Pixels:
    """Frames (k, h, w, 3) as they are shown, and the fit's rectangle of them; a view."""
    return _cut(np.moveaxis(orientation.apply(np.moveaxis(pixels, 0, -1)), -1, 0), fit)


def _cut(pixels: Pixels, fit: Fit) -> Pixels:
    (top, left), (height, width) = fit.offset, fit.size
    return pixels[..., top : top + height, left : left + width, :]


def _turned_tensor(frames: torch.Tensor, orientation: Orientation, fit: Fit) -> torch.Tensor:
    """The same of a tensor; only flips copy."""
    (top, left), (height, width) = fit.offset, fit.size
    turned = frames.transpose(1, 2) if orientation.transposed else frames
    flips = [axis for axis, flipped in ((1, orientation.flipped_y), (2, orientation.flipped_x)) if flipped]
    return (turned.flip(flips) if flips else turned)[:, top : top + height, left : left + width]


def _no_picture(pts: int) -> NoReturn:
    raise AssertionError(f"a grid looks at the frame at {pts}, which is not decoded yet")
