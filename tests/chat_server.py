"""A real HTTP server on this machine that answers as it is told: in a served model's form, or badly."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).parent / "golden" / "replies"


def recorded(name: str) -> Any:
    """A response in a server's documented form; the file says by which documentation it was written."""
    return json.loads((GOLDEN / f"{name}.json").read_text())["response"]


@dataclass(frozen=True)
class Play:
    """One response: a status, headers and a body; or no response, but the connection's end."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    after_s: float = 0.0
    drops: bool = False


@dataclass(frozen=True)
class Got:
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


#: (request, how many came to this path before) → response.
Script = Callable[[Got, int], Play]


@dataclass
class ChatServer:
    """What it was asked; `under_way` at most so many requests at a time."""

    url: str
    requests: list[Got] = field(default_factory=list)
    under_way: int = 0
    most_under_way: int = 0

    def asked(self, path: str) -> list[Got]:
        return [each for each in self.requests if each.path == path]

    @property
    def completions(self) -> list[Got]:
        """Those that were questions; not those by which a runner sees whether frames are looked at."""
        return [got for got in self.asked("/v1/chat/completions") if not is_probe(got)]


def is_probe(got: Got) -> bool:
    """Whether a completion is asked for its prompt's length alone."""
    return got.body["max_tokens"] == 1 and "logprobs" not in got.body


def frames_of(got: Got) -> int:
    """How many images a completion's messages hold."""
    return sum(part["type"] == "image_url" for part in got.body["messages"][0]["content"])


def reading(got: Got, value: Any) -> Play:
    """A chat completion whose prompt is as long as the response says, and shorter where it holds no image."""
    if not frames_of(got):
        value["usage"]["prompt_tokens"] = 42
    return Play(value)


def models(*names: str, owned_by: str = "vllm", **more: Any) -> Play:
    """A list of models."""
    return Play({"object": "list", "data": [{"id": name, "owned_by": owned_by, **more} for name in names]})


@contextmanager
def chat_server(script: Script) -> Iterator[ChatServer]:
    """Serve on loopback until left."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self._play(None)

        def do_POST(self) -> None:
            self._play(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def _play(self, body: Any) -> None:
            got = Got(self.command, self.path, dict(self.headers), body)
            with lock:
                before = len(played.asked(self.path))
                played.requests.append(got)
                played.under_way += 1
                played.most_under_way = max(played.most_under_way, played.under_way)
            try:
                play = script(got, before)
                time.sleep(play.after_s)
            finally:
                with lock:
                    played.under_way -= 1
            if play.drops:
                self.close_connection = True
                return
            data = play.body if isinstance(play.body, bytes) else json.dumps(play.body).encode()
            self.send_response(play.status)
            for name, value in play.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Nothing on stderr."""

        def handle(self) -> None:
            with suppress(ConnectionError):  # the client was tired of waiting
                super().handle()

    class Server(ThreadingHTTPServer):
        daemon_threads = False  # they are waited for

        def __init__(self, *arguments: Any) -> None:
            self.connections: list[socket.socket] = []
            super().__init__(*arguments)

        def process_request(self, request: Any, client_address: Any) -> None:
            self.connections.append(request)
            super().process_request(request, client_address)

        def hang_up(self) -> None:
            """Else a connection that is kept would still be served."""
            for connection in self.connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that is gone is no trouble."""

    with Server(("127.0.0.1", 0), Handler) as server:
        played = ChatServer(f"http://127.0.0.1:{server.server_address[1]}/v1")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield played
        finally:
            server.shutdown()
            thread.join()
            server.hang_up()
