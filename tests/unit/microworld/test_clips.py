import dataclasses
from fractions import Fraction

import av
import numpy as np
import pytest

from framedex.errors import StorageError
from framedex.microworld.clips import write_clip
from framedex.microworld.draw import draw_clip
from framedex.microworld.formats import FORMATS
from framedex.microworld.render import render
from framedex.microworld.spec import scenes

CODECS = {
    "mp4-h264": "h264",
    "mp4-hevc": "hevc",
    "webm-vp9": "vp9",
    "mkv-av1": "av1",
    "avi-mpeg4": "mpeg4",
    "mov-mjpeg": "mjpeg",
    "ts-h264": "h264",
    "mkv-h264": "h264",
}


def short(format_name, fps):
    """The first thing of a drawn clip, shown during half of 1.25 seconds."""
    spec = draw_clip(6, 0)
    n_frames = int(fps * 5 / 4)
    track = dataclasses.replace(spec.tracks[0], start_frame=n_frames // 2, end_frame=n_frames, x=0.5, y=0.5)
    return dataclasses.replace(
        spec, format_name=format_name, fps=fps, n_frames=n_frames, tracks=(track,), width=160, height=120
    )


def read(path):
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames = list(container.decode(stream))
        return stream.codec.canonical_name, stream.average_rate, frames


def test_the_rotation_is_the_one_tested():
    assert set(CODECS) == set(FORMATS)


@pytest.mark.parametrize("fps", [Fraction(12), Fraction(30000, 1001)], ids=str)
@pytest.mark.parametrize("format_name", FORMATS)
def test_a_clip_opens_with_its_frames_rate_and_pictures(tmp_path, format_name, fps):
    spec = short(format_name, fps)
    codec, rate, frames = read(write_clip(spec, tmp_path))
    assert codec == CODECS[format_name]
    assert len(frames) == spec.n_frames
    assert float(rate) == pytest.approx(float(fps), rel=1e-3)
    times_s = [float((frame.pts - frames[0].pts) * frame.time_base) for frame in frames]
    assert times_s == pytest.approx([number / float(fps) for number in range(spec.n_frames)], abs=1e-3)
    drawn = [render(scene) for scene in scenes(spec)]
    for number in (0, spec.n_frames // 2, spec.n_frames - 1):
        seen = frames[number].to_ndarray(format="rgb24").astype(int)
        assert np.abs(seen - drawn[number]).mean() < 12
    assert [path.name for path in tmp_path.iterdir()] == [f"clip-0000{FORMATS[format_name].suffix}"]


@pytest.mark.parametrize("format_name", FORMATS)
def test_the_same_clip_is_the_same_bytes(tmp_path, format_name):
    spec = short(format_name, Fraction(12))
    one = write_clip(spec, tmp_path).read_bytes()
    assert write_clip(spec, tmp_path).read_bytes() == one


@pytest.mark.parametrize("format_name", ["mp4-h264", "ts-h264", "mkv-h264"])
def test_h264_clips_hold_b_frames(tmp_path, format_name):
    _, _, frames = read(write_clip(short(format_name, Fraction(25)), tmp_path))
    assert av.video.frame.PictureType.B in {frame.pict_type for frame in frames}


def test_a_folder_that_is_not_there_is_a_storage_error(tmp_path):
    with pytest.raises(StorageError, match="cannot write"):
        write_clip(short("mp4-h264", Fraction(12)), tmp_path / "absent")
