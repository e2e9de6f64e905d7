"""A decoder that goes wrong costs one video: the others are indexed, and nothing is left running."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli import Ran, framedex, ok
from framedex.index import Store
from processes import alive, children, eventually, open_files
from small_world import SmallWorld

ENCODER = ("--encoder", "micro-siglip")


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    before, n_open = children(), open_files()
    yield
    assert children() == before
    assert open_files() <= n_open


@pytest.fixture
def clips(world: SmallWorld, tmp_path: Path) -> Path:
    """Good clips on both sides of a bad one."""
    folder = tmp_path / "clips"
    folder.mkdir()
    for name, source in zip(("a", "bad", "c", "d"), world.clips, strict=False):
        shutil.copy(source, folder / f"{name}{source.suffix}")
    return folder


def index(clips: Path, decoder: str, *options: object) -> Ran:
    return framedex(
        "index",
        clips,
        "--store",
        clips.parent / "S",
        *ENCODER,
        "--decoder",
        f"bad_decoders:{decoder}",
        *options,
        "--json",
    )


@pytest.mark.parametrize(
    ("decoder", "options", "error", "sentence"),
    [
        (
            "hangs",
            ("--stall-limit", 1),
            "OverBudget",
            "made no progress for 1 s and was ended; convert the file, or raise --stall",
        ),
        ("stops", ("--stall-limit", 1), "OverBudget", "made no progress for 1 s and was ended"),
        ("gives_for_ever", ("--time-limit", 1), "OverBudget", "took more than 1 s and was ended; raise --time-limit"),
        ("never_ends", ("--time-limit", 1), "OverBudget", "took more than 1 s and was ended; raise --time-limit"),
        (
            "grows",
            ("--memory-limit", 1),
            "OverBudget",
            "GiB of memory, more than 1, and was ended; raise --memory-limit",
        ),
        ("crashes", (), "WorkerLost", "died twice: it was killed by SIGSEGV; its last words: the decoder's last words"),
        ("is_at_fault", (), "ZeroDivisionError", "unexpected ZeroDivisionError: by nothing"),
    ],
)
def test_what_goes_wrong_is_quarantined_and_the_others_go_on(
    clips: Path, decoder: str, options: tuple[object, ...], error: str, sentence: str
) -> None:
    ran = index(clips, decoder, *options)
    assert ran.code == 1
    result = ran.json()
    (failed,) = result["quarantined"]
    assert (Path(failed["path"]).stem, failed["error"]) == ("bad", error)
    assert sentence in failed["reason"]
    assert failed["reason"].startswith(f"{failed['path']}: ")
    assert [Path(entry["path"]).stem for entry in result["indexed"]] == ["a", "c", "d"]
    (entry,) = Store.open(clips.parent / "S").quarantine.list()
    assert (entry.error, entry.reason, entry.attempts) == (error, failed["reason"], 1)
    ok("verify", clips.parent / "S")


def test_a_decoder_that_dies_once_is_given_a_second_chance(clips: Path, world: SmallWorld) -> None:
    result = index(clips, "crashes_once").json()
    assert [Path(entry["path"]).stem for entry in result["indexed"]] == ["a", "bad", "c", "d"]
    assert (clips / "bad.crashed").exists()
    store, undisturbed = Store.open(clips.parent / "S"), Store.open(world.store)
    assert {row.checksum for row in store.videos()} <= {row.checksum for row in undisturbed.videos()}


def test_a_process_that_is_killed_from_outside_is_replaced(clips: Path) -> None:
    """The worker of a video that takes for ever is killed twice; the run ends, and nothing else has suffered."""
    import threading

    killed: list[int] = []

    def kill() -> None:
        trace = clips / "bad.pid"
        for _ in range(2):
            if eventually(lambda: trace.exists() and bool(trace.read_text()) and int(trace.read_text()) not in killed):
                killed.append(int(trace.read_text()))
                os.kill(killed[-1], signal.SIGKILL)

    for name in ("a", "c", "d"):
        next(clips.glob(f"{name}.*")).unlink()
    thread = threading.Thread(target=kill)
    thread.start()
    ran = index(clips, "says_its_process")
    thread.join()
    (failed,) = ran.json()["quarantined"]
    assert failed["error"] == "WorkerLost"
    assert "it was killed by SIGKILL, perhaps for want of memory" in failed["reason"]
    assert len(killed) == 2
    assert not any(map(alive, killed))


def test_a_decoder_that_is_not_there(clips: Path) -> None:
    for name in ("bad_decoders:nothing", "no_such_module:X", "pyaw"):
        ran = framedex("index", clips, "--store", clips.parent / "S", *ENCODER, "--decoder", name)
        assert ran.code == 2
        assert f"decoder '{name}'" in ran.err
    assert not (clips.parent / "S").exists()
