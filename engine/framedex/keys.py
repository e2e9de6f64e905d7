"""Content keys: the first 32 hex digits of SHA-256 over bytes or canonical JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

KEY_LENGTH = 32

_READ_NBYTES = 1 << 20

Json = Mapping[str, "Json"] | Sequence["Json"] | str | int | float | bool | None


def canonical_json(value: Json) -> str:
    """JSON with sorted keys, no spaces and no NaN, so that equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def json_key(value: Json) -> str:
    """Key of a JSON value."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:KEY_LENGTH]


def sha256_file(path: Path, *, progress: Callable[[], None] | None = None) -> str:
    """The whole SHA-256 of a file, in hex (64 digits); `progress` is called every now and then."""
    digest, buffer = hashlib.sha256(), bytearray(_READ_NBYTES)
    with path.open("rb", buffering=0) as file, memoryview(buffer) as view:
        while nbytes := file.readinto(view):
            digest.update(view[:nbytes])
            if progress is not None:
                progress()
    return digest.hexdigest()


def sha256_parts(parts: Iterable[bytes]) -> str:
    """The whole SHA-256 of byte strings in a row, each preceded by its length so that parts cannot run together."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()


def is_key(text: str) -> bool:
    """Whether `text` has the form of a key."""
    return len(text) == KEY_LENGTH and set(text) <= set("0123456789abcdef")
