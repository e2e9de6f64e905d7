"""`framedex sweep` over the small world with a tiny SmolVLM: what is recorded is what was chosen and answered."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

import framedex as library
from cli import framedex, ok
from framedex.decode import FpsGrid, identify, open_video
from framedex.mllm import load_runner
from framedex.mllm.base import Ask
from framedex.sweep.record import schema
from small_world import SmallWorld
from smolvlm_checkpoints import make_smolvlm, tiny_smolvlm
from sweep_folder import SweepFolder, read_records, without_times, write_sweep

EVERYTHING: dict[str, Any] = {
    "variants": ["question", "answer", "declarative"],
    "samplers": ["uniform", "random", "top", {"name": "window-top", "length": 3}],
    "budgets": [2, 4],
    "windows": [{"length": 3, "stride": 2}],
    "drop": {"rates": [0.25, 0.5], "by": ["lowest", "random"]},
    "no_video": True,
    "scoring": ["option", "letter"],
    "seeds": [0, 1],
}


@dataclass(frozen=True)
class Done:
    sweep: SweepFolder
    printed: dict[str, Any]
    records: list[dict[str, Any]]

    def questions(self) -> dict[str, dict[str, Any]]:
        return {question["id"]: question for question in self.sweep.questions()}


@pytest.fixture(scope="module")
def done(world: SmallWorld, tmp_path_factory: pytest.TempPathFactory) -> Done:
    sweep = write_sweep(tmp_path_factory.mktemp("sweep"), world, **EVERYTHING)
    printed = ok("sweep", sweep.config, "-o", sweep.run, "--threads", 1, "--json").json()
    return Done(sweep=sweep, printed=printed, records=read_records(sweep.run))


def ask_of(record: dict[str, Any]) -> tuple[Any, ...]:
    return (
        record["frame_set_id"],
        record["question_id"],
        tuple(record["option_order"]),
        record["scoring"],
        record["mllm_key"],
    )


def test_the_matrix_is_complete(done: Done) -> None:
    for path in (done.sweep.run / "records").iterdir():
        assert pq.read_schema(path).equals(schema())
    orders, scorings, variants, seeds, budgets = 4, 2, 3, 2, 2
    per_question = orders * scorings
    n_questions = len(done.questions())
    by_arm = defaultdict(int)
    for record in done.records:
        by_arm[record["arm"]] += 1
    assert by_arm["select"] == n_questions * per_question * variants * 4 * budgets * seeds
    assert by_arm["drop"] == n_questions * per_question * variants * 4 * budgets * seeds  # 2 rules × 2 rates
    assert by_arm["no-video"] == n_questions * per_question
    windows = {(record["question_id"], record["window_id"]) for record in done.records if record["window_id"]}
    assert by_arm["window"] == len(windows) * per_question * variants
    assert {record["status"] for record in done.records} == {"ok"}


def test_no_two_records_say_the_same(done: Done) -> None:
    what = ("question_id", "arm", "variant", "sampler", "params", "budget", "seed", "window_id", "scoring")
    keys = [(*(record[name] for name in what), tuple(record["option_order"])) for record in done.records]
    assert len(set(keys)) == len(keys)


def test_equal_asks_are_asked_once_and_share_their_answer(done: Done) -> None:
    groups = defaultdict(list)
    for record in done.records:
        groups[ask_of(record)].append(record)
    assert done.printed["asks"] == len(groups)
    assert done.printed["records"] == len(done.records)
    assert done.printed["reused_answers"] == len(done.records) - len(groups) > 0
    for records in groups.values():
        for name in ("answer", "option_logprobs", "prompt_tokens", "tower_time_s", "answer_time_s"):
            assert all(record[name] == records[0][name] for record in records)


def test_frames_are_those_of_the_samplers(done: Done, world: SmallWorld) -> None:
    store = library.Store.open(world.store)
    questions = done.questions()
    with library.load_encoder("micro-siglip") as encoder:
        for record in done.records:
            if record["arm"] not in ("select", "drop") or record["scoring"] != "option" or record["option_order"][0]:
                continue
            question = questions[record["question_id"]]
            prompt = {
                "question": question["question"],
                "answer": question["options"][question["answer"]],
                **question["variants"],
            }[record["variant"]]
            index = store[record["video_key"]]
            (scores,) = index.scores(encoder.embed_texts([prompt]))
            expected = library.select(
                record["sampler"],
                scores,
                budget=record["budget"],
                pts_us=index.pts_us,
                seed=record["seed"],
                video=record["video_key"],
                question=record["question_id"],
                variant=record["variant"],
                **json.loads(record["params"]),
            )
            assert record["rows"] == expected.rows.tolist()
            assert record["pts_us"] == expected.pts_us.tolist()
            assert expected.scores is not None
            np.testing.assert_allclose(record["scores"], expected.scores, atol=1e-6)


def test_windows_cover_the_video_and_hold_the_scores_of_each_variant(done: Done, world: SmallWorld) -> None:
    store = library.Store.open(world.store)
    by_window = defaultdict(list)
    for record in done.records:
        if record["arm"] == "window":
            by_window[record["video_key"], record["question_id"], record["window_id"]].append(record)
            start, length = map(int, record["window_id"].split("+"))
            n = len(store[record["video_key"]])
            assert record["rows"] == list(range(start, min(start + length, n)))
    for video in {video for video, _, _ in by_window}:
        seen = {row for (v, _, _), records in by_window.items() if v == video for row in records[0]["rows"]}
        assert seen == set(range(len(store[video])))
    for records in by_window.values():
        scores = {record["variant"]: tuple(record["scores"]) for record in records}
        assert len(set(scores.values())) == len(scores) == 3


def test_answers_are_the_models_own(done: Done) -> None:
    """Records of every arm, asked again one by one from frames that were decoded apart: same choice, same log-probabilities."""
    questions = done.questions()
    store = library.Store.open(json.loads((done.sweep.run / "run.json").read_text())["store"])
    picked = {(record["arm"], record["scoring"], record["option_order"][0]): record for record in done.records}
    assert len(picked) == 4 * 2 * 4
    with load_runner(tiny_smolvlm(), threads=1) as runner:
        for record in picked.values():
            question = questions[record["question_id"]]
            frames = None
            if record["rows"]:
                row = store[record["video_key"]].row
                with open_video(identify(Path(row.source.path), folder_fps=None), threads=1) as reader:
                    batches = list(reader.frames(FpsGrid.parse(row.grid.removeprefix("fps=")), timing=row.timing))
                (batch,) = batches
                assert batch.pts_us[record["rows"]].tolist() == record["pts_us"]
                prepared = runner.prepare(batch, origin_us=row.first_pts_us, last_us=row.last_pts_us)
                frames = prepared.take(np.array(record["rows"]))
            listed = tuple(question["options"][index] for index in record["option_order"])
            ask = Ask(frames=frames, question=question["question"], options=listed, scoring=record["scoring"])
            (answer,) = runner.answer([ask])
            assert answer.choice is not None
            assert record["answer"] == question["options"].index(listed[answer.choice])
            assert record["gold"] == question["answer"]
            assert record["correct"] == (record["answer"] == record["gold"])
            for position, option in enumerate(listed):
                index = question["options"].index(option)
                assert record["option_logprobs"][index] == pytest.approx(answer.option_logprobs[position], abs=1e-4)
                assert record["option_tokens"][index] == answer.option_tokens[position]
            assert record["prompt_tokens"] == answer.prompt_tokens


def test_without_video_nothing_is_said_of_frames(done: Done) -> None:
    for record in done.records:
        if record["arm"] == "no-video":
            assert (record["rows"], record["pts_us"], record["scores"]) == ([], [], None)
            assert {record[name] for name in ("variant", "encoder_key", "grid", "sampler", "frame_set_id")} == {""}
            assert json.loads(record["provenance"])["encoder"] is None


def test_records_say_what_their_vectors_were_made_by(done: Done) -> None:
    for record in done.records:
        expected = None
        if record["arm"] != "no-video":
            expected = {"decoder": "pyav", "runtime": "onnxruntime-cpu", "precision": "fp32"}
        assert json.loads(record["provenance"])["vectors"] == expected


def test_run_json_tells_what_was_resolved(done: Done) -> None:
    run = json.loads((done.sweep.run / "run.json").read_text())
    assert run["key"] == done.printed["key"]
    assert [each["key"] for each in run["encoders"]] == run["plan"]["encoders"]
    assert {record["mllm_key"] for record in done.records} == set(run["plan"]["mllms"])
    assert run["plan"]["grid"] == "fps=1"
    assert (run["videos"], run["questions"], run["truncated_prompts"]) == (2, 4, 0)


def test_again_there_is_nothing_to_do(done: Done) -> None:
    before = {path: path.stat().st_mtime_ns for path in done.sweep.run.rglob("*")}
    printed = ok("sweep", done.sweep.config, "-o", done.sweep.run, "--threads", 1, "--json").json()
    assert (printed["videos_done_before"], printed["videos"], printed["asks"]) == (2, 0, 0)
    assert {path: path.stat().st_mtime_ns for path in done.sweep.run.rglob("*")} == before


def test_a_dry_run_counts_what_the_sweep_does_and_writes_nothing(done: Done, tmp_path: Path) -> None:
    run = tmp_path / "RUN"
    printed = ok("sweep", done.sweep.config, "-o", run, "--threads", 1, "--dry-run", "--json").json()
    assert list(tmp_path.iterdir()) == []
    for name in (
        "key",
        "videos",
        "questions",
        "selections",
        "frame_sets",
        "frames",
        "asks",
        "records",
        "reused_answers",
    ):
        assert printed[name] == done.printed[name]
    assert printed["measured_asks"] == 16  # eight for each way of scoring
    assert printed["estimated_s"] > 0
    assert {name: done.printed["work"][name] for name in ("tower_frames", "prefills")} == {
        "tower_frames": printed["frames"],
        "prefills": printed["frame_sets"],
    }
    assert (printed["planned"]["tower_frames"], printed["planned"]["prefills"]) == (
        printed["frames"],
        printed["frame_sets"],
    )
    assert all(printed["naive"][name] > 2 * printed["planned"][name] for name in printed["naive"])
    text = ok("sweep", done.sweep.config, "-o", run, "--threads", 1, "--dry-run").out
    assert "Nothing was written" in text
    assert "forwards, roughly" in text
    assert list(tmp_path.iterdir()) == []


def test_the_same_sweep_gives_the_same_records(done: Done, tmp_path: Path) -> None:
    ok("sweep", done.sweep.config, "-o", tmp_path / "RUN", "--threads", 1)
    assert without_times(read_records(tmp_path / "RUN")) == without_times(done.records)


def test_options_as_given(world: SmallWorld, tmp_path: Path) -> None:
    sweep = write_sweep(tmp_path, world, videos=1, option_orders="given")
    ran = ok("sweep", sweep.config, "-o", sweep.run, "--threads", 1)
    records = read_records(sweep.run)
    assert len(records) == 2 * 2
    assert {tuple(record["option_order"]) for record in records} == {(0, 1, 2, 3)}
    assert "framedex analyze" in ran.out
    assert "left" in ran.err


def test_another_plan_is_refused_and_nothing_is_touched(world: SmallWorld, tmp_path: Path) -> None:
    sweep = write_sweep(tmp_path, world, videos=1)
    ok("sweep", sweep.config, "-o", sweep.run, "--threads", 1)
    before = {path: path.read_bytes() for path in sweep.run.rglob("*") if path.is_file()}
    sweep.change(budgets=[2, 3])
    for extra in ((), ("--dry-run",)):
        ran = framedex("sweep", sweep.config, "-o", sweep.run, "--threads", 1, *extra)
        assert ran.code == 2
        assert "a run of another plan (budgets: it has [2], this sweep [2, 3]); name another folder" in ran.err
    sweep.change(budgets=[2])
    sweep.ask(sweep.questions()[:1])
    assert "another plan (questions:" in framedex("sweep", sweep.config, "-o", sweep.run).err
    assert {path: path.read_bytes() for path in sweep.run.rglob("*") if path.is_file()} == before


def test_prompts_too_long_for_the_model_are_wrong_and_counted(world: SmallWorld, tmp_path: Path) -> None:
    checkpoint = make_smolvlm(tmp_path / "short", context=110)
    sweep = write_sweep(tmp_path, world, videos=1, per_video=1, mllms=[str(checkpoint)], budgets=[8], no_video=True)
    ran = ok("sweep", sweep.config, "-o", sweep.run, "--threads", 1)
    records = read_records(sweep.run)
    assert {(record["arm"], record["status"]) for record in records} == {
        ("select", "truncated-prompt"),
        ("no-video", "ok"),
    }
    for record in records:
        if record["arm"] == "select":
            assert (record["answer"], record["correct"], record["option_logprobs"]) == (None, False, [])
            assert record["status_detail"]
    assert "8 records are truncated-prompt" in ran.out


def test_prompts_too_long_for_the_encoder_are_counted(world: SmallWorld, tmp_path: Path) -> None:
    sweep = write_sweep(tmp_path, world, videos=1, variants=["question", "long"], option_orders="given")
    sweep.ask([{**question, "variants": {"long": "a red thing " * 40}} for question in sweep.questions()])
    ran = ok("sweep", sweep.config, "-o", sweep.run, "--threads", 1, "--json")
    assert ran.json()["truncated_prompts"] == 2
    assert "2 prompts are longer than their encoder reads" in ran.err
    assert json.loads((sweep.run / "run.json").read_text())["truncated_prompts"] == 2


def test_two_models_answer_the_same_frames(world: SmallWorld, tmp_path: Path) -> None:
    make_smolvlm(tmp_path / "other", seed=1)
    sweep = write_sweep(tmp_path, world, videos=1, per_video=1, mllms=[str(tiny_smolvlm()), "other"])
    printed = ok("sweep", sweep.config, "-o", sweep.run, "--threads", 1, "--json").json()
    records = read_records(sweep.run)
    first, second = (
        [record for record in records if (record["mllm"] == str(tmp_path / "other")) is other]
        for other in (False, True)
    )
    assert len(first) == len(second) == printed["records"] // 2
    assert [record["rows"] for record in first] == [record["rows"] for record in second]
    assert [record["option_logprobs"] for record in first] != [record["option_logprobs"] for record in second]


def test_memory_for_tokens_changes_what_the_tower_does_and_no_record(world: SmallWorld, tmp_path: Path) -> None:
    lengths = [{"length": n, "stride": 1} for n in (1, 2, 3, 4)]
    sweep = write_sweep(tmp_path, world, videos=1, per_video=1, windows=lengths, option_orders="given")
    tokens_of_8_frames = 8 * 4 * 32 * 4  # each 2 x 2 tokens of 32 float32
    tower_frames, records = [], []
    for nbytes in (1 << 30, tokens_of_8_frames, 0):
        run = tmp_path / str(nbytes)
        more = ("--threads", 1, "--answer-cache", "off", "--token-memory", nbytes / (1 << 30))
        printed = ok("sweep", sweep.config, "-o", run, "--json", *more).json()
        tower_frames.append(printed["work"]["tower_frames"])
        records.append(without_times(read_records(run)))
    assert printed["frames"] == tower_frames[0] <= tower_frames[1] < tower_frames[2]
    for each in records[1:]:
        for one, other in zip(records[0], each, strict=True):
            assert {**one, "option_logprobs": None} == {**other, "option_logprobs": None}
            assert np.abs(np.subtract(one["option_logprobs"], other["option_logprobs"])).max() < 1e-4


@pytest.mark.parametrize("gib", ["-1", "nan", "inf", "much"])
def test_memory_for_tokens_that_is_no_number_of_gib(gib: str, world: SmallWorld, tmp_path: Path) -> None:
    sweep = write_sweep(tmp_path, world, videos=1, per_video=1)
    ran = framedex("sweep", sweep.config, "-o", sweep.run, "--token-memory", gib)
    assert ran.code == 2
    assert "--token-memory" in ran.err
    assert "Traceback" not in ran.err
