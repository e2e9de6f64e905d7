"""The encoder file."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contracts.store_samples import encoder_entry
from framedex.errors import StoreError
from framedex.index import EncoderEntry


def test_an_entry_comes_back_from_its_file() -> None:
    assert EncoderEntry.from_json("x", encoder_entry().to_json()) == encoder_entry()


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"key": "0" * 32}, "key: identity has the key"),
        ({"identity": {}}, "key: identity has the key"),
        ({"identity": None}, "identity: expected an object"),
        ({"name": ""}, "name: expected a name"),
        ({"dim": 0}, "dim: expected 1 to 65536, got 0"),
        ({"artefact": None}, "artefact: expected a string"),
        ({"version": 9}, "format version 9"),
        ({"more": 1}, "unknown 'more'"),
    ],
)
def test_each_way_to_be_wrong_has_its_sentence(changed: dict[str, Any], sentence: str) -> None:
    values = json.loads(encoder_entry().to_json()) | changed
    with pytest.raises(StoreError, match=sentence):
        EncoderEntry.from_json("x", json.dumps(values).encode())
