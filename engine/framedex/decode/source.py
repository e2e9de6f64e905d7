"""From what the user named to identified videos: files, folders and patterns into `VideoSource`s keyed by content."""

from __future__ import annotations

import difflib
import glob
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from framedex.decode.base import VideoSource
from framedex.decode.frame_names import is_frame_folder, is_hidden, list_images
from framedex.decode.grids import parse_rate
from framedex.errors import NoFrameRate, NotAVideo, UsageError, did_you_mean
from framedex.keys import KEY_LENGTH, sha256_file, sha256_parts

#: Files with these suffixes are videos when a folder is searched; a file that is named itself is tried whatever its suffix.
VIDEO_SUFFIXES = frozenset(
    {
        *(".mp4", ".m4v", ".mov", ".3gp", ".3g2", ".mkv", ".webm", ".avi", ".ts", ".m2ts", ".mts"),
        *(".mpg", ".mpeg", ".vob", ".flv", ".wmv", ".asf", ".ogv", ".mxf"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the user's paths and patterns come to.

    Attributes:
        paths: video files and frame folders, each once, in the order named and by name within a folder.
        ignored: files and hidden entries in searched folders that are no videos.
    """

    paths: tuple[Path, ...]
    ignored: int


def find_videos(paths: Sequence[str | Path]) -> Found:
    """List the videos that paths and patterns name; nothing is opened.

    A file is taken whatever its suffix. A folder is searched with its sub-folders: files with a suffix of `VIDEO_SUFFIXES`,
    and each folder that holds images and nothing else as one frame folder. A pattern ("clips/**/*.mp4") stands for the
    files and folders that match it, as if each had been named.

    Raises:
        UsageError: a path that does not exist, or a path or pattern that comes to no video.
    """
    found: dict[str, Path] = {}
    ignored: set[Path] = set()
    for named in paths:
        if not str(named).strip():
            raise UsageError("paths: expected files, folders or patterns, got an empty text")
        videos = []
        for path in _matches(str(named)):
            if path.is_dir():
                for entry, is_video in _search(path, ancestors=()):
                    if is_video:
                        videos.append(entry)
                    else:
                        ignored.add(entry.absolute())
            else:
                videos.append(path)
        if not videos:
            raise UsageError(
                f"{named}: no video found there; expected files with a suffix such as .mp4, .mkv, .webm, .avi or .mov, "
                "or a folder that holds images and nothing else"
            )
        for video in videos:
            found.setdefault(os.path.realpath(video), video)
    return Found(paths=tuple(found.values()), ignored=len(ignored))


def identify(path: Path, *, folder_fps: str | None, progress: Callable[[], None] | None = None) -> VideoSource:
    """Key a video by its content.

    The key is the first 32 hex digits of SHA-256: over a file's bytes; for a frame folder over the declared rate and each
    image's name and bytes, by name.

    Args:
        path: a video file or a frame folder.
        folder_fps: frames per second of frame folders ("3", "30000/1001"); files do not use it.
        progress: called every now and then; a large file takes long.

    Raises:
        UsageError: `folder_fps` is no positive number.
        NotAVideo: missing, empty, unreadable, or a folder with more than images in it.
        NoFrameRate: a folder of images without a declared rate.
    """
    try:
        if not path.exists():
            raise NotAVideo(f"{path}: does not exist, or is a link to nothing; check the path")
        if path.is_dir():
            return _identify_folder(path, folder_fps, progress)
        if not path.is_file():
            raise NotAVideo(f"{path}: neither a file nor a folder; name a video file or a folder of images")
        nbytes = path.stat().st_size
        if nbytes == 0:
            raise NotAVideo(f"{path}: the file is empty (0 bytes); copy or download it again")
        return VideoSource(path=path, key=sha256_file(path, progress=progress)[:KEY_LENGTH], nbytes=nbytes)
    except OSError as error:
        raise NotAVideo(f"{path}: cannot be read ({error.strerror}); check its permissions and the disk") from error


def _identify_folder(folder: Path, folder_fps: str | None, progress: Callable[[], None] | None) -> VideoSource:
    images = list_images(folder)
    if folder_fps is None:
        raise NoFrameRate(
            f"{folder}: a folder of {len(images)} images has no frame rate; add --folder-fps, such as --folder-fps 1"
        )
    fps = parse_rate("--folder-fps", folder_fps)

    def parts() -> Iterator[bytes]:
        yield str(fps).encode()
        for image in sorted(images, key=lambda image: image.name):
            yield os.fsencode(image.name)
            yield image.read_bytes()
            if progress is not None:
                progress()

    nbytes = sum(image.stat().st_size for image in images)
    return VideoSource(path=folder, key=sha256_parts(parts())[:KEY_LENGTH], nbytes=nbytes, folder_fps=folder_fps)


def _matches(named: str) -> list[Path]:
    path = Path(named).expanduser()
    try:
        if path.exists():
            return [path]
    except OSError as error:
        raise UsageError(
            f"{path}: cannot be reached ({error.strerror}); check the permissions of its folders"
        ) from error
    if not glob.has_magic(named):
        raise _missing(path)
    matches = sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207  # Path.glob takes no absolute pattern
    if not matches:
        raise UsageError(f"{named}: the pattern matches nothing; check the folder and the suffix")
    return [Path(match) for match in matches]


def _missing(path: Path) -> UsageError:
    missing = path
    while not missing.parent.is_dir() and missing != missing.parent:
        missing = missing.parent
    names = [entry.name for entry in missing.parent.iterdir()] if os.access(missing.parent, os.R_OK) else []
    near = difflib.get_close_matches(missing.name, names, n=3, cutoff=0.5)
    hint = f"in that folder {did_you_mean(missing.name, near)}" if near else "nothing there has a similar name"
    return UsageError(f"{path}: {missing.name!r} does not exist in {missing.parent.absolute()}; {hint}")


def _search(folder: Path, *, ancestors: tuple[str, ...]) -> Iterator[tuple[Path, bool]]:
    """Every entry below a folder, by name, with whether it is a video; a frame folder is one entry."""
    real = os.path.realpath(folder)
    if real in ancestors:  # a link to a folder above
        return
    try:
        entries = sorted(folder.iterdir(), key=lambda entry: entry.name)
    except OSError as error:
        raise UsageError(
            f"{folder}: cannot be listed ({error.strerror}); check its permissions, or name its videos"
        ) from error
    if is_frame_folder(entries):
        yield folder, True
        return
    for entry in entries:
        if is_hidden(entry):
            yield entry, False
        elif entry.is_dir():
            yield from _search(entry, ancestors=(*ancestors, real))
        else:
            yield entry, entry.suffix.lower() in VIDEO_SUFFIXES
