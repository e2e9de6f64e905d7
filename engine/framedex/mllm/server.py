"""The runner of a model that is served elsewhere, by vLLM, SGLang or whatever else speaks OpenAI's chat completions.

Asks go out several at a time, those about the same frames one after the other, so that a server that keeps what it has read of a
prompt reads their frames once. Letters are scored by the first token's log-probabilities; a written answer is parsed.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from threading import Lock
from types import TracebackType
from typing import Any, Self, get_args

import httpx2
import numpy as np

from framedex.contracts import FrameBatch
from framedex.errors import DeviceError, UsageError
from framedex.keys import json_key
from framedex.mllm.base import Answer, Answered, Ask, PreparedFrames, Scoring
from framedex.mllm.parse import PARSER_VERSION, chosen_option
from framedex.mllm.prompt import LETTERS, SCORING_VERSION
from framedex.mllm.served_model import ServedModel
from framedex.mllm.server_client import Refused, ServerClient
from framedex.mllm.server_facts import VLLM, letter_ids, read_facts
from framedex.mllm.server_messages import TEMPLATE, FrameImages, messages, shrunk
from framedex.mllm.server_replies import LetterScores, Reply, UnexpectedReply, letter_scores, read_reply
from framedex.mllm.server_sight import check_sees
from framedex.mllm.side_by_side import side_by_side
from framedex.mllm.work import Work

#: As many as OpenAI's interface gives, and vLLM unless it is started otherwise.
_TOP = 20
#: In the words of vLLM, SGLang ("Multimodal prompt is too long", "exceeds the maximum allowed length") and llama.cpp.
_TOO_LONG = (
    "context length",
    "maximum context",
    "max_model_len",
    "longer than the maximum model length",
    "prompt is too long",
    "maximum allowed length",
    "context size",
)
_TOO_MANY_IMAGES = "image(s) may be provided"


class ServedRunner:
    """A model behind a server.

    Args:
        served: where it is, and how it is asked.

    Raises:
        UsageError: the server does not serve that model, or asks for a key.
        DeviceError: nothing answers there, or nonsense does.
    """

    def __init__(self, served: ServedModel) -> None:
        self._served = served
        self._client = ServerClient(served)
        try:
            self._facts = read_facts(self._client, served)
        except BaseException:
            self._client.close()
            raise
        self._images = FrameImages(served)
        self._lock = Lock()
        self._work = Work()
        self._bounded = 0
        self._closed = False
        self._seen = False
        self._letter_ids: dict[str, list[int]] | None = {} if self._facts.kind == VLLM else None
        self._key = json_key(
            {
                "served": served.model,
                "server": dict(self._facts.said),
                "template": TEMPLATE,
                "scoring": SCORING_VERSION,
                "writing": [served.max_tokens, PARSER_VERSION],
                **served.encoding(),
            }
        )

    @property
    def name(self) -> str:
        """The model's name on the server."""
        return self._served.model

    @property
    def key(self) -> str:
        """MLLM key: 32 hex digits over the name, what the server says of itself and the model, template, encoding and scoring.

        Where the server is, is not part of it. Of the weights nothing is known but what the server says.
        """
        return self._key

    @property
    def provenance(self) -> dict[str, str]:
        """How it is run, as far as the server says; nothing of where it is, and no key."""
        encoding = {name: str(value) for name, value in self._served.encoding().items() if value is not None}
        return {
            "runtime": f"server: {self._facts.kind}" if self._facts.kind else "server",
            "runtime_version": self._facts.version or "unknown",
            "device": "the server's",
            "dtype": str(self._facts.said.get("dtype", "the server's")),
            "template": TEMPLATE,
            **encoding,
            "max_tokens": str(self._served.max_tokens),
            "threads": str(self._served.concurrency),
            "httpx2_version": httpx2.__version__,
        }

    @property
    def work(self) -> Work:
        """Requests as forwards, those with frames as prefills, the images in them, and the tokens of their prompts."""
        return self._work

    @property
    def trouble(self) -> str:
        """What was tried again, and how many answers hold log-probabilities that are bounds; "" for nothing."""
        said = []
        if self._client.again:
            said.append(f"{self._client.again} requests were tried again, as the server was busy, failing or away")
        if self._bounded:
            said.append(
                f"in {self._bounded} answers a letter is not among the {_TOP} likeliest tokens: its log-probability is at most "
                "the one recorded"
            )
        return f"{self.name}: {'; '.join(said)}" if said else ""

    def prepare(self, batch: FrameBatch, *, origin_us: int, last_us: int, source: str = "") -> PreparedFrames:
        """Shrink n >= 1 frames as far as they are to be; the server's processor does the rest.

        Args:
            batch: uint8 (n, H, W, 3).
            origin_us: the video's first timestamp, from which the prompt's times count.
            last_us: its last, >= origin_us.
            source: key of the video and its decoder, by which frames of another call are known again; "" for none.

        Raises:
            ValueError: no frame, or frames outside origin_us to last_us.
        """
        return PreparedFrames.of(
            batch,
            lambda frames: shrunk(frames, self._served.longest_edge),
            origin_us=origin_us,
            last_us=last_us,
            source=source,
        )

    def answer(self, asks: Sequence[Ask], *, answered: Answered | None = None) -> list[Answer]:
        """Answer in the order of the asks, several requests at a time.

        Raises:
            ValueError: the runner is closed.
            UsageError: a scoring that no server gives or that this one does not, or a request that it does not take.
            DeviceError: the server is away, keeps failing, or answers nonsense.
        """
        if self._closed:
            raise ValueError(f"[runner] {self.name!r} is closed")
        for ask in asks:
            self._check(ask.scoring)
        self._learn_letters(max((len(ask.options) for ask in asks if ask.scoring == "letter"), default=0))
        self._check_sees(asks)
        answers: dict[int, Answer] = {}
        started = time.monotonic()
        try:
            for row, answer in side_by_side(self._answer, asks, threads=self._served.concurrency):
                answers[row] = answer
                if answered is not None:
                    answered({row: answer})
        except BaseException:
            self._client.stop()
            raise
        # Requests wait side by side: each answer's share of the time is by how long it took.
        shares = sum(answer.answer_time_s for answer in answers.values()) or 1.0
        scale = (time.monotonic() - started) / shares
        return [replace(answers[row], answer_time_s=answers[row].answer_time_s * scale) for row in range(len(asks))]

    def close(self) -> None:
        """Close all connections; safe to call twice."""
        self._closed = True
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _check(self, scoring: Scoring) -> None:
        if scoring not in get_args(Scoring):
            raise UsageError(f"unknown scoring {scoring!r}; exists: {', '.join(get_args(Scoring))}")
        if scoring == "option":
            raise UsageError(
                f"{self.name}: a server does not say how likely an option's text is; use scoring: [letter] or [generate]"
            )

    def _check_sees(self, asks: Sequence[Ask]) -> None:
        """Once, before the first frames are asked about."""
        shown = next((ask for ask in asks if ask.frames is not None and len(ask.options) <= len(LETTERS)), None)
        if shown is None or self._seen:
            return
        try:
            check_sees(self._client, self._served, shown, self._images)
        except Refused as error:
            self._not_taken(error)
        except UnexpectedReply as error:
            raise self._nonsense(error) from error
        self._seen = True

    def _learn_letters(self, options: int) -> None:
        """The ids of the letters that so many options have, where the server tells them."""
        if self._letter_ids is not None:
            new = "".join(letter for letter in LETTERS[:options] if letter not in self._letter_ids)
            found = letter_ids(self._client, self._served, new)
            self._letter_ids = None if found is None else {**self._letter_ids, **found}

    def _answer(self, ask: Ask) -> Answer:
        if len(ask.options) > len(LETTERS):
            return _refused(f"{len(ask.options)} options; a prompt can list {len(LETTERS)} by letter")
        started = time.monotonic()
        body = {"model": self._served.model, "messages": messages(ask, self._images), "temperature": 0}
        body |= self._letter_fields(len(ask.options)) if ask.scoring == "letter" else self._written_fields()
        try:
            reply = read_reply(self._client.post(f"{self._served.base}/chat/completions", body))
        except Refused as error:
            return self._not_taken(error)
        except UnexpectedReply as error:
            raise self._nonsense(error) from error
        self._count(ask, reply)
        answer = self._letter(ask, reply) if ask.scoring == "letter" else _written(ask, reply)
        return replace(answer, answer_time_s=time.monotonic() - started)

    def _letter_fields(self, options: int) -> dict[str, Any]:
        fields: dict[str, Any] = {"max_tokens": 1, "logprobs": True, "top_logprobs": _TOP}
        if self._letter_ids is not None:
            wanted = [number for letter in LETTERS[:options] for number in self._letter_ids[letter]]
            # Whether or not they are among the likeliest; an older vLLM leaves the first field aside.
            fields |= {"logprob_token_ids": wanted, "return_tokens_as_token_ids": True}
        return fields

    def _written_fields(self) -> dict[str, Any]:
        return {"max_tokens": self._served.max_tokens}

    def _letter(self, ask: Ask, reply: Reply) -> Answer:
        if not reply.likely:
            raise UsageError(
                f"server {self._served.base}: gives no log-probabilities for {self.name!r}; use scoring: [generate], or serve "
                "the model with vLLM or SGLang (docs/serving.md)"
            )
        scores = letter_scores(reply.likely, len(ask.options), self._letter_ids)
        if scores is None:
            return Answer(
                choice=None,
                option_logprobs=(),
                option_tokens=(),
                prompt_tokens=reply.prompt_tokens,
                status="unparsable",
                status_detail=f"no option's letter is among the {len(reply.likely)} likeliest tokens: {list(reply.likely)}",
                written=reply.text,
            )
        with self._lock:
            self._bounded += bool(scores.unknown)
        return Answer(
            choice=int(np.argmax(scores.logprobs)),
            option_logprobs=scores.logprobs,
            option_tokens=(1,) * len(ask.options),
            prompt_tokens=reply.prompt_tokens,
            status_detail=_bounds(scores, len(reply.likely)),
        )

    def _not_taken(self, error: Refused) -> Answer:
        """The answer to what the model cannot read.

        Raises:
            UsageError: no request of this kind is taken.
        """
        words = str(error)
        if any(phrase in words.lower() for phrase in _TOO_LONG):
            return Answer(
                choice=None,
                option_logprobs=(),
                option_tokens=(),
                prompt_tokens=0,
                status="truncated-prompt",
                status_detail=f"{words}; show it fewer frames",
            )
        advice = "see docs/serving.md"
        if error.status == 404:
            advice = f"correct the model's name, as {self._served.base}/models lists it, or the URL, which ends in /v1"
        if 300 <= error.status < 400:
            advice = "correct the URL"
        if _TOO_MANY_IMAGES in words:
            advice = "start vLLM with --limit-mm-per-prompt and as many images as the largest budget has frames"
        raise UsageError(
            f"server {self._served.base}: does not take a request for {self.name!r} (HTTP {error.status}: {words}); {advice}"
        ) from error

    def _nonsense(self, error: UnexpectedReply) -> DeviceError:
        return DeviceError(f"server {self._served.base}: {error}; correct the URL, or see the server's log")

    def _count(self, ask: Ask, reply: Reply) -> None:
        frames = 0 if ask.frames is None else len(ask.frames)
        done = Work(tower_frames=frames, prefills=bool(frames), forwards=1, prefix_tokens=reply.prompt_tokens)
        with self._lock:
            self._work += done


def _written(ask: Ask, reply: Reply) -> Answer:
    choice = chosen_option(reply.text, ask.options)
    return Answer(
        choice=choice,
        option_logprobs=(),
        option_tokens=(),
        prompt_tokens=reply.prompt_tokens,
        status="unparsable" if choice is None else "ok",
        status_detail=f"what the model wrote names no option: {reply.text!r}" if choice is None else "",
        written=reply.text,
    )


def _bounds(scores: LetterScores, tokens: int) -> str:
    if not scores.unknown:
        return ""
    return f"{', '.join(scores.unknown)} not among the {tokens} likeliest tokens: at most the log-probability that is recorded"


def _refused(detail: str) -> Answer:
    return Answer(
        choice=None, option_logprobs=(), option_tokens=(), prompt_tokens=0, status="invalid", status_detail=detail
    )
