"""`framedex scores import`, and what select and sweep make of imported curves: the same as of an index's own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

import framedex as library
from cli import Ran, framedex, ok
from framedex.embed.base import Embedder
from framedex.index import Store
from framedex.scores.score_store import ScoreStore
from small_world import SmallWorld
from sweep_folder import SweepFolder, read_records, without_times, write_sweep

SAMPLERS = ("uniform", "random", "top", "bottom", "window-top:length=3", "drop:rate=0.5")


@pytest.fixture(scope="module")
def embedder() -> Iterator[Embedder]:
    with library.load_encoder("micro-siglip") as opened:
        yield opened


@pytest.fixture
def store(world: SmallWorld, tmp_path: Path) -> Store:
    shutil.copytree(world.store, tmp_path / "S")
    return Store.open(tmp_path / "S")


def questions(world: SmallWorld, n: int = 12) -> list[dict[str, Any]]:
    lines = (world.folder / "questions.jsonl").read_text().splitlines()[:n]
    return [{**json.loads(line), "video": str(world.folder / json.loads(line)["video"])} for line in lines]


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def curve(store: Store, embedder: Embedder, video: str, text: str, rows: Any = slice(None)) -> dict[str, Any]:
    """A line of an import: the index's own cosines for a text."""
    index = store[video]
    (scores,) = index.scores(embedder.embed_texts([text]))
    return {"video": video, "prompt": text, "pts_us": index.pts_us[rows].tolist(), "scores": scores[rows].tolist()}


def selected(store: Store, manifest: Path, *arguments: object) -> Ran:
    samplers = [word for sampler in SAMPLERS for word in ("--sampler", sampler)]
    return ok("select", store.path, manifest, *samplers, "--budget", 2, "--budget", 5, *arguments)


def test_selections_from_imported_curves_are_those_of_the_index(
    store: Store, world: SmallWorld, embedder: Embedder, tmp_path: Path
) -> None:
    asked = questions(world)
    manifest = written(tmp_path / "q.jsonl", asked)
    pairs = sorted({(question["video"], question["question"]) for question in asked})
    given = written(tmp_path / "s.jsonl", [curve(store, embedder, *pair) for pair in pairs])
    printed = ok("scores", "import", store.path, given, "--name", "ours", "--json").json()
    assert (printed["curves"], printed["written"], printed["partial"], printed["moved_s"]) == (len(pairs),) * 2 + (0, 0)
    assert printed["scored_frames"] == printed["frames"]
    of_index = selected(store, manifest, "--json")
    of_import = selected(store, manifest, "--scores", "ours", "--json")
    assert of_import.err == ""
    changed = {"encoder_key": printed["key"], "transform": "raw"}
    expected = [record | changed for record in of_index.json()["selections"]]
    assert of_import.json()["selections"] == expected
    out = tmp_path / "selections.parquet"
    selected(store, manifest, "--scores", printed["key"], "-o", out)
    table = pq.read_table(out).to_pylist()
    assert [row["rows"] for row in table] == [record["rows"] for record in expected]
    assert {row["encoder_key"] for row in table} == {printed["key"]}
    assert "scored" not in table[0]


def test_partial_curves_are_chosen_from_where_they_are_scored(
    store: Store, world: SmallWorld, embedder: Embedder, tmp_path: Path
) -> None:
    asked = questions(world, 1)
    manifest = written(tmp_path / "q.jsonl", asked)
    video, text = asked[0]["video"], asked[0]["question"]
    index = store[video]
    rows = np.arange(1, len(index), 2)
    ok(
        "scores",
        "import",
        store.path,
        written(tmp_path / "s.jsonl", [curve(store, embedder, video, text, rows)]),
        "--name",
        "odd",
    )
    ran = selected(store, manifest, "--scores", "odd", "--json")
    assert f"for 1 of 1 questions only some frames are scored, {len(rows)} of {len(index)} in all" in ran.err
    (scores,) = index.scores(embedder.embed_texts([text]))
    for record in ran.json()["selections"]:
        expected = library.select(
            record["sampler"],
            scores[rows],
            budget=record["budget"],
            pts_us=index.pts_us[rows],
            video=record["video_key"],
            question=record["question_id"],
            variant="question",
            **json.loads(record["params"]),
        )
        assert record["rows"] == rows[expected.rows].tolist()
        assert record["pts_us"] == expected.pts_us.tolist() == index.pts_us[record["rows"]].tolist()
        assert (record["scored"], record["frames"]) == (len(rows), len(index))


def test_curves_of_questions_with_seconds(store: Store, world: SmallWorld, embedder: Embedder, tmp_path: Path) -> None:
    asked = questions(world, 2)
    asked[1] |= {"video": asked[0]["video"], "question": asked[0]["question"]}
    index = store[asked[0]["video"]]
    lines = [
        {
            "video": question["video"],
            "question_id": question["id"],
            "times_s": (index.times_s + 0.01).tolist(),
            "scores": scores,
        }
        for question, scores in zip(asked, [list(range(len(index))), list(range(len(index), 0, -1))], strict=True)
    ]
    printed = ok(
        "scores", "import", store.path, written(tmp_path / "s.jsonl", lines), "--name", "ours", "--json"
    ).json()
    assert printed["moved_s"] == pytest.approx(0.01, abs=1e-6)
    manifest = written(tmp_path / "q.jsonl", asked)
    ran = ok("select", store.path, manifest, "--scores", "ours", "--sampler", "top", "--budget", 1, "--json").json()
    assert [record["rows"] for record in ran["selections"]] == [[len(index) - 1], [0]]


def test_a_person_sees_what_was_imported(store: Store, world: SmallWorld, embedder: Embedder, tmp_path: Path) -> None:
    video = store.videos()[0].source.path
    files = [
        written(tmp_path / f"{n}.jsonl", [curve(store, embedder, video, text)])
        for n, text in enumerate(("red", "blue"))
    ]
    ran = ok("scores", "import", store.path, *files, "--name", "ours")
    assert "curves" in ran.out
    n = 2 * len(store[video])
    assert f"scored frames {n} of {n}" in " ".join(ran.out.split())
    listed = ok("scores", "list", store.path)
    assert "ours" in listed.out
    (entry,) = ok("scores", "list", store.path, "--json").json()["scores"]
    assert (entry["name"], entry["kind"], entry["grid"], entry["videos"], entry["curves"]) == (
        "ours",
        "import",
        "fps=1",
        1,
        2,
    )
    verified = ok("verify", store.path)
    assert "2 curves of 1 sets of scores checked: 0 problems" in verified.out


def test_a_store_without_scores_says_how_to_get_some(world: SmallWorld) -> None:
    ran = ok("scores", "list", world.store)
    assert "holds no scores; make some" in ran.err
    assert ok("scores", "list", world.store, "--json").json() == {"scores": []}


def test_nothing_is_written_where_one_curve_does_not_hold(store: Store, embedder: Embedder, tmp_path: Path) -> None:
    video = store.videos()[0].source.path
    good = curve(store, embedder, video, "red")
    bad = {**curve(store, embedder, video, "blue"), "scores": [None] * len(good["scores"])}
    ran = framedex("scores", "import", store.path, written(tmp_path / "s.jsonl", [good, bad]), "--name", "ours")
    assert ran.code == 2
    assert f"error: {tmp_path}/s.jsonl, line 2: scores: expected a list of numbers" in ran.err
    assert not (store.path / "scores").exists()


@pytest.mark.parametrize("name", ["", "-x", "a b", "ä", "../x", "0" * 32, "x" * 101])
def test_names_that_cannot_be_told_from_others(world: SmallWorld, tmp_path: Path, name: str) -> None:
    ran = framedex("scores", "import", world.store, tmp_path / "s.jsonl", f"--name={name}")
    assert ran.code == 2
    assert "--name: expected letters, digits" in ran.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--scores", "gone"), "no scores 'gone'; none exists; see: framedex scores list"),
        (("--scores", "gone", "--encoder", "micro-siglip"), "stored scores need neither --encoder nor --scorer"),
        (("--scores", "gone", "--scorer", "numpy"), "stored scores need neither --encoder nor --scorer"),
    ],
)
def test_scores_that_cannot_be_chosen_by(world: SmallWorld, arguments: tuple[str, ...], message: str) -> None:
    ran = framedex("select", world.store, "--prompt", "red", "--video", world.clips[0], "--sampler", "top", *arguments)
    assert ran.code == 2
    assert message in ran.err


def test_a_video_that_was_indexed_again_is_named_by_verify_and_select(
    store: Store, embedder: Embedder, tmp_path: Path
) -> None:
    video = store.videos()[0].source.path
    given = written(tmp_path / "s.jsonl", [curve(store, embedder, video, "red")])
    key = ok("scores", "import", store.path, given, "--name", "ours", "--json").json()["key"]
    scores = ScoreStore(store.path)
    (place,) = scores.places(key, "fps=1")
    file = scores.get(place)
    assert file is not None
    moved = type(file)(**{name: getattr(file, name) for name in file.__slots__} | {"pts_us": file.pts_us + np.int64(1)})
    scores.put(moved)
    for ran in (
        framedex("verify", store.path),
        framedex("select", store.path, "--prompt", "red", "--video", video, "--sampler", "top", "--scores", "ours"),
    ):
        assert ran.code == 4
        assert "frames that the index does not hold" in ran.out + ran.err
        assert "delete the file, then score or import again" in ran.out + ran.err


def test_scores_on_several_grids_ask_which(world: SmallWorld, tmp_path: Path) -> None:
    clip = world.clips[0]
    ok("index", clip, "--store", tmp_path / "S", "--encoder", "micro-siglip", "--fps", "1,2")
    line = {"video": str(clip), "prompt": "red", "times_s": [0], "scores": [1]}
    given = written(tmp_path / "s.jsonl", [line])
    importing = ("scores", "import", tmp_path / "S", given, "--name", "ours")
    ran = framedex(*importing)
    assert (ran.code, "several grids, fps=1, fps=2; choose one with --grid" in ran.err) == (2, True)
    keys = [ok(*importing, "--grid", grid, "--json").json()["key"] for grid in ("fps=1", "fps=2")]
    assert keys[0] != keys[1]
    asking = ("select", tmp_path / "S", "--prompt", "red", "--video", clip, "--sampler", "top", "--scores", "ours")
    ran = framedex(*asking)
    assert (ran.code, "2 sets of scores are named 'ours'" in ran.err) == (2, True)
    (record,) = ok(*asking, "--grid", "fps=2", "--json").json()["selections"]
    assert (record["grid"], record["encoder_key"], record["rows"]) == ("fps=2", keys[1], [0])
    ran = framedex(*asking[:-1], keys[0], "--grid", "fps=2")
    assert (ran.code, "scores 'ours': none on grid 'fps=2'; exists: fps=1" in ran.err) == (2, True)


# --- sweep


def import_prompts(sweep: SweepFolder, store: Store, embedder: Embedder, *, keep: int | None = None) -> str:
    """The index's own curves of a sweep's questions and answers; the key of the set."""
    pairs = sorted(
        {
            (question["video"], text)
            for question in sweep.questions()
            for text in (question["question"], question["options"][question["answer"]])
        }
    )
    lines = [curve(store, embedder, *pair, slice(keep)) for pair in pairs]
    given = written(sweep.folder / "s.jsonl", lines)
    return str(ok("scores", "import", store.path, given, "--name", "ours", "--json").json()["key"])


def test_a_sweep_over_imported_curves_answers_as_over_the_index(
    store: Store, world: SmallWorld, embedder: Embedder, tmp_path: Path
) -> None:
    sweep = write_sweep(
        tmp_path,
        world,
        store=str(store.path),
        encoders=["micro-siglip", {"scores": "ours"}],
        variants=["question", "answer"],
        samplers=["uniform", "top"],
        windows=[{"length": 3, "stride": 2}],
        no_video=True,
    )
    key = import_prompts(sweep, store, embedder)
    printed = ok("sweep", sweep.config, "-o", sweep.run, "--threads", 1, "--json").json()
    records = without_times(read_records(sweep.run))
    by_index = [record for record in records if record["encoder_key"] not in ("", key)]
    by_scores = [record for record in records if record["encoder_key"] == key]
    assert len(by_index) == len(by_scores) > 0
    own = {"encoder_key", "transform", "provenance"}
    assert [{name: value for name, value in record.items() if name not in own} for record in by_scores] == [
        {name: value for name, value in record.items() if name not in own} for record in by_index
    ]
    assert {record["transform"] for record in by_scores} == {"raw"}
    assert json.loads(by_scores[0]["provenance"])["encoder"] == {"scores": "ours", "kind": "import"}
    # What the index chose was asked once for both.
    assert printed["reused_answers"] >= len(by_scores)
    run = json.loads((sweep.run / "run.json").read_text())
    assert {"name": "ours", "key": key} in run["encoders"]
    assert "ours" in ok("analyze", sweep.run, "--table", "accuracy").out


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"encoders": [{"scores": "gone"}]}, "no scores 'gone'; exists: ours"),
        ({"encoders": [{"score": "ours"}]}, "unknown key 'score'; exists: scores; did you mean 'scores'"),
        ({"encoders": [{"scores": ""}]}, "scores: expected a text"),
        ({"encoders": [{"scores": "ours"}, {"scores": "ours"}]}, "encoders: keys and values stands twice"),
        ({"variants": ["declarative"]}, "scores 'ours': none of"),
        ({"windows": [{"length": 2, "stride": 1}]}, "windows need all of them: score the others, or leave windows out"),
        ({"grid": "fps=2"}, "no grid 'fps=2' of encoder ours"),
    ],
)
def test_scores_that_a_sweep_cannot_use_are_refused_before_any_work(
    store: Store, world: SmallWorld, embedder: Embedder, tmp_path: Path, keys: dict[str, Any], message: str
) -> None:
    sweep = write_sweep(tmp_path, world, videos=1, per_video=1, store=str(store.path), encoders=[{"scores": "ours"}])
    import_prompts(sweep, store, embedder, keep=3)
    sweep.change(**keys)
    ran = framedex("sweep", sweep.config, "-o", sweep.run)
    assert ran.code == 2
    assert message in ran.err
    assert not sweep.run.exists()
