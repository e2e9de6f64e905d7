"""Bad input through the command line: one sentence, the right exit code, never a traceback."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from checkpoints import change_weights, restore
from cli import framedex, ok
from framedex.embed.artefact import Artefact
from framedex.index import Store
from small_world import SmallWorld


def refused(*arguments: object, code: int, message: str) -> None:
    ran = framedex(*arguments)
    assert ran.code == code, ran.err
    assert re.search(message, ran.err), ran.err
    assert "Traceback" not in ran.err
    assert ran.out == ""
    sentences = [line for line in ran.err.splitlines() if line.startswith("error: ")]
    assert len(sentences) == 1, ran.err


ENCODER = ("--encoder", "micro-siglip")


def test_wrong_path(world: SmallWorld, tmp_path: Path) -> None:
    near = world.clips[0]
    wrong = near.with_name(near.name.replace("clip", "clpi"))
    refused("index", wrong, "--store", tmp_path / "S", *ENCODER, code=2, message="does not exist in .*did you mean")
    refused(
        "index", tmp_path / "*.mp4", "--store", tmp_path / "S", *ENCODER, code=2, message="the pattern matches nothing"
    )
    assert not (tmp_path / "S").exists()


def test_unknown_encoder(world: SmallWorld, tmp_path: Path) -> None:
    clip = world.clips[0]
    refused(
        "index",
        clip,
        "--store",
        tmp_path / "S",
        "--encoder",
        "micro-siglp",
        code=2,
        message="did you mean 'micro-siglip'",
    )
    refused("index", clip, "--store", tmp_path / "S", "--encoder", tmp_path / "none", code=2, message="no such folder")
    refused("index", clip, "--store", tmp_path / "S", "--encoder", tmp_path, code=4, message="no encoder artefact")
    assert not (tmp_path / "S").exists()


def test_no_encoder_named(world: SmallWorld, tmp_path: Path) -> None:
    refused(
        "index",
        world.clips[0],
        "--store",
        tmp_path / "S",
        code=2,
        message="bundled: micro-siglip.*framedex-export siglip",
    )


def test_unknown_sampler_and_parameter(world: SmallWorld) -> None:
    ask = ("select", world.store, world.captions)
    refused(*ask, "--sampler", "botom", code=2, message="exists: .*bottom, .*did you mean 'bottom'")
    refused(*ask, "--sampler", "window-top:lenght=3", code=2, message="did you mean 'length'")
    refused(*ask, "--sampler", "window-top:length", code=2, message="expected name:key=value")
    refused(*ask, code=2, message="--sampler: none given")


@pytest.mark.parametrize("budget", [0, -1])
def test_budget_below_one(world: SmallWorld, budget: int) -> None:
    refused(
        "select",
        world.store,
        world.captions,
        "--sampler",
        "top",
        "--budget",
        budget,
        code=2,
        message=f"from 1 to .*, got {budget}",
    )


def test_store_of_another_version(world: SmallWorld, tmp_path: Path) -> None:
    store = tmp_path / "S"
    shutil.copytree(world.store, store)
    (store / "store.json").write_text(json.dumps({"format": "framedex-store", "version": 2}))
    for arguments in (("search", store, "x"), ("verify", store), ("index", world.clips[0], "--store", store, *ENCODER)):
        refused(*arguments, code=4, message="version")


def test_not_a_store(tmp_path: Path) -> None:
    refused("search", tmp_path / "none", "x", code=2, message="no store there; make one with: framedex index")
    (tmp_path / "file").write_text("x")
    refused("verify", tmp_path, code=2, message="not a store")
    refused("verify", tmp_path / "file", code=2, message="not a store")


@pytest.mark.parametrize("change", ["flip", "cut", "missing"])
def test_artefact_whose_weights_do_not_match(world: SmallWorld, tmp_path: Path, change: str) -> None:
    artefact = tmp_path / "artefact"
    shutil.copytree(Artefact.open("micro-siglip").folder, artefact)
    graph = Artefact.open(artefact).image_graph
    data = bytearray(graph.read_bytes())
    if change == "flip":
        data[len(data) // 2] ^= 1
        graph.write_bytes(data)
    elif change == "cut":
        graph.write_bytes(data[:-1])
    else:
        graph.unlink()
    refused(
        "index",
        world.clips[0],
        "--store",
        tmp_path / "S",
        "--encoder",
        artefact,
        code=4,
        message=f"{graph.name}: .*export it again",
    )


def test_artefact_with_other_weights_whose_hashes_were_made_to_match(world: SmallWorld, tmp_path: Path) -> None:
    artefact = shutil.copytree(Artefact.open("micro-siglip").folder, tmp_path / "artefact")
    change_weights(artefact, "image")
    restore(artefact)
    ask = ("index", world.clips[0], "--store", tmp_path / "S", "--encoder", artefact)
    refused(*ask, code=5, message="image tower of 'micro-siglip': does not give the encoder's vectors.*export it again")
    assert not (tmp_path / "S").exists()


def test_pair_scorer_in_an_encoders_place(world: SmallWorld, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps({"format": "framedex-pair-artefact", "version": 1}))
    ask = ("index", world.clips[0], "--store", tmp_path / "S", "--encoder", tmp_path)
    refused(*ask, code=4, message="this is a pair scorer: use it with framedex scores make --scorer")


def test_ambiguous_and_unknown_video(world: SmallWorld, tmp_path: Path) -> None:
    first, second = world.clips[:2]
    for folder, clip in (("a", first), ("b", second)):
        (tmp_path / folder).mkdir()
        shutil.copy(clip, tmp_path / folder / f"dive{clip.suffix}")
    store = tmp_path / "S"
    assert framedex("index", tmp_path / "a", tmp_path / "b", "--store", store, *ENCODER).code == 0
    refused(
        "search",
        store,
        "a red thing",
        "--video",
        "dive",
        code=2,
        message="'dive' names several videos: .*give the path or the key",
    )
    refused("search", store, "a red thing", "--video", "dvie", code=2, message="no video 'dvie'; .*did you mean")


@pytest.mark.parametrize("text", ["", "   ", "?!"])
def test_empty_prompt(world: SmallWorld, text: str) -> None:
    refused("search", world.store, text, code=2, message="is empty")
    refused(
        "select",
        world.store,
        "--prompt",
        text,
        "--video",
        world.clips[0].name,
        "--sampler",
        "top",
        code=2,
        message="empty|give either",
    )


@pytest.mark.parametrize("k", [0, -3])
def test_no_frames_asked_for(world: SmallWorld, k: int) -> None:
    refused("search", world.store, "a red thing", "-k", k, code=2, message=f"expected 1 frame or more, got {k}")


@pytest.mark.parametrize("fps", ["0", "-1", "1/0", "fast", "nan", "1e20", "1e999999999", "1000001", "1/2000000"])
def test_rates_that_are_none(world: SmallWorld, tmp_path: Path, fps: str) -> None:
    refused(
        "index",
        world.clips[0],
        "--store",
        tmp_path / "S",
        *ENCODER,
        "--fps",
        fps,
        code=2,
        message="--fps: expected a positive number",
    )


def test_grid_that_the_store_does_not_hold(world: SmallWorld) -> None:
    refused("search", world.store, "a red thing", "--grid", "fps=7", code=2, message="fps=1")


def test_encoder_of_another_store(world: SmallWorld, tmp_path: Path) -> None:
    """A store tells where its encoder was; where it is gone, the message says what to name."""
    store = tmp_path / "S"
    shutil.copytree(world.store, store)
    (entry,) = (store / "encoders").iterdir()
    value = json.loads(entry.read_text())
    artefact = tmp_path / "gone"
    value["artefact"] = str(artefact)
    value["identity"]["weights_sha256"] = "0" * 64
    entry.write_text(json.dumps(value))
    refused("search", store, "a red thing", code=4, message="key")


def test_question_of_an_unknown_video_names_it(world: SmallWorld, tmp_path: Path) -> None:
    manifest = tmp_path / "q.jsonl"
    manifest.write_text(json.dumps({"id": "1", "video": "nothing.mp4", "question": "a red thing"}))
    refused("select", world.store, manifest, "--sampler", "top", code=2, message="no video 'nothing.mp4'")


def test_options_that_do_not_go_together(world: SmallWorld) -> None:
    refused("select", world.store, "--sampler", "top", code=2, message="give either a question manifest or --prompt")
    refused(
        "select",
        world.store,
        world.captions,
        "--video",
        "x",
        "--sampler",
        "top",
        code=2,
        message="--video goes with --prompt",
    )
    refused("select", world.store, "--prompt", "a red thing", "--sampler", "top", code=2, message="needs --video")


def test_usage_errors_of_the_shell_kind_exit_with_2() -> None:
    for arguments in (("serch",), ("search",), ("index", "--nonsense"), ("export", "S", "--to", "csv", "-o", "x")):
        ran = framedex(*arguments)
        assert ran.code == 2
        assert "Traceback" not in ran.err


def test_a_sampler_has_no_parameter_called_name(world: SmallWorld) -> None:
    refused("select", world.store, world.captions, "--sampler", "top:name=x", code=2, message="has no parameter 'name'")


def test_a_budget_beyond_any_index(world: SmallWorld) -> None:
    ask = ("select", world.store, world.captions, "--sampler", "window-top", "--budget", 10**20)
    refused(*ask, code=2, message="from 1 to 2147483647")


def test_a_window_longer_than_any_video_is_the_whole_video(world: SmallWorld) -> None:
    window = f"window-top:length={2**31 - 1},stride={2**31 - 1}"
    ran = ok("select", world.store, world.captions, "--sampler", window, "--json")
    counts = {row.video_key: row.count for row in Store.open(world.store).videos()}
    assert all(len(record["rows"]) == counts[record["video_key"]] for record in ran.json()["selections"])


def test_parameters_beyond_any_index(world: SmallWorld) -> None:
    ask = ("select", world.store, world.captions, "--sampler")
    refused(*ask, "window-top:stride=1e30", code=2, message=r"'window-top', stride: expected .*, got '1e30'\.?$")
    refused(
        *ask, "window-top:stride=1e12", code=2, message="window stride: expected a whole number from 1 to 2147483647"
    )
    refused(*ask, "aks:depth=1e300", code=2, message=r"'aks', depth: expected .*, got '1e300'\.?$")
    refused(*ask, "mmr:share=0.5, share=0.6", code=2, message="with each key once, got ' share=0.6'")


def test_what_would_be_written_twice(world: SmallWorld) -> None:
    ask = ("select", world.store, world.captions, "--sampler", "mmr")
    refused(*ask, "--sampler", "top", "--sampler", "mmr", code=2, message="--sampler: mmr stands twice")
    refused(*ask, "--sampler", "mmr:share=0.5", code=2, message="--sampler: mmr:share=0.5 stands twice")
    refused(*ask, "--budget", 2, "--budget", 3, "--budget", 2, code=2, message="--budget: 2 stands twice")


def test_selections_that_cannot_be_written(world: SmallWorld, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    ask = ("select", world.store, world.captions, "--sampler", "top")
    refused(*ask, "-o", tmp_path / "file" / "x.parquet", code=6, message="cannot")
    refused(*ask, "-o", tmp_path / "x.csv", code=2, message="ends in .parquet")
    (tmp_path / "folder.parquet").mkdir()
    refused(*ask, "-o", tmp_path / "folder.parquet", code=2, message="expected the name of a file, got a folder's")


@pytest.mark.parametrize("form", ["bolt", "aks", "lmms-eval"])
def test_files_of_other_tools_in_the_place_of_something_else(world: SmallWorld, tmp_path: Path, form: str) -> None:
    ask = ("select", world.store, world.captions, "--sampler", "top", "--to", form, "-o")
    (tmp_path / "file").write_text("x")
    (tmp_path / "old.parquet").write_text("x")
    (tmp_path / "folder.json").mkdir()
    before = sorted(tmp_path.rglob("*"))
    for name in ("file", "old.parquet", "new.parquet", *(["folder.json"] if form != "aks" else [])):
        refused(
            *ask, tmp_path / name, code=2, message=f"{name}: expected the name of a folder, or of a file that ends in"
        )
    assert sorted(tmp_path.rglob("*")) == before


def test_names_that_no_file_system_has(world: SmallWorld, tmp_path: Path) -> None:
    refused("search", world.store, "a red thing", "--video", "x" * 5000, code=2, message="no video")
    refused("index", "x" * 5000, "--store", tmp_path / "S", *ENCODER, code=2, message="too long|does not exist")
    ran = framedex("search", "x" * 5000, "a red thing")
    assert ran.code == 6
    assert "Traceback" not in ran.err


def test_a_text_that_is_no_unicode(world: SmallWorld) -> None:
    refused("search", world.store, "\udcff", code=2, message="expected Unicode")


def test_a_rate_of_folders_is_checked_first(world: SmallWorld, tmp_path: Path) -> None:
    ask = ("index", world.clips[0], "--store", tmp_path / "S", *ENCODER)
    refused(*ask, "--folder-fps", "abc", code=2, message="--folder-fps: expected")


def test_a_report_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "demo" / "report.html").mkdir(parents=True)
    ran = framedex("demo", "--output", tmp_path / "demo", "--clips", 1)
    assert ran.code == 6
    assert "report.html" in ran.err


def test_vectors_that_are_no_numbers_are_refused_not_ranked(world: SmallWorld, tmp_path: Path) -> None:
    store = tmp_path / "S"
    shutil.copytree(world.store, store)
    index = Store.open(store)[world.clips[0]]
    data = bytearray(index.path.read_bytes())
    data[118:120] = np.float16(np.nan).tobytes()
    index.path.write_bytes(data)
    refused("search", store, "a red thing", "-k", 500, code=4, message="vectors that are no numbers")
    refused("select", store, world.captions, "--sampler", "top", code=4, message="vectors that are no numbers")
    assert framedex("verify", store).code == 4


CHANGES = [("dim", 64), ("weights_sha256", "0" * 64), ("image", {"size": [64, 64]}), ("text", {"max_length": 8})]


@pytest.mark.parametrize(("field", "value"), CHANGES)
def test_artefact_whose_manifest_was_changed(world: SmallWorld, tmp_path: Path, field: str, value: object) -> None:
    artefact = tmp_path / "artefact"
    shutil.copytree(Artefact.open("micro-siglip").folder, artefact)
    manifest = json.loads((artefact / "manifest.json").read_text())
    manifest[field] = {**manifest[field], **value} if isinstance(value, dict) else value
    (artefact / "manifest.json").write_text(json.dumps(manifest))
    refused(
        "index",
        world.clips[0],
        "--store",
        tmp_path / "S",
        "--encoder",
        artefact,
        code=4,
        message="the manifest was changed",
    )


EMPTY_PATHS = [("index", "", "--store", "S"), ("search", "", "x"), ("export", "S", "--to", "npy", "-o", "")]


@pytest.mark.parametrize("arguments", EMPTY_PATHS)
def test_an_empty_path_is_not_the_current_folder(arguments: tuple[str, ...]) -> None:
    ran = framedex(*arguments, *(ENCODER if arguments[0] == "index" else ()))
    assert ran.code == 2
    assert "empty text" in ran.err
