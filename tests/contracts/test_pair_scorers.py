"""Every runtime of pair scorers keeps the contract, with the artefact of every family."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.backends import usable
from contracts.pair_scorer_suite import PairScorerSuite
from framedex.pair import load_pair_scorer, pair_scorers
from framedex.pair.base import PairScorer
from pair_checkpoints import PAIR_MAKERS, pair_artefact

# Of CRIS's maps even the tiny network takes its time.
CASES = [
    pytest.param((runtime, name), id=f"{runtime}+{name}", marks=[pytest.mark.slow] * (name == "cris-mask"))
    for runtime in pair_scorers.names()
    for name in sorted(PAIR_MAKERS)
]


@pytest.fixture(scope="module", params=CASES)
def case(request: pytest.FixtureRequest) -> tuple[str, Path]:
    """A runtime's name, and an artefact."""
    runtime, family = request.param
    usable(runtime, lambda: pair_scorers.load(runtime))
    return runtime, pair_artefact(family)


@pytest.fixture
def scorer(case: tuple[str, Path]) -> Iterator[PairScorer]:
    runtime, artefact = case
    # Ten frames of CRIS's tiny network, more of the others.
    with load_pair_scorer(artefact, runtime=runtime, cache_nbytes=3_000_000) as scorer:
        yield scorer


@pytest.fixture
def uncached(case: tuple[str, Path]) -> Iterator[PairScorer]:
    runtime, artefact = case
    with load_pair_scorer(artefact, runtime=runtime, cache_nbytes=0) as scorer:
        yield scorer


class TestPairScorers(PairScorerSuite):
    """The suite."""
