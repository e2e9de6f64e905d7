"""Planned decoding of real streams: pixel for pixel what decoding everything gives, or everything is decoded."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from clips import encode
from framedex.contracts import Pixels
from framedex.decode import CountGrid, DecodeSummary, EveryGrid, FpsGrid, Grid, TimesGrid, identify, passes, planned
from framedex.decode.pyav import PyAVReader
from framedex.decode.pyav_stream import FrameStream
from framedex.errors import PlanFailed
from mp4_boxes import add_dependencies, set_edit

PAL = Fraction(1, 25)
TICK = Fraction(1, 90_000)
MILLISECOND = Fraction(1, 1000)
WIDTH, HEIGHT = 96, 64

Taken = tuple[dict[int, Pixels], DecodeSummary]


@cache
def picture(number: int) -> Pixels:
    """A texture that moves, with grain that changes: no two frames are alike, and prediction has something to do."""
    rng = np.random.default_rng(7)
    texture = np.kron(rng.integers(0, 256, (HEIGHT // 8 + 32, WIDTH // 8 + 32, 3)), np.ones((8, 8, 1))).astype(np.int16)
    y, x = 3 * number % 160, 2 * number % 160
    grain = np.random.default_rng(number).integers(-12, 13, (HEIGHT, WIDTH, 3))
    scene = 90 if number % 37 > 30 else 0  # sudden changes, so that encoders cut
    moved = texture[y : y + HEIGHT, x : x + WIDTH] + grain + scene
    return np.clip(moved, 0, 255).astype(np.uint8)


def x264(**options: object) -> dict[str, str]:
    return {
        "preset": "veryfast",
        "x264-params": ":".join(f"{name.replace('_', '-')}={value}" for name, value in options.items()),
    }


def x265(**options: object) -> dict[str, str]:
    quiet = {"log_level": "none", "pools": 1, **options}
    return {
        "preset": "ultrafast",
        "x265-params": ":".join(f"{name.replace('_', '-')}={value}" for name, value in quiet.items()),
    }


def take(path: Path, grids: Sequence[Grid], *, everything: bool, threads: int = 1) -> Taken:
    with PyAVReader(identify(path, folder_fps=None), threads=threads, progress=lambda: None) as reader:
        taken = {
            int(pts): frame.copy()
            for batch in reader.frames(*grids, everything=everything)
            for pts, frame in zip(batch.pts_us, batch.frames, strict=True)
        }
        return taken, reader.summary


def assert_same(got: Taken, whole: Taken) -> None:
    assert list(got[0]) == list(whole[0])
    for pts_us, frame in whole[0].items():
        np.testing.assert_array_equal(got[0][pts_us], frame, err_msg=f"frame at {pts_us} µs")
    assert got[1].samples == whole[1].samples
    for name in ("timing", "frames", "first_pts_us", "last_pts_us", "damaged_frames"):
        assert getattr(got[1], name) == getattr(whole[1], name)


grids = st.one_of(
    st.sampled_from(["0.3", "1", "2", "3", "30000/7001", "10"]).map(FpsGrid.parse),
    st.integers(2, 40).map(lambda step: EveryGrid(step=step)),
    st.integers(1, 9).map(lambda count: CountGrid(count=count)),
    st.lists(st.fractions(0, Fraction(19, 10), max_denominator=1000), min_size=1, max_size=4, unique=True).map(
        lambda times: TimesGrid(times_s=tuple(sorted(times)))
    ),
)

h264_options = st.builds(
    x264,
    keyint=st.sampled_from([5, 12, 24, 250]),
    bframes=st.integers(0, 7),
    b_pyramid=st.sampled_from(["none", "strict", "normal"]),
    b_adapt=st.integers(0, 2),
    open_gop=st.booleans().map(int),
    ref=st.integers(1, 5),
    weightp=st.integers(0, 2),
    slices=st.sampled_from([1, 1, 3]),
    intra_refresh=st.sampled_from([0, 0, 0, 1]),
)
hevc_options = st.builds(
    x265,
    keyint=st.sampled_from([8, 12, 24, 250]),
    bframes=st.integers(0, 4),
    b_pyramid=st.booleans().map(int),
    open_gop=st.booleans().map(int),
    temporal_layers=st.sampled_from([1, 1, 2, 3]),
    ref=st.integers(1, 4),
)


@settings(deadline=None, max_examples=60)
@given(
    codec=st.sampled_from(["libx264", "libx264", "libx265"]),
    h264=h264_options,
    hevc=hevc_options,
    suffix=st.sampled_from(["mp4", "mkv", "ts"]),
    n_frames=st.integers(50, 75),
    steps=st.lists(st.sampled_from([1, 1, 1, 2, 5]), min_size=1, max_size=5),
    start=st.sampled_from([0, 7, 1000]),
    some_grids=st.lists(grids, min_size=1, max_size=3),
    threads=st.sampled_from([1, 2, 3]),
)
def test_planned_frames_are_those_of_a_whole_decode(
    codec: str,
    h264: dict[str, str],
    hevc: dict[str, str],
    suffix: str,
    n_frames: int,
    steps: list[int],
    start: int,
    some_grids: list[Grid],
    threads: int,
) -> None:
    """Groups of pictures, B-pyramids, open groups, recovery points, variable rates, containers, grids, threads."""
    unit, time_base = {"mp4": (1, PAL), "mkv": (40, MILLISECOND), "ts": (3600, TICK)}[suffix]
    offsets = np.cumsum([0, *(steps[i % len(steps)] for i in range(n_frames - 1))])
    stamps = [(start + int(offset)) * unit for offset in offsets]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"clip.{suffix}"
        options = h264 if codec == "libx264" else hevc
        try:
            encode(path, stamps, time_base, codec=codec, codec_options=options, draw=picture)
        except av.FFmpegError:
            reject()  # a combination that the encoder refuses
        whole = take(path, some_grids, everything=True)
        part = take(path, some_grids, everything=False, threads=threads)  # PlanFailed would fail the test
        assert_same(part, whole)
        assert part[1].decoded_frames <= whole[1].decoded_frames


CLIPS = {
    "default": ("mp4", "libx264", {}),
    "pyramid": ("mp4", "libx264", x264(keyint=30, bframes=7, b_pyramid="normal", b_adapt=0, ref=4)),
    "open": ("mp4", "libx264", x264(keyint=12, bframes=3, open_gop=1, scenecut=0)),
    "open-ts": ("ts", "libx264", x264(keyint=12, bframes=5, open_gop=1, scenecut=0)),
    "no-b": ("mkv", "libx264", x264(keyint=12, bframes=0)),
    "hevc": ("mp4", "libx265", x265(keyint=12)),
    "hevc-ts": ("ts", "libx265", x265(keyint=12, bframes=4)),
    "hevc-layers": ("mp4", "libx265", x265(keyint=12, temporal_layers=3, bframes=3, b_adapt=0)),
    "vp8": ("webm", "libvpx", {"deadline": "realtime"}),
    "vp9": ("webm", "libvpx-vp9", {"deadline": "realtime", "auto-alt-ref": "1", "lag-in-frames": "12"}),
    "av1": ("webm", "libsvtav1", {"preset": "11"}),
    "mpeg4": ("mp4", "mpeg4", {"bf": "2"}),
    "mpeg2": ("mkv", "mpeg2video", {"bf": "2"}),
    "mjpeg": ("mkv", "mjpeg", {}),
}


@pytest.mark.parametrize("name", CLIPS)
def test_a_sparse_grid_decodes_a_part(tmp_path: Path, name: str) -> None:
    """And how much: for H.264 and HEVC what the grid depends on, otherwise from key frame to last frame taken."""
    suffix, codec, options = CLIPS[name]
    path = tmp_path / f"clip.{suffix}"
    unit, time_base = (3600, TICK) if suffix == "ts" else (1, PAL)
    pixel_format = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    stamps = [unit * (50 + i) for i in range(100)]
    encode(path, stamps, time_base, codec=codec, codec_options=options, draw=picture, gop=12, pixel_format=pixel_format)
    grid = FpsGrid.parse("1")
    part, whole = take(path, [grid], everything=False), take(path, [grid], everything=True)
    assert_same(part, whole)
    assert part[1].decoded == ("needed" if codec in ("libx264", "libx265") else "groups")
    assert part[1].decoded_frames <= 80
    assert whole[1].decoded == "everything"
    assert_same(take(path, [grid], everything=False, threads=2), whole)


def test_an_edit_list_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "edited.mp4"
    encode(path, range(100), PAL, draw=picture)
    set_edit(path, skip=25 * 512, duration=2000)
    part, whole = (take(path, [EveryGrid(step=9)], everything=everything) for everything in (False, True))
    assert_same(part, whole)
    assert (part[1].decoded, part[1].frames) == ("needed", 50)


def test_a_container_may_say_what_nothing_depends_on(tmp_path: Path) -> None:
    """MPEG-4 B-pictures are never referred to: their places are told by the jumps of their timestamps."""
    path = tmp_path / "clip.mp4"
    encode(path, range(100), PAL, codec="mpeg4", codec_options={"bf": "2"}, draw=picture, gop=50)
    before = take(path, [FpsGrid.parse("1")], everything=False)
    with av.open(str(path)) as container:
        pts = [packet.pts or 0 for packet in container.demux(video=0) if packet.size]
    add_dependencies(path, [stamp < max(pts[: i + 1]) for i, stamp in enumerate(pts)])
    part, whole = (take(path, [FpsGrid.parse("1")], everything=everything) for everything in (False, True))
    assert_same(part, whole)
    assert (before[1].decoded, part[1].decoded) == ("groups", "needed")
    assert part[1].decoded_frames < before[1].decoded_frames / 2


@pytest.mark.parametrize(
    ("suffix", "codec", "options", "reason"),
    [
        ("avi", "libx264", {}, "container avi"),
        ("mp4", "libx264", x264(interlaced=1), "frame_mbs_only_flag"),
        ("flv", "libx264", {}, "container flv"),
        ("mkv", "msmpeg4v3", {}, "no checks for the packets of msmpeg4v3"),
    ],
)
def test_what_is_not_understood_is_decoded_whole(
    tmp_path: Path, suffix: str, codec: str, options: dict[str, str], reason: str
) -> None:
    path = tmp_path / f"clip.{suffix}"
    encode(
        path, range(60), PAL if suffix != "flv" else MILLISECOND * 40, codec=codec, codec_options=options, draw=picture
    )
    with PyAVReader(identify(path, folder_fps=None), threads=1, progress=lambda: None) as reader:
        assert reason in (reader.distrust or "")
        items = list(passes(reader, FpsGrid.parse("1")))
        assert reader.summary.decoded == "everything"
    assert len([item for item in items if not isinstance(item, str)]) >= 1


def test_a_file_that_changes_after_the_scan_is_noticed(tmp_path: Path) -> None:
    """The packets of the pass are held against those of the plan."""
    path, other = tmp_path / "clip.mp4", tmp_path / "other.mp4"
    encode(path, range(100), PAL, draw=picture)
    encode(other, range(100), PAL, draw=lambda number: picture(number + 5))
    reader = PyAVReader(identify(path, folder_fps=None), threads=1, progress=lambda: None)
    assert list(reader.frames(FpsGrid.parse("1")))
    path.write_bytes(other.read_bytes())  # the reader opens it anew for its second pass
    with reader, pytest.raises(PlanFailed, match="decode everything"):
        list(reader.frames(FpsGrid.parse("1")))


def test_a_damaged_picture_that_is_needed_ends_the_plan(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    encode(path, range(100), PAL, draw=picture, codec_options=x264(bframes=0, keyint=50))
    with av.open(str(path)) as container:
        places = [(packet.pos or 0, packet.size) for packet in container.demux(video=0) if packet.size]
    data = bytearray(path.read_bytes())
    start, size = places[20]
    for i in range(start + size // 2, start + size):
        data[i] = 0xFF
    path.write_bytes(data)
    with PyAVReader(identify(path, folder_fps=None), threads=1, progress=lambda: None) as reader:
        with pytest.raises(PlanFailed):
            list(reader.frames(FpsGrid.parse("1")))
        assert list(passes(reader, FpsGrid.parse("1")))[0:2] == ["container", "container"]
        assert reader.summary.damaged_frames >= 1


def test_progress_is_reported_between_frames_taken(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    encode(path, range(100), PAL, draw=picture, codec_options=x264(keyint=250))
    ticks = 0

    def tick() -> None:
        nonlocal ticks
        ticks += 1

    with PyAVReader(identify(path, folder_fps=None), threads=1, progress=tick) as reader:
        assert reader.table is not None
        scanned = ticks
        assert scanned >= 100
        list(reader.frames(CountGrid(count=1)))
    assert ticks >= scanned + 20


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_far_frames_are_jumped_to(tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With jumps from the first byte on, and none: the same frames. The last group is jumped to before anything is read."""
    path = tmp_path / f"clip.{suffix}"
    encode(path, range(200), PAL, draw=picture, codec_options=x264(keyint=20, scenecut=0))
    grids = [TimesGrid(times_s=(Fraction(3), Fraction(77, 10)))]
    whole = take(path, grids, everything=True)
    read_through = take(path, grids, everything=False)
    monkeypatch.setattr(planned, "_JUMP_NBYTES", 1)
    jumps: list[int] = []
    jump = FrameStream.jump
    monkeypatch.setattr(FrameStream, "jump", lambda self, dts: (jumps.append(dts), jump(self, dts))[1])
    for threads in (1, 2):
        assert_same(take(path, grids, everything=False, threads=threads), whole)
    assert len(jumps) >= 2
    assert_same(read_through, whole)


@pytest.mark.parametrize("grid", [FpsGrid.parse("25"), EveryGrid(step=1), FpsGrid.parse("1")])
@pytest.mark.parametrize("suffix", ["mp4", "ts", "avi"])
def test_passes_do_not_depend_on_what_came_before(tmp_path: Path, suffix: str, grid: Grid) -> None:
    """The first pass goes on from the open file, later ones open it anew or go back; the order of passes changes nothing."""
    path = tmp_path / f"clip.{suffix}"
    unit, time_base = (3600, TICK) if suffix == "ts" else (1, PAL)
    encode(
        path,
        [unit * (40 + i) for i in range(60)],
        time_base,
        draw=picture,
        codec="mpeg4" if suffix == "avi" else "libx264",
    )
    fresh = take(path, [grid], everything=True)
    for earlier in (None, FpsGrid.parse("1"), EveryGrid(step=1), CountGrid(count=3)):
        for looks in (False, True):
            with PyAVReader(identify(path, folder_fps=None), threads=2, progress=lambda: None) as reader:
                if looks:
                    assert (reader.table is None) == (suffix == "avi")
                if earlier is not None:
                    list(reader.frames(earlier))
                batches = list(reader.frames(grid))
                frames = {int(pts): frame for b in batches for pts, frame in zip(b.pts_us, b.frames, strict=True)}
                assert_same((frames, reader.summary), fresh)


def test_asking_for_the_packets_within_a_pass_does_not_end_it(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    encode(path, range(100), PAL, draw=picture)
    with PyAVReader(identify(path, folder_fps=None), threads=1, progress=lambda: None) as reader:
        batches = reader.frames(EveryGrid(step=1))
        first = next(batches)
        assert reader.table is not None
        assert len(first) + sum(len(batch) for batch in batches) == 100


def test_an_index_of_few_entries_is_not_asked_again_and_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The container's index leads to the first packet only: one jump back, and then the file is read through."""
    path = tmp_path / "clip.mp4"
    encode(path, range(200), PAL, draw=picture, codec_options=x264(keyint=10, open_gop=1, bframes=2, scenecut=0))
    data = bytearray(path.read_bytes())
    at = data.index(b"stss") + 8
    data[at : at + 4] = (1).to_bytes(4)
    path.write_bytes(data)
    monkeypatch.setattr(planned, "_JUMP_NBYTES", 1)
    jumps: list[int] = []
    jump = FrameStream.jump
    monkeypatch.setattr(FrameStream, "jump", lambda self, dts: (jumps.append(dts), jump(self, dts))[1])
    part = take(path, [EveryGrid(step=30)], everything=False)
    assert_same(part, take(path, [EveryGrid(step=30)], everything=True))
    assert (part[1].decoded, len(jumps)) == ("needed", 1)


@pytest.mark.parametrize(("suffix", "codec"), [("mp4", "mpeg4"), ("mp4", "mpeg2video"), ("mov", "prores_ks")])
def test_key_frames_that_the_packets_deny_are_not_believed(tmp_path: Path, suffix: str, codec: str) -> None:
    """Without its table of key frames, an MP4 says that every frame is one. Of ProRes that is true."""
    path = tmp_path / f"clip.{suffix}"
    pixel_format = "yuv422p10le" if codec == "prores_ks" else "yuv420p"
    encode(path, range(50), PAL, codec=codec, draw=picture, pixel_format=pixel_format)
    path.write_bytes(path.read_bytes().replace(b"stss", b"free"))
    with PyAVReader(identify(path, folder_fps=None), threads=1, progress=lambda: None) as reader:
        assert (reader.distrust is None) == (codec == "prores_ks")
        list(passes(reader, EveryGrid(step=7)))
        summary = reader.summary
    assert summary.decoded == ("groups" if codec == "prores_ks" else "everything")
    if codec == "prores_ks":
        assert_same(take(path, [EveryGrid(step=7)], everything=False), take(path, [EveryGrid(step=7)], everything=True))


def test_times_that_go_back_are_decoded_whole(tmp_path: Path) -> None:
    """Pictures that are all key frames come out as they are sent, whatever their times: then times are rebuilt."""
    straight, path = tmp_path / "straight.mov", tmp_path / "clip.mov"
    encode(straight, range(20), PAL, codec="mjpeg", draw=picture, pixel_format="yuvj420p")
    with av.open(str(straight)) as source, av.open(str(path), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        packets = [packet for packet in source.demux(video=0) if packet.size]
        step = (packets[1].pts or 0) - (packets[0].pts or 0)
        for number, packet in enumerate(packets):
            shown = {5: 6, 6: 5}.get(number, number)
            packet.dts, packet.pts, packet.stream = number * step, (shown + 2) * step, stream
            target.mux_one(packet)
    with PyAVReader(identify(path, folder_fps=None), threads=1, progress=lambda: None) as reader:
        assert "go back" in (reader.distrust or "")
        items = list(passes(reader, EveryGrid(step=3)))
        assert (items[0], reader.summary.timing) == ("container", "reconstructed")
