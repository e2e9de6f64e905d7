"""Several grids from one decode, and frames that are never embedded twice."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from cli import framedex, ok
from clips import HEIGHT, WIDTH, draw_number, encode
from framedex.contracts import Pixels
from framedex.index import Store
from small_world import SmallWorld

ENCODER = ("--encoder", "micro-siglip")
GRIDS = ("--fps", "1,2", "--every", "7", "--count", "5", "--scene", "0.3")


def lossless(path: Path, draw: Callable[[int], Pixels], frames: int) -> Path:
    """A clip of ten frames a second whose pixels are exactly those drawn."""
    encode(path, range(frames), Fraction(1, 10), codec="ffv1", pixel_format="bgr0", draw=draw)
    return path


def vectors(store: Path, video: Path, grid: str) -> tuple[np.ndarray, np.ndarray]:
    index = Store.open(store).view(video, grid=grid)
    return np.array(index.pts_us), np.array(index.vectors)


def test_grids_of_one_decode_equal_those_of_runs_of_their_own(world: SmallWorld, tmp_path: Path) -> None:
    (tmp_path / "times.txt").write_text("0.5\n3\n")
    clips = world.clips[:3]
    options = [*GRIDS, "--timestamps", tmp_path / "times.txt"]
    together = ok("index", *clips, "--store", tmp_path / "S", *ENCODER, *options, "--json").json()
    grids = Store.open(tmp_path / "S").grids()
    assert len(grids) == 6
    assert len(together["indexed"]) == 6 * len(clips)
    assert [entry["grid"] for entry in together["indexed"][:5]] == ["fps=1", "fps=2", "every=7", "count=5", "scene=0.3"]
    for option, value in zip(options[::2], options[1::2], strict=True):
        for number, one in enumerate(str(value).split(",")):
            ok("index", *clips, "--store", tmp_path / f"{option}{number}", *ENCODER, option, one)
            (grid,) = Store.open(tmp_path / f"{option}{number}").grids()
            for clip in clips:
                for alone, beside in zip(
                    vectors(tmp_path / f"{option}{number}", clip, grid),
                    vectors(tmp_path / "S", clip, grid),
                    strict=True,
                ):
                    np.testing.assert_array_equal(alone, beside)
    ok("verify", tmp_path / "S")
    again = ok("index", *clips, "--store", tmp_path / "S", *ENCODER, *options, "--json").json()
    assert (len(again["indexed"]), len(again["skipped"])) == (0, 6 * len(clips))


def test_only_the_grid_that_is_missing_is_made(world: SmallWorld, tmp_path: Path) -> None:
    """As after a kill between two rows of one video."""
    store, clip = tmp_path / "S", world.clips[0]
    ok("index", clip, "--store", store, *ENCODER, "--fps", "1,2")
    expected = vectors(store, clip, "fps=2")
    (row,) = store.glob("index/*/fps=2/*/*.json")
    row.unlink()
    result = ok("index", clip, "--store", store, *ENCODER, "--fps", "1,2", "--json").json()
    assert [entry["grid"] for entry in result["skipped"]] == ["fps=1"]
    (made,) = result["indexed"]
    assert (made["grid"], made["reused_frames"]) == ("fps=2", len(vectors(store, clip, "fps=1")[0]))
    for got, before in zip(vectors(store, clip, "fps=2"), expected, strict=True):
        np.testing.assert_array_equal(got, before)


def test_a_picture_is_embedded_once(tmp_path: Path) -> None:
    """Shots that stand still, and one that comes back: ten frames each of pictures 1, 2, 1, 3."""
    shots = (1, 2, 1, 3)
    clip = lossless(tmp_path / "clip.mkv", lambda number: draw_number(shots[number // 10]), 40)
    result = ok("index", clip, "--store", tmp_path / "S", *ENCODER, "--every", 1, "--json").json()
    (entry,) = result["indexed"]
    whole = result["stages"][-1]
    assert (entry["frames"], entry["reused_frames"]) == (40, 37)
    assert (whole["taken_frames"], whole["embedded_frames"], whole["repeated_frames"]) == (40, 3, 37)
    row = Store.open(tmp_path / "S")[clip].row
    assert (row.provenance["repeated_frames"], row.provenance["dedupe_tolerance"]) == ("37", "0")
    got = vectors(tmp_path / "S", clip, "every=1")[1]
    assert len(np.unique(got, axis=0)) == 3
    for shot in (slice(0, 10), slice(20, 30)):
        assert (got[shot] == got[0]).all()
    # The frame of each shot as if nothing else were in the video.
    alone = lossless(tmp_path / "alone.mkv", lambda number: draw_number(shots[number]), 4)
    ok("index", alone, "--store", tmp_path / "A", *ENCODER, "--every", 1)
    np.testing.assert_array_equal(got[::10], vectors(tmp_path / "A", alone, "every=1")[1])


def fading(number: int) -> Pixels:
    """Every picture one grey level darker than the one before."""
    return np.full((HEIGHT, WIDTH, 3), 200 - number, np.uint8)


@pytest.mark.parametrize(("tolerance", "embedded"), [(0, 12), (1, 6), (3, 3)])
def test_a_tolerance_is_counted_from_the_last_embedded_frame(tmp_path: Path, tolerance: int, embedded: int) -> None:
    clip = lossless(tmp_path / "clip.mkv", fading, 12)
    command = ["index", clip, "--store", tmp_path / "S", *ENCODER, "--every", 1, "--dedupe-tolerance", tolerance]
    (entry,) = ok(*command, "--json").json()["indexed"]
    assert entry["reused_frames"] == 12 - embedded
    assert Store.open(tmp_path / "S")[clip].row.provenance["dedupe_tolerance"] == str(tolerance)
    assert len(ok(*command, "--json").json()["skipped"]) == 1


def test_another_tolerance_is_another_row(tmp_path: Path) -> None:
    clip = lossless(tmp_path / "clip.mkv", fading, 12)
    command = ["index", clip, "--store", tmp_path / "S", *ENCODER, "--json"]
    ok(*command, "--every", 1, "--dedupe-tolerance", 3)
    made = {entry["grid"]: entry for entry in ok(*command, "--every", "1,2").json()["indexed"]}
    # Vectors that only stand for a frame are not taken for its own.
    assert [made[grid]["reused_frames"] for grid in ("every=1", "every=2")] == [0, 0]
    exact = vectors(tmp_path / "S", clip, "every=1")[1]
    assert len(np.unique(exact, axis=0)) > 3


def test_a_tolerance_does_not_depend_on_the_grids_beside(tmp_path: Path) -> None:
    clip = lossless(tmp_path / "clip.mkv", fading, 24)
    tolerant = (*ENCODER, "--dedupe-tolerance", 2)
    ok("index", clip, "--store", tmp_path / "S", *tolerant, "--every", "2,3")
    for step in (2, 3):
        ok("index", clip, "--store", tmp_path / f"S{step}", *tolerant, "--every", step)
        grid = f"every={step}"
        np.testing.assert_array_equal(
            vectors(tmp_path / "S", clip, grid)[1], vectors(tmp_path / f"S{step}", clip, grid)[1]
        )


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--fps", "1,x"), "--fps: expected a positive number"),
        (("--every", "0"), "--every: expected a whole number"),
        (("--shard", "0/2"), "--shard: expected i/n with i from 1 to n"),
        (("--shard", "2"), "--shard: expected i/n"),
        (("--dedupe-tolerance", "33"), "less than or equal to 32"),
        (("--time-limit", "0"), "--time-limit"),
    ],
)
def test_options_that_mean_nothing(world: SmallWorld, tmp_path: Path, options: tuple[str, ...], sentence: str) -> None:
    ran = framedex("index", world.clips[0], "--store", tmp_path / "S", *ENCODER, *options)
    assert ran.code == 2
    assert sentence in ran.err
    assert not (tmp_path / "S").exists()


def test_a_row_holds_no_vectors_of_another_runtime(world: SmallWorld, tmp_path: Path) -> None:
    """Its provenance speaks for all of its vectors."""
    store = tmp_path / "S"
    ok("index", world.clips[0], "--store", store, *ENCODER, "--fps", 1, "--runtime", "torch-cpu")
    (other,) = ok("index", world.clips[0], "--store", store, *ENCODER, "--fps", 2, "--json").json()["indexed"]
    assert other["reused_frames"] == 0
    (same,) = ok("index", world.clips[0], "--store", store, *ENCODER, "--fps", "0.5", "--json").json()["indexed"]
    assert same["reused_frames"] == same["frames"]
