"""One sweep over several families of MLLMs and all ways of scoring; frames and prefixes are worked out once for each model."""

from __future__ import annotations

from pathlib import Path

from cli import ok
from framedex.mllm import load_runner
from framedex.mllm.base import Scoring
from llava_onevision_checkpoints import tiny_llava_onevision
from small_world import SmallWorld
from smolvlm_checkpoints import tiny_smolvlm
from sweep_folder import read_records, write_sweep
from videollama3_checkpoints import tiny_videollama3

SCORINGS: tuple[Scoring, ...] = ("option", "letter", "generate")


def test_three_families_in_one_sweep(world: SmallWorld, tmp_path: Path) -> None:
    checkpoints = (tiny_smolvlm(), tiny_llava_onevision(), tiny_videollama3())
    sweep = write_sweep(
        tmp_path,
        world,
        videos=1,
        per_video=1,
        mllms=[str(checkpoint) for checkpoint in checkpoints],
        scoring=list(SCORINGS),
        windows=[{"length": 3, "stride": 2}],
        no_video=True,
    )
    printed = ok("sweep", sweep.config, "-o", sweep.run, "--threads", 1, "--json").json()
    assert printed["work"]["tower_frames"] == 3 * printed["frames"]
    assert printed["work"]["prefills"] == 3 * printed["frame_sets"]
    records = read_records(sweep.run)
    assert len(records) == printed["records"]
    keys = {}
    for checkpoint in checkpoints:
        with load_runner(checkpoint, threads=1) as runner:
            keys[runner.key] = str(checkpoint)
    assert {(record["mllm_key"], record["mllm"]) for record in records} == set(keys.items())
    for key in keys:
        for scoring in SCORINGS:
            mine = [each for each in records if (each["mllm_key"], each["scoring"]) == (key, scoring)]
            assert len(mine) == len(records) / 9
            for record in mine:
                assert record["status"] == "ok" or (scoring == "generate" and record["status"] == "unparsable")
                assert record["correct"] == (record["answer"] == record["gold"])
                assert len(record["option_logprobs"]) == len(record["option_order"])
                if record["status"] == "unparsable":
                    assert record["answer"] is None
                    assert record["status_detail"].startswith("what the model wrote names no option: ")
    # Random weights write nothing that is an option; that is counted, and wrong.
    assert printed["statuses"]["unparsable"] == sum(record["status"] == "unparsable" for record in records) > 0
    assert "generate" in ok("analyze", sweep.run, "--csv", "--table", "accuracy").out
