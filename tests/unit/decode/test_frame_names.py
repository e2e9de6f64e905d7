from __future__ import annotations

from pathlib import Path

import pytest

from framedex.decode.frame_names import is_frame_folder, list_images
from framedex.errors import NotAVideo


def make(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).write_bytes(b"x")
    return folder


@pytest.mark.parametrize(
    "names",
    [
        ("0001.jpg", "0002.jpg", "0010.jpg"),
        ("1.jpg", "2.jpg", "10.jpg", "100.png"),
        ("frame2.jpg", "frame10.jpg"),
        ("clip_a_2x.png", "clip_a_10x.png"),
        ("a.jpg", "b.jpg", "c.jpg"),
        ("t1.25.jpg", "t1.50.jpg"),
        ("x.jpg", "x1.jpg", "x2.jpg"),
    ],
)
def test_order_beyond_doubt(tmp_path: Path, names: tuple[str, ...]) -> None:
    make(tmp_path, *reversed(names))
    assert [image.name for image in list_images(tmp_path)] == list(names)


@pytest.mark.parametrize(
    "names",
    [
        ("t1.5.jpg", "t1.25.jpg"),  # decimals, or a second number?
        ("t-1.jpg", "t-10.jpg", "t-2.jpg"),  # negative, or a hyphen?
        ("a2.jpg", "a10.jpg", "b1.jpg"),
        ("s1e2.jpg", "s1e10.jpg", "s2e1.jpg"),
    ],
)
def test_order_in_doubt_is_refused(tmp_path: Path, names: tuple[str, ...]) -> None:
    with pytest.raises(NotAVideo, match=r"in doubt, .* leading zeros"):
        list_images(make(tmp_path, *names))


@pytest.mark.parametrize("names", [("1.jpg", "01.jpg"), ("7.jpg", "7.png")])
def test_one_number_twice_is_refused(tmp_path: Path, names: tuple[str, str]) -> None:
    with pytest.raises(NotAVideo, match="have the same number"):
        list_images(make(tmp_path, *names))


def test_system_files_do_not_count(tmp_path: Path) -> None:
    make(tmp_path, "1.jpg", ".DS_Store", "Thumbs.db", "._1.jpg")
    assert is_frame_folder(list(tmp_path.iterdir()))
    assert [image.name for image in list_images(tmp_path)] == ["1.jpg"]


def test_anything_else_makes_it_no_frame_folder(tmp_path: Path) -> None:
    make(tmp_path, "1.jpg", "labels.json", "more.txt")
    assert not is_frame_folder(list(tmp_path.iterdir()))
    with pytest.raises(NotAVideo, match=r"holds only images, found 'labels.json' and 1 more; move"):
        list_images(tmp_path)


def test_a_folder_within_makes_it_no_frame_folder(tmp_path: Path) -> None:
    make(tmp_path, "1.jpg")
    (tmp_path / "deep.jpg").mkdir()
    assert not is_frame_folder(list(tmp_path.iterdir()))


def test_an_empty_folder_is_no_frame_folder(tmp_path: Path) -> None:
    assert not is_frame_folder([])
    with pytest.raises(NotAVideo, match="the folder is empty"):
        list_images(tmp_path)
