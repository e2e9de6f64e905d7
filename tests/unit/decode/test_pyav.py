"""What is PyAV's own: colours, sizes, streams and odd headers; the contract is tested by the conformance suite."""

from __future__ import annotations

import gc
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from clips import draw_number, encode, read_number
from framedex.contracts import FrameBatch, Timing
from framedex.decode import DecodeSummary, FpsGrid, Grid, identify, open_video
from framedex.errors import DecodeFailed, UsageError
from mp4_boxes import replace_once, set_display_matrix

PAL = Fraction(1, 25)
EVERY_FRAME = FpsGrid(fps=Fraction(30_000))


def decode(
    path: Path, grid: Grid = EVERY_FRAME, *, timing: Timing = "container"
) -> tuple[list[FrameBatch], DecodeSummary]:
    with open_video(identify(path, folder_fps=None), threads=1) as reader:
        return list(reader.frames(grid, timing=timing)), reader.summary


def test_info_names_container_and_codec(tmp_path: Path) -> None:
    encode(tmp_path / "clip.mkv", range(3), PAL, codec="libsvtav1", codec_options={"preset": "12"})
    with open_video(identify(tmp_path / "clip.mkv", folder_fps=None), threads=1) as reader:
        assert (reader.info.container, reader.info.codec) == ("matroska,webm", "av1")


def test_an_unknown_decoder_is_refused(tmp_path: Path) -> None:
    encode(tmp_path / "clip.mp4", range(3), PAL)
    with pytest.raises(UsageError, match=r"unknown decoder 'pyaw'.*did you mean 'pyav'"):
        open_video(identify(tmp_path / "clip.mp4", folder_fps=None), decoder="pyaw", threads=1)


@pytest.mark.parametrize("name", ["a:b.mp4", "concat:x.mp4", "white space.mp4", "ünïcode.mp4", "take[1]%03d.mp4"])
def test_odd_names_are_files(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    encode(tmp_path / "plain.mp4", range(3), PAL)
    (tmp_path / "plain.mp4").rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert decode(Path(name))[1].decoded_frames == 3


def test_metadata_in_another_encoding_is_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / "old.avi"
    with av.open(str(path), "w") as container:
        container.metadata["title"] = "Strasse"
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(draw_number(7), format="rgb24")))
        container.mux(stream.encode(None))
    replace_once(path, b"Strasse", "Stra\xdfe!".encode("latin-1"))
    batches, _ = decode(path)
    assert read_number(batches[0].frames[0]) == 7


COLOURS = np.array(
    [[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255], [128, 128, 128], [200, 120, 40], [30, 90, 160]],
    np.uint8,
)


def bars(_: int) -> np.ndarray:
    return np.broadcast_to(COLOURS.repeat(16, axis=0), (96, 128, 3)).copy()


@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize("matrix", ["ITU601", "ITU709"])
def test_colours_come_back(tmp_path: Path, matrix: str, full_range: bool) -> None:
    """Known colours, stored by either matrix and in either range and marked so, are the same colours again."""
    path = tmp_path / "bars.mp4"
    levels = av.video.reformatter.ColorRange.JPEG if full_range else av.video.reformatter.ColorRange.MPEG
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"qp": "0"})
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv444p"
        stream.codec_context.colorspace = {"ITU601": 6, "ITU709": 1}[matrix]
        stream.codec_context.color_range = int(levels)
        picture = av.VideoFrame.from_ndarray(bars(0), format="rgb24")
        container.mux(
            stream.encode(picture.reformat(format="yuv444p", dst_colorspace=matrix, dst_color_range=int(levels)))
        )
        container.mux(stream.encode(None))
    seen = decode(path)[0][0].frames[0].reshape(96, 8, 16, 3).mean(axis=(0, 2))
    np.testing.assert_allclose(seen, COLOURS, atol=3)


def test_the_real_video_is_taken_not_the_cover(tmp_path: Path) -> None:
    path = tmp_path / "covered.mp4"
    with av.open(str(path), "w") as container:
        cover = container.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 640, 480, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        container.mux(cover.encode(av.VideoFrame.from_ndarray(draw_number(99, width=640, height=480), format="rgb24")))
        container.mux(cover.encode(None))
        for number in range(5):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(draw_number(number), format="rgb24")))
        container.mux(stream.encode(None))
    batches, _ = decode(path)
    assert [read_number(picture) for batch in batches for picture in batch.frames] == [0, 1, 2, 3, 4]


def test_a_size_that_changes_begins_a_batch(tmp_path: Path) -> None:
    """Two transport streams one after the other are a transport stream, as broadcasters make them."""
    encode(tmp_path / "1.ts", [180_000 + 3600 * i for i in range(10)], Fraction(1, 90_000))
    encode(
        tmp_path / "2.ts",
        [216_000 + 3600 * i for i in range(10)],
        Fraction(1, 90_000),
        draw=lambda number: draw_number(100 + number, width=256, height=192),
    )
    (tmp_path / "both.ts").write_bytes((tmp_path / "1.ts").read_bytes() + (tmp_path / "2.ts").read_bytes())
    batches, summary = decode(tmp_path / "both.ts")
    assert [batch.frames.shape for batch in batches] == [(10, 96, 128, 3), (10, 192, 256, 3)]
    assert [read_number(picture) for batch in batches for picture in batch.frames] == [*range(10), *range(100, 110)]
    assert summary.decoded_frames == 20


def _with_sound(path: Path, *, start: int) -> None:
    """Ten numbered frames from `start` (90 kHz), and silence."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 90_000)
        sound = container.add_stream("aac", rate=48_000, layout="mono")
        for number in range(10):
            frame = av.VideoFrame.from_ndarray(draw_number(10 + number), format="rgb24")
            frame.pts, frame.time_base = start + 3600 * number, Fraction(1, 90_000)
            container.mux(stream.encode(frame))
            silence = av.AudioFrame.from_ndarray(np.zeros((1, 1920), np.float32), format="fltp", layout="mono")
            silence.sample_rate, silence.pts, silence.time_base = (
                48_000,
                start * 48 // 90 + 1920 * number,
                Fraction(1, 48_000),
            )
            container.mux(sound.encode(silence))
        container.mux(stream.encode(None))
        container.mux(sound.encode(None))


def _grainy(number: int) -> np.ndarray:
    """A picture of over half a megabyte, however it is compressed without loss."""
    clean = draw_number(number, width=1024, height=768)
    grain = np.random.default_rng(number).integers(0, 64, clean.shape, dtype=np.uint8)
    return np.where(clean > 0, 255 - grain, grain)


def test_a_stream_that_appears_later_is_no_obstacle(tmp_path: Path) -> None:
    """Sound in the middle of a transport stream, away from what FFmpeg looks at when it opens one; PyAV 18.1 trips over it."""
    for name, start in (("1.ts", 180_000), ("3.ts", 252_000)):
        stamps = [start + 3600 * i for i in range(10)]
        options = {"qp": "0", "preset": "ultrafast"}
        encode(tmp_path / name, stamps, Fraction(1, 90_000), draw=_grainy, codec_options=options)
    _with_sound(tmp_path / "2.ts", start=216_000)
    path = tmp_path / "all.ts"
    path.write_bytes(b"".join((tmp_path / name).read_bytes() for name in ("1.ts", "2.ts", "3.ts")))
    with av.open(str(path)) as container:
        assert len(container.streams) == 1, "the sound is found when the file is opened, so this tests nothing"
    batches, _ = decode(path)
    assert [read_number(picture) for batch in batches for picture in batch.frames] == [*range(20), *range(10)]


def test_reconstructed_times_of_an_ordered_file_are_its_own(tmp_path: Path) -> None:
    encode(tmp_path / "late.mkv", range(50, 75), PAL)
    _, own = decode(tmp_path / "late.mkv")
    batches, rebuilt = decode(tmp_path / "late.mkv", timing="reconstructed")
    assert (own.first_pts_us, own.last_pts_us, own.timing) == (2_000_000, 2_960_000, "container")
    assert (rebuilt.first_pts_us, rebuilt.last_pts_us, rebuilt.timing) == (0, 960_000, "reconstructed")
    assert [pts for batch in batches for pts in batch.pts_us.tolist()] == [i * 40_000 for i in range(25)]


def test_a_lying_duration_is_no_reason_to_refuse(tmp_path: Path) -> None:
    """The header says one second, there are three: the decoded timestamps are the truth."""
    path = tmp_path / "liar.mp4"
    encode(path, range(75), PAL, codec="mpeg4")
    data = bytearray(path.read_bytes())
    for box, at in ((b"mvhd", 16), (b"mdhd", 16), (b"tkhd", 20)):
        place = data.index(box) + 4 + at
        data[place : place + 4] = (int.from_bytes(data[place : place + 4]) // 3).to_bytes(4)
    path.write_bytes(data)
    _, summary = decode(path)
    assert (summary.decoded_frames, summary.last_pts_us) == (75, 2_960_000)


def test_an_angle_between_is_refused(tmp_path: Path) -> None:
    encode(tmp_path / "slanted.mp4", range(3), PAL)
    set_display_matrix(tmp_path / "slanted.mp4", (0.7071, -0.7071, 0.7071, 0.7071))
    with pytest.raises(DecodeFailed, match=r"turns the picture by 4[45] degrees, expected a multiple of 90"):
        decode(tmp_path / "slanted.mp4")


def test_ten_bits_and_wide_pixels_keep_their_numbers_and_size(tmp_path: Path) -> None:
    """High dynamic range and pixel aspect are not applied; frames come as stored, in 8 bits."""
    path = tmp_path / "hdr.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx265", rate=25, options={"x265-params": "log-level=none:pools=1"})
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p10le"
        stream.codec_context.sample_aspect_ratio = Fraction(2)
        stream.codec_context.color_trc, stream.codec_context.color_primaries = 16, 9
        for number in range(5):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(draw_number(number), format="rgb24")))
        container.mux(stream.encode(None))
    batches, _ = decode(path)
    assert [batch.frames.shape for batch in batches] == [(5, 96, 128, 3)]
    assert [read_number(picture) for picture in batches[0].frames] == [0, 1, 2, 3, 4]


def test_a_mirrored_picture_is_mirrored_back(tmp_path: Path) -> None:
    encode(tmp_path / "mirror.mp4", range(3), PAL, draw=lambda number: draw_number(number)[::-1].copy())
    set_display_matrix(tmp_path / "mirror.mp4", (1, 0, 0, -1))
    batches, _ = decode(tmp_path / "mirror.mp4")
    assert [read_number(picture) for batch in batches for picture in batch.frames] == [0, 1, 2]


def test_decoded_frames_are_freed_at_once(tmp_path: Path) -> None:
    """Without a collection of cycles: a frame in a cycle would keep its picture, and memory would grow with the video."""
    encode(tmp_path / "clip.mp4", range(60), PAL)
    gc.collect()
    gc.disable()
    try:
        decode(tmp_path / "clip.mp4")
        alive = sum(type(thing) is av.VideoFrame for thing in gc.get_objects())  # isinstance would wake lazy modules
    finally:
        gc.enable()
    assert alive < 10


def test_batches_close_at_their_bytes(tmp_path: Path) -> None:
    """Frames of 12 MiB: a batch of 16 MiB closes with the second, and the one that is left makes another."""
    encode(
        tmp_path / "large.mp4",
        range(3),
        PAL,
        codec="mpeg4",
        draw=lambda number: draw_number(number, width=2048, height=2048 - 2048 % 12),
    )
    batches, _ = decode(tmp_path / "large.mp4")
    assert [len(batch) for batch in batches] == [2, 1]
    assert [read_number(picture) for batch in batches for picture in batch.frames] == list(range(3))
