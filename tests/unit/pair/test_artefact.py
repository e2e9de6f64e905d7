"""A pair scorer's artefact that was damaged or tampered with ends in one sentence of the right kind."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.numpy_helper
import pytest

from checkpoints import stamp, tiny_artefact
from framedex.contracts import TowerBatch
from framedex.embed import load_embedder
from framedex.errors import ArtefactError, DeviceError, UsageError
from framedex.keys import sha256_file
from framedex.pair import load_pair_scorer
from framedex.pair.artefact import PairArtefact
from framedex.pair.base import PairFrames, PairScorer
from framedex.pair.manifest import validate_pair_manifest
from pair_checkpoints import pair_artefact


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(pair_artefact("blip-itm"), tmp_path / "artefact"))


def _manifest() -> dict[str, Any]:
    value: dict[str, Any] = json.loads((pair_artefact("blip-itm") / "manifest.json").read_text())
    return value


def _replace(folder: Path, name: str, write: Callable[[Path], object]) -> None:
    """Change a file and let the manifest say that it is so."""
    write(folder / name)
    value = json.loads((folder / "manifest.json").read_text())
    value["files"][name] = {"sha256": sha256_file(folder / name), "nbytes": (folder / name).stat().st_size}
    (folder / "manifest.json").write_text(json.dumps(value))


def _score(scorer: PairScorer) -> None:
    frames = PairFrames(
        video_key="0" * 32,
        batch=TowerBatch(pts_us=np.zeros(1, np.int64), pixels=np.zeros((1, *scorer.image.size, 3), np.uint8)),
        sizes=np.full((1, 2), 64, np.int32),
    )
    scorer.scores(frames, ["a dog"])


def test_a_sound_artefact_opens_and_its_key_has_the_rule_in_it(folder: Path) -> None:
    manifest = PairArtefact.open(folder).manifest
    with load_pair_scorer(folder) as plain, load_pair_scorer(folder, rule="logit") as logit:
        assert plain.key == manifest.scorer_key("prob") != logit.key == manifest.scorer_key("logit")
        assert (plain.name, logit.provenance["rule"]) == ("tiny-blip-itm", "logit")


def test_the_area_threshold_is_in_the_key_of_the_rule_that_looks_at_it() -> None:
    value = json.loads((pair_artefact("clipseg") / "manifest.json").read_text())
    one = validate_pair_manifest(value, subject="m")
    value["score"]["threshold"] = 0.25
    other = validate_pair_manifest(value, subject="m")
    assert one.scorer_key("max") == other.scorer_key("max")
    assert one.scorer_key("area") != other.scorer_key("area")


@pytest.mark.parametrize(
    ("artefact", "message"),
    [
        ("", "no such folder"),
        ("nowhere", "no such folder; make one: framedex-export cris-mask"),
        ("file", "got a file"),
    ],
)
def test_what_is_no_folder_is_a_usage_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, artefact: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("")
    with pytest.raises(UsageError, match=message):
        load_pair_scorer(artefact)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threads": 0}, "threads=0"),
        ({"batch": 0}, "batch=0"),
        ({"cache_nbytes": -1}, "cache_nbytes=-1"),
        ({"rule": "area"}, "expected rule prob, logit for blip-itm, got 'area'"),
        ({"runtime": "onnxruntime-cup"}, "did you mean 'onnxruntime-cpu'"),
    ],
)
def test_settings_out_of_range_are_usage_errors(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load_pair_scorer(pair_artefact("blip-itm"), **options)


@pytest.mark.parametrize("name", ["frame.onnx", "pair.onnx", "tokenizer.json"])
def test_a_file_that_is_missing_cut_or_changed(folder: Path, name: str) -> None:
    path = folder / name
    data = path.read_bytes()
    for damaged, message in ((data[:-1], "expected .* bytes"), (data[:-1] + b"?", "expected SHA-256")):
        path.write_bytes(damaged)
        with pytest.raises(ArtefactError, match=rf"{name}: {message}"):
            load_pair_scorer(folder)
    path.unlink()
    with pytest.raises(ArtefactError, match=rf"{name}: listed in the manifest and missing"):
        load_pair_scorer(folder)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "manifest.json is missing"),
        ("{", "not JSON"),
        ("[]", "expected an object with format 'framedex-pair-artefact', got None"),
        ('{"format": "framedex-pair-artefact", "version": 2}', "reads version 1, got 2"),
    ],
)
def test_a_manifest_that_is_none(folder: Path, text: str | None, message: str) -> None:
    path = folder / "manifest.json"
    path.unlink()
    if text is not None:
        path.write_text(text)
    with pytest.raises(ArtefactError, match=message):
        load_pair_scorer(folder)


def test_an_encoder_is_no_pair_scorer_and_the_other_way_round() -> None:
    with pytest.raises(ArtefactError, match="this is an encoder: use it with framedex index --encoder"):
        load_pair_scorer(tiny_artefact())
    with pytest.raises(ArtefactError, match="this is a pair scorer: use it with framedex scores make --scorer"):
        load_embedder(pair_artefact("blip-itm"))


@pytest.mark.parametrize(
    ("where", "value", "message"),
    [
        (("parity",), None, "parity was never measured"),
        (("score", "rule"), "max", "score.rule: expected one of prob, logit, got 'max'"),
        (("score", "threshold"), 0.35, "score.threshold: expected with maps and only there, got 0.35"),
        (("score", "rule"), "median", "score.rule"),
        (
            ("graphs", "frame", "inputs", 0, "shape"),
            [3, 48, 48],
            r"graphs.frame.inputs: expected pixels uint8 \[48, 48, 3\]",
        ),
        (("graphs", "pair", "inputs", 0, "shape"), [37, 16], r"graphs.pair.inputs: expected rows float32 \[37, 32\]"),
        (
            ("graphs", "pair", "outputs", 0, "shape"),
            [4],
            "graphs.pair.outputs: expected one float32, a map or a number",
        ),
        (("graphs", "pair", "file"), "other.onnx", "'other.onnx' is needed and not listed"),
        (("text", "max_length"), 20, r"graphs.pair.inputs: expected .*ids int64 \[20\]"),
        (("family",), "cris", "family: "),
        (("surprise",), 1, "surprise"),
    ],
)
def test_a_manifest_that_does_not_hold(where: tuple[Any, ...], value: Any, message: str) -> None:
    manifest = _manifest()
    *way, last = where
    inner: Any = manifest
    for step in way:
        inner = inner[step]
    inner[last] = value
    with pytest.raises(ArtefactError, match=message):
        validate_pair_manifest(manifest, subject="m")


def test_a_graph_of_another_network_or_of_other_values_is_noticed(folder: Path) -> None:
    _replace(folder, "pair.onnx", lambda path: stamp(path, "0" * 32))
    with load_pair_scorer(folder) as scorer, pytest.raises(ArtefactError, match=r"pair.onnx: was exported for 0000"):
        _score(scorer)
    _replace(folder, "pair.onnx", lambda path: shutil.copy(folder / "frame.onnx", path))
    with (
        load_pair_scorer(folder) as scorer,
        pytest.raises(
            ArtefactError, match=r"the manifest says \['rows', 'ids'\] -> \['logits'\], the graph has \['pixels'\]"
        ),
    ):
        _score(scorer)


def test_a_graph_that_is_none_is_the_runtimes_error(folder: Path) -> None:
    _replace(folder, "frame.onnx", lambda path: path.write_bytes(b"no graph"))
    with (
        load_pair_scorer(folder) as scorer,
        pytest.raises(DeviceError, match=r"frame.onnx: ONNX Runtime .* cannot load it"),
    ):
        _score(scorer)


def _without_a_number(path: Path) -> None:
    """The same graph with NaN for the weights of the last step."""
    model = onnx.load(path)
    last = next(node for node in model.graph.node[::-1] if node.op_type == "ConvTranspose")
    weights = next(value for value in model.graph.initializer if value.name == last.input[1])
    weights.CopyFrom(onnx.numpy_helper.from_array(np.full(list(weights.dims), np.nan, np.float32), weights.name))
    onnx.save(model, path)


@pytest.mark.parametrize("rule", ["area", "max"])
def test_logits_that_are_no_numbers_are_an_error_by_every_rule(tmp_path: Path, rule: str) -> None:
    folder = Path(shutil.copytree(pair_artefact("clipseg"), tmp_path / "artefact"))
    _replace(folder, "pair.onnx", _without_a_number)
    with load_pair_scorer(folder, rule=rule) as scorer, pytest.raises(DeviceError, match="logits that are no numbers"):
        _score(scorer)
