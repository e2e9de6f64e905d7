"""A sweep over a model that a server holds, where the server plays SGLang, and where it goes away."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from chat_server import Got, Play, chat_server, is_probe, models, reading, recorded
from cli import framedex, ok
from framedex.mllm import server_client
from processes import eventually
from small_world import SmallWorld
from sweep_folder import SweepFolder, read_records, without_times, write_sweep

MODEL = "org/large-7b"
SECRET = "secret-4711"


def letters(got: Got, _: int) -> Play:
    """As SGLang answers, a letter by letter mode and in words by the other."""
    if got.path == "/v1/models":
        return models(MODEL, owned_by="sglang", root=MODEL)
    if got.path != "/v1/chat/completions":
        return Play({}, status=404)
    return reading(got, recorded("sglang"))


def served_sweep(folder: Path, world: SmallWorld, url: str, **keys: Any) -> SweepFolder:
    served = {"server": url, "model": MODEL, "concurrency": 4, "image": "jpeg", "longest_edge": 64, "patience_s": 0.3}
    return write_sweep(folder, world, mllms=[served], scoring=["letter", "generate"], no_video=True, **keys)


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_client, "_FIRST_DELAY_S", 0.01)
    monkeypatch.setenv("FRAMEDEX_API_KEY", SECRET)


def test_a_sweep_records_what_the_server_gave_and_no_key(world: SmallWorld, tmp_path: Path) -> None:
    with chat_server(letters) as server:
        sweep = served_sweep(tmp_path, world, server.url)
        printed = ok("sweep", sweep.config, "-o", sweep.run, "--json").json()
        assert printed["statuses"] == {"ok": printed["records"]}
        assert printed["work"]["forwards"] == printed["asks"] == len(server.completions)
        assert {got.headers["Authorization"] for got in server.requests} == {f"Bearer {SECRET}"}
    said = recorded("sglang")["choices"][0]["message"]["content"]
    for record in read_records(sweep.run):
        by_letter = record["scoring"] == "letter"
        assert record["answer"] == record["option_order"][2]  # "C" is what this server always says
        assert record["written"] == ("" if by_letter else said)
        assert record["option_logprobs"] == (
            [dict(zip(record["option_order"], (-1.5, -3.0, -0.5, -3.25), strict=True))[at] for at in range(4)]
            if by_letter
            else []
        )
        assert (record["mllm"], record["prompt_tokens"]) == (MODEL, 1200 if record["rows"] else 42)
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or SECRET.encode() not in path.read_bytes()
    assert "generate" in ok("analyze", sweep.run, "--csv", "--table", "accuracy").out
    ok("report", sweep.run, "-o", tmp_path / "report.html")


def test_a_dry_run_plans_the_requests_that_the_sweep_sends(world: SmallWorld, tmp_path: Path) -> None:
    with chat_server(letters) as server:
        sweep = served_sweep(tmp_path, world, server.url, windows=[{"length": 3, "stride": 1}])
        (served,) = yaml.safe_load(sweep.config.read_text())["mllms"]
        arguments = ("--threads", 1, "--answer-cache", "off", "--json")
        dry = ok("sweep", sweep.config, "-o", sweep.run, *arguments, "--dry-run").json()
        done = ok("sweep", sweep.config, "-o", sweep.run, *arguments).json()
        assert dry["planned"] == dry["naive"] == {name: done["work"][name] for name in dry["planned"]}
        assert dry["planned"]["prefills"] > dry["frame_sets"] > 0
        sweep.change(mllms=["micro-smolvlm"])
        loaded = ok("sweep", sweep.config, "-o", tmp_path / "loaded", *arguments, "--dry-run").json()
        sweep.change(mllms=["micro-smolvlm", served])
        both = ok("sweep", sweep.config, "-o", tmp_path / "both", *arguments, "--dry-run").json()
    for what in ("planned", "naive"):
        assert both[what] == {name: n + loaded[what][name] for name, n in dry[what].items()}


def test_a_server_that_goes_away_ends_the_run_with_a_sentence_and_the_next_goes_on(
    world: SmallWorld, tmp_path: Path
) -> None:
    whole = {"all": 10**9}

    def until(got: Got, before: int) -> Play:
        if got.path == "/v1/chat/completions" and before >= whole["all"]:
            return Play({"error": "shutting down"}, status=503)
        return letters(got, before)

    with chat_server(until) as server:
        sweep = served_sweep(tmp_path, world, server.url)
        ok("sweep", sweep.config, "-o", tmp_path / "undisturbed", "--answer-cache", "off")
        asked = len(server.completions)
        whole["all"] = asked + asked * 3 // 4
        ran = framedex("sweep", sweep.config, "-o", sweep.run, "--answer-cache", "off")
        assert ran.code == 5
        assert f"server {server.url}: is busy or away (HTTP 503: shutting down); tried" in ran.err
        assert len(list((sweep.run / "records").glob("*.parquet"))) == 1
        whole["all"] = 10**9
        resumed = ok("sweep", sweep.config, "-o", sweep.run, "--answer-cache", "off", "--json").json()
        assert (resumed["videos_done_before"], resumed["videos"]) == (1, 1)
    assert without_times(read_records(sweep.run)) == without_times(read_records(tmp_path / "undisturbed"))


def test_the_same_model_elsewhere_is_the_same_model(world: SmallWorld, tmp_path: Path) -> None:
    with chat_server(letters) as server:
        sweep = served_sweep(tmp_path, world, server.url)
        first = ok("sweep", sweep.config, "-o", sweep.run, "--json").json()
    with chat_server(letters) as another:
        sweep = served_sweep(tmp_path, world, another.url)
        second = ok("sweep", sweep.config, "-o", tmp_path / "again", "--json").json()
        assert second["answers_from_cache"] == second["asks"] == first["asks"]
        assert another.completions == []
        third = ["--answer-cache", "off", "--reuse", sweep.run]
        ok("sweep", sweep.config, "-o", tmp_path / "from-records", *third)
        assert another.completions == []
    first_records = without_times(read_records(sweep.run))
    assert first_records == without_times(read_records(tmp_path / "again"))
    assert first_records == without_times(read_records(tmp_path / "from-records"))


def test_a_server_started_again_with_a_longer_context_is_asked_what_it_refused(
    world: SmallWorld, tmp_path: Path
) -> None:
    shutil.copytree(world.store, tmp_path / "S", ignore=shutil.ignore_patterns("cache"))
    short = {"context": True}

    def refusing(got: Got, before: int) -> Play:
        if short["context"] and got.path == "/v1/chat/completions" and not is_probe(got):
            return Play({"error": {"message": "the maximum context length is 64 tokens"}}, status=400)
        return letters(got, before)

    with chat_server(refusing) as server:
        sweep = served_sweep(tmp_path, world, server.url, videos=1, store=str(tmp_path / "S"))
        first = ok("sweep", sweep.config, "-o", sweep.run, "--json").json()
        assert first["statuses"] == {"truncated-prompt": first["records"]}
        short["context"] = False
        second = ok("sweep", sweep.config, "-o", tmp_path / "longer", "--json", "--reuse", sweep.run).json()
        assert (second["answers_from_cache"], second["statuses"]) == (0, {"ok": second["records"]})


def test_nothing_there_is_said_before_any_video_is_decoded(world: SmallWorld, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    sweep = served_sweep(tmp_path, world, url)
    for more in ((), ("--dry-run",)):
        ran = framedex("sweep", sweep.config, "-o", sweep.run, *more)
        assert ran.code == 5
        assert f"error: server {url}: nothing answers there" in ran.err
        assert ran.err.count("\n") == 1
    assert not sweep.run.exists()


_START = "from framedex.cli import main; main()"


def start(sweep: SweepFolder) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", _START, "sweep", str(sweep.config), "-o", str(sweep.run)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


@pytest.mark.slow
def test_killed_inside_a_video_it_asks_only_for_what_is_missing(world: SmallWorld, tmp_path: Path) -> None:
    shutil.copytree(world.store, tmp_path / "S", ignore=shutil.ignore_patterns("cache"))
    slow = {"after_s": 0.4}

    def slowly(got: Got, before: int) -> Play:
        play = letters(got, before)
        return replace(play, **slow) if got.path == "/v1/chat/completions" and not is_probe(got) else play

    kept = tmp_path / "S" / "cache" / "answers.sqlite"
    with chat_server(slowly) as server:
        sweep = served_sweep(tmp_path, world, server.url, videos=1, store=str(tmp_path / "S"))
        killed = start(sweep)
        assert eventually(kept.is_file, within_s=120)
        os.kill(killed.pid, signal.SIGKILL)
        killed.communicate()
        assert not list((sweep.run / "records").iterdir())
        slow["after_s"] = 0.0
        before = len(server.completions)
        resumed = ok("sweep", sweep.config, "-o", sweep.run, "--json").json()
        assert 0 < resumed["answers_from_cache"] < resumed["asks"]
        assert len(server.completions) - before == resumed["asks"] - resumed["answers_from_cache"]
        ok("sweep", sweep.config, "-o", tmp_path / "undisturbed", "--answer-cache", "off")
    assert without_times(read_records(sweep.run)) == without_times(read_records(tmp_path / "undisturbed"))


@pytest.mark.slow
def test_ctrl_c_does_not_wait_for_a_server_that_is_silent(world: SmallWorld, tmp_path: Path) -> None:
    def silent(got: Got, before: int) -> Play:
        play = letters(got, before)
        return replace(play, after_s=20.0) if got.path == "/v1/chat/completions" and not is_probe(got) else play

    with chat_server(silent) as server:
        sweep = served_sweep(tmp_path, world, server.url, videos=1)
        running = start(sweep)
        assert eventually(lambda: len(server.completions) > 0, within_s=120)
        interrupted = time.monotonic()
        running.send_signal(signal.SIGINT)
        _, said = running.communicate()
        assert time.monotonic() - interrupted < 15
        assert (running.returncode, b"Traceback" in said) == (130, False)
