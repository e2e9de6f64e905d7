from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from clips import draw_number, draw_turned, read_number, write_images
from framedex.decode import FpsGrid, identify, open_video
from framedex.errors import DecodeFailed

ALL = FpsGrid(fps=Fraction(1))


def numbers(folder: Path) -> list[int]:
    with open_video(identify(folder, folder_fps="1"), threads=1) as reader:
        return [read_number(picture) for batch in reader.frames(ALL) for picture in batch.frames]


def test_info_is_of_the_first_image(tmp_path: Path) -> None:
    write_images(tmp_path / "frames", 2)
    with open_video(identify(tmp_path / "frames", folder_fps="1"), threads=1) as reader:
        assert (reader.info.container, reader.info.codec, reader.info.width, reader.info.height) == (
            "folder",
            "png",
            128,
            96,
        )


@pytest.mark.parametrize(("orientation", "rotation_deg"), [(1, 0), (6, 270), (3, 180), (8, 90)])
def test_exif_orientation_is_applied(tmp_path: Path, orientation: int, rotation_deg: int) -> None:
    (tmp_path / "frames").mkdir()
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(draw_turned(321, rotation_deg)).save(tmp_path / "frames" / "1.jpg", exif=exif)
    assert numbers(tmp_path / "frames") == [321]


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "1", "LA"])
def test_every_mode_of_eight_bits_is_read(tmp_path: Path, mode: str) -> None:
    (tmp_path / "frames").mkdir()
    Image.fromarray(draw_number(77)).convert(mode).save(tmp_path / "frames" / f"1.{'tif' if mode == 'CMYK' else 'png'}")
    assert numbers(tmp_path / "frames") == [77]


def test_images_of_two_sizes_are_two_batches(tmp_path: Path) -> None:
    write_images(tmp_path / "frames", 2)
    Image.fromarray(draw_number(2, width=256, height=192)).save(tmp_path / "frames" / "0002.png")
    with open_video(identify(tmp_path / "frames", folder_fps="1"), threads=1) as reader:
        assert [batch.frames.shape for batch in reader.frames(ALL)] == [(2, 96, 128, 3), (1, 192, 256, 3)]


def _text(path: Path) -> None:
    path.write_text("no image")


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _sixteen_bits(path: Path) -> None:
    Image.fromarray(np.full((96, 128), 40_000, dtype=np.uint16)).save(path)


def _moving(path: Path) -> None:
    frames = [Image.fromarray(draw_number(i)) for i in range(2)]
    frames[0].save(path, format="GIF", save_all=True, append_images=frames[1:])


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (_text, "no image that Pillow can read"),
        (_cut, "the image cannot be read"),
        (_sixteen_bits, "expected 8 bits per channel, got Pillow mode 'I;16'"),
        (_moving, "expected one picture, got 2"),
    ],
)
def test_a_broken_image_is_named(tmp_path: Path, spoil: Callable[[Path], None], reason: str) -> None:
    write_images(tmp_path / "frames", 3)
    spoil(tmp_path / "frames" / "0001.png")
    with pytest.raises(DecodeFailed, match=rf"0001\.png: {reason}"):
        numbers(tmp_path / "frames")


def test_only_the_images_of_the_grid_are_read(tmp_path: Path) -> None:
    write_images(tmp_path / "frames", 4)
    _text(tmp_path / "frames" / "0001.png")
    with open_video(identify(tmp_path / "frames", folder_fps="2"), threads=1) as reader:
        assert [read_number(picture) for batch in reader.frames(ALL) for picture in batch.frames] == [0, 2]
        assert (reader.summary.frames, len(reader.summary.samples[0].pts_us)) == (4, 2)
