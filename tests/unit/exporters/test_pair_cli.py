"""What an export of a pair scorer tells its user."""

from __future__ import annotations

from pathlib import Path

import pytest

from framedex.pair.artefact import PairArtefact
from framedex.pair.manifest import RuleParity
from framedex_export.pair_cli import _show
from pair_checkpoints import pair_artefact


def test_figures_are_told_and_a_rule_with_nothing_to_rank_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    manifest = PairArtefact.open(pair_artefact("blip-itm")).manifest
    measured = manifest.parity
    assert measured is not None
    _show(Path("a"), manifest, measured)
    sound = capsys.readouterr().out
    assert f"order by prob kept in 100.00 % of {measured.scores['prob'].ranked} pairs" in sound
    assert "nothing to rank" not in sound
    equal = RuleParity(max_difference=0, ranked=0)
    _show(Path("a"), manifest, measured.model_copy(update={"scores": {**measured.scores, "prob": equal}}))
    shown = capsys.readouterr().out
    assert "100.00 %" not in shown
    assert "order by" not in shown
    assert (
        "scores within 0.0e+00, nothing to rank by prob (torch's scores of different pictures are equal), pre" in shown
    )
    assert "note: nothing to rank by prob" in shown
    assert "is not known" in shown
