"""What a dry run says of the work that is before the models, beside what the sweep then does."""

from __future__ import annotations

from pathlib import Path

from cli import ok
from small_world import SmallWorld
from sweep_folder import write_sweep

ONCE = ("--threads", 1, "--answer-cache", "off")


def test_written_answers_count_as_long_as_those_that_were_measured(world: SmallWorld, tmp_path: Path) -> None:
    sweep = write_sweep(tmp_path, world, mllms=["micro-smolvlm"], scoring=["generate"], no_video=True)
    dry = ok("sweep", sweep.config, "-o", sweep.run, *ONCE, "--dry-run", "--json").json()
    work = ok("sweep", sweep.config, "-o", sweep.run, *ONCE, "--json").json()["work"]
    sets = dry["frame_sets"] + dry["videos"]
    assert work["written_forwards"] < 16 * sets, "else they are as long as they may be, and this test shows nothing"
    # Sets that are read together share the forwards of their frames, and no others.
    shared = dry["planned"]["prefills"] - (work["forwards"] - work["written_forwards"])
    assert dry["planned"]["forwards"] - shared <= 1.25 * work["forwards"]
    assert dry["planned"]["forwards"] >= 0.75 * work["forwards"]


def test_frames_that_pass_the_tower_again_for_want_of_memory_are_said(world: SmallWorld, tmp_path: Path) -> None:
    windows = [{"length": length, "stride": 1} for length in (3, 4, 5, 6)]  # more than are read together
    sweep = write_sweep(tmp_path, world, videos=1, option_orders="given", windows=windows)
    short = (*ONCE, "--token-memory", 0)
    dry = ok("sweep", sweep.config, "-o", sweep.run, *short, "--dry-run").out
    assert "where --token-memory does not hold a video's tokens, frames pass the tower again" in dry
    planned = ok("sweep", sweep.config, "-o", sweep.run, *short, "--dry-run", "--json").json()["planned"]
    work = ok("sweep", sweep.config, "-o", sweep.run, *short, "--json").json()["work"]
    assert work["tower_frames"] > planned["tower_frames"]
