"""The clips of bench/decode.py: one moving scene, the same for the same arguments, in many codecs, structures and sizes.

The scene has what makes decoding cost what it costs on camera footage: texture with the spectrum of natural pictures, a camera
that pans, turns and zooms by fractions of a pixel, things that move across each other, and sensor noise.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import OutputContainer
from numpy.typing import NDArray
from PIL import Image

FPS = 30
#: Natural pictures have an amplitude spectrum of about 1 / frequency.
_POWER = 1.2
_THINGS = 12
_NOISE = 3.0
_AFFINE, _BILINEAR = Image.Transform.AFFINE, Image.Resampling.BILINEAR

_X264 = {"preset": "veryfast", "crf": "26", "g": "250", "bf": "3"}
_X265 = {"preset": "superfast", "crf": "28", "x265-params": "log-level=none:keyint=250"}
_VP9 = {"deadline": "good", "cpu-used": "5", "crf": "36", "b": "0", "g": "250", "row-mt": "1"}
_AV1 = {"preset": "10", "crf": "40", "g": "250"}
_MPEG4 = {"g": "250", "bf": "2", "qmin": "3", "qmax": "5"}
_MJPEG = {"qmin": "3", "qmax": "5"}

_SIZES = {"360p": (640, 360), "720p": (1280, 720), "1080p": (1920, 1080)}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipForm:
    """How the scene is stored.

    Attributes:
        name: "h264-720p".
        suffix: of the file, without the dot.
        encoder: FFmpeg's encoder.
        width: in pixels.
        height: in pixels.
        seconds: of the clip.
        options: of the encoder.
        pixel_format: FFmpeg's.
    """

    name: str
    suffix: str
    encoder: str
    width: int
    height: int
    seconds: int
    options: Mapping[str, str] = field(default_factory=dict)
    pixel_format: str = "yuv420p"


#: The clip of the goals: half of its packets are B-frames that nothing refers to.
MAIN = "h264-720p"


def forms(*, quick: bool) -> tuple[ClipForm, ...]:
    """Every clip; with `quick`, under the same names, of half or a quarter of the width and height and a few seconds."""
    kinds: tuple[tuple[str, str, str, Mapping[str, str], tuple[str, ...]], ...] = (
        ("h264", "mp4", "libx264", _X264, ("720p", "360p", "1080p")),
        ("h264-gop30", "mp4", "libx264", {**_X264, "g": "30"}, ("720p",)),
        ("h264-opengop", "mp4", "libx264", {**_X264, "g": "60", "x264-params": "open-gop=1"}, ("720p",)),
        ("h264-ts", "ts", "libx264", {**_X264, "g": "60"}, ("720p",)),
        ("hevc", "mp4", "libx265", _X265, ("720p", "360p")),
        ("vp9", "webm", "libvpx-vp9", _VP9, ("720p", "360p")),
        ("av1", "mp4", "libsvtav1", _AV1, ("720p",)),
        ("mpeg4", "mp4", "mpeg4", _MPEG4, ("720p",)),
        ("mjpeg", "mov", "mjpeg", _MJPEG, ("720p",)),
    )
    every = [
        ClipForm(
            name=f"{kind}-{size}",
            suffix=suffix,
            encoder=encoder,
            width=_SIZES[size][0],
            height=_SIZES[size][1],
            seconds=60 if f"{kind}-{size}" == MAIN else 20,
            options=options,
            pixel_format="yuvj420p" if kind == "mjpeg" else "yuv420p",
        )
        for kind, suffix, encoder, options, sizes in kinds
        for size in sizes
    ]
    if quick:
        every = [
            _smaller(form, by=2, seconds=11) if form.name == MAIN else _smaller(form, by=4, seconds=2) for form in every
        ]
    return tuple(every)


def _smaller(form: ClipForm, *, by: int, seconds: int) -> ClipForm:
    return replace(form, width=form.width // by, height=form.height // by, seconds=seconds)


def make_clips(folder: Path, wanted: Sequence[ClipForm]) -> dict[str, Path]:
    """Make the clips that are not in `folder` yet; each size is drawn once and encoded in all its forms at the same time."""
    paths = {form.name: folder / f"{form.name}-{form.height}-{form.seconds}s.{form.suffix}" for form in wanted}
    folder.mkdir(parents=True, exist_ok=True)
    for size in sorted({(form.width, form.height) for form in wanted}):
        missing = [form for form in wanted if (form.width, form.height) == size and not paths[form.name].exists()]
        if missing:
            print(f"making {', '.join(form.name for form in missing)}", file=sys.stderr)
            _encode(missing, paths)
    return paths


def _encode(same_size: Sequence[ClipForm], paths: Mapping[str, Path]) -> None:
    parts = {form.name: paths[form.name].with_suffix(f".part.{form.suffix}") for form in same_size}
    n_frames = {form.name: form.seconds * FPS for form in same_size}
    with ExitStack() as stack:
        outputs = []
        for form in same_size:
            container = stack.enter_context(av.open(str(parts[form.name]), "w"))
            outputs.append((container, _add_stream(container, form), n_frames[form.name]))
        for number, picture in enumerate(
            scene(same_size[0].width, same_size[0].height, max(n_frames.values()), seed=0)
        ):
            for container, stream, until in outputs:
                if number < until:
                    frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                    frame.pts = number
                    container.mux(stream.encode(frame))
        for container, stream, _ in outputs:
            container.mux(stream.encode(None))
    for name, part in parts.items():
        part.replace(paths[name])


def _add_stream(container: OutputContainer, form: ClipForm) -> av.VideoStream:
    stream = container.add_stream(form.encoder, rate=FPS, options=dict(form.options))
    assert isinstance(stream, av.VideoStream)
    stream.width, stream.height, stream.pix_fmt = form.width, form.height, form.pixel_format
    stream.codec_context.time_base = Fraction(1, FPS)
    return stream


def scene(width: int, height: int, n_frames: int, *, seed: int) -> Iterator[NDArray[np.uint8]]:
    """Pictures of the scene, uint8 (height, width, 3); the same view at every size."""
    rng = np.random.Generator(np.random.Philox(key=seed))
    ground, things = _texture(rng, 2048), _texture(rng, 1024)
    noise = np.rint(rng.normal(0, _NOISE, (height + 64, width + 64, 1))).astype(np.int16)
    movers = [
        (rng.uniform(0.06, 0.3, 2), rng.uniform(0, 1, 2), rng.uniform(-0.36, 0.36, 2), rng.uniform(0, 700, 2))
        for _ in range(_THINGS)
    ]
    scale = 1152 / width
    for number in range(n_frames):
        t = number / FPS
        turn, zoom = 0.15 * np.sin(0.9 * t), scale * (1 + 0.2 * np.sin(0.7 * t))
        centre = 1024 + 250 * np.sin(0.5 * t), 1024 + 280 * np.cos(0.37 * t)
        view = ground.transform((width, height), _AFFINE, _camera(width, height, zoom, turn, centre), _BILINEAR)
        for size, start, speed, texture_at in movers:
            w, h = (int(share * height) // 2 * 2 for share in size)
            zoom, turn = scale * (1 + 0.25 * np.sin(1.3 * t + 9 * start[0])), 0.1 * np.sin(t + 7 * start[1])
            middle = texture_at[0] + 160, texture_at[1] + 160
            thing = things.transform((w, h), _AFFINE, _camera(w, h, zoom, turn, middle), _BILINEAR)
            x, y = np.abs((start + speed * t) % 2 - 1) * (width - w, height - h)
            view.paste(thing, (int(x), int(y)))
        dy, dx = rng.integers(0, 64, 2)
        grain = noise[dy : dy + height, dx : dx + width]
        yield np.clip(np.asarray(view, np.int16) + grain, 0, 255).astype(np.uint8)


def _camera(
    width: int, height: int, zoom: float, turn: float, centre: tuple[float, float]
) -> tuple[float, float, float, float, float, float]:
    """Pillow's affine map from a view's pixels to the texture's: `centre` comes to the middle of the view."""
    c, s = zoom * np.cos(turn), zoom * np.sin(turn)
    x, y = width / 2, height / 2
    return c, -s, centre[0] - c * x + s * y, s, c, centre[1] - s * x - c * y


def _texture(rng: np.random.Generator, n: int) -> Image.Image:
    """A picture of n × n pixels with a power-law spectrum, its channels alike but not equal."""
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(n), np.fft.rfftfreq(n), indexing="ij"))
    frequency[0, 0] = 1
    planes = []
    for _ in range(3):
        spectrum = rng.normal(size=frequency.shape) + 1j * rng.normal(size=frequency.shape)
        plane = np.fft.irfft2(spectrum / frequency**_POWER, (n, n))
        planes.append((plane - plane.mean()) / plane.std())
    pixels = 128 + 50 * (0.8 * planes[0][:, :, None] + 0.6 * np.stack(planes, axis=-1)) / 1.2
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
