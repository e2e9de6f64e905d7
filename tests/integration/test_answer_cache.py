"""A sweep asks no model twice, and records the same with kept answers and without."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cli import framedex, ok
from framedex.sweep import known
from framedex.sweep.answer_cache import AnswerCache
from framedex.sweep.config import read_config
from framedex.sweep.opened import open_sweep
from framedex.sweep.plan import PlannedVideo
from framedex.sweep.run import run_sweep
from small_world import SmallWorld
from smolvlm_checkpoints import make_smolvlm
from sweep_folder import TIMES, SweepFolder, read_records, without_times, write_sweep

MLLM = "micro-smolvlm"


@pytest.fixture
def sweep(world: SmallWorld, tmp_path: Path) -> SweepFolder:
    """Two samplers, both ways of scoring and the arm without video, on a store that no other test writes to."""
    shutil.copytree(world.store, tmp_path / "S", ignore=shutil.ignore_patterns("cache"))
    (tmp_path / "sweep").mkdir()
    return write_sweep(
        tmp_path / "sweep", world, mllms=[MLLM], scoring=["option", "letter"], no_video=True, store=str(tmp_path / "S")
    )


def swept(sweep: SweepFolder, run: Path, *arguments: object) -> dict[str, Any]:
    """Run the sweep and give what it prints."""
    printed: dict[str, Any] = ok("sweep", sweep.config, "-o", run, "--threads", 1, "--json", *arguments).json()
    return printed


def test_a_second_run_asks_nothing_and_records_the_same(sweep: SweepFolder, tmp_path: Path) -> None:
    first = swept(sweep, tmp_path / "first")
    kept = tmp_path / "S" / "cache" / "answers.sqlite"
    before = kept.read_bytes()
    second = swept(sweep, tmp_path / "second")
    without = swept(sweep, tmp_path / "without", "--answer-cache", "off")
    assert (first["answers_from_cache"], second["answers_from_cache"], without["answers_from_cache"]) == (
        0,
        first["asks"],
        0,
    )
    assert set(second["work"].values()) == {0}
    assert without["work"] == first["work"]
    assert kept.read_bytes() == before
    records = [read_records(tmp_path / run) for run in ("first", "second", "without")]
    assert without_times(records[0]) == without_times(records[1]) == without_times(records[2])
    assert {record[name] for record in records[1] for name in TIMES} == {0.0}


def test_one_more_sampler_pays_for_frame_sets_that_are_new(sweep: SweepFolder, tmp_path: Path) -> None:
    before = swept(sweep, tmp_path / "before")
    sweep.change(samplers=["uniform", "top", "bottom"])
    dry = ok("sweep", sweep.config, "-o", tmp_path / "more", "--dry-run", "--json").json()
    more = swept(sweep, tmp_path / "more")
    assert dry["answers_from_cache"] == more["answers_from_cache"] == before["asks"]
    assert dry["planned"]["prefills"] == more["work"]["prefills"] == more["frame_sets"] - before["frame_sets"] > 0
    assert dry["naive"]["prefills"] > dry["planned"]["prefills"]
    assert not (tmp_path / "S" / "cache" / "answers.sqlite-journal").exists()
    alone = swept(sweep, tmp_path / "alone", "--answer-cache", "off")
    assert alone["asks"] == more["asks"]
    _same(read_records(tmp_path / "more"), read_records(tmp_path / "alone"))


def test_one_more_way_of_scoring_and_one_more_model_pay_for_themselves(sweep: SweepFolder, tmp_path: Path) -> None:
    sweep.change(scoring=["option"])
    before = swept(sweep, tmp_path / "before")
    sweep.change(scoring=["option", "letter"])
    more = swept(sweep, tmp_path / "more")
    assert (more["answers_from_cache"], more["asks"]) == (before["asks"], 2 * before["asks"])
    alone = swept(sweep, tmp_path / "alone", "--answer-cache", "off")
    assert more["work"]["prefills"] == alone["work"]["prefills"]
    _same(read_records(tmp_path / "more"), read_records(tmp_path / "alone"))


def test_a_dry_run_counts_only_the_model_that_is_new(sweep: SweepFolder, tmp_path: Path) -> None:
    make_smolvlm(tmp_path / "sweep" / "other", seed=1)
    swept(sweep, tmp_path / "before")
    sweep.change(mllms=[MLLM, "other"])
    dry = ok("sweep", sweep.config, "-o", tmp_path / "more", "--threads", 1, "--dry-run", "--json").json()
    more = swept(sweep, tmp_path / "more")
    for name in ("tower_frames", "prefills"):
        assert dry["planned"][name] == more["work"][name] > 0
    assert dry["planned"]["forwards"] == dry["frame_sets"] + dry["frame_sets"] + dry["videos"]
    assert dry["measured_asks"] == 8 * 2  # by one model, in both ways of scoring
    alone = swept(sweep, tmp_path / "alone", "--answer-cache", "off")
    assert alone["work"]["prefills"] == 2 * more["work"]["prefills"]
    _same(read_records(tmp_path / "more"), read_records(tmp_path / "alone"))


def test_where_every_answer_is_kept_a_dry_run_says_so_and_no_video_is_decoded(
    sweep: SweepFolder, tmp_path: Path, world: SmallWorld
) -> None:
    swept(sweep, tmp_path / "first")
    dry = ok("sweep", sweep.config, "-o", tmp_path / "second", "--dry-run", "--json").json()
    assert dry["answers_from_cache"] == dry["asks"] > 0
    assert (dry["estimated_s"], dry["measured_asks"], set(dry["planned"].values())) == (0.0, 0, {0})
    said = ok("sweep", sweep.config, "-o", tmp_path / "second", "--dry-run").out
    assert "every answer is in the cache; only records are to be written" in said
    assert not (tmp_path / "second").exists()


def test_the_cache_is_made_again_from_the_records_of_runs(sweep: SweepFolder, tmp_path: Path) -> None:
    swept(sweep, tmp_path / "first")
    shutil.rmtree(tmp_path / "S" / "cache")
    dry = ok("sweep", sweep.config, "-o", tmp_path / "x", "--dry-run", "--json", "--reuse", tmp_path / "first").json()
    assert dry["answers_from_cache"] == dry["asks"]
    assert not (tmp_path / "S" / "cache").exists()
    in_memory = swept(sweep, tmp_path / "memory", "--answer-cache", "off", "--reuse", tmp_path / "first")
    assert not (tmp_path / "S" / "cache" / "answers.sqlite").exists()
    again = framedex(
        "sweep", sweep.config, "-o", tmp_path / "again", "--threads", 1, "--json", "--reuse", tmp_path / "first"
    )
    assert again.code == 0
    assert f"{again.json()['asks']} different answers in the records of {tmp_path / 'first'}" in again.err
    later = swept(sweep, tmp_path / "later")
    for printed in (in_memory, again.json(), later):
        assert printed["answers_from_cache"] == printed["asks"]
    first = without_times(read_records(tmp_path / "first"))
    assert all(without_times(read_records(tmp_path / run)) == first for run in ("memory", "again", "later"))


def test_a_run_that_is_none_is_refused_before_anything_is_asked(sweep: SweepFolder, tmp_path: Path) -> None:
    ran = framedex("sweep", sweep.config, "-o", tmp_path / "RUN", "--reuse", tmp_path)
    assert ran.code == 2
    assert "expected a folder written by `framedex sweep`" in ran.err
    assert not (tmp_path / "RUN").exists()


def test_a_folder_of_ones_own_and_a_name_that_is_none(sweep: SweepFolder, tmp_path: Path) -> None:
    own = tmp_path / "own"
    first = swept(sweep, tmp_path / "first", "--answer-cache", own)
    assert [path.name for path in own.iterdir()] == ["answers.sqlite"]
    assert not (tmp_path / "S" / "cache" / "answers.sqlite").exists()
    second = swept(sweep, tmp_path / "second", "--answer-cache", own)
    assert second["answers_from_cache"] == first["asks"]
    assert framedex("sweep", sweep.config, "-o", tmp_path / "third", "--answer-cache", " ").code == 2


def test_a_file_in_the_folders_place_is_refused_before_anything_is_asked(sweep: SweepFolder, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for named in (tmp_path / "file", tmp_path / "file" / "below"):
        ran = framedex("sweep", sweep.config, "-o", tmp_path / "RUN", "--answer-cache", named)
        assert ran.code == 2
        assert f"answer cache {named}: expected a folder, but {tmp_path / 'file'} is none" in ran.err
    assert not (tmp_path / "RUN").exists()
    assert (tmp_path / "file").read_text() == "mine"


def test_a_network_file_system_is_refused(sweep: SweepFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from framedex import cache_file

    monkeypatch.setattr(cache_file, "file_system", lambda _path: "nfs4")
    ran = framedex("sweep", sweep.config, "-o", tmp_path / "RUN", "--answer-cache", tmp_path / "own")
    assert ran.code == 2
    assert "is on a network file system; name a folder on a disk of this machine" in ran.err


@pytest.mark.parametrize("harm", ["garbage", "cut", "flipped"])
def test_a_broken_cache_is_left_aside(sweep: SweepFolder, tmp_path: Path, harm: str) -> None:
    first = swept(sweep, tmp_path / "first")
    path = tmp_path / "S" / "cache" / "answers.sqlite"
    data = path.read_bytes()
    if harm == "garbage":
        path.write_bytes(b"no database" * 500)
    elif harm == "cut":
        path.write_bytes(data[: len(data) // 2 + 100])
    else:  # a digit of every log-probability
        path.write_bytes(data.replace(b'"option_logprobs":[-', b'"option_logprobs":[ '))
    ran = framedex("sweep", sweep.config, "-o", tmp_path / "second", "--threads", 1, "--json")
    assert ran.code == 0
    assert ran.json()["answers_from_cache"] == 0
    assert ran.json()["work"] == first["work"]
    assert ("the cache of answers cannot be" in ran.err) == (harm != "flipped")
    assert without_times(read_records(tmp_path / "second")) == without_times(read_records(tmp_path / "first"))


def test_what_came_of_another_place_says_so_in_its_provenance(sweep: SweepFolder, tmp_path: Path) -> None:
    """The model's provenance is that of the run in which it answered."""
    one = swept(sweep, tmp_path / "one")
    two = ok("sweep", sweep.config, "-o", tmp_path / "two", "--threads", 2, "--json").json()
    assert two["answers_from_cache"] == one["asks"]
    assert {'"threads":"1"' in record["provenance"] for record in read_records(tmp_path / "two")} == {True}


_START = "from framedex.cli import main; main()"


@pytest.mark.slow
def test_killed_and_resumed_with_kept_answers_the_records_are_those_of_an_undisturbed_run(
    world: SmallWorld, tmp_path: Path
) -> None:
    (tmp_path / "sweep").mkdir()
    shutil.copytree(world.store, tmp_path / "S", ignore=shutil.ignore_patterns("cache"))
    sweep = write_sweep(
        tmp_path / "sweep",
        world,
        videos=5,
        store=str(tmp_path / "S"),
        mllms=[MLLM],
        samplers=["uniform", "random", "top"],
        windows=[{"length": 3, "stride": 1}],
    )
    swept(sweep, tmp_path / "undisturbed", "--answer-cache", "off")
    command = [sys.executable, "-c", _START, "sweep", str(sweep.config), "--threads", "1", "-o"]
    killed = subprocess.Popen(
        [*command, str(tmp_path / "killed")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    until = time.monotonic() + 120
    while len(list((tmp_path / "killed").glob("records/*.parquet"))) < 2:
        assert killed.poll() is None
        assert time.monotonic() < until
        time.sleep(0.002)
    os.kill(killed.pid, signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL
    # Another run, so that only the cache can have what was answered.
    resumed = swept(sweep, tmp_path / "resumed")
    assert 0 < resumed["answers_from_cache"] < resumed["asks"]
    swept(sweep, tmp_path / "killed")
    undisturbed = without_times(read_records(tmp_path / "undisturbed"))
    assert all(without_times(read_records(tmp_path / run)) == undisturbed for run in ("resumed", "killed"))


@pytest.mark.slow
def test_runs_at_the_same_time_share_a_cache_and_do_not_tear_it(sweep: SweepFolder, tmp_path: Path) -> None:
    runs = [tmp_path / f"run{number}" for number in range(3)]
    command = [sys.executable, "-c", _START, "sweep", str(sweep.config), "--threads", "1", "-o"]
    started = [subprocess.Popen([*command, str(run)], stdout=subprocess.DEVNULL) for run in runs]
    assert [each.wait() for each in started] == [0, 0, 0]
    records = [without_times(read_records(run)) for run in runs]
    assert records[0] == records[1] == records[2]
    last = swept(sweep, tmp_path / "last")
    assert last["answers_from_cache"] == last["asks"]


def test_interrupted_inside_a_video_what_was_answered_is_kept(sweep: SweepFolder, tmp_path: Path) -> None:
    swept(sweep, tmp_path / "undisturbed", "--answer-cache", "off")
    cache = AnswerCache(tmp_path / "S" / "cache" / "answers.sqlite")
    told: list[int] = []

    def interrupt(video: PlannedVideo, done: int, total: int) -> None:
        told.append(done)
        assert done < total
        raise KeyboardInterrupt

    config = read_config(sweep.config)
    with open_sweep(config, threads=1, answer_cache=cache) as opened, pytest.raises(KeyboardInterrupt):
        list(run_sweep(sweep.run, opened, answers_done=interrupt))
    assert not list((sweep.run / "records").iterdir())
    resumed = swept(sweep, sweep.run)
    assert resumed["answers_from_cache"] == told[-1] > 0
    _same(read_records(sweep.run), read_records(tmp_path / "undisturbed"))


def test_a_library_that_opens_a_sweep_itself_has_no_cache_unless_it_gives_one(sweep: SweepFolder) -> None:
    with open_sweep(read_config(sweep.config), threads=1) as opened:
        assert opened.answer_cache is None
        found = known.KnownAnswers.of(opened.plan.videos[0], {}, opened)
    assert (found.keys, found.kept, found.left) == ({}, {}, {})


def _same(some: list[dict[str, Any]], others: list[dict[str, Any]]) -> None:
    """Equal but for what a batch of another size rounds otherwise."""
    rounded = ("option_logprobs",)
    for one, other in zip(without_times(some), without_times(others), strict=True):
        assert {**one, **dict.fromkeys(rounded)} == {**other, **dict.fromkeys(rounded)}
        assert np.abs(np.subtract(one["option_logprobs"], other["option_logprobs"])).max() < 1e-4
