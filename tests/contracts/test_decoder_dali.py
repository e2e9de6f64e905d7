"""DALI on the CPU: how far its pictures are from the canonical ones, what it refuses, and its memory in torch."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from clips import encode
from contracts.backends import require_backend
from contracts.tower_suite import CROP, SQUASH, by_time
from framedex.contracts import Fit
from framedex.decode import EveryGrid, FpsGrid, SceneGrid, TowerReader, identify
from framedex.decode.base import no_progress
from framedex.embed.preprocess import fit
from framedex.embed.preprocess.rules import ResizeRules
from framedex.errors import DecodeFailed
from framedex.ingest.towers import open_towers
from golden_clips import FREE, VIDEOS
from photo_clips import FORMS, FRAMES, PHOTOS, PhotoForm, make_photo_clip, panned

require_backend("dali-cpu", "nvidia.dali")

from framedex.decode import dali, dali_pipeline  # noqa: E402  # not before DALI is known to be there

PHOTO_FORMS = [form for form in FORMS if form.codec in dali.CODECS["cpu"] and form.suffix != "avi"]
RULES = {
    "squash": replace(SQUASH, size=(224, 224)),
    "enlarge": replace(SQUASH, size=(384, 384)),
    "bilinear": replace(SQUASH, size=(96, 96), interpolation="bilinear"),
    "crop": replace(CROP, size=(112, 112), shortest_edge=120),
}
VP9 = {"deadline": "realtime", "cpu-used": "8", "crf": "10", "b": "0"}


def opened(path: Path, rules: ResizeRules = SQUASH, *, decoder: str = "dali-cpu") -> TowerReader:
    source = identify(path, folder_fps=None)
    return open_towers(source, decoder=decoder, image=rules, threads=2, progress=no_progress)


def reader_of(path: Path, rules: ResizeRules = SQUASH) -> dali.DaliReader:
    def fitted(height: int, width: int) -> Fit:
        return fit(height, width, rules)

    return dali.on_cpu(identify(path, folder_fps=None), fit=fitted, threads=2, progress=no_progress)


def levels(path: Path, rules: ResizeRules) -> np.ndarray:
    """Differences from the canonical pixels, in grey levels, of every seventh frame."""
    with opened(path, rules) as ours, opened(path, rules, decoder="pyav") as canonical:
        got, expected = by_time(ours.frames(EveryGrid(step=7))), by_time(canonical.frames(EveryGrid(step=7)))
    assert got.keys() == expected.keys()
    return np.stack([np.abs(got[at].astype(np.int16) - expected[at]) for at in expected])


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("photo", PHOTOS)
@pytest.mark.parametrize("form", PHOTO_FORMS, ids=lambda form: f"{form.codec}-{form.suffix}")
def test_pictures_are_the_canonical_ones_within_the_tolerance(
    form: PhotoForm, photo: str, rules: str, tmp_path: Path
) -> None:
    """docs/gpu.md states it. FFmpeg's quick conversion to RGB, which the canonical path has, rounds down: that is the mean."""
    difference = levels(make_photo_clip(tmp_path, form, photo=photo).path, RULES[rules])
    assert difference.mean() <= 1.5
    assert np.percentile(difference, 99.9) <= 14
    assert difference.max() <= 48


@pytest.mark.parametrize("matrix", [1, 5])
def test_colours_are_those_of_the_videos_own_matrix(matrix: int, tmp_path: Path) -> None:
    """BT.709, which most HD video has, and BT.601; unmended, the first would be 4.5 levels away."""
    path = tmp_path / "colours.webm"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libvpx-vp9", rate=25, options=VP9)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        stream.codec_context.colorspace = matrix
        for number in range(8):
            frame = av.VideoFrame.from_ndarray(panned(PHOTOS["coffee"](), number), format="rgb24")
            picture = frame.reformat(format="yuv420p", dst_colorspace=matrix)
            picture.pts = number
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    assert levels(path, RULES["bilinear"]).mean() <= 1.5


def test_another_picture_than_ffmpegs_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_photo_clip(tmp_path, PHOTO_FORMS[0], photo="cat").path
    monkeypatch.setattr(dali, "PROOF_LEVELS", 0.5)
    with pytest.raises(
        DecodeFailed, match=r"DALI shows its first frame otherwise than FFmpeg, by 1\.\d grey levels on"
    ):
        opened(path)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("pal", "DALI decodes mjpeg, vp8, vp9 on the CPU, got h264"),
        ("hierarchical-av1", "DALI decodes mjpeg, vp8, vp9 on the CPU, got av1"),
    ],
)
def test_codecs_that_dali_has_not_are_refused(name: str, sentence: str, tmp_path: Path) -> None:
    path = VIDEOS[name](tmp_path).path
    with pytest.raises(DecodeFailed, match=rf"{sentence}; use the default decoder, pyav"):
        opened(path)


def test_videos_whose_packets_do_not_tell_the_frames_are_refused(tmp_path: Path) -> None:
    form = next(form for form in FORMS if (form.codec, form.suffix) == ("mjpeg", "avi"))
    with pytest.raises(
        DecodeFailed, match="its packets do not tell the frames: the container avi stores no presentation"
    ):
        opened(make_photo_clip(tmp_path, form, photo="cat").path)


def test_times_cannot_be_rebuilt_and_stored_pictures_cannot_be_compared(tmp_path: Path) -> None:
    with opened(FREE["mjpeg-mov"](tmp_path).path) as reader:
        with pytest.raises(DecodeFailed, match="cannot count frames instead; use the default decoder"):
            list(reader.frames(FpsGrid(fps=Fraction(1)), timing="reconstructed"))
        with pytest.raises(DecodeFailed, match=r"scene=0\.5 compares the pictures as they are stored"):
            list(reader.frames(SceneGrid(threshold=Fraction(1, 2))))


def test_damage_is_a_sentence_without_places_in_sources(tmp_path: Path) -> None:
    """Within a frame that is neither the first nor read for its headers only."""
    path = FREE["vp9-webm"](tmp_path).path
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        packet = [packet for packet in container.demux(video=0) if packet.size][40]
    start = data.index(bytes(packet)) + 12
    data[start : start + packet.size - 12] = b"\xff" * (packet.size - 12)
    path.write_bytes(data)
    with pytest.raises(DecodeFailed) as caught, opened(path) as reader:
        list(reader.frames(EveryGrid(step=1)))
    assert str(path) in str(caught.value)
    assert "DALI gives no frames: Failed to send packet to decoder: Invalid data found when" in str(caught.value)
    assert not any(place in str(caught.value) for place in (".cc", ".py", "0x", "\n"))


@pytest.mark.parametrize("name", ["mjpeg-mov", "vp9-turned-mp4"])
def test_torch_reads_dalis_own_memory(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = FREE[name](tmp_path).path
    given: list[int] = []
    as_tensor = dali_pipeline.as_tensor
    monkeypatch.setattr(dali, "as_tensor", lambda frames: given.append(frames.data_ptr()) or as_tensor(frames))
    with reader_of(path, CROP) as reader:
        expected = by_time(reader.frames(FpsGrid(fps=Fraction(3))))
        seen = 0
        for pts_us, frames in reader.tensors(FpsGrid(fps=Fraction(3))):
            whole = frames.untyped_storage().data_ptr()
            assert (whole == given[-1]) == (name == "mjpeg-mov"), "a picture that is flipped has to be copied"
            for at, frame in zip(pts_us.tolist(), frames.numpy(), strict=True):
                np.testing.assert_array_equal(frame, expected[at])
                seen += 1
    assert seen == len(expected) > 0


def test_a_long_group_is_decoded_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One key frame, and more frames wanted than are decoded at once."""
    path = tmp_path / "one.webm"
    photo = PHOTOS["rocket"]()
    encode(
        path,
        range(FRAMES),
        Fraction(1, 25),
        codec="libvpx-vp9",
        codec_options=VP9,
        draw=lambda n: panned(photo, n),
        gop=500,
    )
    with opened(path) as reader:
        at_once = by_time(reader.frames(EveryGrid(step=3)))
    monkeypatch.setattr(dali, "_PIECE_FRAMES", 4)
    with opened(path) as reader:
        in_parts = by_time(reader.frames(EveryGrid(step=3)))
    assert at_once.keys() == in_parts.keys()
    assert all(np.array_equal(at_once[at], in_parts[at]) for at in at_once)
