"""Every scorer that this machine has keeps the contract; REQUIRE_BACKENDS=torch-cuda,… makes an absent one a failure."""

from __future__ import annotations

from collections.abc import Iterator

import faiss
import pytest
import torch

from contracts.backends import usable
from contracts.scorer_suite import TOLERANCE, ScorerSuite, farthest, odd_halves, unit_rows
from framedex.errors import MissingDependency, UsageError
from framedex.score import AUTO, load_scorer, scorers
from framedex.score.base import Scorer, View
from framedex.score.torch import TorchScorer


@pytest.fixture(params=scorers.names())
def scorer(request: pytest.FixtureRequest) -> Iterator[Scorer]:
    with usable(request.param, lambda: load_scorer(request.param, threads=1)) as opened:
        yield opened


class TestScorers(ScorerSuite):
    """The suite."""


def test_auto_is_resolved_to_one_back_end() -> None:
    with load_scorer() as scorer:
        assert scorer.provenance["scorer"] == AUTO


def test_an_unknown_one_is_a_sentence() -> None:
    with pytest.raises(UsageError, match="unknown scorer 'cupy'; exists: "):
        load_scorer("cupy")


@pytest.mark.parametrize("name", ["native", "numpy", "torch-cpu", "faiss-cpu"])
def test_threads_are_checked(name: str) -> None:
    with pytest.raises(UsageError, match=f"{name}: expected threads of 1 or more, got 0"):
        load_scorer(name, threads=0)


@pytest.mark.parametrize("pack_nbytes", [1, 500, 3000, 100_000])
def test_packs_of_any_size_give_the_same_scores(pack_nbytes: int) -> None:
    views: list[View] = [odd_halves(unit_rows(n, seed=n)) for n in (1, 9, 0, 33, 2)]
    with TorchScorer("cpu", pack_nbytes=pack_nbytes) as scorer:
        assert farthest(scorer, views, unit_rows(3, seed=1)) < TOLERANCE
        # The buffers of the call before are there, and larger or smaller than this one's.
        assert farthest(scorer, views[1:2], unit_rows(3, seed=2)) < TOLERANCE
        assert farthest(scorer, views * 3, unit_rows(3, seed=3)) < TOLERANCE


def test_torch_keeps_its_number_of_threads() -> None:
    before = torch.get_num_threads()
    with TorchScorer("cpu", threads=before + 1) as scorer:
        scorer.scores([unit_rows(2)], unit_rows(1, seed=1))
    assert torch.get_num_threads() == before


def test_faiss_keeps_its_number_of_threads() -> None:
    before = faiss.omp_get_max_threads()
    with load_scorer("faiss-cpu", threads=before + 1) as scorer:
        scorer.scores([unit_rows(2)], unit_rows(1, seed=1))
    assert faiss.omp_get_max_threads() == before


def test_products_of_fewer_bits_are_refused() -> None:
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        with TorchScorer("cpu") as scorer, pytest.raises(UsageError, match=r"is 'medium', expected 'highest'"):
            scorer.scores([unit_rows(2)], unit_rows(1, seed=1))
    finally:
        torch.set_float32_matmul_precision(before)


@pytest.mark.skipif(torch.version.cuda is not None, reason="torch has CUDA")
def test_a_gpu_never_becomes_the_cpu_in_silence() -> None:
    with pytest.raises(MissingDependency, match=r"torch built for CUDA, and torch .* is not"):
        load_scorer("torch-cuda")


@pytest.mark.skipif(hasattr(faiss, "StandardGpuResources"), reason="FAISS has GPUs")
def test_faiss_without_gpus_says_which_package_brings_them() -> None:
    with pytest.raises(MissingDependency, match="needs FAISS built for GPUs"):
        load_scorer("faiss-gpu")
