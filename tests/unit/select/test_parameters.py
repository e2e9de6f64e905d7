"""Samplers written as text."""

from __future__ import annotations

from typing import Any

import pytest

from framedex.errors import UsageError
from framedex.select import make_sampler, parse_spec, read_sampler
from framedex.select.windows import WindowTop


def test_a_spec_is_a_name_and_parameters() -> None:
    assert parse_spec("top") == ("top", {})
    name, parameters = parse_spec("window-top:length=8, stride=4")
    assert make_sampler(name, **parameters) == WindowTop(length=8, stride=4)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("acme.rules:EveryOther", ("acme.rules:EveryOther", {})),
        ("rules:EveryOther:step=3", ("rules:EveryOther", {"step": "3"})),
        ("rules:EveryOther:step=3, at=a:b", ("rules:EveryOther", {"step": "3", "at": "a:b"})),
        ("drop:base=top", ("drop", {"base": "top"})),
        (" mmr : share = 0.5 ", ("mmr", {"share": "0.5"})),
    ],
)
def test_a_class_of_a_module_is_a_name(text: str, expected: object) -> None:
    assert parse_spec(text) == expected


@pytest.mark.parametrize(
    "text", ["top:k", "top:=3", "window-top:length=2,length=3", "mmr:share=0.5, share=0.6", "rules:EveryOther:step"]
)
def test_a_part_that_is_no_pair_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="expected name:key=value"):
        parse_spec(text)


def test_unknown_sampler_says_what_exists() -> None:
    with pytest.raises(UsageError, match=r"unknown sampler 'botom'; exists: .*uniform.*did you mean 'bottom'\?"):
        make_sampler("botom")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("window-top:stride=1e30", "'window-top', stride: expected a whole number up to 9007199254740992, got '1e30'"),
        ("window-top:stride=1e15", "window stride: expected a whole number from 1 to 2147483647, got 1000000000000000"),
        ("window-top:length=0", "window length: expected a whole number from 1 to 2147483647, got 0"),
        ("aks:depth=1e300", "'aks', depth: expected a whole number up to 9007199254740992, got '1e300'"),
        ("aks:depth=2.5", "'aks', depth: expected a whole number, got '2.5'"),
        ("mmr:share=much", "'mmr', share: expected a number, got 'much'"),
    ],
)
def test_numbers_that_are_none_or_too_large(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        read_sampler(text)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("mmr", {"share": [0.5]}, r"'mmr', share: expected a number, got \[0.5\]"),
        ("mmr", {"share": True}, "'mmr', share: expected a number, got True"),
        ("aks", {"depth": {}}, "'aks', depth: expected a whole number, got {}"),
        ("aks", {"depth": 10**400}, "'aks', depth: expected a whole number, got one of 1329 bits"),
        ("drop", {"by": ["lowest"]}, r"'drop', by: expected one of lowest, highest, random, got \['lowest'\]"),
        (7, {}, "sampler: expected a text, got 7"),
    ],
)
def test_parameters_of_another_type(name: Any, parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make_sampler(name, **parameters)
