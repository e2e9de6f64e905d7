"""JSON, strictly."""

from __future__ import annotations

import pytest

from framedex.errors import StoreError
from framedex.index.strict_json import Fields, json_bytes, parse_json


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"\xff",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": 1, "a": 2}',
        b'{"a": {"b": 1, "b": 1}}',
        b"[" * 100_000,
        b"1 2",
    ],
)
def test_what_is_not_json_is_refused(data: bytes) -> None:
    with pytest.raises(StoreError, match=r"^x: expected JSON"):
        parse_json("x", data)


def test_what_is_written_is_read() -> None:
    value = {"a": [1, -2.5, None, True], "é\udc80": {"b": "\n"}}
    assert parse_json("x", json_bytes(value)) == value


def test_fields_name_what_is_missing_and_unknown() -> None:
    with pytest.raises(StoreError, match=r"x: expected the keys a, b; got a missing and unknown 'c'"):
        Fields("x", {"b": 1, "c": 2}, ("a", "b"))
    with pytest.raises(StoreError, match=r"x: expected a JSON object, got \[1\]"):
        Fields("x", [1], ())


@pytest.mark.parametrize("value", [1.0, True, "1", None, 2**63, -(2**63)])
def test_integers_are_integers(value: object) -> None:
    with pytest.raises(StoreError, match="x: a: expected an integer"):
        Fields("x", {"a": value}, ("a",)).integer("a")


def test_long_values_are_shortened_in_messages() -> None:
    with pytest.raises(StoreError) as caught:
        Fields("x", {"a": "y" * 10_000}, ("a",)).integer("a")
    assert len(str(caught.value)) < 200
