"""A checkpoint is found by name or folder, and what is missing is said."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import huggingface_hub
import pytest

from framedex.errors import ArtefactError, FramedexError, UsageError
from framedex.mllm import BUNDLED, families, load_runner
from framedex.mllm.checkpoint import Checkpoint, located
from smolvlm_checkpoints import tiny_smolvlm


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return shutil.copytree(tiny_smolvlm(), tmp_path / "checkpoint")


def edit_config(folder: Path, **changes: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_folder_is_opened() -> None:
    checkpoint = Checkpoint.open(tiny_smolvlm())
    assert checkpoint.model_type == "smolvlm"
    assert checkpoint.origin == str(tiny_smolvlm().resolve())
    assert [path.name for path in checkpoint.weights] == ["model.safetensors"]


@pytest.mark.parametrize(
    ("mllm", "error", "message"),
    [
        (
            "micro-smolvml",
            UsageError,
            r"unknown MLLM 'micro-smolvml'; exists: micro-smolvlm; did you mean 'micro-smolvlm'\?",
        ),
        ("no/such/folder", UsageError, r"MLLM no/such/folder: no such folder \(bundled: micro-smolvlm\)"),
        (__file__, UsageError, "expected a checkpoint's folder, got a file"),
        (str(Path(__file__).parent), ArtefactError, r"config.json is missing; name the folder of a checkpoint"),
    ],
)
def test_what_is_no_checkpoint_is_refused(mllm: str, error: type[FramedexError], message: str) -> None:
    with pytest.raises(error, match=message):
        load_runner(mllm, threads=1)


def test_another_kind_of_model_is_refused_before_anything_is_loaded(folder: Path) -> None:
    edit_config(folder, model_type="idefics3")
    (folder / "model.safetensors").write_bytes(b"never read")
    with pytest.raises(ArtefactError, match=r"model_type 'smolvlm' or .*, got 'idefics3'; framedex runs no other"):
        load_runner(folder, threads=1)


def test_a_name_of_the_hub_is_found_in_its_local_cache(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache, commit = tmp_path / "hub", "0" * 40
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(cache))
    with pytest.raises(
        UsageError, match="'owner/model': no such folder, and not in the local cache of the Hugging Face"
    ):
        load_runner("owner/model", threads=1)
    kept = cache / "models--owner--model"
    (kept / "refs").mkdir(parents=True)
    (kept / "refs" / "main").write_text(commit)
    shutil.copytree(folder, kept / "snapshots" / commit)
    checkpoint = Checkpoint.open("owner/model")
    assert checkpoint.origin == "owner/model"
    assert checkpoint.digest() == Checkpoint.open(folder).digest()
    (kept / "snapshots" / commit / "tokenizer.json").unlink()
    with pytest.raises(ArtefactError, match=r"tokenizer\.json is missing"):
        load_runner("owner/model", threads=1)


def test_names_in_a_file_are_bundled_or_of_the_hub_or_paths(tmp_path: Path) -> None:
    (tmp_path / "models" / "mine").mkdir(parents=True)
    assert located("micro-smolvlm", tmp_path) == "micro-smolvlm"
    assert located("owner/model-2.2B", tmp_path) == "owner/model-2.2B"
    for path in ("models/mine", "mine", "a/b/c", "./micro-smolvlm", "../owner"):
        assert located(path, tmp_path) == str(tmp_path / path)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("model.safetensors", "no weights; expected model.safetensors or"),
        ("tokenizer.json", "tokenizer.json is missing"),
    ],
)
def test_missing_files_are_named(folder: Path, name: str, message: str) -> None:
    (folder / name).unlink()
    with pytest.raises(ArtefactError, match=message):
        Checkpoint.open(folder)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "expected JSON"),
        ("[]", "expected a JSON object, got a list"),
        ("[" * 100_000, "config.json: expected JSON, got maximum recursion depth exceeded"),
    ],
)
def test_a_config_that_is_no_object_is_refused(folder: Path, text: str, message: str) -> None:
    (folder / "config.json").write_text(text)
    with pytest.raises(ArtefactError, match=message):
        Checkpoint.open(folder)


def test_shards_are_followed_and_a_missing_one_is_named(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "b.safetensors")
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"x": "b.safetensors", "y": "b.safetensors"}}))
    assert [path.name for path in Checkpoint.open(folder).weights] == ["b.safetensors"]
    index.write_text(json.dumps({"weight_map": {"x": "a.safetensors", "y": "b.safetensors"}}))
    with pytest.raises(ArtefactError, match=r"lists 2 files, of which missing: a\.safetensors"):
        Checkpoint.open(folder)
    index.write_text("{}")
    with pytest.raises(ArtefactError, match="expected weight_map"):
        Checkpoint.open(folder)


def test_every_file_counts_in_the_digest(folder: Path) -> None:
    digests = {Checkpoint.open(folder).digest()}
    for name in ("model.safetensors", "config.json", "tokenizer.json"):
        path = folder / name
        path.write_bytes(path.read_bytes() + b" ")
        digests.add(Checkpoint.open(folder).digest())
    assert len(digests) == 4


def test_families_are_named_by_model_type() -> None:
    assert families.names() == ("smolvlm", "llava_onevision", "video_llama_3")
    assert BUNDLED["micro-smolvlm"].startswith("microworld/models/")
