"""Files of other tools, written from real clips and read back: BOLT, AKS, frame lists for lmms-eval."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

import framedex as library
from cli import framedex, ok
from framedex.datasets import Question, read_questions
from framedex.decode import identify
from framedex.decode.frame_numbers import frame_times
from framedex.errors import UsageError, VideoError
from framedex.scores.index_curves import IndexCurves
from framedex.select import make_sampler
from framedex.select.batch import asked_of, by_row, select_parts
from framedex.select.formats import Wanted, open_writer, read_selections
from small_world import SmallWorld

SAMPLERS = ("--sampler", "top", "--sampler", "bolt:power=2")


@pytest.fixture
def manifest(world: SmallWorld, tmp_path: Path) -> Path:
    """Two questions about each of three clips, taking turns."""
    lines = [json.loads(line) for line in (world.folder / "questions.jsonl").read_text().splitlines()]
    names = list(dict.fromkeys(line["video"] for line in lines))[:3]
    by_video = [[line for line in lines if line["video"] == name][:2] for name in names]
    rows = [
        {**each, "video": str(world.folder / each["video"])} for turn in zip(*by_video, strict=True) for each in turn
    ]
    path = tmp_path / "q.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def selections(world: SmallWorld, manifest: Path, *arguments: object) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ok("select", world.store, manifest, *arguments, "--json").json()["selections"]
    return found


def shown_us(path: Path) -> list[int]:
    """Times of all frames, by decoding them."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.time_base is not None
        return [
            round(frame.pts * stream.time_base * 1_000_000)
            for frame in container.decode(stream)
            if frame.pts is not None
        ]


def test_a_number_is_the_place_of_a_frame_when_all_are_decoded(world: SmallWorld) -> None:
    store = library.Store.open(world.store)
    for clip in world.clips:
        times_us = frame_times(identify(clip, folder_fps="5"))
        row = store[str(clip)].row
        assert set(store[str(clip)].pts_us.tolist()) <= set(times_us.tolist()), clip
        if clip.is_file() and row.timing == "container":
            assert times_us.tolist() == shown_us(clip), clip
        else:
            assert (np.diff(times_us) > 0).all()


def test_bolt_selections_come_back_exactly(world: SmallWorld, manifest: Path, tmp_path: Path) -> None:
    out = tmp_path / "bolt.json"
    ran = ok("select", world.store, manifest, "--sampler", "top", "--budget", 3, "--to", "bolt", "-o", out)
    assert f"6 selections written to {out}" in ran.err
    written = json.loads(out.read_text())
    expected = selections(world, manifest, "--sampler", "top", "--budget", 3)
    asked = read_questions(manifest)
    assert list(written) == list(dict.fromkeys(Path(question.video).stem for question in asked))
    by_id = {entry["question_id"]: entry for entries in written.values() for entry in entries}
    for question, record in zip(asked, expected, strict=True):
        assert by_id[question.id] == {
            "question_id": question.id,
            "question": question.question,
            "frames": record["times_s"],
        }
    read = read_selections(out, library.Store.open(world.store), sampler="top")
    rows = {row["question_id"]: row for row in read.table.to_pylist()}
    assert (read.moved_us, read.repeated) == (0, 0)
    for record in expected:
        row = rows[record["question_id"]]
        for name in ("video_key", "grid", "variant", "sampler", "budget", "rows", "pts_us"):
            assert row[name] == record[name]
        assert row["scores"] is None


def test_bolt_s_own_files_name_whole_seconds_some_of_them_twice(
    world: SmallWorld, manifest: Path, tmp_path: Path
) -> None:
    store, asked = library.Store.open(world.store), read_questions(manifest)
    video = Path(asked[0].video)
    theirs = {video.stem: [{"question_id": 7, "question": "what?", "frames": [0.0, 1.0, 1.0, 3.0]}]}
    (tmp_path / "b.json").write_text(json.dumps(theirs))
    read = read_selections(tmp_path / "b.json", store)
    (row,) = read.table.to_pylist()
    assert (row["question_id"], row["budget"], len(row["rows"]), read.repeated) == ("7", 4, 3, 1)
    times_s = store[str(video)].times_s
    np.testing.assert_allclose(times_s[row["rows"]], [0, 1, 3], atol=0.5)


def test_aks_lists(world: SmallWorld, manifest: Path, tmp_path: Path) -> None:
    out = tmp_path / "aks"
    ran = ok("select", world.store, manifest, *SAMPLERS, "--budget", 2, "--budget", 3, "--to", "aks", "-o", out)
    assert "24 selections written to 6 files in" in ran.err
    assert sorted(path.name for path in out.iterdir()) == [
        "frames.json",
        "question.bolt,power=2.0.2.json",
        "question.bolt,power=2.0.3.json",
        "question.top.2.json",
        "question.top.3.json",
        "scores.json",
    ]
    frames, scores = (json.loads((out / name).read_text()) for name in ("frames.json", "scores.json"))
    chosen = json.loads((out / "question.top.3.json").read_text())
    store, asked = library.Store.open(world.store), read_questions(manifest)
    expected = selections(world, manifest, "--sampler", "top", "--budget", 3)
    for question, numbers, curve, picked, record in zip(asked, frames, scores, chosen, expected, strict=True):
        times_us = frame_times(identify(Path(question.video), folder_fps="5"))
        assert times_us[numbers].tolist() == store[question.video].pts_us.tolist()
        assert len(curve) == len(numbers)
        assert times_us[picked].tolist() == record["pts_us"]
        assert [curve[numbers.index(number)] for number in picked] == record["scores"]
    read = read_selections(out / "question.top.3.json", store, questions=asked)
    assert [row["rows"] for row in read.table.to_pylist()] == [record["rows"] for record in expected]


def test_aks_lists_are_scores_again(world: SmallWorld, manifest: Path, tmp_path: Path) -> None:
    out, store = tmp_path / "aks", shutil.copytree(world.store, tmp_path / "S")
    ok("select", store, manifest, *SAMPLERS, "--budget", 3, "--to", "aks", "-o", out)
    imported = ok("scores", "import", store, out, "--questions", manifest, "--name", "aks-blip", "--json").json()
    assert (imported["curves"], imported["partial"], imported["moved_s"]) == (6, 0, 0)
    arguments = (*SAMPLERS, "--budget", 3, "--json")
    before = ok("select", store, manifest, *arguments).json()["selections"]
    after = ok("select", store, manifest, "--scores", "aks-blip", *arguments).json()["selections"]
    assert [record["rows"] for record in before] == [record["rows"] for record in after]
    assert [record["scores"] for record in before] == [record["scores"] for record in after]


def test_several_variants_have_lists_of_their_own(world: SmallWorld, manifest: Path, tmp_path: Path) -> None:
    variants, out = ("--variant", "question", "--variant", "answer"), tmp_path / "aks"
    ok("select", world.store, manifest, "--sampler", "top", *variants, "--budget", 2, "--to", "aks", "-o", out)
    names = sorted(str(path.relative_to(out)) for path in out.rglob("*.json"))
    lists = [f"{variant}/{name}.json" for variant in ("answer", "question") for name in ("frames", "scores")]
    assert names == sorted([*lists, "answer.top.2.json", "question.top.2.json"])
    expected = selections(world, manifest, "--sampler", "top", *variants, "--budget", 2)
    assert [record["variant"] for record in expected] == ["question", "answer"] * 6
    read = read_selections(
        out / "answer.top.2.json",
        library.Store.open(world.store),
        questions=read_questions(manifest),
        variant="answer",
    )
    assert [row["rows"] for row in read.table.to_pylist()] == [
        record["rows"] for record in expected if record["variant"] == "answer"
    ]


def test_frame_lists_for_lmms_eval(world: SmallWorld, manifest: Path, tmp_path: Path) -> None:
    out = tmp_path / "frames.json"
    ok("select", world.store, manifest, "--sampler", "aks", "--budget", 3, "--to", "lmms-eval", "-o", out)
    asked, store = read_questions(manifest), library.Store.open(world.store)
    expected = selections(world, manifest, "--sampler", "aks", "--budget", 3)
    entries = json.loads(out.read_text())
    for question, entry, record in zip(asked, entries, expected, strict=True):
        assert (entry["id"], entry["video"], entry["question"]) == (question.id, question.video, question.question)
        assert (entry["frame_num"], entry["use_topk"]) == (3, True)
        assert (entry["times_s"], entry["pts_us"]) == (record["times_s"], record["pts_us"])
        times_us = frame_times(identify(Path(question.video), folder_fps="5"))
        assert times_us[entry["frame_idx"]].tolist() == record["pts_us"]
    rows = [record["rows"] for record in expected]
    assert [row["rows"] for row in read_selections(out, store).table.to_pylist()] == rows
    for entry in entries:
        del entry["pts_us"]
    out.write_text(json.dumps(entries))
    assert [row["rows"] for row in read_selections(out, store).table.to_pylist()] == rows


def test_parquet_is_read_as_it_was_written(world: SmallWorld, manifest: Path, tmp_path: Path) -> None:
    out = tmp_path / "s.parquet"
    ok("select", world.store, manifest, *SAMPLERS, "--budget", 2, "-o", out)
    rows = read_selections(out).table.to_pylist()
    expected = selections(world, manifest, *SAMPLERS, "--budget", 2)
    key = lambda row: (row["question_id"], row["sampler"])  # noqa: E731
    for row, record in zip(sorted(rows, key=key), sorted(expected, key=key), strict=True):
        np.testing.assert_allclose(row.pop("scores"), record["scores"], rtol=1e-6)
        assert row == {name: record[name] for name in row}


def test_bolt_features_go_out_and_come_in_as_scores(world: SmallWorld, manifest: Path, tmp_path: Path) -> None:
    out, path = tmp_path / "features", shutil.copytree(world.store, tmp_path / "S")
    ok("export", path, "--to", "bolt", "-o", out)
    store = library.Store.open(path)
    for clip in world.clips:
        features = np.load(out / f"{clip.stem}.npy")
        index = store[str(clip)]
        assert features.dtype == np.float16
        assert features.shape == (index.row.decode.grid_points, index.row.dim)
        for second, feature in enumerate(features):
            row = int(np.searchsorted(index.times_s, second + 1e-5, side="right")) - 1
            np.testing.assert_array_equal(feature, index.vectors[row])
    features = np.load(out / f"{world.clips[0].stem}.npy")
    np.save(out / f"{world.clips[0].stem}.npy", features.astype(np.float32) * 3)  # theirs have any length
    arguments = ("--questions", manifest, "--encoder", "micro-siglip", "--name", "bolt-clip", "--json")
    imported = ok("scores", "import", path, *sorted(out.glob("*.npy")), *arguments).json()
    assert imported["curves"] == 6
    common = ("select", path, manifest, "--sampler", "top", "--budget", 3, "--json")
    before, after = (ok(*common, *more).json()["selections"] for more in ((), ("--scores", "bolt-clip")))
    for one, other in zip(before, after, strict=True):
        np.testing.assert_allclose(one["scores"], other["scores"], atol=2e-3)


@pytest.mark.parametrize(
    ("form", "name"), [("parquet", "s.parquet"), ("bolt", "s.json"), ("aks", "out"), ("lmms-eval", "out")]
)
def test_every_form_is_written_whole_or_not_at_all(
    world: SmallWorld, manifest: Path, tmp_path: Path, form: str, name: str
) -> None:
    store, asked = library.Store.open(world.store), asked_of(read_questions(manifest), ["question"])
    samplers, folder = [make_sampler("threshold", tau=0.0)], tmp_path / "new"
    with library.load_encoder("micro-siglip") as encoder:
        source = IndexCurves(store, encoder)
        asks = by_row(store, source, asked, grid=None)

        def write(*, fail: bool) -> list[Path]:
            wanted = Wanted(path=folder / name, asked=asked, samplers=samplers, budgets=[2])
            with open_writer(form, wanted) as writer:
                for part in select_parts(source, asks, samplers=samplers, budgets=[2], seed=0):
                    writer.add(part)
                if fail:
                    raise RuntimeError("halfway")
            return writer.written

        with pytest.raises(RuntimeError, match="halfway"):
            write(fail=True)
        assert not [path for path in folder.rglob("*") if path.is_file()]
        written = write(fail=False)
    assert sorted(written) == sorted(path for path in folder.rglob("*") if path.is_file())


def test_a_variant_of_several_prompts(world: SmallWorld, manifest: Path) -> None:
    rows = [json.loads(line) for line in manifest.read_text().splitlines()]
    texts = ["a red striped thing", "a blue thing"]
    several = {"prompts": texts, "combine": "min"}
    manifest.write_text("".join(json.dumps({**row, "variants": {"both": several}}) + "\n" for row in rows))
    records = selections(world, manifest, "--sampler", "top", "--budget", 3, "--variant", "both")
    for row, record in zip(rows, records, strict=True):
        prompts = [word for text in texts for word in ("--prompt", text)]
        common = ("--video", row["video"], "--combine", "min", "--sampler", "top", "--budget", 3, "--json")
        (alone,) = ok("select", world.store, *prompts, *common).json()["selections"]
        assert (record["variant"], record["transform"]) == ("both", "cosine+min")
        assert (record["rows"], record["scores"]) == (alone["rows"], alone["scores"])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--to", "bolt"), "--to bolt: needs -o PATH"),
        (("-o", "x.txt"), "x.txt: expected a name that ends in .parquet"),
        (("--to", "aks", "-o", "x.json"), "x.json: AKS's lists are several files; name a folder"),
        (
            ("--to", "bolt", "-o", "x.json", "--budget", "2", "--budget", "3"),
            "x.json: a file holds one selection for each question, got 2 to write",
        ),
        (("--variant", "parts"), "has no variant 'parts'"),
        (("--combine", "min"), "--combine and --weight go with --prompt"),
        (("--weight", "2"), "--combine and --weight go with --prompt"),
    ],
)
def test_what_cannot_be_written_is_refused(
    world: SmallWorld, manifest: Path, tmp_path: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    named = [str(tmp_path / each) if each.startswith("x.") else each for each in arguments]
    before = sorted(tmp_path.rglob("*"))
    ran = framedex("select", world.store, manifest, "--sampler", "top", *named)
    assert ran.code == 2
    assert sentence in ran.err
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", "expected JSON, got"),
        ("3", "expected BOLT's object by video"),
        ("{}", "holds no selection"),
        ('{"a": 3}', "video 'a': expected a list of objects"),
        ('{"a": [{"question_id": null}]}', "question_id: expected a text or a whole number, got None"),
        ('{"none": [{"question_id": "1", "frames": [0]}]}', "no video 'none'"),
        ('{"CLIP": [{"question_id": "1", "frames": [true]}]}', "frames: expected a list of numbers"),
        ('{"CLIP": [{"question_id": "1", "frames": [1e9]}]}', "is no frame of"),
        ("[[0], [0]]", "expected one list for each of 6 questions, got 2"),
        ("[[0], [0], [0], [0], [0], [0.5]]", "entry 5: frames: expected a list of whole numbers"),
        ("[[0], [0], [0], [0], [0], [1]]", "frame 1, at pts_us"),
        ("[[0], [0], [0], [0], [0], [99999]]", "frame 99999 is none of"),
        ('[{"id": "1"}]', "entry 0: expected an object with id, video and frame_idx"),
    ],
)
def test_what_cannot_be_read_is_refused(
    world: SmallWorld, manifest: Path, tmp_path: Path, content: str, sentence: str
) -> None:
    asked = read_questions(manifest)
    (tmp_path / "x.json").write_text(content.replace("CLIP", Path(asked[0].video).stem))
    with pytest.raises(UsageError, match=sentence):
        read_selections(tmp_path / "x.json", library.Store.open(world.store), questions=asked)


def test_a_video_that_is_another_now_has_no_numbers(world: SmallWorld, manifest: Path, tmp_path: Path) -> None:
    asked = read_questions(manifest)
    clip = Path(asked[0].video)
    copy = tmp_path / clip.name
    if clip.is_dir():
        pytest.fail("the first clip of the world is a file")
    shutil.copy(clip, copy)
    ok("index", copy, "--store", tmp_path / "S", "--encoder", "micro-siglip")
    copy.write_bytes(b"another")
    question = Question(id="1", video=str(copy), question="what?")
    (tmp_path / "x.json").write_text("[[0]]")
    with pytest.raises(VideoError, match="expected the bytes that were indexed"):
        read_selections(tmp_path / "x.json", library.Store.open(tmp_path / "S"), questions=[question])
