"""Samplers written as text."""

from __future__ import annotations

import pytest

from framedex.errors import UsageError
from framedex.select import make_sampler, parse_spec
from framedex.select.windows import WindowTop


def test_a_spec_is_a_name_and_parameters() -> None:
    assert parse_spec("top") == ("top", {})
    name, parameters = parse_spec("window-top:length=8, stride=4")
    assert make_sampler(name, **parameters) == WindowTop(length=8, stride=4)


@pytest.mark.parametrize("text", ["top:k", "top:=3", "window-top:length=2,length=3"])
def test_a_part_that_is_no_pair_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="expected name:key=value"):
        parse_spec(text)


def test_unknown_sampler_says_what_exists() -> None:
    with pytest.raises(UsageError, match=r"unknown sampler 'botom'; exists: .*uniform.*did you mean 'bottom'\?"):
        make_sampler("botom")
