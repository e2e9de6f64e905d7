"""The artefact of every pair family keeps the pair scorer contract."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.pair_scorer_suite import PairScorerSuite
from framedex.pair import load_pair_scorer
from framedex.pair.base import PairScorer
from pair_checkpoints import PAIR_MAKERS, pair_artefact

# Of CRIS's maps even the tiny network takes its time.
FAMILIES = [pytest.param(name, marks=[pytest.mark.slow] * (name == "cris-mask")) for name in sorted(PAIR_MAKERS)]


@pytest.fixture(scope="module", params=FAMILIES)
def artefact(request: pytest.FixtureRequest) -> Path:
    return pair_artefact(request.param)


@pytest.fixture
def scorer(artefact: Path) -> Iterator[PairScorer]:
    # Ten frames of CRIS's tiny network, more of the others.
    with load_pair_scorer(artefact, cache_nbytes=3_000_000) as scorer:
        yield scorer


@pytest.fixture
def uncached(artefact: Path) -> Iterator[PairScorer]:
    with load_pair_scorer(artefact, cache_nbytes=0) as scorer:
        yield scorer


class TestPairScorers(PairScorerSuite):
    """The suite."""
