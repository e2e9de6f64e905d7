"""A served model as a runner, against a server that plays vLLM, SGLang, or one that does not do what it should."""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from chat_server import ChatServer, Got, Play, chat_server, frames_of, is_probe, models, reading, recorded
from framedex.contracts import FrameBatch
from framedex.errors import DeviceError, UsageError
from framedex.keys import is_key
from framedex.mllm import load_runner
from framedex.mllm.base import Answer, Ask, PreparedFrames, Runner, Scoring
from framedex.mllm.served_model import ServedModel
from framedex.mllm.tokens import WRITTEN_TOKENS

MODEL = "org/large-7b"
OPTIONS = ("red", "blue", "green", "white")
LETTERS = {"A": 32, " A": 362, "B": 33, " B": 425, "C": 34, " C": 356, "D": 35, " D": 422}


def vllm(got: Got, _: int) -> Play:
    """As vLLM answers; its tokenizer has a token for every letter, with a space and without."""
    if got.path == "/v1/models":
        return models(MODEL, root="/models/large", max_model_len=32768, created=int(time.time()))
    if got.path == "/version":
        return Play({"version": "0.23.0"})
    if got.path == "/tokenize":
        spelling = got.body["prompt"]
        known = {**{f"{c}": 100 + i for i, c in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZ")}, **LETTERS}
        tokens = [known[spelling]] if spelling in known else [7, 8]
        return Play({"count": len(tokens), "max_model_len": 32768, "tokens": tokens})
    assert got.path == "/v1/chat/completions"
    return reading(got, recorded("vllm_token_ids" if "logprob_token_ids" in got.body else "vllm"))


def sglang(got: Got, _: int) -> Play:
    if got.path == "/v1/models":
        return models(MODEL, owned_by="sglang", root=MODEL, max_model_len=32768)
    if got.path == "/get_server_info":
        return Play(
            {"version": "0.9", "dtype": "bfloat16", "quantization": None, "host": "10.0.0.1", "api_key": "4711"}
        )
    if got.path == "/v1/chat/completions":
        return reading(got, recorded("sglang"))
    return Play({"detail": "Not Found"}, status=404)


def plain(*replies: Play) -> Any:
    """A server that says nothing of itself and gives these replies, the last one for good."""

    def script(got: Got, before: int) -> Play:
        if got.path != "/v1/chat/completions":
            return Play({"detail": "Not Found"}, status=404)
        return replies[min(before, len(replies) - 1)]

    return script


def words(text: str, **more: Any) -> Play:
    value = recorded("transformers_serve")
    value["choices"][0]["message"]["content"] = text
    return Play(value, **more)


@contextmanager
def served(script: Any, **settings: Any) -> Iterator[tuple[Runner, ChatServer]]:
    with chat_server(script) as server:
        model = ServedModel(**{"url": server.url, "model": MODEL, "patience_s": 5.0, **settings})
        with load_runner(model, threads=1) as runner:
            yield runner, server


def ask(scoring: Scoring = "letter", frames: PreparedFrames | None = None, **changes: Any) -> Ask:
    return replace(Ask(frames=frames, question="What colour?", options=OPTIONS, scoring=scoring), **changes)


def shown(runner: Runner, n: int = 3) -> PreparedFrames:
    pictures = np.random.default_rng(0).integers(0, 256, (n, 24, 40, 3), np.uint8)
    batch = FrameBatch(pts_us=np.arange(n, dtype=np.int64) * 1_000_000, frames=pictures)
    return runner.prepare(batch, origin_us=0, last_us=60_000_000, source="v")


def test_vllm_is_asked_for_the_letters_tokens_by_their_ids() -> None:
    with served(vllm) as (runner, server):
        (answer,) = runner.answer([ask(frames=shown(runner))])
        expected = [
            math.log(math.exp(one) + math.exp(two)) for one, two in ((-9, -9.5), (-3, -4), (-3.5, -8), (-11, -12))
        ]
        assert answer.option_logprobs == pytest.approx(expected, abs=1e-12)
        assert (answer.choice, answer.status, answer.status_detail) == (1, "ok", "")
        assert (answer.option_tokens, answer.prompt_tokens) == ((1, 1, 1, 1), 1642)
        (request,) = [got.body for got in server.completions]
        assert request["logprob_token_ids"] == [32, 362, 33, 425, 34, 356, 35, 422]
        assert (request["max_tokens"], request["temperature"], request["logprobs"]) == (1, 0, True)
        assert request["return_tokens_as_token_ids"] is True
        assert request["model"] == MODEL
        assert [part["type"] for part in request["messages"][0]["content"]] == [*["text", "image_url"] * 3, "text"]
        runner.answer([ask()])
        assert len(server.asked("/tokenize")) == 4 * 3, "the ids are asked for once"
        assert runner.trouble == ""
        runner.answer([ask(options=(*OPTIONS, "black"))])
        assert len(server.asked("/tokenize")) == 5 * 3


def test_where_no_ids_can_be_had_the_likeliest_tokens_are_read_and_bounds_are_said() -> None:
    def without_tokenize(got: Got, before: int) -> Play:
        return Play({"detail": "Not Found"}, status=404) if got.path == "/tokenize" else vllm(got, before)

    with served(without_tokenize) as (runner, server):
        (answer,) = runner.answer([ask()])
        assert answer.option_logprobs == pytest.approx((-3.0, math.log(math.exp(-0.25) + math.exp(-2.5)), -6.5, -5.0))
        assert (answer.choice, answer.status) == (1, "ok")
        assert (
            answer.status_detail == "C not among the 6 likeliest tokens: at most the log-probability that is recorded"
        )
        assert "logprob_token_ids" not in server.completions[0].body
        assert server.completions[0].body["top_logprobs"] == 20
        assert "in 1 answers a letter is not among the 20 likeliest tokens" in runner.trouble


def test_sglang_is_asked_in_the_interfaces_own_words() -> None:
    with served(sglang) as (runner, server):
        (answer,) = runner.answer([ask()])
        assert (answer.choice, answer.option_logprobs) == (2, (-1.5, -3.0, -0.5, -3.25))
        assert set(server.completions[0].body) == {
            "model",
            "messages",
            "max_tokens",
            "temperature",
            "logprobs",
            "top_logprobs",
        }
        assert runner.provenance["runtime"] == "server: sglang"
        assert (runner.provenance["runtime_version"], runner.provenance["dtype"]) == ("0.9", "bfloat16")


def test_words_are_parsed_and_those_that_name_no_option_are_wrong() -> None:
    replies = (words(" blue"), words("(C) green."), words("I cannot say."), words(""))
    with served(plain(*replies), concurrency=1) as (runner, server):
        answers = runner.answer([ask("generate")] * 4)
        assert [answer.choice for answer in answers] == [1, 2, None, None]
        assert [answer.status for answer in answers] == ["ok", "ok", "unparsable", "unparsable"]
        assert answers[2].status_detail == "what the model wrote names no option: 'I cannot say.'"
        assert [answer.written for answer in answers] == [" blue", "(C) green.", "I cannot say.", ""]
        assert all(answer.option_logprobs == answer.option_tokens == () for answer in answers)
        assert server.completions[0].body["max_tokens"] == WRITTEN_TOKENS
        assert "logprobs" not in server.completions[0].body


def test_a_letter_that_is_nowhere_is_unparsable() -> None:
    value = recorded("sglang")
    value["choices"][0]["logprobs"]["content"][0] = {"token": "The", "logprob": -0.1, "top_logprobs": []}
    with served(plain(Play(value))) as (runner, _):
        (answer,) = runner.answer([ask()])
        assert (answer.choice, answer.status, answer.option_logprobs) == (None, "unparsable", ())
        assert answer.status_detail == "no option's letter is among the 1 likeliest tokens: ['The']"


def test_a_server_without_log_probabilities_is_named_with_what_to_do() -> None:
    with served(plain(words("B"))) as (runner, _), pytest.raises(UsageError) as raised:
        runner.answer([ask()])
    assert (
        f"gives no log-probabilities for '{MODEL}'; use scoring: [generate], or serve the model with vLLM or SGLang"
        in str(raised.value)
    )


def test_the_likelihood_of_a_text_is_asked_of_no_server() -> None:
    with served(vllm) as (runner, server):
        with pytest.raises(UsageError, match="does not say how likely an option's text is"):
            runner.answer([ask(), ask("option")])
        with pytest.raises(UsageError, match="unknown scoring 'guess'; exists: option, letter"):
            runner.answer([ask("guess")])  # type: ignore[arg-type]
        assert server.completions == []


@pytest.mark.parametrize(("script", "name"), [(vllm, "org/large-8b"), (sglang, "large-7b")])
def test_a_model_that_is_not_served_is_named_with_those_that_are(script: Any, name: str) -> None:
    sentence = rf"serves no model '{name}'; exists: {MODEL}; did you mean '{MODEL}'\?"
    with pytest.raises(UsageError, match=sentence), served(script, model=name):
        pass


@pytest.mark.parametrize(
    ("refusal", "sentence"),
    [
        (Play({"detail": "Server is pinned to 'other'"}, status=400), r"\(HTTP 400: Server is pinned to 'other'\)"),
        (
            Play({"error": {"message": "none"}}, status=404),
            r"correct the model's name, as .*/models lists it, or the URL, which ends in /v1",
        ),
    ],
)
def test_a_server_that_says_only_when_asked_that_it_has_no_such_model(refusal: Play, sentence: str) -> None:
    with served(plain(refusal)) as (runner, _), pytest.raises(UsageError, match=sentence):
        runner.answer([ask("generate")])


@pytest.mark.parametrize("body", [{"hello": 1}, ["x"], {"data": [1]}, {"data": "x"}, "x"])
def test_something_that_is_no_server_of_models_is_said(body: Any) -> None:
    sentence = r"expected a list of models at /models, got .*which ends in /v1"
    with pytest.raises(DeviceError, match=sentence), served(lambda *_: Play(body)):
        pass


def test_something_that_is_no_chat_completion_is_said() -> None:
    with (
        served(plain(Play({"choices": []}))) as (runner, _),
        pytest.raises(DeviceError, match="expected a chat completion"),
    ):
        runner.answer([ask("generate")])


def test_too_many_images_are_said_with_the_option_that_allows_them() -> None:
    refused = Play({"error": {"message": "At most 1 image(s) may be provided in one prompt."}}, status=400)
    with served(plain(refused)) as (runner, _), pytest.raises(UsageError, match="--limit-mm-per-prompt"):
        runner.answer([ask("generate", shown(runner))])


def test_more_options_than_letters_are_not_sent() -> None:
    with served(plain(words("A"))) as (runner, server):
        many = ask("generate", options=tuple(f"option {n}" for n in range(27)))
        answers = runner.answer([many, ask("generate")])
        assert [answer.status for answer in answers] == ["invalid", "ok"]
        assert len(server.completions) == 1


def test_requests_go_side_by_side_as_many_as_allowed_and_answers_keep_their_order() -> None:
    def echo(got: Got, before: int) -> Play:
        if got.path != "/v1/chat/completions":
            return Play({}, status=404)
        said = got.body["messages"][0]["content"][-1]["text"]
        number = int(said.split()[1])
        return words("ABCD"[number % 4], after_s=0.01 * (before % 3))

    asks = [ask("generate", question=f"Number {number} ?") for number in range(24)]
    told: dict[int, Answer] = {}
    with served(echo, concurrency=5) as (runner, server):
        started = time.monotonic()
        answers = runner.answer(asks, answered=told.update)
        assert 0 < sum(answer.answer_time_s for answer in answers) <= time.monotonic() - started
        assert [answer.choice for answer in answers] == [number % 4 for number in range(24)]
        assert [told[row].choice for row in range(24)] == [answer.choice for answer in answers]
        assert 1 < server.most_under_way <= 5
        assert all(answer.answer_time_s > 0 for answer in answers)
        assert runner.work.forwards == 24
        assert runner.answer([]) == []


def test_a_server_that_leaves_frames_aside_is_found_out_before_anything_is_answered() -> None:
    with served(plain(words("A"))) as (runner, server):
        for _ in range(2):
            with pytest.raises(
                UsageError, match=r"is not shown the frames \(the prompt is 60 tokens with one and 60 without\)"
            ):
                runner.answer([ask("generate"), ask("generate", shown(runner))])
        assert server.completions == []
        runner.answer([ask("generate")])
        assert len(server.completions) == 1, "what is asked without frames is answered"


def test_whether_frames_are_looked_at_is_asked_once_with_one_of_them() -> None:
    with served(sglang) as (runner, server):
        for _ in range(3):
            runner.answer([ask("generate", shown(runner)), ask()])
        probes = [got for got in server.asked("/v1/chat/completions") if is_probe(got)]
        assert [frames_of(got) for got in probes] == [1, 0]
        assert len(server.completions) == 6


def test_a_server_that_counts_no_tokens_is_believed() -> None:
    uncounted = recorded("transformers_serve")
    del uncounted["usage"]
    uncounted["choices"][0]["message"]["content"] = "A"
    with served(plain(Play(uncounted))) as (runner, _):
        (answer,) = runner.answer([ask("generate", shown(runner))])
        assert (answer.choice, answer.prompt_tokens) == (0, 0)


def test_frames_and_tokens_are_counted() -> None:
    with served(vllm) as (runner, _):
        frames = shown(runner)
        runner.answer([ask(frames=frames), ask(frames=frames.take(np.array([0]))), ask()])
        assert (runner.work.tower_frames, runner.work.prefills, runner.work.forwards) == (4, 2, 3)
        assert runner.work.prefix_tokens == 1642 + 1642 + 42


def test_trouble_that_passed_is_told() -> None:
    busy = Play({"error": "queue is full"}, status=429, headers={"Retry-After": "0"})
    with served(plain(busy, busy, words("A"))) as (runner, _):
        (answer,) = runner.answer([ask("generate")])
        assert answer.choice == 0
        assert runner.trouble == f"{MODEL}: 2 requests were tried again, as the server was busy, failing or away"


def test_one_failure_ends_the_call_without_waiting_for_slow_requests() -> None:
    slow = threading.Event()

    def script(got: Got, before: int) -> Play:
        if got.path != "/v1/chat/completions":
            return Play({}, status=404)
        if before == 0:
            return Play({"detail": "refused"}, status=400, after_s=0.2)
        slow.wait(5)
        return words("A")

    with served(script, concurrency=3) as (runner, server):
        started = time.monotonic()
        with pytest.raises(UsageError, match="HTTP 400: refused"):
            runner.answer([ask("generate")] * 10)
        assert time.monotonic() - started < 4
        slow.set()
        assert len(server.completions) <= 3


def test_where_the_server_is_is_in_no_key_and_what_it_says_of_itself_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def key(script: Any, **settings: Any) -> str:
        with served(script, **settings) as (runner, _):
            assert is_key(runner.key)
            return runner.key

    def other(path: str, **changed: Any) -> Any:
        def script(got: Got, before: int) -> Play:
            play = vllm(got, before)
            if got.path != path:
                return play
            if path == "/version":
                return Play({**play.body, **changed})
            return models(MODEL, **{"root": "/models/large", "max_model_len": 32768, **changed})

        return script

    same = key(vllm)
    assert same == key(vllm) == key(vllm, concurrency=2) == key(vllm, timeout_s=5, patience_s=1)
    others = [
        key(sglang),
        key(other("/version", version="0.23.1")),
        key(other("/v1/models", root="/models/another")),
        key(other("/v1/models", max_model_len=8192)),
        key(vllm, image="jpeg"),
        key(vllm, image="jpeg", quality=80),
        key(vllm, longest_edge=512),
        key(vllm, max_tokens=64),
        key(plain(words("A"))),
        key(plain(words("A")), model="another"),
    ]
    with monkeypatch.context() as changed:
        changed.setattr("framedex.mllm.server.SCORING_VERSION", 2)
        others.append(key(vllm))
    assert len({same, *others}) == 1 + len(others)


def test_a_key_is_sent_and_recorded_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAMEDEX_API_KEY", "secret-4711")
    with served(sglang) as (runner, server):
        runner.answer([ask()])
        assert {got.headers["Authorization"] for got in server.requests} == {"Bearer secret-4711"}
        told = json.dumps([runner.provenance, runner.name, runner.trouble, repr(runner)])
        assert "4711" not in told
        assert "10.0.0.1" not in told
        assert "127.0.0.1" not in told
        assert (runner.name, runner.provenance["image"]) == (MODEL, "png")
        assert all(isinstance(value, str) and value for value in runner.provenance.values())


def test_a_closed_one_refuses_and_closing_twice_is_safe() -> None:
    with served(vllm) as (runner, _):
        runner.close()
        runner.close()
        with pytest.raises(ValueError, match="closed"):
            runner.answer([])


def test_frames_outside_the_video_are_refused() -> None:
    with served(vllm) as (runner, _):
        batch = FrameBatch(pts_us=np.array([5], np.int64), frames=np.zeros((1, 4, 4, 3), np.uint8))
        with pytest.raises(ValueError, match="expected one frame or more within"):
            runner.prepare(batch, origin_us=6, last_us=9)
