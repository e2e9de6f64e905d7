"""The conformance suite over every registered sampler."""

from __future__ import annotations

from typing import ClassVar

import framedex
from contracts.sampler_suite import SamplerSuite


class TestUniform(SamplerSuite):
    name = "uniform"
    uses_scores = False


class TestRandom(SamplerSuite):
    name = "random"
    uses_scores = False


class TestTop(SamplerSuite):
    name = "top"


class TestBottom(SamplerSuite):
    name = "bottom"


class TestWindowTop(SamplerSuite):
    name = "window-top"


class TestWindowTopStrided(SamplerSuite):
    name = "window-top"
    parameters: ClassVar = {"length": 5, "stride": 3, "statistic": "max"}


class TestWindowBottom(SamplerSuite):
    name = "window-bottom"


class TestDrop(SamplerSuite):
    name = "drop"


class TestDropHighestOfTop(SamplerSuite):
    name = "drop"
    parameters: ClassVar = {"base": "top", "rate": 0.25, "by": "highest"}


class TestDropRandom(SamplerSuite):
    name = "drop"
    parameters: ClassVar = {"rate": 0.25, "by": "random"}
    uses_scores = False


def test_every_registered_sampler_runs_the_suite() -> None:
    covered = {suite.name for suite in SamplerSuite.__subclasses__()}
    assert covered == set(framedex.samplers())
