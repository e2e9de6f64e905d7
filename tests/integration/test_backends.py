"""Back ends by name on the command line: the same answers, recorded, and refused where they are not there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import framedex as library
from cli import framedex, ok
from framedex.errors import DeviceError, MissingDependency, UsageError
from small_world import SmallWorld

ASKED = ("--sampler", "top", "--budget", "3", "--json")


@pytest.mark.parametrize("scorer", ["native", "numpy", "torch-cpu", "faiss-cpu"])
def test_every_scorer_chooses_the_same_frames(world: SmallWorld, scorer: str) -> None:
    expected = ok("select", world.store, world.captions, *ASKED).json()["selections"]
    got = ok("select", world.store, world.captions, *ASKED, "--scorer", scorer).json()["selections"]
    for ours, theirs in zip(got, expected, strict=True):
        np.testing.assert_allclose(ours.pop("scores"), theirs.pop("scores"), atol=1e-5)
        assert ours == theirs


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_store_made_by_torch_is_the_encoders_store(world: SmallWorld, tmp_path: Path, precision: str) -> None:
    clip = world.clips[0]
    ok(
        "index",
        clip,
        "--store",
        tmp_path / "S",
        "--encoder",
        "micro-siglip",
        "--runtime",
        "torch-cpu",
        "--precision",
        precision,
    )
    mine, theirs = library.Store.open(tmp_path / "S")[clip], library.Store.open(world.store)[clip]
    assert mine.row.encoder_key == theirs.row.encoder_key
    assert np.array_equal(mine.pts_us, theirs.pts_us)
    a, b = mine.vectors.astype(np.float64), theirs.vectors.astype(np.float64)
    # Halves on disk are of length 1 only within 0.0005.
    cosines = (a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    assert cosines.min() > (0.99999 if precision == "fp32" else 0.999)
    provenance = mine.row.provenance
    assert (provenance["runtime"], provenance["precision"]) == ("torch-cpu", precision)
    assert provenance["gate_image"].startswith("cosine ")
    assert theirs.row.provenance["gate_image"] == "cosine 1.000000"
    # Prompts are embedded by the runtime of `auto`: one store, any runtime.
    assert ok("search", tmp_path / "S", "a red striped thing", "-k", "1", "--json").json()["hits"]


@pytest.mark.skipif(torch.version.cuda is not None, reason="torch has CUDA")
@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--runtime", "torch-cuda"), MissingDependency.exit_code, "needs torch built for CUDA"),
        (("--runtime", "torch"), UsageError.exit_code, "unknown embedder 'torch'; exists: "),
        (("--precision", "bf16"), UsageError.exit_code, "is not that of the artefact's graphs"),
    ],
)
def test_what_cannot_be_had_is_refused_before_any_work(
    world: SmallWorld, tmp_path: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    ran = framedex("index", world.clips[0], "--store", tmp_path / "S", "--encoder", "micro-siglip", *arguments)
    assert ran.code == code
    assert said in ran.err
    assert not (tmp_path / "S").exists()


def test_an_engine_that_fails_the_gate_writes_nothing(
    world: SmallWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("framedex.embed.gate.BARS", {"fp32": library_bar()})
    ran = framedex(
        "index", world.clips[0], "--store", tmp_path / "S", "--encoder", "micro-siglip", "--runtime", "torch-cpu"
    )
    assert ran.code == DeviceError.exit_code
    assert "does not give the encoder's vectors in fp32" in ran.err
    assert not list((tmp_path / "S").rglob("*.faiss"))


def library_bar() -> object:
    """One that no runtime reaches."""
    from framedex.embed.gate import Bar

    return Bar(cosine=1.5, ranks=1.5)


def test_an_unknown_scorer_is_a_sentence(world: SmallWorld) -> None:
    ran = framedex("select", world.store, world.captions, *ASKED, "--scorer", "cupy")
    assert ran.code == UsageError.exit_code
    assert "unknown scorer 'cupy'; exists: " in ran.err
