"""Short clips of real photographs, in every codec and container that the project says it reads.

The photographs come with scikit-image's own package (no download); each clip is a window panning over one of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import skimage.data

from clips import encode
from framedex.contracts import Pixels, Timing

WIDTH, HEIGHT = 320, 240
FRAMES = 50
FRAME_DURATION = Fraction(1, 25)

PHOTOS: dict[str, Callable[[], Pixels]] = {
    "astronaut": skimage.data.astronaut,
    "cat": skimage.data.chelsea,
    "coffee": skimage.data.coffee,
    "rocket": skimage.data.rocket,
}

_AV1 = {"preset": "8", "crf": "30"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoForm:
    """A container and codec.

    Attributes:
        suffix: of the file, without the dot.
        encoder: FFmpeg's encoder.
        codec: name of the codec.
        pixel_format: FFmpeg's.
        options: of the encoder.
        timing: the timing that decodes it.
    """

    suffix: str
    encoder: str
    codec: str
    pixel_format: str = "yuv420p"
    options: dict[str, str] | None = None
    timing: Timing = "container"


FORMS = (
    PhotoForm(suffix="mp4", encoder="libx264", codec="h264"),
    PhotoForm(suffix="mov", encoder="libx264", codec="h264"),
    PhotoForm(suffix="mkv", encoder="libx264", codec="h264"),
    PhotoForm(suffix="ts", encoder="libx264", codec="h264"),
    PhotoForm(suffix="avi", encoder="libx264", codec="h264", timing="reconstructed"),
    PhotoForm(suffix="mp4", encoder="libx265", codec="hevc", options={"x265-params": "log-level=none:pools=1"}),
    PhotoForm(
        suffix="webm", encoder="libvpx-vp9", codec="vp9", options={"deadline": "realtime", "cpu-used": "8", "crf": "20"}
    ),
    PhotoForm(suffix="mkv", encoder="libsvtav1", codec="av1", options=_AV1),
    PhotoForm(suffix="webm", encoder="libsvtav1", codec="av1", options=_AV1),
    PhotoForm(suffix="mp4", encoder="libsvtav1", codec="av1", options=_AV1),
    PhotoForm(suffix="avi", encoder="mpeg4", codec="mpeg4", options={"qmax": "4"}),
    PhotoForm(suffix="mov", encoder="mjpeg", codec="mjpeg", pixel_format="yuvj420p", options={"qmax": "4"}),
    PhotoForm(suffix="avi", encoder="mjpeg", codec="mjpeg", pixel_format="yuvj420p", options={"qmax": "4"}),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoClip:
    """One clip: where it is, what it shows and how it is stored."""

    path: Path
    photo: str
    form: PhotoForm

    def pictures(self) -> Pixels:
        """The pictures that were encoded: uint8 (FRAMES, HEIGHT, WIDTH, 3)."""
        photo = PHOTOS[self.photo]()
        return np.stack([panned(photo, frame) for frame in range(FRAMES)])


def panned(photo: Pixels, frame: int) -> Pixels:
    """The window on a photograph at a frame, moving from its upper left to its lower right corner."""
    top = (photo.shape[0] - HEIGHT) * frame // (FRAMES - 1)
    left = (photo.shape[1] - WIDTH) * frame // (FRAMES - 1)
    return np.ascontiguousarray(photo[top : top + HEIGHT, left : left + WIDTH])


def make_photo_clip(folder: Path, form: PhotoForm, *, photo: str) -> PhotoClip:
    """One photograph in one form, as `photo-codec.suffix`."""
    path = folder / f"{photo}-{form.codec}.{form.suffix}"
    image = PHOTOS[photo]()
    encode(
        path,
        range(FRAMES),
        FRAME_DURATION,
        codec=form.encoder,
        pixel_format=form.pixel_format,
        codec_options=form.options,
        draw=lambda frame: panned(image, frame),
    )
    return PhotoClip(path=path, photo=photo, form=form)


def make_photo_clips(folder: Path) -> list[PhotoClip]:
    """A clip in every form, the photographs taken in turn."""
    photos = list(PHOTOS)
    return [make_photo_clip(folder, form, photo=photos[i % len(photos)]) for i, form in enumerate(FORMS)]
