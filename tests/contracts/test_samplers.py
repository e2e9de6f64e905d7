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


class TestUniformEnds(SamplerSuite):
    name = "uniform-ends"
    uses_scores = False


class TestThreshold(SamplerSuite):
    name = "threshold"


class TestThresholdAtValue(SamplerSuite):
    name = "threshold"
    parameters: ClassVar = {"tau": 0.2}


class TestNms(SamplerSuite):
    name = "nms"


class TestAks(SamplerSuite):
    name = "aks"


class TestBolt(SamplerSuite):
    name = "bolt"


class TestBoltPeaked(SamplerSuite):
    name = "bolt"
    parameters: ClassVar = {"power": 3}


class TestQFrame(SamplerSuite):
    name = "qframe"


class TestMmr(SamplerSuite):
    name = "mmr"


class TestMmrAlike(SamplerSuite):
    name = "mmr"
    parameters: ClassVar = {"share": 0}


class TestKCentre(SamplerSuite):
    name = "kcentre"


class TestKMeans(SamplerSuite):
    name = "kmeans"
    uses_scores = False


class TestScene(SamplerSuite):
    name = "scene"
    uses_scores = False


class TestOracleEvidence(SamplerSuite):
    name = "oracle-evidence"
    uses_scores = False


class TestMdp3(SamplerSuite):
    name = "mdp3"
    uses_scores = False


class TestMdp3ShortSegments(SamplerSuite):
    name = "mdp3"
    uses_scores = False
    parameters: ClassVar = {"segment": 5, "balance": 1}


class TestKfc(SamplerSuite):
    name = "kfc"
    parameters: ClassVar = {"most": 80}  # its factorisations are what takes time


class TestKfcOfFewFrames(SamplerSuite):
    name = "kfc"
    parameters: ClassVar = {"most": 20, "candidates": 6}


class TestWfs(SamplerSuite):
    name = "wfs"


class TestFocus(SamplerSuite):
    name = "focus"


class TestFocusShortClips(SamplerSuite):
    name = "focus"
    parameters: ClassVar = {"clip_s": 2.5}


def test_every_registered_sampler_runs_the_suite() -> None:
    covered = {suite.name for suite in SamplerSuite.__subclasses__()}
    assert covered == set(framedex.samplers())
