"""`framedex index` on real files: what is indexed, skipped and quarantined."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import IO

import numpy as np
import pytest
from PIL import Image

from cli import framedex, ok
from clips import encode
from framedex.index import Store
from small_world import SmallWorld

ENCODER = ("--encoder", "micro-siglip")


def wait_for_line(lines: IO[str], beginning: str) -> str:
    """Read until a line that begins so."""
    return next(line for line in lines if line.startswith(beginning))


def test_every_format_of_the_world_is_indexed(world: SmallWorld) -> None:
    rows = Store.open(world.store).videos()
    assert len(rows) == len(world.clips) == 8
    assert {row.video.codec for row in rows} >= {"h264", "hevc", "vp9", "av1", "mpeg4", "mjpeg"}
    assert all(row.timing == "container" for row in rows)
    assert ok("verify", world.store).out.startswith("8 indexes, ")


def test_bad_files_are_quarantined_and_the_others_go_on(world: SmallWorld, tmp_path: Path) -> None:
    clips = tmp_path / "clips"
    clips.mkdir()
    good = shutil.copy(world.clips[0], clips / "good.mp4")
    (clips / "empty.mp4").touch()
    (clips / "text.mp4").write_text("no video at all\n" * 100)
    (clips / "cut.mp4").write_bytes(Path(good).read_bytes()[:-500])
    (clips / "notes.txt").write_text("not looked at")
    ran = framedex("index", clips, "--store", tmp_path / "S", *ENCODER, "--json")
    assert ran.code == 1
    result = ran.json()
    assert [Path(entry["path"]).name for entry in result["indexed"]] == ["good.mp4"]
    assert {Path(entry["path"]).name for entry in result["quarantined"]} == {"empty.mp4", "text.mp4", "cut.mp4"}
    assert all(entry["path"] in entry["reason"] for entry in result["quarantined"])
    assert result["ignored"] == 1
    entries = Store.open(tmp_path / "S").quarantine.list()
    assert {entry.error for entry in entries} == {"NotAVideo", "TruncatedVideo"}

    mended = shutil.copy(world.clips[1], clips / "empty.mp4")
    again = framedex("index", clips, "--store", tmp_path / "S", *ENCODER)
    assert again.code == 1
    assert f"indexed {mended}" in again.err
    assert f"skipped {good}: already there" in again.err
    left = Store.open(tmp_path / "S").quarantine.list()
    assert {Path(path).name: entry.attempts for entry in left for path in entry.paths} == {"text.mp4": 1, "cut.mp4": 1}
    assert "as before: " in again.out


def test_the_same_bytes_under_two_paths_are_one_video(world: SmallWorld, tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        shutil.copy(world.clips[0], tmp_path / name)
    result = ok("index", tmp_path / "a.mp4", tmp_path / "b.mp4", "--store", tmp_path / "S", *ENCODER, "--json").json()
    assert [len(result[part]) for part in ("indexed", "skipped", "quarantined")] == [1, 1, 0]


def test_a_second_grid_takes_what_the_first_embedded(world: SmallWorld, tmp_path: Path) -> None:
    store = tmp_path / "S"
    ok("index", world.clips[0], "--store", store, *ENCODER, "--fps", 1)
    (entry,) = ok("index", world.clips[0], "--store", store, *ENCODER, "--fps", 2, "--json").json()["indexed"]
    opened = Store.open(store)
    coarse, fine = opened.view(world.clips[0], grid="fps=1"), opened.view(world.clips[0], grid="fps=2")
    shared = np.isin(fine.pts_us, coarse.pts_us)
    assert entry["reused_frames"] == shared.sum() >= len(coarse) - 1
    assert np.array_equal(fine.vectors[shared], coarse.vectors[np.isin(coarse.pts_us, fine.pts_us)])
    alone = tmp_path / "alone"
    ok("index", world.clips[0], "--store", alone, *ENCODER, "--fps", 2)
    np.testing.assert_array_equal(Store.open(alone)[world.clips[0]].vectors, fine.vectors)


def test_single_precision(world: SmallWorld, tmp_path: Path) -> None:
    ok("index", world.clips[0], "--store", tmp_path / "S", *ENCODER, "--dtype", "f32")
    index = Store.open(tmp_path / "S")[world.clips[0]]
    assert index.vectors.dtype == np.float32
    half = Store.open(world.store)[world.clips[0]]
    assert np.abs(index.vectors - half.vectors.astype(np.float32)).max() < 1e-3


def test_a_folder_of_frames(tmp_path: Path) -> None:
    frames = tmp_path / "frames"
    frames.mkdir()
    for number in range(12):
        Image.new("RGB", (64, 48), (20 * number, 100, 50)).save(frames / f"{number:03}.png")
    without = framedex("index", frames, "--store", tmp_path / "S", *ENCODER)
    assert without.code == 1
    assert "--folder-fps" in without.out
    (entry,) = ok("index", frames, "--store", tmp_path / "S", *ENCODER, "--folder-fps", 3, "--fps", 1, "--json").json()[
        "indexed"
    ]
    assert entry["frames"] == 4
    assert Store.open(tmp_path / "S")[frames].pts_us.tolist() == [0, 1_000_000, 2_000_000, 3_000_000]


def test_killed_after_any_video_it_goes_on_to_the_same_store(world: SmallWorld, tmp_path: Path) -> None:
    store = tmp_path / "S"
    command = [sys.executable, "-c", "from framedex.cli import main; main()", "index", str(world.folder / "clips")]
    command += ["--store", str(store), *ENCODER]
    for n_done in (1, 2, 3):
        with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
            assert process.stderr is not None
            for _ in range(n_done):
                wait_for_line(process.stderr, "[")
            process.kill()
        kept = len(Store.open(store).videos())
        assert kept >= n_done
    result = ok("index", world.folder / "clips", "--store", store, *ENCODER, "--json").json()
    assert len(result["skipped"]) >= kept
    ok("verify", store)
    for row in Store.open(world.store).videos():
        mended, undisturbed = Store.open(store)[row.video_key], Store.open(world.store)[row.video_key]
        assert np.array_equal(mended.pts_us, undisturbed.pts_us)
        assert np.array_equal(mended.vectors, undisturbed.vectors)


def test_interrupted_it_says_how_to_go_on(world: SmallWorld, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-c",
        "from framedex.cli import main; main()",
        "index",
        str(world.folder / "clips"),
        *ENCODER,
    ]
    process = subprocess.Popen(
        [*command, "--store", str(tmp_path / "S")], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    wait_for_line(process.stderr, "[")  # the first video is done
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "run the same command again" in err
    assert "Traceback" not in err


def test_a_disk_that_takes_no_more_leaves_whole_files_only(world: SmallWorld, tmp_path: Path) -> None:
    """A limit on the size of files stands for a full disk: it holds for root too."""
    limited = "import resource as r; r.setrlimit(r.RLIMIT_FSIZE, (3000, 3000)); from framedex.cli import main; main()"
    command = [sys.executable, "-c", limited, "index", str(world.clips[0]), "--store", str(tmp_path / "S"), *ENCODER]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 6, run.stderr
    assert "cannot write" in run.stderr
    assert "Traceback" not in run.stderr
    assert not list((tmp_path / "S").rglob("*.faiss")) + list((tmp_path / "S").rglob("*.tmp"))
    ok("index", world.clips[0], "--store", tmp_path / "S", *ENCODER)


def test_json_is_one_document_and_progress_goes_to_stderr(world: SmallWorld) -> None:
    ran = ok("index", world.folder / "clips", "--store", world.store, *ENCODER, "--json")
    assert len(ran.out.splitlines()) == 1
    assert len(json.loads(ran.out)["skipped"]) == 8
    assert ran.err.count("skipped") == 8


def test_a_type_that_is_not_asked_for_leaves_what_is_there(world: SmallWorld, tmp_path: Path) -> None:
    store = tmp_path / "S"
    ok("index", world.clips[0], "--store", store, *ENCODER, "--dtype", "f32")
    assert len(ok("index", world.clips[0], "--store", store, *ENCODER, "--json").json()["skipped"]) == 1
    assert (
        len(ok("index", world.clips[0], "--store", store, *ENCODER, "--dtype", "f16", "--json").json()["indexed"]) == 1
    )


def test_a_name_that_is_no_text(world: SmallWorld, tmp_path: Path) -> None:
    clips = tmp_path / "clips"
    clips.mkdir()
    shutil.copy(world.clips[0], clips / os.fsdecode(b"good-\xff.mp4"))
    (clips / os.fsdecode(b"bad-\xfe.mp4")).write_text("no video")
    ran = framedex("index", clips, "--store", tmp_path / "S", *ENCODER)
    assert ran.code == 1
    assert "indexed           1" in ran.out
    assert len(ok("search", tmp_path / "S", "a red thing", "-k", 2, "--json").json()["hits"]) == 2
    ok("verify", tmp_path / "S")


def test_a_path_with_dots_is_found_by_its_plain_form(world: SmallWorld, tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    clip = Path(shutil.copy(world.clips[0], tmp_path / "a" / "clip.mp4"))
    ok("index", tmp_path / "a" / "b" / ".." / "clip.mp4", "--store", tmp_path / "S", *ENCODER)
    assert Store.open(tmp_path / "S")[clip].row.source.path == str(clip)


def test_a_damaged_row_or_quarantine_entry_is_replaced(world: SmallWorld, tmp_path: Path) -> None:
    clips, store = tmp_path / "clips", tmp_path / "S"
    clips.mkdir()
    shutil.copy(world.clips[0], clips / "good.mp4")
    (clips / "bad.mp4").write_text("no video")
    assert framedex("index", clips, "--store", store, *ENCODER).code == 1
    for path in (*store.rglob("index/**/*.json"), *store.rglob("quarantine/*.json")):
        path.write_bytes(path.read_bytes()[:40])
    result = framedex("index", clips, "--store", store, *ENCODER, "--json")
    assert result.code == 1
    assert [len(result.json()[part]) for part in ("indexed", "quarantined")] == [1, 1]
    ok("verify", store)


def test_a_replaced_file_is_found_as_it_is_now(world: SmallWorld, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    for source in world.clips[:2]:
        shutil.copy(source, clip)
        ok("index", clip, "--store", tmp_path / "S", *ENCODER)
    hits = ok("search", tmp_path / "S", "a red thing", "--video", "clip", "--json").json()["hits"]
    assert {hit["video"] for hit in hits} == {Store.open(world.store)[world.clips[1]].row.video_key}


def test_a_moved_file_is_known_by_its_content(world: SmallWorld, tmp_path: Path) -> None:
    clip = Path(shutil.copy(world.clips[0], tmp_path / "before.mp4"))
    ok("index", clip, "--store", tmp_path / "S", *ENCODER)
    moved = clip.rename(tmp_path / "after.mp4")
    assert len(ok("index", moved, "--store", tmp_path / "S", *ENCODER, "--json").json()["skipped"]) == 1
    assert len(ok("search", tmp_path / "S", "a red thing", "--video", moved, "-k", 1, "--json").json()["hits"]) == 1
    (tmp_path / "q.jsonl").write_text(json.dumps({"id": 1, "video": "after.mp4", "question": "a red thing"}))
    ok("select", tmp_path / "S", tmp_path / "q.jsonl", "--sampler", "top")


@pytest.mark.parametrize("damage", ["missing", "short"])
def test_a_row_without_its_index_is_indexed_again(world: SmallWorld, tmp_path: Path, damage: str) -> None:
    store = tmp_path / "S"
    ok("index", world.clips[0], "--store", store, *ENCODER)
    (index,) = store.rglob("*.faiss")
    index.unlink() if damage == "missing" else index.write_bytes(index.read_bytes()[:100])
    ok("index", world.clips[0], "--store", store, *ENCODER, "--fps", 2)
    assert len(ok("index", world.clips[0], "--store", store, *ENCODER, "--json").json()["indexed"]) == 1
    ok("verify", store)


def test_a_video_that_ends_before_its_container_says_is_named(tmp_path: Path) -> None:
    """Half a download, padded with zeros to its whole length: Matroska's reader takes what is there for all that there is."""
    clip = tmp_path / "half.mkv"
    encode(clip, range(200), Fraction(1, 25), codec_options={"bf": "0"})
    data = clip.read_bytes()
    clip.write_bytes(data[: len(data) // 2] + bytes(len(data) - len(data) // 2))
    ran = framedex("index", clip, "--store", tmp_path / "S", *ENCODER)
    assert ran.code == 0, ran.err
    assert "note: 1 video shorter than their container says, and perhaps cut short: half.mkv" in ran.err
