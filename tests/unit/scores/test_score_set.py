"""The file of a set."""

from __future__ import annotations

import json
from typing import Any

import pytest

from framedex.errors import StoreError
from framedex.keys import json_key
from framedex.scores.score_set import Candidates, ScoreSet
from score_samples import import_set, pair_set


@pytest.mark.parametrize("each", [pair_set(), pair_set(top=8), import_set()])
def test_a_set_comes_back_from_its_file(each: ScoreSet) -> None:
    assert ScoreSet.from_json("x", each.to_json()) == each


def test_what_scores_depend_on_is_in_the_key() -> None:
    sets = [pair_set(), pair_set("other"), pair_set(top=8), pair_set(top=9), import_set(), import_set("theirs")]
    sets.append(import_set(curves="others"))
    assert len({each.key for each in sets}) == len(sets)
    assert pair_set(top=8).name == "colour-top8-sample"


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"version": 2}, "format version 2, this framedex reads version 1"),
        ({"key": "0" * 32}, "key: identity has the key"),
        ({"name": " "}, "name: expected a name that is not blank"),
        ({"name": "0" * 32}, "name: expected a name that is not blank and no key"),
        ({"kind": "index"}, "kind: expected one of pair, import, got 'index'"),
        ({"kind": "import"}, "identity: expected the kind 'import', got 'pair'"),
        ({"identity": {}}, "identity: expected the kind 'pair', got None"),
        ({"identity": None}, "identity: expected an object"),
        ({"more": 1}, "unknown 'more'"),
    ],
)
def test_each_way_to_be_wrong_has_its_sentence(changed: dict[str, Any], sentence: str) -> None:
    values = json.loads(pair_set().to_json()) | changed
    with pytest.raises(StoreError, match=sentence):
        ScoreSet.from_json("x", json.dumps(values).encode())


@pytest.mark.parametrize(
    "identity",
    [
        {"kind": "pair"},
        {"kind": "pair", "scorer": "x"},
        {"kind": "pair", "scorer": 3},
        {"kind": "pair", "scorer": "0" * 32, "more": 1},
        {"kind": "pair", "scorer": "0" * 32, "candidates": {"encoder": "0" * 32, "top": 0}},
        {"kind": "pair", "scorer": "0" * 32, "candidates": {"encoder": "0" * 32, "top": True}},
        {"kind": "pair", "scorer": "0" * 32, "candidates": {"encoder": "0" * 32}},
        {"kind": "pair", "scorer": "0" * 32, "candidates": [1]},
        {"kind": "import", "name": "other", "curves": "0" * 32},
        {"kind": "import", "name": "n", "curves": "x"},
        {"kind": "import", "name": "n"},
    ],
)
def test_an_identity_of_another_form_is_refused(identity: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="identity: is not that of a set"):
        ScoreSet(key=json_key(identity), name="n", kind=identity["kind"], identity=identity)


def test_candidates_are_one_or_more() -> None:
    with pytest.raises(ValueError, match="top: expected 1 frame or more, got 0"):
        Candidates(encoder_key="0" * 32, encoder_name="e", top=0)
