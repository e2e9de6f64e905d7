"""Stage one: from video files and frame folders to sampled RGB frames on real timestamps.

`find_videos` turns what the user named into paths, `identify` a path into a `VideoSource`, `open_video` a source into an open
reader. Decoders are registered by name; their libraries are imported when one is asked for. Some give frames at an encoder's
size only: `framedex.ingest.towers` opens any of them for that.
"""

from __future__ import annotations

from typing import Final, cast

from framedex.contracts import Timing
from framedex.decode.base import (
    Decoder,
    DecodeSummary,
    GridSample,
    Progress,
    TowerDecoder,
    TowerReader,
    VideoInfo,
    VideoReader,
    VideoSource,
    no_progress,
)
from framedex.decode.grids import CountGrid, EveryGrid, FpsGrid, FramesGrid, Grid, SceneGrid, TimesGrid
from framedex.decode.passes import passes
from framedex.decode.source import Found, find_videos, identify
from framedex.errors import UsageError
from framedex.registry import Registry

__all__ = [
    "TOWER_DECODERS",
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
    "TowerDecoder",
    "TowerReader",
    "VideoInfo",
    "VideoReader",
    "VideoSource",
    "decoders",
    "find_videos",
    "identify",
    "load_tower_decoder",
    "open_video",
    "passes",
    "require_decoder",
]

decoders: Registry[Decoder | TowerDecoder] = Registry("decoder")
decoders.add("pyav", "framedex.decode.pyav:PyAVReader")
decoders.add("torchcodec", "framedex.decode.torchcodec:TorchCodecReader", extra="torchcodec")
decoders.add("dali-cpu", "framedex.decode.dali:on_cpu", extra="dali")
decoders.add("dali-gpu", "framedex.decode.dali:on_gpu", extra="gpu")

#: Those of them that are `TowerDecoder`s; all others, plug-ins too, are `Decoder`s.
TOWER_DECODERS: Final = frozenset({"dali-cpu", "dali-gpu"})

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
        UsageError: unknown decoder, or one that gives no frames at full size.
        MissingDependency: its library is not installed.
        VideoError: the video cannot be used, and why.
    """
    if source.folder_fps is not None:
        return _folder_reader.load("folder")(source, threads=threads, progress=progress)
    if decoder in TOWER_DECODERS:
        raise UsageError(
            f"decoder {decoder!r} gives frames at an encoder's size only; choose another here, such as pyav"
        )
    decode = cast(Decoder, decoders.load(decoder))
    return decode(source, threads=threads, progress=progress)


def load_tower_decoder(name: str) -> TowerDecoder:
    """One of `TOWER_DECODERS`.

    Raises:
        MissingDependency: its library is not installed.
    """
    assert name in TOWER_DECODERS, name
    return cast(TowerDecoder, decoders.load(name))


def require_decoder(name: str) -> None:
    """Refuse, before any work, a decoder that cannot be used here.

    Raises:
        UsageError: an unknown name.
        MissingDependency: its library is not installed.
        DeviceError: its device is not there.
    """
    if name in TOWER_DECODERS:
        load_tower_decoder(name).require()
    else:
        decoders.load(name)
