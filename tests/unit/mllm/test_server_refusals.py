"""What becomes of requests that a server does not take, in the words of those that there are."""

from __future__ import annotations

from typing import Any

import pytest

from chat_server import Got, Play, Script, chat_server, recorded
from framedex.errors import UsageError
from framedex.mllm import load_runner
from framedex.mllm.base import Answer, Ask
from framedex.mllm.served_model import ServedModel

ASK = Ask(frames=None, question="What colour?", options=("red", "blue"), scoring="generate")


def written(letter: str) -> Play:
    value = recorded("transformers_serve")
    value["choices"][0]["message"]["content"] = letter
    return Play(value)


def completions(*replies: Play) -> Script:
    """A server that says nothing of itself and gives these replies, one after the other."""

    def script(got: Got, before: int) -> Play:
        return replies[before] if got.path == "/v1/chat/completions" else Play({}, status=404)

    return script


def answers(*replies: Play) -> list[Answer]:
    """As many as there are replies, asked for one by one."""
    with chat_server(completions(*replies)) as server:
        served = ServedModel(url=server.url, model="m", concurrency=1, patience_s=5.0)
        with load_runner(served, threads=1) as runner:
            return runner.answer([ASK] * len(replies))


@pytest.mark.parametrize(
    "words",
    [
        "This model's maximum context length is 4096 tokens. However, you requested 9000 tokens",
        "The input (9000 tokens) is longer than the model's context length (4096 tokens).",
        "Multimodal prompt is too long after expanding multimodal tokens. After expanding 9000",
        "Input length (9000 tokens) exceeds the maximum allowed length (4096 tokens). Use a shorter input",
        "the request exceeds the available context size. try increasing the context size",
    ],
)
def test_a_prompt_too_long_is_not_answered_and_the_others_are(words: str) -> None:
    given = answers(written("A"), Play({"error": {"message": words}}, status=400), written("B"))
    assert [answer.status for answer in given] == ["ok", "truncated-prompt", "ok"]
    assert given[1].status_detail == f"{words}; show it fewer frames"


@pytest.mark.parametrize(
    ("refusal", "sentence"),
    [
        (Play(b"", status=400), r"\(HTTP 400: no words\); see docs/serving.md"),
        (Play({"error": {"message": " "}}, status=422), r"\(HTTP 422: no words\)"),
        (Play(b"", status=302), r"\(HTTP 302: no words\); correct the URL"),
        (
            Play(b"", status=307, headers={"Location": "https://elsewhere/v1"}),
            r"\(HTTP 307: redirects to 'https://elsewhere/v1'\); correct the URL",
        ),
    ],
)
def test_a_refusal_without_words_is_told_as_far_as_it_goes(refusal: Play, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        answers(refusal)


def test_words_that_no_record_can_hold_are_mended() -> None:
    too_long: Any = b'{"error": {"message": "context length \\ud800 passed"}}'
    (refused,) = answers(Play(too_long, status=400))
    assert refused.status_detail == "context length \ufffd passed; show it fewer frames"
    halves: Any = recorded("transformers_serve")
    halves["choices"][0]["message"]["content"] = "A \ud83d\ude00 \ud800"
    (answer,) = answers(Play(halves))
    assert answer.written == "A \U0001f600 \ufffd"
