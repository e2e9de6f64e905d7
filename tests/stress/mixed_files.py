"""A folder as people have them: good videos of every kind, broken ones, copies, what is no video, and names of all sorts."""

from __future__ import annotations

import os
import shutil
import socket
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

import av
import numpy as np
from PIL import Image

from mp4_boxes import TURNED, set_display_matrix
from stress.source_clips import FORMS, Form, make_clip, picture

#: Containers and codecs beyond those that are mutated.
MORE_FORMS = (
    Form(name="flash", suffix="flv", codec="flv"),
    Form(name="windows", suffix="wmv", codec="wmv2"),
    Form(name="program-stream", suffix="mpg", codec="mpeg2video"),
    Form(name="phone", suffix="3gp", codec="libx264"),
    Form(name="camera", suffix="mts", codec="libx264"),
    Form(name="apple", suffix="m4v", codec="libx264"),
    Form(
        name="ten-bit",
        suffix="mp4",
        codec="libx265",
        options={"x265-params": "log-level=none"},
        pixel_format="yuv420p10le",
    ),
    Form(name="lossless", suffix="mkv", codec="ffv1", pixel_format="yuv444p"),
    Form(name="studio", suffix="mov", codec="prores", pixel_format="yuv422p10le"),
)
#: Names that harm who prints, shows, globs or splits them; on good files and on bad ones.
HOSTILE = (
    "new\nline",
    "carriage\rreturn",
    "tab\tstop",
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    'double"quote',
    "single'quote",
    "<script>alert(1)<script>",
    "-rf",
    "--help",
    "*[a-z]?",
    "%s %d {0}",
    " blanks ",
    "$(touch x)",
    "; rm -r x;",
    "back\\slash",
    "[bold red]markup[",
    "concat:a|b",
    "日本語の動画",
    "e\u0301 and \u00e9",
    "\N{CLAPPER BOARD} emoji",
    "\u202egnp.4pm",
    "line\u2028separator",
    "a" * 200,
    os.fsdecode(b"latin-\xe9\xff"),
)
_JUNK = b"<html><body>404 Not Found</body></html>\n" * 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixed:
    """What was made, in numbers: what a run must come to.

    Attributes:
        folder: the folder.
        indexed: good videos and frame folders.
        skipped: copies of good ones.
        quarantined: bad ones, things that are no videos, copies of bad ones.
        ignored: files without a video's suffix, and hidden ones.
    """

    folder: Path
    indexed: int
    skipped: int
    quarantined: int
    ignored: int


def make_mixed(folder: Path, *, scale: float = 1.0) -> Mixed:
    """300 files at a scale of 1: 200 good, 60 bad, 20 copies, 10 of other kinds, 10 frame folders."""
    n_good, n_bad, n_copies = (max(3, round(scale * n)) for n in (200, 60, 20))
    good = list(_good(folder / "good", n_good))
    bad = list(_bad(folder / "incoming" / "bad", n_bad, good))
    copies_of_good = n_copies * 3 // 4
    for number, path in enumerate(
        [*islice(cycle(good), copies_of_good), *islice(_with_content(bad), n_copies - copies_of_good)]
    ):
        target = folder / "copies" / str(number) / path.name
        target.parent.mkdir(parents=True)
        shutil.copy(path, target)
    others = _others(folder / "others", good[0])
    good_folders, bad_folders = _frame_folders(folder / "frames")
    return Mixed(
        folder=folder,
        indexed=n_good + good_folders,
        skipped=copies_of_good,
        quarantined=n_bad + n_copies - copies_of_good + others + bad_folders,
        ignored=_ignored(folder),
    )


def _with_content(bad: list[Path]) -> Iterator[Path]:
    """Bad files that can be copied and whose bytes say which they are."""
    return (path for path in bad if path.is_file() and path.stat().st_size)


def _good(folder: Path, count: int) -> Iterator[Path]:
    """Each with pictures of its own; every few carry a hostile name, are rotated, or very short."""
    forms = cycle([*FORMS, *MORE_FORMS])
    names = iter(HOSTILE)
    for number in range(count):
        form = next(forms)
        here = folder / f"{number // 40}"
        here.mkdir(parents=True, exist_ok=True)
        name = next(names, f"clip-{number:03}") if number % 3 == 1 else f"clip-{number:03}-{form.name}"
        frames = (36, 50, 36, 3, 36, 2)[number % 6] if form.name in ("h264", "mpeg4", "mjpeg") else 30 + number % 17
        path = make_clip(here, form, frames=frames, size=(64 + 2 * (number % 9), 64), start=number, name=name)
        if form.suffix in ("mp4", "mov") and "fragments" not in form.name and number % 2:
            set_display_matrix(path, TURNED[(90, 180, 270)[number % 3]])
        yield path


def _bad(folder: Path, count: int, good: list[Path]) -> Iterator[Path]:
    folder.mkdir(parents=True)
    whole = [path for path in good if path.suffix in (".mp4", ".mkv", ".avi", ".webm", ".ts", ".mov")]
    rng = np.random.default_rng(5)
    makers: tuple[Callable[[bytes], bytes], ...] = (
        lambda data: data[: len(data) * 2 // 3],
        lambda data: b"",
        lambda _: rng.bytes(20_000),
        lambda _: _JUNK,
        lambda data: data[: len(data) // 2] + bytes(len(data) - len(data) // 2),
        lambda data: bytes(len(data)),
        lambda data: data[:400] + rng.bytes(len(data) - 400),
        lambda data: data.replace(b"moov", b"free"),
        lambda data: data[len(data) // 2 :],
        lambda data: data[:-1],
    )
    names = iter(HOSTILE)
    for number in range(count):
        source = whole[number * 7 % len(whole)]
        name = next(names, f"bad-{number}") if number % 2 else f"bad-{number}"
        path = folder / f"{name}{source.suffix}"
        if number % 20 == 18:
            path.symlink_to(f"nothing-there-{number}.mp4")
        elif number % 20 == 19:
            os.mkfifo(path)
        else:
            made = makers[number % len(makers)](source.read_bytes())
            if source.suffix not in (".mp4", ".mov") and number % len(makers) in (4, 7, 8, 9):
                made = rng.bytes(5000)  # other containers may be read as far as they go, which is no error
            path.write_bytes(made + (number.to_bytes(2) if made else b""))
        yield path


def _others(folder: Path, video: Path) -> int:
    """Ten files of other kinds, with suffixes of videos."""
    folder.mkdir(parents=True)
    image = Image.fromarray(picture(1, 64, 64))
    for suffix, kind in ((".mp4", "JPEG"), (".mov", "PNG"), (".avi", "GIF"), (".webm", "WEBP")):
        image.save(folder / f"picture-{kind.lower()}{suffix}", kind)
    (folder / "text.mkv").write_text("not a video\n" * 100)
    (folder / "subtitles.mp4").write_text("1\n00:00:01,000 --> 00:00:02,000\nHello\n")
    (folder / "list.ts").write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{video}\n#EXT-X-ENDLIST\n")
    with zipfile.ZipFile(folder / "archive.mov", "w") as archive:
        archive.write(video, "clip.mp4")
    _sound(folder / "song.mp4")
    _sound(folder / "song.mkv")
    return 10


def _sound(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16_000, layout="mono")
        for i in range(10):
            samples = np.zeros((1, 1024), dtype=np.float32)
            frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 16_000, i * 1024
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _frame_folders(folder: Path) -> tuple[int, int]:
    """Ten folders of images: how many of them are good, and how many not."""

    def make(name: str, names: list[str], start: int) -> Path:
        (folder / name).mkdir(parents=True)
        for number, image in enumerate(names):
            Image.fromarray(picture(start + number, 64, 64)).save(folder / name / image)
        return folder / name

    for number in range(7):
        suffix = ("png", "jpg", "webp")[number % 3]
        make(
            ("seven\nlines", "plain", "<b>bold")[number % 3] + str(number),
            [f"{i:03}.{suffix}" for i in range(8)],
            9 * number,
        )
    make("order-in-doubt", ["t1.5.png", "t1.25.png", "t10.png"], 100)
    (make("torn-image", ["0.png", "1.png", "2.png"], 110) / "2.png").write_bytes(b"\x89PNG\r\n\x1a\n, and no more")
    empty = make("no-image", ["0.png", "1.png"], 120)
    (empty / "0.png").write_bytes(b"")
    return 7, 3


def _ignored(folder: Path) -> int:
    """Files that a search passes over."""
    for name in ("notes.txt", "README", "clip.srt", ".hidden.mp4", "Thumbs.db", "cover.jpg"):
        (folder / name).write_bytes(b"passed over")
    listener = socket.socket(socket.AF_UNIX)
    here = Path.cwd()
    os.chdir(folder)  # a socket's path is a short one
    try:
        listener.bind("socket.sock")
    finally:
        os.chdir(here)
        listener.close()
    return 7
