"""Keys: what they hash, and that nothing runs together."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from framedex.keys import canonical_json, is_key, json_key, sha256_file, sha256_parts


def test_equal_values_have_equal_keys_and_others_do_not() -> None:
    assert canonical_json({"b": [1, 2.5, None], "a": "ü"}) == '{"a":"ü","b":[1,2.5,null]}'
    assert json_key({"a": 1, "b": 2}) == json_key({"b": 2, "a": 1})
    assert json_key({"a": 1}) != json_key({"a": "1"})
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json(float("nan"))


def test_parts_do_not_run_together() -> None:
    assert sha256_parts([b"ab", b"c"]) != sha256_parts([b"a", b"bc"])
    assert sha256_parts([b"ab"]) != sha256_parts([b"ab", b""])


def test_a_file_is_hashed_by_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"x" * 3_000_000)
    assert sha256_file(tmp_path / "f") == hashlib.sha256(b"x" * 3_000_000).hexdigest()


def test_the_form_of_a_key() -> None:
    assert is_key(json_key([]))
    assert not is_key("A" * 32)
    assert not is_key("a" * 31)
