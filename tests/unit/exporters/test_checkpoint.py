"""A checkpoint folder is read, or refused in one sentence that names what is wrong."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

from checkpoints import DIM, IMAGE_SIZE, MAX_LENGTH, tiny_checkpoint
from framedex.errors import ArtefactError, UsageError
from framedex.keys import sha256_file
from framedex_export.families.siglip import read


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return shutil.copytree(tiny_checkpoint(), tmp_path / "checkpoint")


def _edit(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))


def test_a_sound_checkpoint_is_read(folder: Path) -> None:
    encoder = read(folder)
    assert encoder.text.max_length == MAX_LENGTH
    assert encoder.weights_sha256 == sha256_file(folder / "model.safetensors")
    assert encoder.dim == DIM
    rules = encoder.image
    assert rules.size == (IMAGE_SIZE, IMAGE_SIZE)
    assert (rules.interpolation, rules.rescale, rules.mean) == ("bicubic", 1 / 255, (0.5, 0.5, 0.5))


def test_half_precision_weights_become_float32(folder: Path) -> None:
    import torch

    path = folder / "model.safetensors"
    save_file({name: value.half() for name, value in load_file(path).items()}, path, metadata={"format": "pt"})
    assert {value.dtype for value in read(folder).checkpoint.model.parameters()} == {torch.float32}


def test_shards_are_read_and_hashed(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    names = sorted(tensors)
    shards = {"a.safetensors": names[::2], "b.safetensors": names[1::2]}
    for shard, members in shards.items():
        save_file({name: tensors[name] for name in members}, folder / shard, metadata={"format": "pt"})
    weight_map = {name: shard for shard, members in shards.items() for name in members}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
    (folder / "model.safetensors").unlink()
    first = read(folder).weights_sha256
    assert len(first) == 64
    (folder / "b.safetensors").unlink()
    with pytest.raises(ArtefactError, match=r"lists 2 files, of which missing: b.safetensors"):
        read(folder)


def test_no_folder_is_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        read(tmp_path / "nowhere")


def test_an_empty_folder_is_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match=r"no checkpoint folder, config.json is missing"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("config.json", r"config.json is missing"),
        ("model.safetensors", r"no weights; expected model.safetensors"),
        ("preprocessor_config.json", r"preprocessor_config.json is missing"),
        ("spiece.model", r"no tokenizer; expected tokenizer.json or spiece.model"),
    ],
)
def test_a_missing_file_is_named(folder: Path, missing: str, message: str) -> None:
    (folder / missing).unlink()
    with pytest.raises(ArtefactError, match=message):
        read(folder)


def test_another_class_is_said(folder: Path) -> None:
    _edit(folder / "config.json", lambda value: value.update(model_type="clip"))
    with pytest.raises(ArtefactError, match="expected a checkpoint of model_type 'siglip', got 'clip'"):
        read(folder)


def test_another_processor_is_said(folder: Path) -> None:
    path = folder / "preprocessor_config.json"
    _edit(path, lambda value: value.update(image_processor_type="CLIPImageProcessor"))
    with pytest.raises(ArtefactError, match="image_processor_type 'SiglipImageProcessor', got 'CLIPImageProcessor'"):
        read(folder)


@pytest.mark.parametrize("data", ["{", "[]"])
def test_a_broken_config_is_said(folder: Path, data: str) -> None:
    (folder / "config.json").write_text(data)
    with pytest.raises(ArtefactError, match=r"config.json: (not JSON|expected a JSON object)"):
        read(folder)


def test_cut_weights_do_not_load(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ArtefactError, match="its weights do not load"):
        read(folder)


def test_a_missing_tensor_is_not_made_up(folder: Path) -> None:
    path = folder / "model.safetensors"
    tensors = load_file(path)
    del tensors["vision_model.head.probe"]
    save_file(tensors, path, metadata={"format": "pt"})
    with pytest.raises(ArtefactError, match=r"1 missing keys, the first is vision_model.head.probe"):
        read(folder)


def test_position_ids_of_older_releases_are_no_weights(folder: Path) -> None:
    import torch

    path = folder / "model.safetensors"
    positions = torch.arange(MAX_LENGTH)[None]
    tensors = {**load_file(path), "text_model.embeddings.position_ids": positions}
    save_file(tensors, path, metadata={"format": "pt"})
    assert read(folder).dim == DIM


def test_a_surplus_tensor_is_not_dropped(folder: Path) -> None:
    path = folder / "model.safetensors"
    tensors = load_file(path)
    save_file({**tensors, "extra.weight": tensors["logit_scale"].clone()}, path, metadata={"format": "pt"})
    with pytest.raises(ArtefactError, match=r"1 unexpected keys, the first is extra.weight"):
        read(folder)


def test_a_model_of_another_size_is_refused(folder: Path) -> None:
    _edit(folder / "config.json", lambda value: value["vision_config"].update(intermediate_size=48))
    with pytest.raises(ArtefactError, match="weights"):
        read(folder)


def test_a_tokenizer_larger_than_the_model_is_refused(folder: Path) -> None:
    path = folder / "model.safetensors"
    tensors = load_file(path)
    name = "text_model.embeddings.token_embedding.weight"
    tensors[name] = tensors[name][:50].clone()
    save_file(tensors, path, metadata={"format": "pt"})
    _edit(folder / "config.json", lambda value: value["text_config"].update(vocab_size=50))
    with pytest.raises(ArtefactError, match=r"the tokenizer has \d+ entries and the model 50"):
        read(folder)


def test_a_weight_that_is_no_number_is_named(folder: Path) -> None:
    path = folder / "model.safetensors"
    tensors = load_file(path)
    tensors["text_model.head.bias"][3] = float("nan")
    save_file(tensors, path, metadata={"format": "pt"})
    with pytest.raises(ArtefactError, match=r"weight text_model.head.bias holds NaN or infinity"):
        read(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image_std": [0.5, 0.0, 0.5]}, r"std: expected numbers above 0, got \[0.5, 0.0, 0.5\]"),
        ({"size": {"height": 48, "width": 32}}, "resizes to 48x32 and the model takes 32x32"),
        ({"do_normalize": False}, "do_normalize is False, expected True"),
        ({"do_center_crop": True}, "do_center_crop is True, expected False"),
        ({"resample": 1}, r"resample is 1, expected 2 \(bilinear\) or 3 \(bicubic\)"),
    ],
)
def test_preprocessing_that_is_not_siglips_is_refused(folder: Path, change: dict[str, Any], message: str) -> None:
    _edit(folder / "preprocessor_config.json", lambda value: value.update(change))
    with pytest.raises(ArtefactError, match=message):
        read(folder)


def test_bilinear_is_read_from_the_checkpoint(folder: Path) -> None:
    _edit(folder / "preprocessor_config.json", lambda value: value.update(resample=2))
    assert read(folder).image.interpolation == "bilinear"
