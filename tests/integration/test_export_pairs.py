"""Pair scorers from a checkpoint to an artefact and to scores, against the torch network run whole for every pair."""

from __future__ import annotations

import copy
import json
import shutil
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
import torch

from contracts.pair_scorer_suite import TEXTS, pair_frames
from family_checkpoints import family_artefact
from framedex.cli.run import run
from framedex.errors import ArtefactError, UsageError
from framedex.pair import load_pair_scorer
from framedex.pair.artefact import PairArtefact
from framedex.pair.frame_score import frame_scores
from framedex_export import pair_export
from framedex_export.cli import app
from framedex_export.families import pair_families
from framedex_export.pair_export import PairExportResult, export_pair_scorer
from pair_checkpoints import PAIR_MAKERS, pair_artefact, pair_checkpoint

FAMILIES = [pytest.param(name, marks=[pytest.mark.slow] * (name == "cris-mask")) for name in sorted(PAIR_MAKERS)]
LONG = "the quick brown fox jumps over the lazy dog " * 20


def _export(family: str, target: Path, **options: Any) -> PairExportResult:
    return export_pair_scorer(family, pair_checkpoint(family), target, report=lambda _line: None, **options)


@pytest.mark.parametrize("family", FAMILIES)
def test_what_was_measured_is_recorded(family: str) -> None:
    manifest = PairArtefact.open(pair_artefact(family)).manifest
    measured = manifest.parity
    assert measured is not None
    assert set(measured.scores) == set(manifest.rules)
    assert measured.preprocessing_max_grey_levels <= (family == "cris-mask")
    assert measured.output_max_difference <= 1e-3 * max(1.0, measured.output_deviation)
    assert manifest.score.rule == manifest.rules[0]
    for rule in manifest.rules:
        assert measured.scores[rule].ranked > 20
        assert measured.scores[rule].rank_agreement == 1 or rule == "area"


@pytest.mark.parametrize("family", FAMILIES)
def test_scores_are_those_of_the_whole_network(family: str) -> None:
    """The cached features, in several calls, against torch from pixels to logits for each pair, by every rule."""
    network = pair_families.load(family)(pair_checkpoint(family))
    manifest = PairArtefact.open(pair_artefact(family)).manifest
    texts = [*TEXTS, LONG]
    for rule in manifest.rules:
        with load_pair_scorer(pair_artefact(family), rule=rule, batch=3) as scorer:
            frames = pair_frames(scorer, 5)
            scorer.scores(frames, texts[:1])
            got = scorer.scores(frames, texts)
        outputs = network.outputs(frames.batch.pixels, texts)
        sizes = [(int(height), int(width)) for height, width in frames.sizes]
        settings: Any = {"rule": rule, "threshold": manifest.score.threshold, "image": manifest.image}
        expected = np.stack(
            [frame_scores(outputs[:, row], size=size, **settings) for row, size in enumerate(sizes)], axis=1
        )
        # A cell at the threshold falls to either side.
        assert np.abs(got - expected).max() < (2e-3 if rule == "area" else 1e-4)
        assert expected.std() > 1e-3


@pytest.mark.parametrize("family", FAMILIES)
def test_the_frame_graph_runs_once_per_frame_however_many_texts(family: str) -> None:
    with load_pair_scorer(pair_artefact(family), batch=2) as scorer:
        frames = pair_frames(scorer, 5)
        scorer.scores(pair_frames(scorer, 0), TEXTS[:1])  # proves the graphs
        scorer._texts.clear()  # type: ignore[attr-defined]
        runs: list[tuple[str, int]] = []
        inner = scorer._run  # type: ignore[attr-defined]

        def counted(part: str, values: Any) -> Any:
            runs.append((part, len(values[-1])))
            return inner(part, values)

        with mock.patch.object(scorer, "_run", counted):
            scorer.scores(frames, TEXTS)
            scorer.scores(frames, TEXTS[::-1])
    assert [size for part, size in runs if part == "frame"] == [2, 2, 1]
    assert [size for part, size in runs if part == "pair"] == [2, 1] * 10
    assert len([part for part, _ in runs if part == "text"]) == (0 if family == "blip-itm" else 3)


@pytest.mark.slow
def test_the_same_network_is_left_alone_and_another_is_not_replaced_unasked(tmp_path: Path) -> None:
    target = Path(shutil.copytree(pair_artefact("blip-itm"), tmp_path / "artefact"))
    before = (target / "manifest.json").stat().st_mtime_ns
    assert not _export("blip-itm", target).written
    assert (target / "manifest.json").stat().st_mtime_ns == before
    with pytest.raises(UsageError, match=r"holds another pair scorer \('tiny-blip-itm'.*rule prob"):
        _export("blip-itm", target, rule="logit")
    with pytest.raises(UsageError, match="holds another pair scorer"):
        _export("blip-itm", target, words=20)
    encoder = Path(shutil.copytree(family_artefact("clip"), tmp_path / "encoder"))
    with pytest.raises(ArtefactError, match="this is an encoder"):
        _export("blip-itm", encoder)
    assert _export("blip-itm", target, rule="logit", force=True).artefact.manifest.score.rule == "logit"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["artefact", "encoder"]


def test_a_rule_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--rule: expected prob, logit for blip-itm, got 'area'"):
        _export("blip-itm", tmp_path / "a", rule="area")
    assert not list(tmp_path.iterdir())


def test_an_artefact_that_differs_is_refused_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One weight matrix of the pair graph is changed after the checkpoint was loaded."""
    inner = pair_export.export_graph

    def perturbed(module: torch.nn.Module, examples: dict[str, torch.Tensor], path: Path, **names: Any) -> None:
        if path.name == "pair.onnx":
            module = copy.deepcopy(module)
            with torch.no_grad():
                next(value for value in module.parameters() if value.ndim == 2).mul_(1.5)
        inner(module, examples, path, **names)

    monkeypatch.setattr(pair_export, "export_graph", perturbed)
    with pytest.raises(ArtefactError, match=r"parity: .* against the torch model; nothing was written"):
        _export("blip-itm", tmp_path / "new")
    assert not list(tmp_path.iterdir())


def test_the_command_says_what_it_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [
        "blip-itm",
        str(pair_checkpoint("blip-itm")),
        "-o",
        str(tmp_path / "a"),
        "--rule",
        "logit",
        "--words",
        "20",
    ]
    with mock.patch.object(sys, "argv", ["framedex-export", *arguments, "--json"]):
        assert run(app) == 0
    value = json.loads(capsys.readouterr().out)
    manifest = PairArtefact.open(tmp_path / "a").manifest
    assert value["scorer_key"] == manifest.scorer_key("logit")
    assert (value["family"], value["rule"], value["written"]) == ("blip-itm", "logit", True)
    assert value["parity"]["scores"]["logit"]["rank_agreement"] == 1
    assert manifest.text.max_length == 20
    with mock.patch.object(sys, "argv", ["framedex-export", *arguments]):
        assert run(app) == 0
    assert "this pair scorer is already there" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["cris-mask", "clipseg", "blip-itm"])
def test_a_checkpoint_that_is_none_ends_in_one_sentence(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with mock.patch.object(sys, "argv", ["framedex-export", command, str(tmp_path / "no"), "-o", str(tmp_path / "a")]):
        assert run(app) == 2
    assert "no such" in capsys.readouterr().err.splitlines()[-1]
