"""Runs that are killed, stopped, repeated and divided: what is kept, and that no process outlives its run."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli import framedex, ok
from framedex.decode import FpsGrid
from framedex.embed import load_embedder
from framedex.errors import DeviceError
from framedex.index import Store
from framedex.ingest import Indexed, IngestSettings, ingest
from processes import alive, children, eventually, open_files
from small_world import SmallWorld

ENCODER = ("--encoder", "micro-siglip")
COMMAND = (sys.executable, "-c", "from framedex.cli import main; main()", "index")
HERE = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}


def checksums(store: Path) -> dict[str, str]:
    return {row.video_key: row.checksum for row in Store.open(store).videos()}


@contextmanager
def endless(clip: Path, store: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A run that is in the middle of a video for ever, and the process that decodes it."""
    command = [*COMMAND, clip, "--store", store, *ENCODER, "--decoder", "bad_decoders:says_its_process"]
    trace = clip.with_suffix(".pid")
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=HERE) as run:
        try:
            assert eventually(lambda: trace.exists() and bool(trace.read_text()))
            yield run, int(trace.read_text())
        finally:
            run.kill()


@pytest.fixture
def clip(world: SmallWorld, tmp_path: Path) -> Path:
    return Path(shutil.copy(world.clips[0], tmp_path / "clip.mp4"))


def test_workers_die_with_a_run_that_is_killed(clip: Path, tmp_path: Path) -> None:
    with endless(clip, tmp_path / "S") as (run, worker):
        assert worker in children(run.pid)
        run.kill()
        assert eventually(lambda: not alive(worker))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_run_that_is_stopped_ends_its_workers_and_says_how_to_go_on(
    clip: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    with endless(clip, tmp_path / "S") as (run, worker):
        run.send_signal(number)
        _, err = run.communicate(timeout=60)
        assert run.returncode == code
        assert "run the same command again" in err
        assert "Traceback" not in err
        assert not alive(worker)


def test_ctrl_c_once_more_is_no_traceback(clip: Path, tmp_path: Path) -> None:
    with endless(clip, tmp_path / "S") as (run, _):
        for _ in range(200):
            if run.poll() is not None:
                break
            run.send_signal(signal.SIGINT)
        _, err = run.communicate(timeout=60)
        assert run.returncode == 130
        assert "Traceback" not in err


def test_an_iterator_that_is_closed_leaves_nothing(world: SmallWorld, tmp_path: Path) -> None:
    before, n_open = children(), open_files()
    settings = IngestSettings(grids=(FpsGrid.parse("1"),), threads=2)
    with load_embedder("micro-siglip") as embedder:
        store = Store.open(tmp_path / "S", create=True)
        outcomes = ingest(world.clips, store=store, embedder=embedder, settings=settings)
        assert isinstance(next(outcomes), Indexed)
        outcomes.close()
        assert children() == before
        assert open_files() == n_open
        rest = list(ingest(world.clips, store=store, embedder=embedder, settings=settings))
    assert len(rest) == len(world.clips)
    assert checksums(tmp_path / "S") == checksums(world.store)


def test_a_script_needs_no_guard(world: SmallWorld, tmp_path: Path) -> None:
    """Nothing of the caller's main module runs again in the workers; nor do modules beside it pass for ours."""
    (tmp_path / "av.py").write_text("raise RuntimeError('the wrong module')\n")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "script.py").write_text(
        "import sys\n"
        "from pathlib import Path\n"
        "from framedex.decode import FpsGrid\n"
        "from framedex.embed import load_embedder\n"
        "from framedex.index import Store\n"
        "from framedex.ingest import IngestSettings, ingest\n"
        "print('begun')\n"
        "store = Store.open('S', create=True)\n"
        "settings = IngestSettings(grids=(FpsGrid.parse('1'),), threads=2)\n"
        "with load_embedder('micro-siglip') as embedder:\n"
        "    for outcome in ingest(list(map(Path, sys.argv[1:])), store=store, embedder=embedder, settings=settings):\n"
        "        print(outcome.row.count)\n"
    )
    run = subprocess.run(
        [sys.executable, "elsewhere/script.py", *map(str, world.clips[:3])],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    assert run.stdout.splitlines()[0] == "begun"
    assert len(run.stdout.splitlines()) == 4


def test_two_runs_on_one_store_make_what_one_makes(world: SmallWorld, tmp_path: Path) -> None:
    command = [*COMMAND, str(world.folder / "clips"), "--store", str(tmp_path / "S"), *ENCODER]
    runs = [subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for run in runs:
        _, err = run.communicate(timeout=120)
        assert run.returncode == 0, err
    assert ok("verify", tmp_path / "S").out.startswith("8 indexes, ")
    assert checksums(tmp_path / "S") == checksums(world.store)


def test_shards_divide_the_inputs(world: SmallWorld, tmp_path: Path) -> None:
    folder, store = world.folder / "clips", tmp_path / "S"
    indexed: list[str] = []
    for number in (1, 2, 3):
        result = ok("index", folder, "--store", store, *ENCODER, "--shard", f"{number}/3", "--json").json()
        paths = [entry["path"] for entry in result["indexed"]]
        assert len(paths) + result["other_shards"] == len(world.clips)
        assert not set(paths) & set(indexed)
        indexed += paths
    assert len(indexed) == len(world.clips)
    assert checksums(store) == checksums(world.store)
    ran = ok("index", folder, "--store", store, *ENCODER, "--shard", "1/3")
    assert "of other shards" in ran.out


def test_a_store_that_fails_midway_keeps_what_it_has(world: SmallWorld, tmp_path: Path) -> None:
    """A limit on the size of files stands for a disk that becomes full; it holds for root too."""
    script = (
        "import resource, sys\n"
        "from framedex import ingest\n"
        "from framedex.cli import ingested, main\n"
        "made = ingested._line\n"
        "def fill(*arguments, **named):\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))\n"
        "    return made(*arguments, **named)\n"
        "ingested._line = fill\n"
        "main()\n"
    )
    command = [
        sys.executable,
        "-c",
        script,
        "index",
        str(world.folder / "clips"),
        "--store",
        str(tmp_path / "S"),
        *ENCODER,
    ]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 6, run.stderr
    assert "cannot write" in run.stderr
    assert "Traceback" not in run.stderr
    assert not list((tmp_path / "S").rglob("*.tmp"))
    kept = len(Store.open(tmp_path / "S").videos())
    assert 1 <= kept < len(world.clips)
    ok("verify", tmp_path / "S")
    ok("index", world.folder / "clips", "--store", tmp_path / "S", *ENCODER)
    assert checksums(tmp_path / "S") == checksums(world.store)


def test_a_worker_that_cannot_start_is_an_error_and_no_loop(
    world: SmallWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "PIL").mkdir()
    (tmp_path / "PIL" / "__init__.py").write_text("raise ImportError('no pictures today')\n")
    monkeypatch.syspath_prepend(tmp_path)  # for the workers: this process has Pillow already
    settings = IngestSettings(grids=(FpsGrid.parse("1"),), threads=2)
    before = children()
    with (
        load_embedder("micro-siglip") as embedder,
        pytest.raises(
            DeviceError, match="3 times one ended with exit code 1; its last words: ImportError: no pictures today"
        ),
    ):
        list(ingest(world.clips, store=Store.open(tmp_path / "S", create=True), embedder=embedder, settings=settings))
    assert children() == before


def test_no_input_is_no_run(world: SmallWorld, tmp_path: Path) -> None:
    ran = framedex("index", world.clips[0], "--store", tmp_path / "S", *ENCODER, "--shard", "1/2")
    other = framedex("index", world.clips[0], "--store", tmp_path / "S", *ENCODER, "--shard", "2/2")
    assert (ran.code, other.code) == (0, 0)
    assert len(Store.open(tmp_path / "S").videos()) == 1
