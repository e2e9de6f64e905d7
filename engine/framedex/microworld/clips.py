"""Writing a clip's frames to a real video file."""

import os
from fractions import Fraction
from pathlib import Path

import av
from av.codec.codec import UnknownCodecError

from framedex.errors import MissingDependency, StorageError
from framedex.microworld.formats import FORMATS
from framedex.microworld.render import render
from framedex.microworld.spec import ClipSpec, scenes


def clip_file_name(spec: ClipSpec) -> str:
    """Return the clip's file name, such as "clip-0003.mkv"."""
    return spec.name + FORMATS[spec.format_name].suffix


def write_clip(spec: ClipSpec, folder: Path) -> Path:
    """Render and encode a clip into `folder`; the file appears under its name only when it is whole.

    Raises:
        MissingDependency: the FFmpeg that PyAV carries has no such encoder.
        StorageError: the folder cannot be written.
    """
    path = folder / clip_file_name(spec)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        _encode(spec, unfinished)
        unfinished.replace(path)
    except UnknownCodecError as error:
        raise MissingDependency(
            f"clip {spec.name}: PyAV's FFmpeg has no encoder {error}; install PyAV from its wheel: pip install av"
        ) from error
    except (OSError, av.FFmpegError) as error:
        raise StorageError(
            f"clip {spec.name}: cannot write {path}: {error}; free space or choose another folder"
        ) from error
    finally:
        unfinished.unlink(missing_ok=True)
    return path


def _encode(spec: ClipSpec, path: Path) -> None:
    video_format = FORMATS[spec.format_name]
    # SVT-AV1 writes its banner to stderr itself, past FFmpeg's log, unless this variable asks for errors only.
    os.environ.setdefault("SVT_LOG", "1")
    # Bit-exact: without it Matroska and WebM draw random identifiers, and the same clip would be another video each time.
    exact = {"fflags": "+bitexact"}
    with av.open(str(path), "w", format=video_format.muxer, container_options=exact) as container:
        stream = container.add_stream(video_format.encoder, rate=spec.fps, options=dict(video_format.options))
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = spec.width, spec.height
        stream.pix_fmt = video_format.pixel_format
        stream.thread_count = 1
        stream.time_base = Fraction(1) / spec.fps
        for number, scene in enumerate(scenes(spec)):
            picture = av.VideoFrame.from_ndarray(render(scene), format="rgb24")
            picture.pts = number
            picture.time_base = Fraction(1) / spec.fps
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
