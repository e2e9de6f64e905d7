"""Tower-sized frames of a video, whoever makes them: a decoder that resizes by itself, or our own resize behind another."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Self

from framedex.contracts import Timing, TowerBatch
from framedex.decode import (
    TOWER_DECODERS,
    DecodeSummary,
    Grid,
    Progress,
    TowerReader,
    VideoInfo,
    VideoReader,
    VideoSource,
    load_tower_decoder,
    open_video,
    require_decoder,
)
from framedex.embed.preprocess import fit, require_fit
from framedex.embed.preprocess.rules import PictureRules
from framedex.embed.tower import to_tower


def require_towers(decoder: str, image: PictureRules) -> None:
    """Refuse, before any work, a decoder that cannot be used here, or not for an encoder's pictures.

    Raises:
        UsageError: an unknown name, or rules by which the decoder cannot resize.
        MissingDependency: its library is not installed.
        DeviceError: its device is not there.
    """
    require_decoder(decoder)
    if decoder in TOWER_DECODERS:
        require_fit(image, needed_by=f"decoder {decoder!r}")


def open_towers(
    source: VideoSource, *, decoder: str, image: PictureRules, threads: int, progress: Progress
) -> TowerReader:
    """Open a source for frames at the size of an encoder's tower.

    Args:
        source: what `identify` gave; a frame folder is read by Pillow whatever the decoder.
        decoder: a name of `framedex.decode.decoders`.
        image: the encoder's rules for pictures.
        threads: decoding threads at most, >= 1.
        progress: called as work goes on, in any thread.

    Raises:
        UsageError, MissingDependency: as `require_towers`.
        VideoError: the video cannot be used, and why.
    """
    if source.folder_fps is None and decoder in TOWER_DECODERS:
        return load_tower_decoder(decoder)(
            source, fit=lambda height, width: fit(height, width, image), threads=threads, progress=progress
        )
    return ResizedReader(open_video(source, decoder=decoder, threads=threads, progress=progress), image)


class ResizedReader:
    """A reader of full-size frames and the canonical preprocessing behind it.

    Args:
        reader: closed with this one.
        image: the encoder's rules for pictures.
    """

    def __init__(self, reader: VideoReader, image: PictureRules) -> None:
        self._reader = reader
        self._image = image

    @property
    def info(self) -> VideoInfo:
        """What the container says."""
        return self._reader.info

    @property
    def summary(self) -> DecodeSummary:
        """What the last pass found, once it is exhausted."""
        return self._reader.summary

    def frames(self, *grids: Grid, timing: Timing = "container", everything: bool = False) -> Iterator[TowerBatch]:
        """As `framedex.decode.base.Reader.frames`."""
        for batch in self._reader.frames(*grids, timing=timing, everything=everything):
            yield to_tower(batch, self._image)

    def close(self) -> None:
        """Free the decoder; safe to call twice."""
        self._reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
