"""Weights are loaded whole or not at all."""

from __future__ import annotations

import json
import math
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from framedex.errors import ArtefactError, DeviceError
from framedex.mllm.checkpoint import Checkpoint
from framedex.mllm.load import Loaded
from framedex.mllm.load import load_model as load
from framedex.mllm.options import Dtype
from framedex.mllm.smolvlm import SmolVlm
from smolvlm_checkpoints import make_smolvlm, tiny_smolvlm

PROJECTION = "model.connector.modality_projection.proj.weight"


def load_model(checkpoint: Checkpoint, *, dtype: Dtype) -> Loaded:
    return load(
        checkpoint,
        model_type=SmolVlm.model_type,
        architecture=SmolVlm.architecture,
        dtype=dtype,
        device=torch.device("cpu"),
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return shutil.copytree(tiny_smolvlm(), tmp_path / "checkpoint")


def edit_config(folder: Path, **changes: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_float16_on_disk_is_float32_in_memory(tmp_path: Path) -> None:
    checkpoint = Checkpoint.open(make_smolvlm(tmp_path / "half", dtype="float16"))
    stored = load_file(checkpoint.weights[0])[PROJECTION]
    loaded = load_model(checkpoint, dtype="float32")
    weight = loaded.model.model.connector.modality_projection.proj.weight
    assert stored.dtype == torch.float16
    assert weight.dtype == torch.float32
    assert torch.equal(weight, stored.float())
    assert loaded.unused_weights == 0
    assert not loaded.model.training


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"architectures": ["Idefics3ForConditionalGeneration"]}, "got 'smolvlm' and Idefics3ForConditionalGeneration"),
        ({"model_type": "idefics3"}, "expected .* class SmolVLMForConditionalGeneration, got 'idefics3'"),
        ({"architectures": 5}, "config.json: expected architectures to be a list, got 5"),
        ({"architectures": "SmolVLMForConditionalGeneration"}, "expected architectures to be a list, got 'SmolVLM"),
        ({"scale_factor": "two"}, "config.json: no configuration of SmolVLMForConditionalGeneration: .*expected int"),
        ({"scale_factor": 0}, "config.json: no configuration of .*: division by zero"),
        ({"text_config": 5}, "for field 'text_config': TypeError: Field 'text_config' with value 5 doesn't match"),
        (
            {"quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": True}},
            "do not load: .*bitsandbytes",
        ),
        ({"scale_factor": 4}, f"of one model: 1 mismatched keys, the first is {PROJECTION}$"),
    ],
)
def test_another_class_or_other_shapes_are_refused(folder: Path, changes: dict[str, object], message: str) -> None:
    edit_config(folder, **changes)
    with pytest.raises(ArtefactError, match=message):
        load_model(Checkpoint.open(folder), dtype="float32")


@pytest.mark.parametrize(
    ("part", "changes", "message"),
    [
        ("text_config", {"hidden_act": "zzz"}, "there is no 'zzz'"),
        (
            "text_config",
            {"hidden_size": 33},
            "validator 'validate_architecture': ValueError: The hidden size .33. is not",
        ),
        ("text_config", {"num_attention_heads": 0}, "by zero"),
        ("text_config", {"vocab_size": -1}, "negative dimension -1"),
        ("vision_config", {"patch_size": 0}, "by zero"),
    ],
)
def test_values_that_make_no_model_are_told_with_the_reason(
    folder: Path, part: str, changes: dict[str, object], message: str
) -> None:
    edit_config(folder, **{part: json.loads((folder / "config.json").read_text())[part] | changes})
    with pytest.raises(ArtefactError, match=f"no configuration of SmolVLMForConditionalGeneration: .*{message}"):
        load_model(Checkpoint.open(folder), dtype="float32")


@pytest.mark.parametrize(
    "rope",
    [
        {"rope_type": "dynamic", "factor": 2.0, "rope_theta": 10000.0},
        {
            "rope_type": "longrope",
            "rope_theta": 10000.0,
            "factor": 2.0,
            "short_factor": [1.0] * 8,
            "long_factor": [2.0] * 8,
            "original_max_position_embeddings": 64,
        },
    ],
)
def test_positions_that_depend_on_the_texts_length_are_refused(folder: Path, rope: dict[str, object]) -> None:
    text = json.loads((folder / "config.json").read_text())["text_config"]
    edit_config(folder, text_config=text | {"rope_parameters": rope})
    with pytest.raises(ArtefactError, match=f"by the length of the text .rope_type '{rope['rope_type']}'"):
        load_model(Checkpoint.open(folder), dtype="float32")


def test_positions_that_are_scaled_alike_for_all_texts_are_read(folder: Path) -> None:
    text = json.loads((folder / "config.json").read_text())["text_config"]
    rope = {"rope_type": "linear", "factor": 2.0, "rope_theta": 10000.0}
    edit_config(folder, text_config=text | {"rope_parameters": rope})
    assert load_model(Checkpoint.open(folder), dtype="float32").model.config.text_config.rope_parameters == rope


def test_a_missing_weight_is_named_and_never_made_up(folder: Path) -> None:
    path = folder / "model.safetensors"
    weights = load_file(path)
    del weights[PROJECTION]
    save_file(weights, path, metadata={"format": "pt"})
    with pytest.raises(ArtefactError, match=f"1 missing keys, the first is {PROJECTION}"):
        load_model(Checkpoint.open(folder), dtype="float32")


_LOAD = """
import sys, torch
from framedex.errors import ArtefactError
from framedex.mllm.checkpoint import Checkpoint
from framedex.mllm.load import load_model
from transformers.utils import logging
before = logging.get_verbosity()
kind = {"model_type": "smolvlm", "architecture": "SmolVLMForConditionalGeneration"}
try:
    load_model(Checkpoint.open(sys.argv[1]), **kind, dtype="float32", device=torch.device("cpu"))
except ArtefactError as error:
    print(f"error: {error}", file=sys.stderr)
assert logging.get_verbosity() == before
"""


def test_our_sentence_is_all_that_is_said_of_weights_that_do_not_fit(folder: Path) -> None:
    text = json.loads((folder / "config.json").read_text())["text_config"]
    edit_config(folder, scale_factor=4, text_config=text | {"num_hidden_layers": 3})
    done = subprocess.run([sys.executable, "-c", _LOAD, folder], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    assert re.fullmatch(r"error: .*: weights and config.json are not of one model: \d+ missing keys, .*\n", done.stderr)


_LOAD_LITTLE = """
import json, pathlib, resource, sys, torch
from framedex.errors import FramedexError
from framedex.mllm.checkpoint import Checkpoint
from framedex.mllm.load import load_model
resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
path = pathlib.Path(sys.argv[1], "config.json")
whole = json.loads(path.read_text())
kind = {"model_type": "smolvlm", "architecture": "SmolVLMForConditionalGeneration"}
for changes in ({"text_config": None}, {"text_config": {}}, {"vision_config": None}):
    path.write_text(json.dumps(whole | changes))
    try:
        load_model(Checkpoint.open(path.parent), **kind, dtype="float32", device=torch.device("cpu"))
    except FramedexError as error:
        print(f"{type(error).__name__}: {error}", flush=True)
"""


def test_a_model_far_larger_than_the_weights_is_never_made(folder: Path) -> None:
    """What config.json leaves out is as large as the library's defaults, whatever the weights are."""
    done = subprocess.run([sys.executable, "-c", _LOAD_LITTLE, folder], capture_output=True, text=True, check=True)
    needed = r"ArtefactError: .*: weights and config.json are not of one model: config.json asks for \d{9,} numbers in all, .*\n"
    assert re.fullmatch(f"({needed}){{3}}", done.stdout), done.stdout


_LOAD_IN_LESS = """
import pathlib, resource, sys, torch
from framedex.errors import FramedexError
from framedex.mllm.checkpoint import Checkpoint
from framedex.mllm.load import load_model
kind = {"model_type": "smolvlm", "architecture": "SmolVLMForConditionalGeneration"}
used = int(pathlib.Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
for more in (1300 << 20, 300 << 20):
    resource.setrlimit(resource.RLIMIT_AS, (used + more, -1))
    try:
        load_model(Checkpoint.open(sys.argv[1]), **kind, dtype="float32", device=torch.device("cpu"))
    except FramedexError as error:
        print(f"{type(error).__name__}: {error}", flush=True)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the process is given less memory as Linux does it")
def test_weights_that_do_not_fit_into_memory_are_told_in_a_sentence(folder: Path) -> None:
    """The first time their float32 does not, the second not even the file."""
    text = json.loads((folder / "config.json").read_text())["text_config"]
    edit_config(folder, text_config=text | {"vocab_size": 10_000_000})
    path = folder / "model.safetensors"
    zeros, at = {}, 0
    for name, weight in load_file(path).items():
        shape = [10_000_000, 32] if name.endswith("embed_tokens.weight") else list(weight.shape)
        end = at + 2 * math.prod(shape)
        zeros[name] = {"dtype": "F16", "shape": shape, "data_offsets": [at, end]}
        at = end
    header = json.dumps(zeros | {"__metadata__": {"format": "pt"}}).encode()
    with path.open("wb") as file:  # with a hole, which takes no room on the disk
        file.write(len(header).to_bytes(8, "little") + header)
        file.truncate(8 + len(header) + at)
    done = subprocess.run([sys.executable, "-c", _LOAD_IN_LESS, folder], capture_output=True, text=True, check=True)
    told = (
        f"DeviceError: {folder}: its weights do not fit into memory as float32 on cpu; take a smaller dtype or model\n"
    )
    assert done.stdout == 2 * told


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            torch.OutOfMemoryError("CUDA out of memory."),
            "do not fit into memory as float32 on cpu; take a smaller dtype",
        ),
        (RuntimeError("CUDA error: unknown error"), "torch failed on cpu .CUDA error: unknown error"),
    ],
)
def test_a_device_that_does_not_take_the_weights_is_told_in_a_sentence(
    folder: Path, error: RuntimeError, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(torch.nn.Module, "to", fail)
    with pytest.raises(DeviceError, match=message):
        load_model(Checkpoint.open(folder), dtype="float32")


def test_a_weight_without_a_place_is_counted(folder: Path) -> None:
    path = folder / "model.safetensors"
    save_file(load_file(path) | {"model.extra.weight": torch.ones(2)}, path, metadata={"format": "pt"})
    assert load_model(Checkpoint.open(folder), dtype="float32").unused_weights == 1


def test_weights_that_are_not_finite_are_refused(folder: Path) -> None:
    path = folder / "model.safetensors"
    weights = load_file(path)
    weights[PROJECTION][0, 0] = 1e30
    save_file(weights, path, metadata={"format": "pt"})
    assert load_model(Checkpoint.open(folder), dtype="float32").model.dtype == torch.float32
    with pytest.raises(ArtefactError, match=r"proj.weight holds NaN or infinity as float16"):
        load_model(Checkpoint.open(folder), dtype="float16")


def test_a_damaged_file_is_refused(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ArtefactError, match="weights do not load"):
        load_model(Checkpoint.open(folder), dtype="float32")
