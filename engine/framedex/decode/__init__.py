"""Stage one: from video files and frame folders to sampled RGB frames on real timestamps.

`find_videos` turns what the user named into paths, `identify` a path into a `VideoSource`, `open_video` a source into an open
reader. Decoders are registered by name; their libraries are imported when one is asked for.
"""

from __future__ import annotations

from framedex.contracts import Timing
from framedex.decode.base import (
    Decoder,
    DecodeSummary,
    GridSample,
    Progress,
    VideoInfo,
    VideoReader,
    VideoSource,
    no_progress,
)
from framedex.decode.grids import CountGrid, EveryGrid, FpsGrid, FramesGrid, Grid, SceneGrid, TimesGrid
from framedex.decode.passes import passes
from framedex.decode.source import Found, find_videos, identify
from framedex.registry import Registry

__all__ = [
    "CountGrid",
    "DecodeSummary",
    "Decoder",
    "EveryGrid",
    "Found",
    "FpsGrid",
    "FramesGrid",
    "Grid",
    "GridSample",
    "Progress",
    "SceneGrid",
    "TimesGrid",
    "Timing",
    "VideoInfo",
    "VideoReader",
    "VideoSource",
    "decoders",
    "find_videos",
    "identify",
    "open_video",
    "passes",
]

decoders: Registry[Decoder] = Registry("decoder")
decoders.add("pyav", "framedex.decode.pyav:PyAVReader")
decoders.add("torchcodec", "framedex.decode.torchcodec:TorchCodecReader", extra="torchcodec")

# Not a choice of the user's: a frame folder is always read by Pillow, so it is not among the decoders' names.
_folder_reader: Registry[Decoder] = Registry("folder reader")
_folder_reader.add("folder", "framedex.decode.folder:FolderReader")


def open_video(
    source: VideoSource, *, decoder: str = "pyav", threads: int, progress: Progress = no_progress
) -> VideoReader:
    """Open a source: a file with the named decoder, a frame folder with the folder reader.

    Args:
        source: what `identify` gave.
        decoder: a name of `decoders`.
        threads: decoding threads at most, >= 1.
        progress: called as work goes on, in any thread.

    Raises:
        UsageError: unknown decoder.
        VideoError: the video cannot be used, and why.
    """
    decode = _folder_reader.load("folder") if source.folder_fps is not None else decoders.load(decoder)
    return decode(source, threads=threads, progress=progress)
