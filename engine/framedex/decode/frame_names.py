"""The images of a frame folder: which files they are, and the order in which they are shown.

A wrong order is a wrong video that nothing downstream can see, so names are either beyond doubt or refused:

- names whose plain order and numeric order agree (`0001.jpg`, `0002.jpg`, …) are taken in that order;
- names that differ in their last number only (`frame2.jpg`, `frame10.jpg`) are taken in the order of that number;
- anything else (`t1.5.jpg` and `t1.25.jpg`, `1.jpg` and `01.jpg`) is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from framedex.errors import NotAVideo

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".ppm", ".pgm"})

_SYSTEM_FILES = frozenset({"thumbs.db", "desktop.ini"})
_LAST_NUMBER = re.compile(r"(?P<before>.*?)(?P<number>[0-9]+)(?P<after>[^0-9]*)")


def is_hidden(path: Path) -> bool:
    """Whether a file or folder is the system's own: a dot file, Thumbs.db, desktop.ini."""
    return path.name.startswith(".") or path.name.lower() in _SYSTEM_FILES


def is_image(path: Path) -> bool:
    """Whether the suffix is an image's."""
    return path.suffix.lower() in IMAGE_SUFFIXES


def is_frame_folder(entries: Sequence[Path]) -> bool:
    """Whether a folder with these entries is a frame folder: images and nothing else, hidden files aside."""
    visible = [entry for entry in entries if not is_hidden(entry)]
    return bool(visible) and all(entry.is_file() and is_image(entry) for entry in visible)


def list_images(folder: Path) -> list[Path]:
    """The images of a frame folder in the order in which they are shown.

    Raises:
        NotAVideo: no image, something that is no image, or an order in doubt.
    """
    try:
        visible = sorted((entry for entry in folder.iterdir() if not is_hidden(entry)), key=lambda entry: entry.name)
    except OSError as error:
        raise NotAVideo(f"{folder}: cannot be listed ({error.strerror}); check its permissions") from error
    strangers = [entry.name for entry in visible if not (entry.is_file() and is_image(entry))]
    if strangers:
        raise NotAVideo(
            f"{folder}: a frame folder holds only images, found {strangers[0]!r}"
            f"{f' and {len(strangers) - 1} more' if len(strangers) > 1 else ''}; move what is no frame elsewhere"
        )
    if not visible:
        raise NotAVideo(f"{folder}: the folder is empty, expected images to be read as frames")
    return _in_order(folder, visible)


def _in_order(folder: Path, images: list[Path]) -> list[Path]:
    numeric = sorted(images, key=lambda image: _natural(image.stem))
    keys = [_natural(image.stem) for image in numeric]
    repeated = next((i for i in range(1, len(keys)) if keys[i] == keys[i - 1]), None)
    if repeated is not None:
        raise NotAVideo(
            f"{folder}: {numeric[repeated - 1].name!r} and {numeric[repeated].name!r} have the same number; "
            "give every frame a number of its own"
        )
    if numeric == images or _differ_in_last_number_only(images):
        return numeric
    raise NotAVideo(
        f"{folder}: the order of the frames is in doubt, {images[0].name!r} … {images[-1].name!r} by name but "
        f"{numeric[0].name!r} … {numeric[-1].name!r} by number; number the frames with leading zeros"
    )


def _natural(stem: str) -> list[tuple[bool, int, str]]:
    """Sorting key that reads runs of digits as numbers; numbers sort before text, as their digits do."""
    parts = re.split(r"([0-9]+)", stem)
    return [(False, int(part), "") if i % 2 else (True, 0, part) for i, part in enumerate(parts) if part]


def _differ_in_last_number_only(images: Sequence[Path]) -> bool:
    matches = [_LAST_NUMBER.fullmatch(image.stem) for image in images]
    frames = {(match["before"], match["after"]) if match else None for match in matches}
    if len(frames) != 1 or None in frames:
        return False
    before = matches[0]["before"] if matches[0] else ""
    # After "1." or "1," or "-" the digits may be decimals or negative, whose numeric order is another one.
    return re.search(r"[0-9][.,]$|-$", before) is None
