"""Commands that embed texts keep the vectors in the store, and answer the same with them and without."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from cli import framedex, ok
from framedex.index import Store
from framedex.index.verify import verify
from small_world import SmallWorld
from sweep_folder import read_records, without_times, write_sweep

TEXT = "a red striped thing"


@pytest.fixture
def store(world: SmallWorld, tmp_path: Path) -> Path:
    return shutil.copytree(world.store, tmp_path / "S", ignore=shutil.ignore_patterns("cache"))


def test_a_second_search_answers_the_same_to_the_bit(store: Path) -> None:
    first = ok("search", store, TEXT, "--json")
    kept = store / "cache" / "prompts.sqlite"
    assert kept.is_file()
    before = kept.read_bytes()
    assert ok("search", store, TEXT, "--json").json() == first.json()
    assert kept.read_bytes() == before
    assert verify(Store.open(store)).foreign == ()


def test_select_reads_what_search_has_kept(store: Path, world: SmallWorld) -> None:
    asked = ("select", store, world.captions, "--sampler", "top", "--budget", "3", "--json")
    first = ok(*asked).json()
    assert ok(*asked).json() == first
    shutil.rmtree(store / "cache")
    assert ok(*asked).json() == first


@pytest.mark.parametrize("command", ["search", "select"])
def test_a_broken_cache_is_a_note_and_no_more(store: Path, command: str) -> None:
    arguments = {
        "search": ("search", store, TEXT, "--json"),
        "select": ("select", store, "--prompt", TEXT, "--video", _stem(store), "--sampler", "top", "--json"),
    }[command]
    expected = ok(*arguments).json()
    (store / "cache" / "prompts.sqlite").write_bytes(b"no database" * 500)
    ran = framedex(*arguments)
    assert ran.code == 0
    assert ran.json() == expected
    assert ran.err.count("the cache of prompt vectors cannot be") == 1
    assert "file is not a database" in ran.err


def test_a_sweep_records_the_same_with_kept_vectors_and_a_dry_run_keeps_none(
    store: Path, world: SmallWorld, tmp_path: Path
) -> None:
    sweep = write_sweep(tmp_path, world, samplers=["top"], budgets=[2], variants=["question", "answer"])
    sweep.change(store=str(store))
    ok("sweep", sweep.config, "-o", sweep.run, "--dry-run")
    assert not (store / "cache").exists()
    ok("sweep", sweep.config, "-o", sweep.run)
    assert (store / "cache" / "prompts.sqlite").is_file()
    ok("sweep", sweep.config, "-o", tmp_path / "again")
    first, second = (without_times(read_records(run)) for run in (sweep.run, tmp_path / "again"))
    assert first == second


def _stem(store: Path) -> str:
    return Path(Store.open(store).videos()[0].source.path).stem
