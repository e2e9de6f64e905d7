"""From a checkpoint folder to an artefact that embeds as torch does; what does not reach parity is not written."""

from __future__ import annotations

import copy
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from checkpoints import make_checkpoint, tiny_artefact, tiny_checkpoint
from framedex.contracts import FrameBatch
from framedex.embed import load_embedder
from framedex.embed.artefact import Artefact
from framedex.embed.tower import to_tower
from framedex.errors import ArtefactError, UsageError
from framedex_export import export
from framedex_export.export import ExportResult, export_encoder
from framedex_export.families.siglip import read


def _export(checkpoint: Path, target: Path, **options: Any) -> ExportResult:
    return export_encoder("siglip", checkpoint, target, report=lambda _line: None, **options)


def test_the_artefact_embeds_a_picture_file_and_a_text_as_torch_does(tmp_path: Path) -> None:
    checkpoint = read(tiny_checkpoint()).checkpoint
    picture = np.random.default_rng(3).integers(0, 256, (90, 160, 3), np.uint8)
    Image.fromarray(picture).save(tmp_path / "picture.png")
    values = checkpoint.processor(images=[Image.open(tmp_path / "picture.png")], return_tensors="pt")
    ids = checkpoint.tokenizer(["What is the dog doing?"], padding="max_length", truncation=True, return_tensors="pt")
    with torch.inference_mode():
        result = checkpoint.model(input_ids=ids["input_ids"], pixel_values=values["pixel_values"])
    with load_embedder(tiny_artefact()) as embedder:
        frames = FrameBatch(pts_us=np.zeros(1, np.int64), frames=picture[np.newaxis])
        image = embedder.embed_images(to_tower(frames, embedder.manifest.image)).vectors
        text = embedder.embed_texts(["What is the dog doing?"])
        logit = float((image @ text.T).item() * embedder.manifest.logit_scale + embedder.manifest.logit_bias)
    assert np.abs(image - result.image_embeds.numpy()).max() < 1e-6
    assert np.abs(text - result.text_embeds.numpy()).max() < 1e-6
    assert logit == pytest.approx(result.logits_per_image.item(), abs=1e-5)


def test_what_was_measured_is_recorded() -> None:
    manifest = Artefact.open(tiny_artefact()).manifest
    assert manifest.name == "tiny-siglip"
    assert manifest.parity is not None
    assert min(manifest.parity.image_min_cosine, manifest.parity.text_min_cosine) >= 0.9999
    assert manifest.parity.preprocessing_max_grey_levels == 0
    assert manifest.parity.images >= 20
    assert manifest.parity.texts >= 100
    assert manifest.logit_scale == pytest.approx(np.exp(2.0))
    assert manifest.logit_bias == pytest.approx(-10.0)
    assert manifest.provenance.torch == torch.__version__
    graphs = {f"{tower}.{kind}" for tower in ("image", "text") for kind in ("onnx", "onnx.data", "ort.onnx")}
    assert set(manifest.files) == {*graphs, "tokenizer.json", "reference.npz"}
    assert (manifest.towers.image.fused, manifest.towers.text.fused) == ("image.ort.onnx", "text.ort.onnx")


def test_other_weights_processor_and_tokenizer_are_other_encoders(tmp_path: Path) -> None:
    bilinear = make_checkpoint(tmp_path / "checkpoint", seed=1, resample=2, tokenizer_files="tokenizer.json")
    manifest = _export(bilinear, tmp_path / "artefact").artefact.manifest
    first = Artefact.open(tiny_artefact()).manifest
    assert manifest.image.interpolation == "bilinear"
    assert manifest.provenance.tokenizer == "checkpoint"
    assert first.provenance.tokenizer == "converted from spiece.model"
    assert manifest.encoder_key != first.encoder_key


def test_what_is_there_is_left_alone_or_refused_and_replaced_by_force(tmp_path: Path) -> None:
    target = Path(shutil.copytree(tiny_artefact(), tmp_path / "artefact"))
    before = (target / "manifest.json").stat().st_mtime_ns
    assert not _export(tiny_checkpoint(), target).written
    other = make_checkpoint(tmp_path / "checkpoint", seed=2)
    with pytest.raises(UsageError, match=r"holds another encoder \('tiny-siglip', key [0-9a-f]{32}\); .*--force"):
        _export(other, target)
    assert (target / "manifest.json").stat().st_mtime_ns == before
    data = bytearray((target / "image.onnx").read_bytes())
    data[len(data) // 2] ^= 1
    (target / "image.onnx").write_bytes(data)
    with pytest.raises(ArtefactError, match=r"image.onnx: expected SHA-256"):
        load_embedder(target)
    with pytest.raises(ArtefactError, match=r"image.onnx: expected SHA-256 .* \(--force replaces it\)"):
        _export(tiny_checkpoint(), target)
    replaced = _export(other, target, force=True)
    assert replaced.written
    assert replaced.artefact.manifest.encoder_key != Artefact.open(tiny_artefact()).manifest.encoder_key
    assert sorted(path.name for path in tmp_path.iterdir()) == ["artefact", "checkpoint"]


def _perturbed(export_graph: Any) -> Any:
    """The exporter with one weight matrix of the text tower changed after the checkpoint was loaded."""

    def export(module: torch.nn.Module, examples: dict[str, torch.Tensor], path: Path, **names: Any) -> None:
        if path.name == "text.onnx":
            module = copy.deepcopy(module)
            with torch.no_grad():
                next(value for value in module.parameters() if value.ndim == 2).mul_(1.5)
        export_graph(module, examples, path, **names)

    return export


def test_a_tower_that_differs_is_refused_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = Path(shutil.copytree(tiny_artefact(), tmp_path / "old"))
    monkeypatch.setattr(export, "export_graph", _perturbed(export.export_graph))
    for target, force in ((tmp_path / "new", False), (old, True)):
        with pytest.raises(
            ArtefactError, match=r"parity: text_min_cosine is 0.*, expected 0.9999 or more.*nothing was"
        ):
            _export(tiny_checkpoint(), target, force=force)
    assert [path.name for path in tmp_path.iterdir()] == ["old"]
    assert Artefact.open(old).manifest == Artefact.open(tiny_artefact()).manifest


def test_the_command_says_its_steps_and_gives_the_same_encoder_again(tmp_path: Path) -> None:
    code = "from framedex_export.cli import main; main()"
    arguments = ["siglip", str(tiny_checkpoint()), "-o", str(tmp_path / "artefact"), "--name", "shown", "--json"]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    result = json.loads(done.stdout)
    assert result["written"] is True
    assert result["name"] == "shown"
    assert result["parity"]["image_min_cosine"] >= 0.9999
    again, first = Artefact.open(tmp_path / "artefact").manifest, Artefact.open(tiny_artefact()).manifest
    assert result["encoder_key"] == again.encoder_key == first.encoder_key
    assert again.files == first.files
    assert done.stderr.splitlines() == [
        f"reading {tiny_checkpoint()}",
        "writing and checking the tokenizer",
        "exporting the image tower",
        "exporting the text tower",
        "measuring parity against torch",
    ]
