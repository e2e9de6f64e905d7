"""The reader of frame folders: images, one per frame, at a declared rate; read by Pillow."""

from __future__ import annotations

import struct
from collections.abc import Generator, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame
from PIL import Image, ImageOps, UnidentifiedImageError

from framedex.contracts import FrameBatch, Pixels, Timing
from framedex.decode.base import DecodeSummary, Progress, VideoInfo, VideoSource
from framedex.decode.batches import in_batches
from framedex.decode.frame_names import list_images
from framedex.decode.grids import Grid
from framedex.decode.reader import PassReader
from framedex.decode.walk import GridWalk
from framedex.errors import DecodeFailed

# Others, 16-bit grey above all, Pillow would clip to 8 bits without a word.
_MODES_OF_8_BITS = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr"})

# Named, because Pillow would otherwise try every plug-in it has, and one of them starts Ghostscript.
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "PPM", "GIF")


class FolderReader(PassReader[FrameBatch]):
    """A folder of images as a video: frame i is at i / folder_fps, with either timing.

    Images are turned as their EXIF says; transparency is dropped.

    Args:
        source: the folder, with its declared rate.
        threads: not used, images are read one after the other.
        progress: called before each image is read.

    Raises:
        NotAVideo: the folder holds other things, or its order is in doubt.
        DecodeFailed: the first image cannot be read.
    """

    def __init__(self, source: VideoSource, *, threads: int, progress: Progress) -> None:  # noqa: ARG002
        super().__init__()
        assert source.folder_fps is not None, "a frame folder comes with its rate"
        self._path = source.path
        self._progress = progress
        self._time_base = 1 / Fraction(source.folder_fps)
        self._images = list_images(source.path)
        first, codec = _read(self._images[0])
        self._info = VideoInfo(
            container="folder", codec=codec, width=first.shape[1], height=first.shape[0], rotation_deg=0
        )

    @property
    def info(self) -> VideoInfo:
        """Size and format of the first image; each image is turned by itself, so `rotation_deg` is 0."""
        return self._info

    def _one_pass(
        self, grids: Sequence[Grid], timing: Timing, *, everything: bool
    ) -> Generator[FrameBatch, None, DecodeSummary]:
        walk: GridWalk[Path] = GridWalk(
            path=self._path,
            grids=grids,
            time_base=self._time_base,
            timing=timing,
            last=len(self._images) - 1,
            look=lambda image: VideoFrame.from_ndarray(self._picture(image), format="rgb24"),
        )
        yield from in_batches((pts_us, self._picture(image)) for pts_us, image in walk.taken(enumerate(self._images)))
        looked = everything or any(grid.needs_pictures for grid in grids)
        return walk.summary(decoded="everything" if looked else "needed", damaged_frames=0)

    def _picture(self, image: Path) -> Pixels:
        self._progress()
        return _read(image)[0]


def _read(path: Path) -> tuple[Pixels, str]:
    """An image as uint8 (H, W, 3) RGB, upright, and its format's name."""
    try:
        with Image.open(path, formats=_FORMATS) as image:
            codec = (image.format or "unknown").lower()
            if image.mode not in _MODES_OF_8_BITS:
                raise DecodeFailed(
                    f"{path}: expected 8 bits per channel, got Pillow mode {image.mode!r}; convert the image"
                )
            pictures: int = getattr(image, "n_frames", 1)
            if pictures != 1:
                raise DecodeFailed(
                    f"{path}: expected one picture, got {pictures}; give every frame an image of its own"
                )
            return np.asarray(ImageOps.exif_transpose(image).convert("RGB")), codec
    except UnidentifiedImageError as error:
        raise DecodeFailed(f"{path}: no image that Pillow can read; replace or remove it") from error
    except (OSError, EOFError, SyntaxError, ValueError, struct.error, Image.DecompressionBombError) as error:
        raise DecodeFailed(f"{path}: the image cannot be read ({error}); replace or remove it") from error
