"""A Hugging Face checkpoint folder of an image and a text tower: checked and loaded, from disk only."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoTokenizer

from framedex.errors import ArtefactError, UsageError, first_line
from framedex.keys import sha256_file, sha256_parts

_WEIGHTS = "model.safetensors"
_SHARDS = "model.safetensors.index.json"
#: Constants that older releases of transformers wrote among the weights; the models make them anew.
_CONSTANTS = "embeddings.position_ids"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What a family's checkpoint folder holds.

    Attributes:
        model_type: as config.json names it.
        model: its class in transformers.
        processor: the class of its image processor, the one that works with Pillow.
        processor_types: as preprocessor_config.json may name it.
        tokenizer_files: one of these is there; "a + b" for two files that go together.
    """

    model_type: str
    model: Any
    processor: Any
    processor_types: tuple[str, ...]
    tokenizer_files: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Checkpoint:
    """A loaded checkpoint: the reference that an artefact is made from and compared with.

    Attributes:
        folder: where it lies.
        model: float32, in evaluation mode, with eager attention.
        processor: its image processor on Pillow.
        tokenizer: the checkpoint's own, as transformers loads it.
        weights_sha256: of model.safetensors; of all names and digests where the weights are in shards.
    """

    folder: Path
    model: Any
    processor: Any
    tokenizer: Any
    weights_sha256: str

    @property
    def max_length(self) -> int:
        """Ids per text: what the tokenizer pads to, but no more than the model has positions for."""
        return min(int(self.tokenizer.model_max_length), int(self.model.config.text_config.max_position_embeddings))


def model_type(folder: Path) -> str | None:
    """What config.json says that the folder holds.

    Raises:
        UsageError: no such folder.
        ArtefactError: no config.json, or one that is none.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder; expected a checkpoint folder with config.json and {_WEIGHTS}")
    found = _read_json(folder / "config.json").get("model_type")
    return found if found is None else str(found)


def read_checkpoint(folder: Path, kind: Kind) -> Checkpoint:
    """Load a checkpoint from disk only; nothing is fetched and no code of the checkpoint is run.

    Raises:
        UsageError: no such folder.
        ArtefactError: the folder is no checkpoint of this kind, a file is missing, or files do not fit each other.
    """
    if (found := model_type(folder)) != kind.model_type:
        raise ArtefactError(f"{folder}: expected a checkpoint of model_type {kind.model_type!r}, got {found!r}")
    weights = _weight_files(folder)
    if not any(all((folder / name).is_file() for name in names.split(" + ")) for names in kind.tokenizer_files):
        raise ArtefactError(f"{folder}: no tokenizer; expected {' or '.join(kind.tokenizer_files)}")
    processor = _load_processor(folder, kind)
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, RuntimeError) as error:
        raise ArtefactError(f"{folder}: its tokenizer does not load: {first_line(error)}") from error
    model = _load_model(folder, kind)
    require_vocabulary(folder, tokenizer, int(model.config.text_config.vocab_size))
    return Checkpoint(
        folder=folder,
        model=model,
        processor=processor,
        tokenizer=tokenizer,
        weights_sha256=_weights_sha256(weights),
    )


def require_vocabulary(folder: Path, tokenizer: Any, vocabulary: int) -> None:
    """Refuse a tokenizer that gives ids which the model has no row for.

    Raises:
        ArtefactError: it does.
    """
    if len(tokenizer) > vocabulary:
        raise ArtefactError(
            f"{folder}: the tokenizer has {len(tokenizer)} entries and the model {vocabulary}; they are not of one checkpoint"
        )


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise ArtefactError(f"{path.parent}: no checkpoint folder, {path.name} is missing")
    try:
        value = json.loads(path.read_bytes())
    except ValueError as error:
        raise ArtefactError(f"{path}: not JSON ({error})") from error
    if not isinstance(value, dict):
        raise ArtefactError(f"{path}: expected a JSON object, got a {type(value).__name__}")
    return value


def _weight_files(folder: Path) -> list[Path]:
    if (folder / _WEIGHTS).is_file():
        return [folder / _WEIGHTS]
    if not (folder / _SHARDS).is_file():
        raise ArtefactError(f"{folder}: no weights; expected {_WEIGHTS} or {_SHARDS} (pickled weights are not read)")
    names = sorted(set(_read_json(folder / _SHARDS).get("weight_map", {}).values()))
    missing = [name for name in names if not (folder / name).is_file()]
    if missing or not names:
        raise ArtefactError(
            f"{folder}: {_SHARDS} lists {len(names)} files, of which missing: {', '.join(missing) or '-'}"
        )
    return [folder / name for name in names]


def _weights_sha256(files: list[Path]) -> str:
    if len(files) == 1:
        return sha256_file(files[0])
    return sha256_parts(part.encode() for path in files for part in (path.name, sha256_file(path)))


def _load_processor(folder: Path, kind: Kind) -> Any:
    config = folder / "preprocessor_config.json"
    value = _read_json(config)
    named = value.get("image_processor_type", value.get("feature_extractor_type"))
    if named not in kind.processor_types:
        raise ArtefactError(f"{config}: expected image_processor_type {kind.processor_types[0]!r}, got {named!r}")
    try:
        return kind.processor.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, TypeError) as error:
        raise ArtefactError(f"{config}: the image processor does not load: {first_line(error)}") from error


def _load_model(folder: Path, kind: Kind) -> Any:
    try:
        # Eager attention exports to the plainer graph; the other kinds add masks and NaN guards.
        model, report = kind.model.from_pretrained(
            folder,
            local_files_only=True,
            dtype=torch.float32,
            attn_implementation="eager",
            use_safetensors=True,
            output_loading_info=True,
        )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise ArtefactError(
            f"{folder}: its weights do not load: {first_line(error)}; copy the checkpoint again"
        ) from error
    for fault in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        names = sorted(name for name in map(str, report[fault]) if not name.endswith(_CONSTANTS))
        if names:
            raise ArtefactError(
                f"{folder}: weights and config.json are not of one model: {len(names)} {fault.replace('_', ' ')}, "
                f"the first is {names[0]}"
            )
    for name, tensor in model.named_parameters():
        if not tensor.isfinite().all():
            raise ArtefactError(f"{folder}: weight {name} holds NaN or infinity")
    return model.eval()
