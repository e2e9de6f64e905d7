"""Files that are no usable video: the class says what is wrong, the sentence names the file and what to do."""

from __future__ import annotations

import io
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from clips import draw_number, encode
from framedex.decode import FpsGrid, identify, open_video
from framedex.errors import DecodeFailed, NotAVideo, NoVideoStream, TruncatedVideo, VideoError

PAL = Fraction(1, 25)


def decode(path: Path, *, threads: int = 1) -> None:
    with open_video(identify(path, folder_fps=None), threads=threads) as reader:
        list(reader.frames(FpsGrid(fps=Fraction(5)), everything=True))


def picture_bytes(image_format: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(draw_number(5)).save(buffer, image_format)
    return buffer.getvalue()


def random_bytes() -> bytes:
    return np.random.default_rng(0).bytes(50_000)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("notes.txt", b"one line\nanother line\n" * 50),
        ("clip.txt.mp4", b"not a video\n"),
        ("random.mp4", random_bytes()),
        ("picture.mp4", picture_bytes("JPEG")),
        ("picture.png", picture_bytes("PNG")),
        ("moving.gif", picture_bytes("GIF")),
        ("list.m3u8", b"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nclip.ts\n#EXT-X-ENDLIST\n"),
        ("list.ffconcat", b"ffconcat version 1.0\nfile clip.mp4\n"),
        ("lines.srt", b"1\n00:00:01,000 --> 00:00:02,000\nHello\n"),
        ("zeros.mkv", bytes(10_000)),
    ],
)
def test_no_container_is_no_video(tmp_path: Path, name: str, data: bytes) -> None:
    for other in ("clip.mp4", "clip.ts"):  # what the lists name is there, and must not be opened through them
        encode(tmp_path / other, range(5), PAL, codec="mpeg4")
    path = tmp_path / f"bad-{name}"
    path.write_bytes(data)
    with pytest.raises(NotAVideo) as caught:
        decode(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "expected MP4" in str(caught.value)


def _sound(path: Path, *, cover: bool) -> None:
    with av.open(str(path), "w") as container:
        sound = container.add_stream("aac", rate=16_000, layout="mono")
        picture = container.add_stream("mjpeg", rate=1) if cover else None
        if picture is not None:
            picture.width, picture.height, picture.pix_fmt = 64, 48, "yuvj420p"
            picture.disposition = av.stream.Disposition.attached_pic
            frame = av.VideoFrame.from_ndarray(draw_number(1, width=64, height=48), format="rgb24")
            container.mux(picture.encode(frame))
            container.mux(picture.encode(None))
        for i in range(10):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), dtype=np.float32), format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 16_000, i * 1024
            container.mux(sound.encode(frame))
        container.mux(sound.encode(None))


def test_sound_alone_is_no_video_stream(tmp_path: Path) -> None:
    _sound(tmp_path / "song.mp4", cover=False)
    with pytest.raises(NoVideoStream, match=r"song.mp4: expected a video stream, got audio; name a file"):
        decode(tmp_path / "song.mp4")


def test_a_cover_picture_is_no_video_stream(tmp_path: Path) -> None:
    _sound(tmp_path / "song.mp4", cover=True)
    with pytest.raises(NoVideoStream, match="got audio and cover picture"):
        decode(tmp_path / "song.mp4")


def test_a_video_without_frames_fails(tmp_path: Path) -> None:
    path = tmp_path / "none.mp4"
    encode(path, [0, 1], PAL, container_options={"movflags": "frag_keyframe+empty_moov"})
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"moof") - 4])
    with pytest.raises(DecodeFailed, match=r"none.mp4: its h264 stream holds no frame"):
        decode(path)


def test_a_codec_without_decoder_fails(tmp_path: Path) -> None:
    path = tmp_path / "odd.mp4"
    encode(path, range(5), PAL)
    path.write_bytes(path.read_bytes().replace(b"avc1", b"zzz1"))
    with pytest.raises(DecodeFailed, match=r"odd.mp4: FFmpeg has no decoder"):
        decode(path)


@pytest.mark.parametrize("keep", [0.5, 0.95])
@pytest.mark.parametrize(
    ("suffix", "options"), [("mp4", {}), ("mp4", {"movflags": "faststart"}), ("mkv", {}), ("avi", {})]
)
def test_a_cut_file_is_truncated(tmp_path: Path, suffix: str, options: dict[str, str], keep: float) -> None:
    path = tmp_path / f"cut.{suffix}"
    encode(path, range(50), PAL, codec="mpeg4", container_options=options)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(TruncatedVideo, match="the file is cut short"):
        decode(path)


def _packet_places(path: Path) -> list[tuple[int, int]]:
    with av.open(str(path)) as container:
        return [(packet.pos or 0, packet.size) for packet in container.demux(video=0) if packet.size]


def test_an_incomplete_last_packet_is_truncated(tmp_path: Path) -> None:
    """The media box may reach to the end of the file, wherever that is; then only the packet tells."""
    path = tmp_path / "open.mp4"
    encode(path, range(25), PAL, codec="mpeg4", container_options={"movflags": "faststart"})
    data = bytearray(path.read_bytes())
    box = data.index(b"mdat") - 4
    data[box : box + 4] = bytes(4)
    last, size = _packet_places(path)[-1]
    path.write_bytes(data[: last + size // 2])
    with pytest.raises(TruncatedVideo, match=r"its last packet, at 0.960 s, is incomplete"):
        decode(path)


@pytest.mark.parametrize("threads", [1, 2, 4])
@pytest.mark.parametrize("from_end", [1, 2, 3, 10])
@pytest.mark.parametrize("codec", ["libx264", "mpeg4", "libvpx-vp9"])
def test_a_spoilt_packet_fails_with_any_number_of_threads(
    tmp_path: Path, codec: str, from_end: int, threads: int
) -> None:
    """Near the end too, where PyAV itself drops the error and the frames behind it when four threads decode."""
    path = tmp_path / "spoilt.mp4"
    encode(path, range(25), PAL, codec=codec)
    data = bytearray(path.read_bytes())
    start, size = _packet_places(path)[-from_end]
    data[start : start + size] = b"\xff" * size
    path.write_bytes(data)
    with pytest.raises(DecodeFailed, match=r"spoilt.mp4: \w+ decoding stopped near (\d\.\d+ s|its end): Invalid data"):
        decode(path, threads=threads)


def test_nothing_is_printed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    attempts: list[Callable[[], None]] = []
    (tmp_path / "random.mp4").write_bytes(random_bytes())
    attempts.append(lambda: decode(tmp_path / "random.mp4"))
    encode(tmp_path / "spoilt.mp4", range(5), PAL, codec="mpeg4")
    start, size = _packet_places(tmp_path / "spoilt.mp4")[2]
    data = bytearray((tmp_path / "spoilt.mp4").read_bytes())
    data[start : start + size] = b"\xff" * size
    (tmp_path / "spoilt.mp4").write_bytes(data)
    attempts.append(lambda: decode(tmp_path / "spoilt.mp4"))
    for attempt in attempts:
        with pytest.raises(VideoError):
            attempt()
    assert capfd.readouterr() == ("", "")
