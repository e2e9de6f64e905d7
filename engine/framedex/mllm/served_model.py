"""A model that somebody else serves: where, by which name, and how it is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args
from urllib.parse import urlsplit

from framedex.errors import UsageError

ImageFormat = Literal["png", "jpeg"]

#: Longer, and no clock of the system's counts it.
_LONGEST_S = 1e6

#: The environment variable that a server's key is read from, unless told otherwise.
KEY_ENV = "FRAMEDEX_API_KEY"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedModel:
    """A model behind an OpenAI-compatible chat-completions interface.

    Attributes:
        url: base of the interface, "http://host:port/v1"; no part of any key.
        model: its name there.
        concurrency: requests under way at a time; what a server makes one batch of.
        image: how frames are sent; "png" keeps every pixel.
        quality: of JPEG, 1 to 100.
        longest_edge: pixels to which larger frames are shrunk before they are sent; None for whole frames. The server's own
            processor resizes what it gets.
        max_tokens: of a written answer.
        timeout_s: seconds for one request, waiting in the server's queue included.
        patience_s: seconds for which a request is tried again while the server is busy, failing or away.
        key_env: name of the environment variable that holds the server's key; the key itself is recorded nowhere.

    Raises:
        UsageError: a value that no server can be asked with.
    """

    url: str
    model: str
    concurrency: int = 16
    image: ImageFormat = "png"
    quality: int = 95
    longest_edge: int | None = None
    max_tokens: int = 16
    timeout_s: float = 600.0
    patience_s: float = 300.0
    key_env: str = KEY_ENV

    def __post_init__(self) -> None:
        if any(mark in self.url for mark in "@?#"):  # what stands there may be a secret: nothing of it is shown
            raise UsageError(
                "server: expected a URL without a user, key or query; put the key into the environment variable "
                f"{self.key_env}, and leave @, ? and # out of the URL"
            )
        if not _has_host(self.url):
            raise UsageError(f"server {self.url!r}: expected a URL such as http://localhost:8000/v1")
        if not self.model.strip():
            raise UsageError(f"server {self.url}: expected the name of a model, got an empty text")
        if self.image not in get_args(ImageFormat):
            raise UsageError(
                f"server {self.url}: expected image {' or '.join(get_args(ImageFormat))}, got {self.image!r}"
            )
        longest_edge = 1 if self.longest_edge is None else self.longest_edge
        if not 1 <= self.quality <= 100 or min(self.concurrency, self.max_tokens, longest_edge) < 1:
            raise UsageError(
                f"server {self.url}: expected concurrency, max_tokens and longest_edge of 1 or more and a quality of 1 to 100, "
                f"got {self.concurrency}, {self.max_tokens}, {self.longest_edge} and {self.quality}"
            )
        if not 0 < self.timeout_s <= _LONGEST_S or not 0 <= self.patience_s <= _LONGEST_S:
            raise UsageError(
                f"server {self.url}: expected timeout_s above 0 and patience_s of 0 or more, in seconds up to {_LONGEST_S:.0f}, "
                f"got {self.timeout_s:g} and {self.patience_s:g}"
            )

    @property
    def base(self) -> str:
        """The URL without a slash at its end."""
        return self.url.rstrip("/")

    @property
    def root(self) -> str:
        """Where the server's own interface is, beside the OpenAI-compatible one."""
        return self.base.removesuffix("/v1")

    def encoding(self) -> dict[str, str | int | None]:
        """What is done to a frame before it is sent, for a key."""
        quality = self.quality if self.image == "jpeg" else None
        return {"image": self.image, "quality": quality, "longest_edge": self.longest_edge}


def _has_host(url: str) -> bool:
    """Whether a URL is one of HTTP with a host, a port that there can be, and no blanks."""
    try:
        parts = urlsplit(url)
        return (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and parts.port != 0
            and url.isprintable()
            and " " not in url
        )
    except ValueError:  # brackets that do not close, or a port that is none
        return False
