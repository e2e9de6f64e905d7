"""Small clips of the codecs and containers that people have, whose pictures move so that prediction has something to do."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np

from clips import encode
from framedex.contracts import Pixels

#: Units per frame and seconds per unit of the times that an encoder is given.
_TRANSPORT_TIMES = (3600, Fraction(1, 90_000))
_FRAME_TIMES = (1, Fraction(1, 25))
#: Steps of a variable frame rate, in frames: pauses and doubled frames.
_UNEVEN = (1, 1, 3, 1, 2, 7, 1, 1)


def _x264(**options: object) -> dict[str, str]:
    alike = {
        "threads": 1,
        "qp": 28,
        "b_adapt": 0,
        "weightp": 0,
        "scenecut": 0,
        **options,
    }  # the same bytes on every run
    return {
        "preset": "veryfast",
        "x264-params": ":".join(f"{name.replace('_', '-')}={value}" for name, value in alike.items()),
    }


def _x265(**options: object) -> dict[str, str]:
    quiet = {"log_level": "none", "pools": 1, **options}
    return {
        "preset": "ultrafast",
        "x265-params": ":".join(f"{name.replace('_', '-')}={value}" for name, value in quiet.items()),
    }


_VPX = {"deadline": "realtime", "cpu-used": "8"}
_AV1 = {"preset": "11", "svtav1-params": "keyint=12"}
_FRAGMENTS = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How a clip is stored.

    Attributes:
        name: of the clip.
        suffix: of the file, without the dot.
        codec: FFmpeg's encoder.
        options: of the encoder.
        container: options of the container.
        pixel_format: FFmpeg's.
        uneven: variable frame rate.
    """

    name: str
    suffix: str
    codec: str
    options: dict[str, str] = field(default_factory=dict)
    container: dict[str, str] = field(default_factory=dict)
    pixel_format: str = "yuv420p"
    uneven: bool = False


FORMS = (
    Form(name="h264", suffix="mp4", codec="libx264", options=_x264(keyint=12, bframes=3)),
    Form(name="h264-pyramid", suffix="mp4", codec="libx264", options=_x264(keyint=30, bframes=7, b_adapt=0, ref=4)),
    Form(name="h264-fragments", suffix="mp4", codec="libx264", options=_x264(keyint=12), container=_FRAGMENTS),
    Form(name="h264-index-first", suffix="mp4", codec="libx264", options=_x264(), container={"movflags": "faststart"}),
    Form(name="h264-open", suffix="mkv", codec="libx264", options=_x264(keyint=12, open_gop=1, bframes=3)),
    Form(name="h264-uneven", suffix="mkv", codec="libx264", options=_x264(keyint=12), uneven=True),
    Form(name="h264", suffix="ts", codec="libx264", options=_x264(keyint=12, open_gop=1, bframes=5)),
    Form(name="h264", suffix="mov", codec="libx264", options=_x264(keyint=12, bframes=0)),
    Form(name="h264", suffix="avi", codec="libx264", options=_x264(keyint=12, bframes=2)),
    Form(name="hevc", suffix="mp4", codec="libx265", options=_x265(keyint=12, bframes=3)),
    Form(name="hevc-layers", suffix="mkv", codec="libx265", options=_x265(keyint=12, temporal_layers=3, b_adapt=0)),
    Form(name="hevc", suffix="ts", codec="libx265", options=_x265(keyint=12, bframes=4, open_gop=1)),
    Form(name="av1", suffix="mp4", codec="libsvtav1", options=_AV1),
    Form(name="av1", suffix="webm", codec="libsvtav1", options=_AV1),
    Form(name="vp9", suffix="webm", codec="libvpx-vp9", options=_VPX),
    Form(name="vp8", suffix="webm", codec="libvpx", options=_VPX),
    Form(name="mpeg4", suffix="mp4", codec="mpeg4", options={"bf": "2"}),
    Form(name="mpeg4", suffix="avi", codec="mpeg4"),
    Form(name="mpeg2", suffix="mkv", codec="mpeg2video", options={"bf": "2"}),
    Form(name="mjpeg", suffix="mov", codec="mjpeg", pixel_format="yuvj420p"),
)


@cache
def picture(number: int, width: int, height: int) -> Pixels:
    """Picture `number`, uint8 (height, width, 3): a texture that moves under grain that changes."""
    texture = np.random.default_rng(7).integers(0, 256, (height // 8 + 32, width // 8 + 32, 3)).astype(np.int16)
    texture = texture.repeat(8, axis=0).repeat(8, axis=1)
    y, x = 3 * number % 160, 2 * number % 160
    grain = np.random.default_rng(number).integers(-12, 13, (height, width, 3))
    shown: Pixels = np.clip(texture[y : y + height, x : x + width] + grain, 0, 255).astype(np.uint8)
    return shown


def make_clip(
    folder: Path, form: Form, *, frames: int = 36, size: tuple[int, int] = (64, 64), start: int = 0, name: str = ""
) -> Path:
    """Encode a clip into `folder`.

    Args:
        folder: where to.
        form: how.
        frames: number of frames.
        size: width and height; AV1's encoder makes nothing smaller than 64 × 64.
        start: number of the first picture, so that clips of one form can differ.
        name: of the file without its suffix; the form's by default.
    """
    path = folder / f"{name or form.name}.{form.suffix}"
    unit, time_base = _TRANSPORT_TIMES if form.suffix == "ts" else _FRAME_TIMES
    os.environ.setdefault("SVT_LOG", "-1")  # its encoder prints a page per clip
    steps = [_UNEVEN[i % len(_UNEVEN)] if form.uneven else 1 for i in range(frames)]
    stamps = [unit * sum(steps[:i]) for i in range(frames)]
    encode(
        path,
        stamps,
        time_base,
        codec=form.codec,
        pixel_format=form.pixel_format,
        codec_options=form.options,
        container_options={"fflags": "+bitexact", **form.container},
        draw=lambda number: picture(start + number, *size),
    )
    return path


def make_clips(folder: Path, forms: Sequence[Form] = FORMS) -> list[Path]:
    """A clip of every form."""
    folder.mkdir(parents=True, exist_ok=True)
    return [make_clip(folder, form) for form in forms]
