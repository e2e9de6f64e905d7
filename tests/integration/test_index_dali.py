"""`framedex index --decoder dali-cpu`: rows that say so, and a bad file that costs the others nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from cli import framedex, ok
from contracts.backends import require_backend
from framedex.index import Store
from photo_clips import FORMS, make_photo_clip
from processes import children

require_backend("dali-cpu", "nvidia.dali")

READ = [form for form in FORMS if form.codec in ("vp9", "mjpeg") and form.suffix != "avi"]
H264 = FORMS[0]


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """Good clips on both sides of one that is cut short and one that DALI has no decoder for on the CPU."""
    folder = tmp_path / "clips"
    folder.mkdir()
    for name, form in (("a", READ[0]), ("b", READ[1]), ("e", READ[0])):
        path = make_photo_clip(tmp_path, form, photo="coffee" if name == "a" else "cat").path
        shutil.move(path, folder / f"{name}{path.suffix}")
    shutil.move(make_photo_clip(tmp_path, H264, photo="cat").path, folder / "d.mp4")
    data = (folder / "a.webm").read_bytes()
    (folder / "c.webm").write_bytes(data[: len(data) // 2])
    return folder


def test_good_videos_are_indexed_beside_bad_ones(clips: Path, tmp_path: Path) -> None:
    ran = framedex(
        "index",
        clips,
        "--store",
        tmp_path / "S",
        "--encoder",
        "micro-siglip",
        "--decoder",
        "dali-cpu",
        "--fps",
        5,
        "--json",
    )
    assert ran.code == 1, ran.err
    assert not children()
    result = ran.json()
    assert [Path(entry["path"]).name for entry in result["indexed"]] == ["a.webm", "b.mov", "e.webm"]
    failed = {Path(entry["path"]).name: entry["reason"] for entry in result["quarantined"]}
    assert failed.keys() == {"c.webm", "d.mp4"}
    assert "DALI decodes mjpeg, vp8, vp9 on the CPU, got h264; use the default decoder, pyav" in failed["d.mp4"]
    ok("verify", tmp_path / "S")

    ok("index", clips / "a.webm", clips / "b.mov", "--store", tmp_path / "P", "--encoder", "micro-siglip", "--fps", 5)
    ours, canonical = Store.open(tmp_path / "S"), Store.open(tmp_path / "P")
    for name in ("a", "b"):
        mine, theirs = ours[name], canonical[name]
        assert (mine.row.provenance["decoder"], theirs.row.provenance["decoder"]) == ("dali-cpu", "pyav")
        assert mine.row.provenance["decoder_version"].startswith("2.")
        assert np.array_equal(mine.pts_us, theirs.pts_us)
        assert (np.asarray(mine.vectors, np.float32) * np.asarray(theirs.vectors, np.float32)).sum(axis=1).min() > 0.998


def test_no_gpu_is_a_device_error_before_any_work(clips: Path, tmp_path: Path) -> None:
    from nvidia.dali import backend

    if backend.GetCUDADeviceCount():
        pytest.skip("there is a GPU")
    ran = framedex("index", clips, "--store", tmp_path / "S", "--encoder", "micro-siglip", "--decoder", "dali-gpu")
    assert ran.code == 5
    assert "decoder 'dali-gpu': DALI 2." in ran.err
    assert "finds no GPU" in ran.err
    assert not (tmp_path / "S").exists()
