"""The gate of pair scorers: graphs of other weights are refused with figures before anybody gets a score."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from contracts.pair_scorer_suite import TEXTS, pair_frames
from framedex.embed.reference import REFERENCE_NAME
from framedex.errors import ArtefactError, DeviceError
from framedex.keys import sha256_file
from framedex.pair import load_pair_scorer
from framedex.pair.artefact import PairArtefact
from framedex.pair.gate import PairFigures, compare_scores, keeps_order, measure, most_difference, require, shown_order
from framedex.pair.manifest import RuleParity
from framedex.pair.onnxruntime import OnnxRuntimePairScorer
from framedex.pair.reference import read_pair_reference
from pair_checkpoints import pair_artefact

GOOD = RuleParity(max_difference=1e-6, rank_agreement=1.0, ranked=6)


def _changed(family: str, name: str, change: Callable[[onnx.ModelProto], None], target: Path) -> Path:
    """A copy of the artefact with a graph changed, and a manifest that says that it is so."""
    folder = Path(shutil.copytree(pair_artefact(family), target))
    model = onnx.load(str(folder / name))
    change(model)
    onnx.save(model, str(folder / name))
    value = json.loads((folder / "manifest.json").read_text())
    value["files"][name] = {"sha256": sha256_file(folder / name), "nbytes": (folder / name).stat().st_size}
    (folder / "manifest.json").write_text(json.dumps(value))
    return folder


def _scale_largest(model: onnx.ModelProto) -> None:
    """Half again of one matrix: weights as those of another training."""
    largest = max(model.graph.initializer, key=lambda each: int(np.prod(list(each.dims))))
    largest.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(largest) * np.float32(1.5), largest.name))


@pytest.mark.parametrize(
    ("family", "graph"),
    [("blip-itm", "frame.onnx"), ("blip-itm", "pair.onnx"), ("clipseg", "text.onnx"), ("clipseg", "frame.onnx")],
)
def test_other_weights_with_right_hashes_are_refused(tmp_path: Path, family: str, graph: str) -> None:
    folder = _changed(family, graph, _scale_largest, tmp_path / "artefact")
    with load_pair_scorer(folder) as scorer:
        frames = pair_frames(scorer, 2)
        for _ in range(2):  # and it stays refused
            with pytest.raises(
                DeviceError, match=r"does not give the network's scores: logits within \d.*other weights"
            ):
                scorer.scores(frames, TEXTS)
        with pytest.raises(DeviceError, match="does not give"):
            scorer.scores(pair_frames(scorer, 0), TEXTS)  # as it is asked before any frame is decoded
        assert "gate" not in scorer.provenance


def test_maps_of_another_size_are_refused(tmp_path: Path) -> None:
    def crop(model: onnx.ModelProto) -> None:
        (output,) = model.graph.output
        last = next(node for node in model.graph.node if output.name in node.output)
        last.output[list(last.output).index(output.name)] = "whole"
        for name, number in (("from", 0), ("to", 32), ("axis", 2)):
            model.graph.initializer.append(numpy_helper.from_array(np.array([number], np.int64), name))
        model.graph.node.append(onnx.helper.make_node("Slice", ["whole", "from", "to", "axis"], [output.name]))
        output.type.tensor_type.shape.dim[2].dim_value = 32

    folder = _changed("clipseg", "pair.onnx", crop, tmp_path / "artefact")
    with (
        load_pair_scorer(folder) as scorer,
        pytest.raises(ArtefactError, match=r"pair.onnx: expected logits \(2, 64, 64\), .*got \(2, 64, 32\)"),
    ):
        scorer.scores(pair_frames(scorer, 1), TEXTS)


@pytest.mark.parametrize("rule", ["prob", "logit"])
def test_a_sound_artefact_is_proved_once_and_its_scores_are_as_without_a_gate(rule: str) -> None:
    artefact = PairArtefact.open(pair_artefact("blip-itm"))
    with (
        load_pair_scorer(artefact.folder, rule=rule) as scorer,
        OnnxRuntimePairScorer(artefact, threads=1, batch=4, rule=rule, cache_nbytes=0, gated=False) as free,
    ):
        assert "gate" not in scorer.provenance
        frames = pair_frames(scorer, 3)
        assert np.array_equal(scorer.scores(frames, TEXTS), free.scores(frames, TEXTS))
        assert scorer.provenance["gate"].startswith("logits within ")
        assert scorer.provenance["gate"].endswith(f", order by {rule} kept in 100.00 % of 6 pairs")
        assert "gate" not in free.provenance


def test_figures_are_taken_of_what_was_given() -> None:
    artefact = PairArtefact.open(pair_artefact("blip-itm"))
    reference = read_pair_reference(artefact)
    figures = measure(
        reference.logits[:, ::-1] + np.float32(0.25),
        reference.logits[:, ::-1],
        rule="logit",
        manifest=artefact.manifest,
        sizes=reference.sizes,
    )
    assert figures.difference == pytest.approx(0.25, abs=1e-6)
    assert figures.scores.rank_agreement == 1.0


@pytest.mark.parametrize(
    ("difference", "scores", "said"),
    [
        (0.002, GOOD, "logits within 0.002, order by max kept in 100.00 % of 6 pairs; expected logits within 0.001"),
        (float("nan"), GOOD, "logits within nan"),
        (0.0, RuleParity(max_difference=0, rank_agreement=0.5, ranked=6), "order by max kept in 50.00 % of 6 pairs"),
    ],
)
def test_figures_beyond_a_bar_are_refused(difference: float, scores: RuleParity, said: str) -> None:
    with pytest.raises(DeviceError, match=f"^x: does not give the network's scores: .*{said}"):
        require(PairFigures(difference=difference, most=0.001, rule="max", scores=scores), subject="x")


def test_what_has_no_bar() -> None:
    half = RuleParity(max_difference=0.5, rank_agreement=0.5, ranked=6)
    require(PairFigures(difference=0.001, most=0.001, rule="area", scores=half), subject="x")
    nothing = RuleParity(max_difference=0, ranked=0)
    assert keeps_order("max", nothing)
    assert shown_order("max", nothing) == "nothing to rank by max (torch's scores of different pictures are equal)"
    assert (most_difference(0.5), most_difference(4.0)) == (0.001, 0.004)


def test_an_artefact_without_reference_scores_is_refused(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(pair_artefact("blip-itm"), tmp_path / "artefact"))
    value = json.loads((folder / "manifest.json").read_text())
    del value["files"][REFERENCE_NAME]
    (folder / "manifest.json").write_text(json.dumps(value))
    with pytest.raises(ArtefactError, match=r"has no reference scores \(reference.npz\).*export it again with --force"):
        load_pair_scorer(folder)


def test_ranks_by_hand() -> None:
    """Two texts, three pictures: six pairs, of which one is tied in the reference and one of the rest is turned round."""
    expected = np.array([[0.1, 0.2, 0.3], [0.5, 0.5, 0.1]], np.float32)
    got = np.array([[0.2, 0.1, 0.3], [0.4, 0.5, 0.1]], np.float32)
    measured = compare_scores(got, expected)
    assert measured.ranked == 5
    assert measured.rank_agreement == pytest.approx(4 / 5)
    assert measured.max_difference == pytest.approx(0.1)


def test_with_nothing_to_rank_there_is_no_agreement() -> None:
    same = np.ones((2, 3), np.float32)
    assert compare_scores(same, same).rank_agreement is None
