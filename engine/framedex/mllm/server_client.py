"""Requests to a server that may be busy, failing or away: tried again for a while, then one sentence."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from random import SystemRandom
from threading import Event, Lock
from typing import Any

import httpx2

from framedex.errors import DeviceError, UsageError, first_line
from framedex.mllm.served_model import ServedModel

_FIRST_DELAY_S = 0.5
_LONGEST_DELAY_S = 30.0
_BUSY = frozenset({408, 409, 425, 429, 502, 503, 504})
#: A server fails like this for good, too: on a request that it cannot take.
_FAILED = 500
_TRIES_OF_FAILED = 5
_CONNECT_S = 10.0


class Refused(Exception):
    """The server refuses this request and would again; says why in its words.

    Attributes:
        status: of HTTP.
    """

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


class ServerClient:
    """One server; may be used by several threads.

    Args:
        served: where it is.

    Attributes:
        again: requests that were tried again so far.

    Raises:
        UsageError: its URL names no host that there can be, or its key is none that can be sent.
    """

    def __init__(self, served: ServedModel) -> None:
        self._served = served
        self._subject = f"server {served.base}"
        _check_host(served)
        key = _key(served)
        self._has_key = bool(key)
        self._client = httpx2.Client(
            timeout=httpx2.Timeout(served.timeout_s, connect=_CONNECT_S, pool=None),
            limits=httpx2.Limits(max_connections=served.concurrency, max_keepalive_connections=served.concurrency),
            headers={"Authorization": f"Bearer {key}"} if key else {},
        )
        self._stopped = Event()
        self._lock = Lock()
        self._answered = False
        self.again = 0

    def get(self, url: str) -> Any | None:
        """What is there; None where nothing is, or nothing that may be seen.

        Raises:
            DeviceError: the server is away, keeps failing or answers nonsense.
            UsageError: it asks for a key.
        """
        try:
            return self._sent("GET", url, None)
        except Refused:
            return None

    def post(self, url: str, body: dict[str, Any]) -> Any:
        """What comes back.

        Raises:
            Refused: the request cannot be taken.
            DeviceError: the server is away, keeps failing or answers nonsense.
            UsageError: it asks for a key.
        """
        return self._sent("POST", url, body)

    def stop(self) -> None:
        """Try nothing again."""
        self._stopped.set()

    def close(self) -> None:
        """Close all connections; safe to call twice."""
        self.stop()
        self._client.close()

    def _sent(self, method: str, url: str, body: dict[str, Any] | None) -> Any:
        tries, failing_since = 0, 0.0
        while True:
            tries += 1
            asked_to_wait: float | None = None
            try:
                response = self._client.request(method, url, json=body)
            except httpx2.DecodingError as error:
                raise self._nonsense(f"a body that cannot be unpacked ({first_line(error)})") from error
            except httpx2.TransportError as error:
                trouble = _transport(error, self._served)
                last = isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout) and not self._answered
            else:
                self._answered = True
                if response.is_success:
                    return self._value(response)
                trouble = self._failure(response)
                asked_to_wait = _retry_after(response)
                last = response.status_code == _FAILED and tries >= _TRIES_OF_FAILED
            now = time.monotonic()
            failing_since = failing_since or now
            delay_s = _delay_s(tries) if asked_to_wait is None else asked_to_wait
            over = now + delay_s - failing_since > self._served.patience_s
            if last or over or self._stopped.wait(delay_s):
                raise DeviceError(f"{self._subject}: {self._given_up(trouble, tries, asked_to_wait)}")
            with self._lock:
                self.again += 1

    def _given_up(self, trouble: str, tries: int, asked_to_wait: float | None) -> str:
        if not self._answered:
            return f"{trouble}; start it (docs/serving.md), or correct the URL, which ends in /v1 and has the server's port"
        waits = "" if asked_to_wait is None else f", and asks to wait for {asked_to_wait:.0f} s"
        return (
            f"{trouble}{waits}; tried {tries} times, patience_s is {self._served.patience_s:g}; see the server's log, then run "
            "the same command again"
        )

    def _value(self, response: httpx2.Response) -> Any:
        try:
            return _json(response.content)
        except ValueError as error:
            raise self._nonsense(repr(response.text[:80])) from error

    def _nonsense(self, got: str) -> DeviceError:
        return DeviceError(
            f"{self._subject}: expected JSON of an OpenAI-compatible interface, got {got}; correct the URL, which ends in /v1"
        )

    def _failure(self, response: httpx2.Response) -> str:
        """What is wrong, where it may pass.

        Raises:
            UsageError: the server asks for a key.
            Refused: it will not pass.
        """
        status = response.status_code
        if status in (401, 403):
            wants = "refuses the key" if self._has_key else "asks for a key"
            raise UsageError(
                f"{self._subject}: {wants} (HTTP {status}); put its key into the environment variable {self._served.key_env}"
            )
        if status not in _BUSY and status != _FAILED:
            raise Refused(status, _words(response))
        return f"{'is busy or away' if status in _BUSY else 'failed'} (HTTP {status}: {_words(response)})"


def _check_host(served: ServedModel) -> None:
    try:
        httpx2.URL(served.base)
    except httpx2.InvalidURL as error:
        raise UsageError(
            f"server {served.url!r}: expected a URL such as http://localhost:8000/v1 ({first_line(error)})"
        ) from error


def _key(served: ServedModel) -> str:
    """The server's key, "" where there is none; no message shows it."""
    key = os.environ.get(served.key_env, "").strip()
    if not (key.isascii() and key.isprintable()):
        raise UsageError(
            f"environment variable {served.key_env}: expected the server's key, got a text with line breaks or characters beyond "
            "ASCII, which no request can carry; set it anew"
        )
    return key


def _transport(error: httpx2.TransportError, served: ServedModel) -> str:
    if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
        return f"nothing answers there ({first_line(error)})"
    if isinstance(error, httpx2.TimeoutException):
        return f"gave no answer within {served.timeout_s:g} s"
    return f"the connection broke ({first_line(error)})"


def _delay_s(tries: int) -> float:
    """Twice as long each time, and at random so that requests that failed together do not come back together."""
    return min(_LONGEST_DELAY_S, _FIRST_DELAY_S * 2.0 ** (tries - 1)) * SystemRandom().uniform(0.5, 1.0)


def _retry_after(response: httpx2.Response) -> float | None:
    """Seconds that the server asks to wait, as a number or a date."""
    given = response.headers.get("Retry-After", "").strip()
    if not given:
        return None
    try:
        return max(0.0, float(given))
    except ValueError:
        pass
    try:
        at = parsedate_to_datetime(given)
    except ValueError:
        return None
    return max(0.0, (at - datetime.now(UTC)).total_seconds()) if at.tzinfo else None


def _words(response: httpx2.Response) -> str:
    """What a server says of an error, in the forms that vLLM, SGLang and FastAPI have."""
    if response.has_redirect_location:
        return first_line(ValueError(f"redirects to {response.headers['Location']!r}"))
    try:
        value = _json(response.content)
    except ValueError:
        value = response.text
    for name in ("error", "message", "detail"):
        if isinstance(value, dict) and name in value:
            value = value[name]
    words = value if isinstance(value, str) else json.dumps(value)
    return first_line(ValueError(words)) if words.strip() else "no words"


def _json(data: bytes) -> Any:
    """JSON whose texts can all be recorded: halves of surrogate pairs, which JSON may name, are replaced by U+FFFD.

    Raises:
        ValueError: it is none, or nested too deeply.
    """
    try:
        text = json.dumps(json.loads(data), ensure_ascii=False)
        return json.loads(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
