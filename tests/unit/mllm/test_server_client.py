"""Requests against a server that is busy, breaks off, talks nonsense, or is not there."""

from __future__ import annotations

import itertools
import socket
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from chat_server import ChatServer, Play, chat_server
from framedex.errors import DeviceError, UsageError
from framedex.mllm import server_client
from framedex.mllm.served_model import ServedModel
from framedex.mllm.server_client import Refused, ServerClient
from framedex.mllm.server_replies import UnexpectedReply, read_reply

FINE = Play({"fine": True})


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_client, "_FIRST_DELAY_S", 0.01)


def client(server: ChatServer, **settings: Any) -> ServerClient:
    return ServerClient(ServedModel(url=server.url, model="m", **{"patience_s": 5.0, **settings}))


def post(server: ChatServer, **settings: Any) -> tuple[Any, int]:
    """What comes back, and how often the request was sent again."""
    asked = client(server, **settings)
    try:
        return asked.post(f"{server.url}/chat/completions", {"a": 1}), asked.again
    finally:
        asked.close()


@pytest.mark.parametrize(
    "trouble",
    [
        Play({"error": {"message": "slow down"}}, status=429),
        Play({"detail": "overloaded"}, status=503),
        Play(b"<html>bad gateway</html>", status=502),
        Play({"message": "a worker died"}, status=500),
        Play(drops=True),
    ],
)
def test_trouble_that_passes_is_waited_out(trouble: Play) -> None:
    with chat_server(lambda _, before: trouble if before < 3 else FINE) as server:
        assert post(server) == ({"fine": True}, 3)
        assert [got.body for got in server.requests] == [{"a": 1}] * 4


def test_a_request_that_takes_too_long_is_sent_again() -> None:
    with chat_server(lambda _, before: Play({"late": 1}, after_s=0.6) if before == 0 else FINE) as server:
        assert post(server, timeout_s=0.15) == ({"fine": True}, 1)


def test_what_does_not_pass_is_given_up_with_what_the_server_said() -> None:
    with chat_server(lambda *_: Play({"error": {"message": "too many requests"}}, status=429)) as server:
        with pytest.raises(DeviceError) as raised:
            post(server, patience_s=0.2)
        assert str(raised.value).startswith(
            f"server {server.url}: is busy or away (HTTP 429: too many requests); tried "
        )
        assert str(raised.value).endswith("patience_s is 0.2; see the server's log, then run the same command again")
        assert len(server.requests) > 2


def test_a_server_that_fails_at_this_request_only_is_not_asked_for_minutes() -> None:
    with chat_server(lambda *_: Play({"error": "cannot read image"}, status=500)) as server:
        with pytest.raises(DeviceError, match=r"failed \(HTTP 500: cannot read image\); tried 5 times"):
            post(server)
        assert len(server.requests) == 5


def test_waits_grow_and_are_not_all_the_same() -> None:
    delays = [[server_client._delay_s(tries) for _ in range(50)] for tries in range(1, 12)]
    assert all(len(set(each)) > 25 for each in delays)
    for shorter, longer in itertools.pairwise(delays[:4]):
        assert max(shorter) <= min(longer) + 1e-9
    assert max(delays[-1]) <= server_client._LONGEST_DELAY_S


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_what_the_server_asks_to_wait_is_waited(form: str) -> None:
    asked = "0.4" if form == "seconds" else format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
    with chat_server(
        lambda _, before: FINE if before else Play({}, status=429, headers={"Retry-After": asked})
    ) as server:
        started = time.monotonic()
        assert post(server) == ({"fine": True}, 1)
        assert time.monotonic() - started >= 0.35


def test_a_server_that_asks_to_wait_longer_than_one_is_willing_to_is_given_up_at_once() -> None:
    with chat_server(lambda *_: Play({}, status=503, headers={"Retry-After": "3600"})) as server:
        started = time.monotonic()
        with pytest.raises(DeviceError, match="and asks to wait for 3600 s; tried 1 times"):
            post(server)
        assert time.monotonic() - started < 60


def test_a_wait_that_is_none_is_not_waited() -> None:
    with chat_server(
        lambda _, before: FINE if before else Play({}, status=429, headers={"Retry-After": "soon"})
    ) as server:
        assert post(server) == ({"fine": True}, 1)


def test_nothing_there_is_said_at_once() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    asked = ServerClient(ServedModel(url=url, model="m"))
    with pytest.raises(
        DeviceError, match=r"nothing answers there .*; start it \(docs/serving.md\), or correct the URL"
    ):
        asked.get(f"{url}/models")
    asked.close()


def test_a_server_that_goes_away_is_waited_for() -> None:
    with chat_server(lambda *_: FINE) as server:
        asked = client(server, patience_s=0.3)
        assert asked.get(f"{server.url}/models") == {"fine": True}
    with pytest.raises(DeviceError, match=r"nothing answers there .*; tried \d"):
        asked.get(f"{server.url}/models")
    asked.close()


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_is_wanted_is_asked_for_by_its_variable(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with chat_server(lambda *_: Play({"error": "Unauthorized: bearer-4711"}, status=status)) as server:
        monkeypatch.delenv("FRAMEDEX_API_KEY", raising=False)
        with pytest.raises(UsageError, match=rf"asks for a key \(HTTP {status}\).*variable FRAMEDEX_API_KEY"):
            post(server)
        monkeypatch.setenv("MY_KEY", "bearer-4711")
        with pytest.raises(UsageError, match=r"refuses the key .*variable MY_KEY") as raised:
            post(server, key_env="MY_KEY")
        assert "4711" not in str(raised.value)
        assert [got.headers.get("Authorization") for got in server.requests] == [None, "Bearer bearer-4711"]


@pytest.mark.parametrize(
    "body", [b"<html>hello</html>", b"", b'{"choices": [', "é".encode("latin-1"), b"[" * 100_000, b'{"a":' * 100_000]
)
def test_nonsense_is_said_and_not_asked_for_again(body: bytes) -> None:
    with chat_server(lambda *_: Play(body)) as server:
        with pytest.raises(DeviceError, match="expected JSON of an OpenAI-compatible interface, got"):
            post(server)
        assert len(server.requests) == 1


def test_json_as_deep_as_can_be_read_or_deeper_is_no_traceback() -> None:
    depths = range(100, 3000, 50)
    with chat_server(lambda _, before: Play(b"[" * depths[before] + b"]" * depths[before])) as server:
        asked = client(server)
        for _ in depths:
            with pytest.raises((DeviceError, UnexpectedReply), match="expected "):
                read_reply(asked.post(f"{server.url}/chat/completions", {}))
        asked.close()


@pytest.mark.parametrize("status", [200, 400, 503])
def test_a_body_that_is_not_packed_as_it_says_is_nonsense_too(status: int) -> None:
    packed = Play({"fine": True}, status=status, headers={"Content-Encoding": "gzip"})
    with chat_server(lambda *_: packed) as server:
        with pytest.raises(DeviceError, match=r"expected JSON .*, got a body that cannot be unpacked"):
            post(server)
        asked = client(server)
        with pytest.raises(DeviceError, match="got a body that cannot be unpacked"):
            asked.get(f"{server.url}/models")
        asked.close()
        assert len(server.requests) == 2


def test_halves_of_surrogate_pairs_are_replaced_and_whole_pairs_are_kept() -> None:
    halves = rb'{"\udc00": ["\ud800", "a\ud800b", "\ud83d\ude00"], "n": 1e999}'
    with chat_server(lambda *_: Play(halves)) as server:
        assert post(server)[0] == {"\ufffd": ["\ufffd", "a\ufffdb", "\U0001f600"], "n": float("inf")}


@pytest.mark.parametrize("key", ["a-4711\nb", "4711-\u00e9", "4711\x01", "47\udc8011"])
def test_a_key_that_no_request_can_carry_is_said_by_its_variable(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", key)
    with chat_server(lambda *_: FINE) as server:
        with pytest.raises(UsageError, match="environment variable MY_KEY: expected the server's key") as raised:
            post(server, key_env="MY_KEY")
        assert "47" not in str(raised.value)
        assert server.requests == []
        monkeypatch.setenv("MY_KEY", " fine-4711\n")
        post(server, key_env="MY_KEY")
        assert server.requests[0].headers["Authorization"] == "Bearer fine-4711"


@pytest.mark.parametrize("url", ["http://a..b\u00e4/v1", "http://[::zz]/v1", "http://1.2.3.999/v1"])
def test_a_host_that_there_cannot_be_is_said(url: str) -> None:
    with pytest.raises(UsageError, match="expected a URL such as"):
        ServerClient(ServedModel(url=url, model="m"))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"error": {"message": "no such model", "code": 404}}, "no such model"),
        ({"object": "error", "message": "no such model"}, "no such model"),
        ({"detail": "no such model"}, "no such model"),
        ({"detail": [{"msg": "no such model"}]}, '[{"msg": "no such model"}]'),
        (b"no such model\nat all", "no such model"),
    ],
)
def test_a_request_that_is_refused_is_refused_in_the_servers_words(body: Any, words: str) -> None:
    with chat_server(lambda *_: Play(body, status=404)) as server:
        with pytest.raises(Refused) as raised:
            post(server)
        assert (str(raised.value), raised.value.status) == (words, 404)
        asked = client(server)
        assert asked.get(f"{server.url}/version") is None
        asked.close()
        assert len(server.requests) == 2


def test_once_stopped_nothing_is_tried_again() -> None:
    with chat_server(lambda *_: Play({}, status=503)) as server:
        asked = client(server)
        asked.stop()
        with pytest.raises(DeviceError, match="tried 1 times"):
            asked.post(f"{server.url}/chat/completions", {})
        asked.close()
