"""JSON as docs/format.md has it: one object, exactly the keys named, exactly the types named."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any, Final

from framedex.errors import StoreError

#: Largest integer in any file.
INTEGER_MAX: Final = 2**63 - 1


class Fields:
    """Typed access to one JSON object whose keys are exactly `names`.

    Args:
        subject: the file, and the field where the object is nested, for messages.
        value: what JSON gave.
        names: the keys it must have.

    Raises:
        StoreError: `value` is no object, or a key is missing or unknown; the methods: a value of another type.
    """

    def __init__(self, subject: str, value: object, names: Collection[str]) -> None:
        if not isinstance(value, dict):
            raise StoreError(f"{subject}: expected a JSON object, got {_kind(value)}")
        missing = [name for name in names if name not in value]
        unknown = sorted(name for name in value if name not in names)
        if missing or unknown:
            found = [f"{', '.join(missing)} missing"] if missing else []
            found += [f"unknown {', '.join(map(repr, unknown))}"] if unknown else []
            raise StoreError(f"{subject}: expected the keys {', '.join(names)}; got {' and '.join(found)}")
        self.subject = subject
        self._values: dict[str, Any] = value

    def text(self, name: str) -> str:
        """A string."""
        value = self._values[name]
        if type(value) is not str:
            raise self._wrong(name, "a string", value)
        return value

    def text_or_none(self, name: str) -> str | None:
        """A string or null."""
        return None if self._values[name] is None else self.text(name)

    def integer(self, name: str) -> int:
        """An integer within ±INTEGER_MAX; true and 1.0 are none."""
        value = self._values[name]
        if type(value) is not int or abs(value) > INTEGER_MAX:
            raise self._wrong(name, "an integer of at most 63 bits", value)
        return value

    def version(self, supported: int) -> None:
        """Check the key `version`."""
        got = self.integer("version")
        if got != supported:
            raise StoreError(
                f"{self.subject}: format version {got}, this framedex reads version {supported}; install one that reads it"
            )

    def nested(self, name: str, names: Collection[str]) -> Fields:
        """An object with exactly the keys `names`."""
        return Fields(f"{self.subject}: {name}", self._values[name], names)

    def mapping(self, name: str) -> dict[str, Any]:
        """An object with any keys."""
        value = self._values[name]
        if type(value) is not dict:
            raise self._wrong(name, "an object", value)
        return value

    def texts_by_name(self, name: str) -> dict[str, str]:
        """An object of strings."""
        value = self.mapping(name)
        if not all(type(item) is str for item in value.values()):
            raise self._wrong(name, "an object of strings", value)
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of strings."""
        value = self._values[name]
        if type(value) is not list or not all(type(item) is str for item in value):
            raise self._wrong(name, "a list of strings", value)
        return tuple(value)

    def _wrong(self, name: str, expected: str, got: object) -> StoreError:
        return StoreError(f"{self.subject}: {name}: expected {expected}, got {_kind(got)}")


def parse_json(subject: str, data: bytes) -> object:
    """The value of a JSON text in UTF-8.

    Raises:
        StoreError: not JSON, or an object gives a key twice.
    """
    try:
        value: object = json.loads(data.decode(), object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise StoreError(f"{subject}: expected JSON, got {error}; run: framedex verify") from error
    return value


def json_bytes(value: Mapping[str, Any]) -> bytes:
    """Indented ASCII JSON; a file name that is no UTF-8 survives as escaped surrogates."""
    return (json.dumps(value, indent=1, allow_nan=False) + "\n").encode("ascii")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("an object with a key twice")
    return value


def _no_constant(text: str) -> None:
    raise ValueError(f"the number {text}")


def _kind(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}…"
