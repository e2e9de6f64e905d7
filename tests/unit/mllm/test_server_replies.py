"""Replies in the form that vLLM and SGLang document, letter by letter."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from chat_server import GOLDEN, recorded
from framedex.mllm.server_replies import UnexpectedReply, letter_scores, read_reply


def test_every_recorded_reply_says_by_what_it_was_written() -> None:
    for path in GOLDEN.glob("*.json"):
        value = json.loads(path.read_text())
        assert set(value) == {"written_by", "asked", "response"}
        assert value["written_by"].split(",")[0] in ("vLLM", "SGLang", "transformers serve 5.23")


def test_vllms_letters_are_the_sum_of_their_spellings_and_what_is_not_there_is_bounded() -> None:
    reply = read_reply(recorded("vllm"))
    assert (reply.text, reply.prompt_tokens) == ("B", 1642)
    scores = letter_scores(reply.likely, 4)
    assert scores is not None
    # C is not among the six: at most e^-6.5, which is the least that is.
    expected = (-3.0, math.log(math.exp(-0.25) + math.exp(-2.5)), -6.5, -5.0)
    assert scores.logprobs == pytest.approx(expected, abs=1e-12)
    assert scores.unknown == ("C",)
    assert letter_scores(reply.likely, 2).unknown == ()  # type: ignore[union-attr]


def test_vllms_token_ids_give_every_letter_whatever_is_likely() -> None:
    reply = read_reply(recorded("vllm_token_ids"))
    ids = {"A": [32, 362], "B": [33, 425], "C": [34, 356], "D": [35, 422]}
    scores = letter_scores(reply.likely, 4, ids)
    assert scores is not None
    expected = [math.log(math.exp(one) + math.exp(two)) for one, two in ((-9, -9.5), (-3, -4), (-3.5, -8), (-11, -12))]
    assert scores.logprobs == pytest.approx(expected, abs=1e-12)
    assert scores.unknown == ()
    assert letter_scores(reply.likely, 4) is None, "no token is called by its text"


def test_sglangs_letters() -> None:
    reply = read_reply(recorded("sglang"))
    assert (reply.text, reply.prompt_tokens) == ("C", 1200)
    scores = letter_scores(reply.likely, 4)
    assert scores is not None
    assert (scores.logprobs, scores.unknown) == ((-1.5, -3.0, -0.5, -3.25), ())
    five = letter_scores(reply.likely, 5)
    assert five is not None
    assert (five.logprobs[4], five.unknown) == (-3.25, ("E",))


def test_a_reply_without_log_probabilities_has_none() -> None:
    reply = read_reply(recorded("transformers_serve"))
    assert (reply.text, reply.prompt_tokens, dict(reply.likely)) == (" blue", 60, {})


def _changed(**message: Any) -> Any:
    value = recorded("sglang")
    value["choices"][0].update(message)
    return value


def test_what_was_written_counts_where_it_is_not_among_the_likeliest() -> None:
    first = {"token": "E", "logprob": -7.0, "top_logprobs": [{"token": "A", "logprob": -0.1}]}
    reply = read_reply(_changed(logprobs={"content": [first]}))
    assert dict(reply.likely) == {"A": -0.1, "E": -7.0}


def test_an_empty_answer_is_one() -> None:
    assert read_reply(_changed(message={"role": "assistant", "content": None})).text == ""


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        "ok",
        {},
        {"choices": []},
        {"choices": [{"text": "a completion"}]},
        {"choices": [{"message": "B"}]},
        {"error": {"message": "no"}},
        _changed(message={"content": ["B"]}),
        _changed(logprobs={"content": ["B"]}),
        _changed(logprobs={"content": [{"token": "B"}]}),
        _changed(logprobs={"content": [{"token": "B", "logprob": "likely"}]}),
        _changed(logprobs={"content": [{"token": "B", "logprob": math.nan}]}),
        _changed(logprobs={"content": [{"token": "B", "logprob": -(10**400)}]}),
        _changed(logprobs={"content": [{"token": "B", "logprob": -math.inf}]}),
        _changed(logprobs={"content": [{"token": "B", "logprob": 5.0}]}),
        _changed(logprobs={"content": [{"token": 5, "logprob": -1.0}]}),
        recorded("sglang") | {"usage": {"prompt_tokens": math.inf}},
        recorded("sglang") | {"usage": {"prompt_tokens": 10**12}},
        recorded("sglang") | {"usage": {"prompt_tokens": -5}},
    ],
)
def test_what_is_no_chat_completion_is_said(value: Any) -> None:
    with pytest.raises(UnexpectedReply, match="expected "):
        read_reply(value)
