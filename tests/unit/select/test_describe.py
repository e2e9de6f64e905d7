"""What samplers say of themselves."""

from __future__ import annotations

import dataclasses
import re

import pytest

import framedex
from framedex.select import make_sampler
from framedex.select.describe import describe


@pytest.mark.parametrize("name", framedex.samplers())
def test_every_sampler_says_what_it_takes_where_it_comes_from_and_what_its_parameters_mean(name: str) -> None:
    kind = type(make_sampler(name))
    told = describe(kind)
    assert told.name == name
    assert told.summary
    assert told.source
    assert told.cost
    assert [each.name for each in told.parameters] == [field.name for field in dataclasses.fields(kind)]  # type: ignore[arg-type]
    assert all(each.meaning for each in told.parameters)
    assert "Args:" not in told.rule
    assert "Source:" not in told.rule
    for paragraph in told.rule.split("\n\n"):
        lines = paragraph.splitlines()
        if lines and lines[0].startswith("1. "):  # what belongs to an item stands below its text
            assert all(re.match(r"\d\. \S|   \S", line) for line in lines), paragraph


def test_types_and_defaults_in_words() -> None:
    told = {each.name: each for each in describe(type(make_sampler("aks"))).parameters}
    assert (told["t1"].type, told["t1"].default) == ("number", "0.8")
    assert (told["depth"].type, told["depth"].default) == ("whole number", "5")
    assert (told["strict"].type, told["strict"].default) == ("paper or none", "none")
    by = {each.name: each for each in describe(type(make_sampler("drop"))).parameters}["by"]
    assert (by.type, by.default) == ("lowest | highest | random", "lowest")
