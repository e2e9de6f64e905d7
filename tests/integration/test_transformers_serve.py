"""Questions to a real server that is somebody else's: `transformers serve`, with the bundled model's weights."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from cli import framedex, ok
from contracts.backends import require_backend
from framedex.contracts import FrameBatch
from framedex.errors import UsageError
from framedex.mllm import load_runner
from framedex.mllm.base import Ask
from framedex.mllm.parse import chosen_option
from framedex.mllm.served_model import ServedModel
from framedex.mllm.server_messages import FrameImages, messages
from small_world import SmallWorld
from sweep_folder import read_records, without_times, write_sweep
from transformers_server import TransformersServer, served_checkpoint, text_checkpoint, transformers_server

for module in ("fastapi", "uvicorn", "openai", "accelerate"):
    require_backend("transformers-serve", module)

pytestmark = pytest.mark.slow

QUESTION, OPTIONS = "What colour is the thing?", ("red", "blue", "green", "white")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TransformersServer]:
    folder = tmp_path_factory.mktemp("served")
    with transformers_server(served_checkpoint(folder / "micro"), folder) as running:
        yield running


def model_of(server: TransformersServer, **settings: object) -> ServedModel:
    return ServedModel(**{"url": server.url, "model": str(server.folder), "concurrency": 2, **settings})  # type: ignore[arg-type]


def asks(served: ServedModel) -> list[Ask]:
    """Different frames, orders of options, and none."""
    with load_runner(served, threads=1) as runner:
        plain = np.zeros((3, 48, 64, 3), np.uint8)
        plain[0, ..., 0] = plain[1, ..., 1] = plain[2, ..., 2] = 255
        batch = FrameBatch(pts_us=np.arange(3, dtype=np.int64) * 1_000_000, frames=plain)
        frames = runner.prepare(batch, origin_us=0, last_us=5_000_000, source="v")
    sets = [frames, frames.take(np.array([0])), frames.take(np.array([2])), None]
    orders = [OPTIONS, OPTIONS[::-1]]
    return [
        Ask(frames=shown, question=QUESTION, options=options, scoring="generate")
        for shown in sets
        for options in orders
    ]


def test_the_server_writes_what_the_model_writes_to_the_same_messages(server: TransformersServer) -> None:
    """Same prompt, same pixels, read from what was sent: every frame and time arrives."""
    from transformers import AutoProcessor, SmolVLMForConditionalGeneration

    served = model_of(server)
    asked = asks(served)
    with load_runner(served, threads=1) as runner:
        answers = runner.answer(asked)
        assert runner.work.forwards == len(asked)
        assert runner.provenance["runtime"] == "server"
    processor = AutoProcessor.from_pretrained(server.folder)
    model = SmolVLMForConditionalGeneration.from_pretrained(server.folder, dtype="float32").eval()
    for ask, answer in zip(asked, answers, strict=True):
        said = messages(ask, FrameImages(served))
        parts = [
            {"type": "text", "text": part["text"]}
            if part["type"] == "text"
            else {"type": "image", "url": part["image_url"]["url"]}
            for part in said[0]["content"]
        ]
        inputs = processor.apply_chat_template(
            [{"role": "user", "content": parts}],
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
        )
        written = model.generate(**inputs, max_new_tokens=served.max_tokens, do_sample=False)
        text = processor.decode(written[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
        assert answer.written == text
        assert answer.prompt_tokens == inputs["input_ids"].shape[1]
        assert answer.choice == chosen_option(text, ask.options)
        assert answer.status == ("unparsable" if answer.choice is None else "ok")
    assert len({(answer.written, answer.choice) for answer in answers}) > 1, "else any server would do"


def test_this_server_gives_no_log_probabilities_and_that_is_said(server: TransformersServer) -> None:
    with load_runner(model_of(server), threads=1) as runner, pytest.raises(UsageError) as raised:
        runner.answer([Ask(frames=None, question=QUESTION, options=OPTIONS, scoring="letter")])
    assert "gives no log-probabilities" in str(raised.value)
    assert "use scoring: [generate], or serve the model with vLLM or SGLang" in str(raised.value)


def test_another_model_is_refused_in_the_servers_words(server: TransformersServer) -> None:
    ask = Ask(frames=None, question=QUESTION, options=OPTIONS, scoring="generate")
    sentence = r"does not take a request for 'another' .*Server is pinned to"
    with load_runner(model_of(server, model="another"), threads=1) as runner, pytest.raises(UsageError, match=sentence):
        runner.answer([ask])


def test_a_model_that_sees_nothing_is_found_out(tmp_path: Path) -> None:
    """This server leaves images aside where the model knows none, and answers all the same."""
    with transformers_server(text_checkpoint(tmp_path / "text"), tmp_path) as server:
        served = model_of(server)
        with load_runner(served, threads=1) as runner:
            *shown, unseen, _ = asks(served)
            (answer,) = runner.answer([unseen])
            assert answer.prompt_tokens > 0
            with pytest.raises(
                UsageError, match=r"is not shown the frames \(the prompt is \d+ tokens with one and \d+ without\)"
            ):
                runner.answer(shown)


def test_a_sweep_over_it_answers_resumes_and_asks_nothing_twice(
    server: TransformersServer, world: SmallWorld, tmp_path: Path
) -> None:
    sweep = write_sweep(
        tmp_path,
        world,
        videos=2,
        per_video=1,
        mllms=[{"server": server.url, "model": str(server.folder), "concurrency": 2}],
        scoring=["generate"],
        no_video=True,
    )
    dry = ok("sweep", sweep.config, "-o", sweep.run, "--dry-run", "--json").json()
    first = ok("sweep", sweep.config, "-o", sweep.run, "--json").json()
    assert first["asks"] == dry["asks"] == first["work"]["forwards"]
    assert set(first["statuses"]) <= {"ok", "unparsable"}
    assert first["statuses"]["ok"] > 0
    records = read_records(sweep.run)
    assert {record["mllm"] for record in records} == {str(server.folder)}
    assert all(server.url not in str(record) for record in records)
    second = ok("sweep", sweep.config, "-o", tmp_path / "again", "--json").json()
    assert second["answers_from_cache"] == second["asks"]
    assert second["work"]["forwards"] == 0
    assert without_times(read_records(tmp_path / "again")) == without_times(records)
    analysed = framedex("analyze", sweep.run, "--table", "accuracy", "--csv")
    assert analysed.code == 0
    assert "generate" in analysed.out
