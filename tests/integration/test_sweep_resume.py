"""A sweep that is killed, or whose videos move, goes on as if nothing had happened."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cli import framedex, ok
from framedex.sweep.config import read_config
from framedex.sweep.opened import open_sweep
from framedex.sweep.plan import PlannedVideo
from framedex.sweep.run import run_sweep
from small_world import SmallWorld
from sweep_folder import SweepFolder, read_records, without_times, write_sweep

_START = "from framedex.cli import main; main()"
_PATIENCE_S = 120
#: Else what the undisturbed run has kept would answer for the others.
_ALL_ASKED = ("--answer-cache", "off")


def start(sweep: SweepFolder, run: Path, *options: str) -> subprocess.Popen[bytes]:
    words = ["sweep", str(sweep.config), "-o", str(run), "--threads", "1", *_ALL_ASKED, *options]
    command = [sys.executable, "-c", _START, *words]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def kill_when(process: subprocess.Popen[bytes], n_done: int, run: Path) -> None:
    """SIGKILL once `n_done` videos are done and others are not."""
    waited_until = time.monotonic() + _PATIENCE_S
    while len(list(run.glob("records/*.parquet"))) < n_done:
        assert process.poll() is None, "the sweep ended before it could be killed"
        assert time.monotonic() < waited_until
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


@pytest.mark.slow
@pytest.mark.parametrize("with_files", [False, True])
def test_killed_twice_and_resumed_the_records_are_those_of_an_undisturbed_run(
    world: SmallWorld, tmp_path: Path, with_files: bool
) -> None:
    options = ("--token-folder", str(tmp_path / "tokens")) if with_files else ()
    sweep = write_sweep(
        tmp_path,
        world,
        videos=6,
        per_video=3,
        variants=["question", "answer"],
        samplers=["uniform", "random", "top"],
        budgets=[2, 4],
        windows=[{"length": 3, "stride": 1}],
        no_video=True,
    )
    ok("sweep", sweep.config, "-o", tmp_path / "undisturbed", "--threads", 1, *_ALL_ASKED)
    for n_done in (1, 3):
        kill_when(start(sweep, sweep.run, *options), n_done, sweep.run)
        done = {path: path.read_bytes() for path in (sweep.run / "records").glob("*.parquet")}
        assert n_done <= len(done) < 6
    printed = ok("sweep", sweep.config, "-o", sweep.run, "--threads", 1, "--json", *_ALL_ASKED, *options).json()
    assert printed["videos_done_before"] == len(done)
    assert printed["videos"] == 6 - len(done)
    assert all(path.read_bytes() == content for path, content in done.items())
    assert (sweep.run / "run.json").read_bytes() == (tmp_path / "undisturbed" / "run.json").read_bytes()
    resumed, undisturbed = (without_times(read_records(run)) for run in (sweep.run, tmp_path / "undisturbed"))
    if with_files:  # tokens from a file were made in another batch, which rounds otherwise
        logprobs = [[row.pop("option_logprobs") for row in rows] for rows in (resumed, undisturbed)]
        for ours, theirs in zip(*logprobs, strict=True):
            assert ours == pytest.approx(theirs, abs=1e-4)
        assert list((tmp_path / "tokens").rglob("*.safetensors"))
    assert resumed == undisturbed


def test_interrupted_inside_a_video_its_records_are_not_there_and_the_others_are_kept(
    world: SmallWorld, tmp_path: Path
) -> None:
    sweep = write_sweep(tmp_path, world, no_video=True)
    ok("sweep", sweep.config, "-o", tmp_path / "undisturbed", "--threads", 1, *_ALL_ASKED)
    answered: list[str] = []

    def interrupt(video: PlannedVideo, done: int, total: int) -> None:
        answered.append(video.key)
        if len(set(answered)) == 2:
            raise KeyboardInterrupt

    with open_sweep(read_config(sweep.config), threads=1) as opened, pytest.raises(KeyboardInterrupt):
        list(run_sweep(sweep.run, opened, answers_done=interrupt))
    assert [path.name for path in (sweep.run / "records").iterdir()] == [f"{answered[0]}.parquet"]
    (sweep.run / "records" / f".{answered[1]}.parquet.1.0a.tmp").write_bytes(b"PAR1")  # as SIGKILL leaves it
    ok("sweep", sweep.config, "-o", sweep.run, "--threads", 1)
    assert without_times(read_records(sweep.run)) == without_times(read_records(tmp_path / "undisturbed"))


def test_killed_before_run_json_was_there(world: SmallWorld, tmp_path: Path) -> None:
    sweep = write_sweep(tmp_path, world, videos=1, per_video=1)
    sweep.run.mkdir()
    (sweep.run / ".run.json.1.0a.tmp").write_bytes(b"{")
    ok("sweep", sweep.config, "-o", sweep.run, "--threads", 1)
    assert len(list((sweep.run / "records").glob("*.parquet"))) == 1


@pytest.fixture
def own_clips(world: SmallWorld, tmp_path: Path) -> SweepFolder:
    """A sweep over two clips, and a store of them, that a test may spoil."""
    folder = tmp_path / "world"
    (folder / "clips").mkdir(parents=True)
    for clip in world.clips[:2]:
        shutil.copy(clip, folder / "clips")
    shutil.copy(world.folder / "questions.jsonl", folder)
    ok("index", folder / "clips", "--store", tmp_path / "S", "--encoder", "micro-siglip")
    own = SmallWorld(folder=folder, captions=world.captions, store=tmp_path / "S")
    return write_sweep(tmp_path, own)


@pytest.mark.parametrize("harm", ["moved", "changed", "cut"])
def test_a_video_that_is_not_there_any_more_is_reported_and_tried_again(own_clips: SweepFolder, harm: str) -> None:
    clip = min((own_clips.folder / "world" / "clips").iterdir())
    whole = clip.read_bytes()
    if harm == "moved":
        clip.unlink()
    else:
        clip.write_bytes(whole + b"\0" if harm == "changed" else whole[:-1])
    ran = framedex("sweep", own_clips.config, "-o", own_clips.run, "--threads", 1, "--json")
    assert ran.code == 1
    (failed,) = ran.json()["failed"]
    assert failed["path"] == str(clip)
    assert ("does not exist" if harm == "moved" else "expected the bytes that were indexed") in failed["reason"]
    assert clip.name in ran.err
    assert ran.json()["videos"] == 1
    (video,) = {record["video_key"] for record in read_records(own_clips.run)}
    assert video != failed["video"]
    assert f"failed: {clip}" in framedex("sweep", own_clips.config, "-o", own_clips.run, "--threads", 1).out
    assert framedex("sweep", own_clips.config, "-o", own_clips.run, "--dry-run").code == 0

    clip.write_bytes(whole)
    printed = ok("sweep", own_clips.config, "-o", own_clips.run, "--threads", 1, "--json").json()
    assert (printed["videos_done_before"], printed["videos"], printed["failed"]) == (1, 1, [])
    assert {record["video_key"] for record in read_records(own_clips.run)} == {video, failed["video"]}


def test_an_index_file_that_is_lost_stops_its_video_only(own_clips: SweepFolder) -> None:
    lost = min((own_clips.folder / "S").rglob("*.faiss"))
    lost.unlink()
    ran = framedex("sweep", own_clips.config, "-o", own_clips.run, "--threads", 1, "--json")
    assert ran.code == 1
    assert [each["video"] for each in ran.json()["failed"]] == [lost.stem]
    assert ran.json()["videos"] == 1
