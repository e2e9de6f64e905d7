"""Makes clips whose frames carry their number, so that a wrong frame is seen as a wrong number.

A number is drawn as 4 × 3 black and white squares: eleven bits, and one that makes the count of white squares odd, so that a
black or torn picture is no number at all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image

from framedex.contracts import Pixels, Timing

COLUMNS, ROWS = 4, 3
WIDTH, HEIGHT = 128, 96

_BITS = COLUMNS * ROWS - 1


def draw_number(number: int, *, width: int = WIDTH, height: int = HEIGHT) -> Pixels:
    """Picture of a number, 0 to 2047: uint8 (height, width, 3)."""
    assert 0 <= number < 1 << _BITS
    bits = [number >> i & 1 for i in range(_BITS)]
    bits.append(1 - sum(bits) % 2)
    squares = np.array(bits, dtype=np.uint8).reshape(ROWS, COLUMNS) * 255
    grey = squares.repeat(height // ROWS, axis=0).repeat(width // COLUMNS, axis=1)
    return np.repeat(grey[:, :, None], 3, axis=2)


def draw_turned(number: int, rotation_deg: int) -> Pixels:
    """Picture that shows the number upright once it is turned counter-clockwise by `rotation_deg`."""
    return np.ascontiguousarray(np.rot90(draw_number(number), -rotation_deg // 90))


def read_number(picture: Pixels) -> int:
    """The number in a picture of any size; each square is judged by its middle."""
    height, width = picture.shape[0] // ROWS, picture.shape[1] // COLUMNS
    squares = picture.reshape(ROWS, height, COLUMNS, width, 3)
    middles = squares[:, height // 4 : -(height // 4), :, width // 4 : -(width // 4)].mean(axis=(1, 3, 4)).ravel()
    assert ((middles < 64) | (middles > 192)).all(), f"no clean squares: {middles.round()}"
    bits = (middles > 128).astype(int).tolist()
    assert sum(bits) % 2 == 1, f"no number: {bits}"
    return sum(bit << i for i, bit in enumerate(bits[:_BITS]))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceClip:
    """A clip and the truth about it.

    Attributes:
        path: the file or frame folder.
        times: seconds at which its frames are shown, in order.
        numbers: the numbers in those frames.
        folder_fps: rate of a frame folder.
        rotation_deg: counter-clockwise rotation with which it is to be shown.
        timing: the timing with which the times come out.
    """

    path: Path
    times: Sequence[Fraction]
    numbers: Sequence[int]
    folder_fps: str | None = None
    rotation_deg: int = 0
    timing: Timing = "container"

    def sampled(self, fps: Fraction) -> list[tuple[Fraction, int]]:
        """(time, number) of the frames on a grid, by trying every point of it against every frame."""
        taken: list[int] = []
        point = 0
        while self.times[0] + point / fps <= self.times[-1]:
            shown = max(i for i, time in enumerate(self.times) if time <= self.times[0] + point / fps)
            if shown not in taken:
                taken.append(shown)
            point += 1
        return [(self.times[i], self.numbers[i]) for i in taken]


def encode(
    path: Path,
    stamps: Sequence[int],
    time_base: Fraction,
    *,
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    codec_options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    draw: Callable[[int], Pixels] = draw_number,
    rotation_deg: int = 0,
    gop: int = 12,
) -> None:
    """Encode pictures 0, 1, … shown at `stamps` × `time_base` seconds."""
    steps = np.diff(stamps)
    rate = 1 / (int(np.median(steps)) * time_base)
    with av.open(str(path), "w", options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=rate, options=codec_options or {})
        height, width = draw(0).shape[:2]
        stream.width, stream.height, stream.pix_fmt = width, height, pixel_format
        stream.gop_size = gop
        stream.thread_count = 1
        stream.codec_context.time_base = time_base
        if rotation_deg:
            stream.set_display_rotation(rotation_deg)
        for number, stamp in enumerate(stamps):
            frame = av.VideoFrame.from_ndarray(draw(number), format="rgb24")
            frame.pts, frame.time_base = stamp, time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def write_images(folder: Path, count: int, *, name: Callable[[int], str] = "{:04d}.png".format) -> None:
    """A frame folder of numbered pictures."""
    folder.mkdir(parents=True)
    for number in range(count):
        Image.fromarray(draw_number(number)).save(folder / name(number))
