"""Content keys: the first 32 hex digits of SHA-256 over bytes or canonical JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

KEY_LENGTH = 32

Json = Mapping[str, "Json"] | Sequence["Json"] | str | int | float | bool | None


def canonical_json(value: Json) -> str:
    """JSON with sorted keys, no spaces and no NaN, so that equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def json_key(value: Json) -> str:
    """Key of a JSON value."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:KEY_LENGTH]


def sha256_file(path: Path) -> str:
    """The whole SHA-256 of a file, in hex (64 digits)."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
