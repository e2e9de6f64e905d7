"""A Hugging Face SigLIP checkpoint folder: checked, loaded, and its rules read off."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from transformers import AutoTokenizer, SiglipImageProcessorPil, SiglipModel

from framedex.embed.manifest import ImageRules, first_fault
from framedex.errors import ArtefactError, UsageError
from framedex.keys import sha256_file, sha256_parts

_MODEL_TYPE = "siglip"
_PROCESSOR_TYPES = ("SiglipImageProcessor", "SiglipImageProcessorFast", "SiglipImageProcessorPil")
_WEIGHTS = "model.safetensors"
_SHARDS = "model.safetensors.index.json"
_TOKENIZERS = ("tokenizer.json", "spiece.model")
_INTERPOLATIONS = {2: "bilinear", 3: "bicubic"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Checkpoint:
    """A loaded checkpoint: the reference that an artefact is made from and compared with.

    Attributes:
        folder: where it lies.
        model: SiglipModel, float32, in evaluation mode.
        processor: SiglipImageProcessorPil.
        tokenizer: the checkpoint's own, as transformers loads it.
        weights_sha256: of model.safetensors; of all names and digests where the weights are in shards.
    """

    folder: Path
    model: SiglipModel
    processor: Any
    tokenizer: Any
    weights_sha256: str

    @property
    def max_length(self) -> int:
        """Ids per text: what the tokenizer pads to, but no more than the model has positions for."""
        return min(int(self.tokenizer.model_max_length), int(self.model.config.text_config.max_position_embeddings))


def read_checkpoint(folder: Path) -> Checkpoint:
    """Load a SigLIP checkpoint from disk only; nothing is fetched and no code of the checkpoint is run.

    Raises:
        UsageError: no such folder.
        ArtefactError: the folder is no SigLIP checkpoint, a file is missing, or files do not fit each other.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder; expected a checkpoint folder with config.json and {_WEIGHTS}")
    config = _read_json(folder / "config.json")
    if config.get("model_type") != _MODEL_TYPE:
        raise ArtefactError(
            f"{folder}: expected a checkpoint of model_type {_MODEL_TYPE!r}, got {config.get('model_type')!r}; "
            "this command exports SigLIP only"
        )
    weights = _weight_files(folder)
    if not any((folder / name).is_file() for name in _TOKENIZERS):
        raise ArtefactError(f"{folder}: no tokenizer; expected {' or '.join(_TOKENIZERS)}")
    processor = _load_processor(folder)
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, RuntimeError) as error:
        raise ArtefactError(f"{folder}: its tokenizer does not load: {_first_line(error)}") from error
    model = _load_model(folder)
    vocabulary = model.config.text_config.vocab_size
    if len(tokenizer) > vocabulary:
        raise ArtefactError(
            f"{folder}: the tokenizer has {len(tokenizer)} entries and the model {vocabulary}; they are not of one checkpoint"
        )
    return Checkpoint(
        folder=folder,
        model=model,
        processor=processor,
        tokenizer=tokenizer,
        weights_sha256=_weights_sha256(weights),
    )


def read_image_rules(checkpoint: Checkpoint) -> ImageRules:
    """The preprocessing that the checkpoint's own preprocessor_config.json asks for.

    Raises:
        ArtefactError: it asks for something that SigLIP's squash, rescale and normalise is not.
    """
    processor = checkpoint.processor
    side = checkpoint.model.config.vision_config.image_size
    size = (processor.size["height"], processor.size["width"])
    if size != (side, side):
        raise ArtefactError(
            f"{checkpoint.folder}: the processor resizes to {size[0]}x{size[1]} and the model takes {side}x{side}"
        )
    wanted = {"do_resize": True, "do_rescale": True, "do_normalize": True, "do_center_crop": False, "do_pad": False}
    for name, expected in wanted.items():
        got = bool(getattr(processor, name, None))
        if got != expected:
            raise ArtefactError(f"{checkpoint.folder}: the processor's {name} is {got}, expected {expected} for SigLIP")
    if int(processor.resample) not in _INTERPOLATIONS:
        raise ArtefactError(
            f"{checkpoint.folder}: the processor's resample is {int(processor.resample)}, expected 2 (bilinear) or 3 (bicubic)"
        )
    rules = {
        "size": size,
        "resize": "squash",
        "interpolation": _INTERPOLATIONS[int(processor.resample)],
        "antialias": True,
        "channel_order": "RGB",
        "rescale": processor.rescale_factor,
        "mean": processor.image_mean,
        "std": processor.image_std,
    }
    try:
        return ImageRules.model_validate(rules)
    except ValidationError as error:
        raise ArtefactError(f"{checkpoint.folder}: the processor's rules do not hold: {first_fault(error)}") from error


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


def _load_processor(folder: Path) -> Any:
    config = folder / "preprocessor_config.json"
    kind = _read_json(config).get("image_processor_type")
    if kind not in _PROCESSOR_TYPES:
        raise ArtefactError(f"{config}: expected image_processor_type {_PROCESSOR_TYPES[0]!r}, got {kind!r}")
    try:
        return SiglipImageProcessorPil.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, TypeError) as error:
        raise ArtefactError(f"{config}: the image processor does not load: {_first_line(error)}") from error


def _load_model(folder: Path) -> SiglipModel:
    try:
        # Eager attention exports to the plainer graph; the other kinds add masks and NaN guards.
        model, report = SiglipModel.from_pretrained(
            folder,
            local_files_only=True,
            dtype=torch.float32,
            attn_implementation="eager",
            use_safetensors=True,
            output_loading_info=True,
        )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise ArtefactError(f"{folder}: its weights do not load: {_first_line(error)}") from error
    for fault in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        names = sorted(str(name) for name in report[fault])
        if names:
            raise ArtefactError(
                f"{folder}: weights and config.json are not of one model: {len(names)} {fault.replace('_', ' ')}, "
                f"the first is {names[0]}"
            )
    for name, tensor in model.named_parameters():
        if not tensor.isfinite().all():
            raise ArtefactError(f"{folder}: weight {name} holds NaN or infinity")
    if not model.config.vision_config.vision_use_head:
        raise ArtefactError(f"{folder}: the vision model has no pooling head, so it gives no picture's vector")
    widths = (model.config.vision_config.hidden_size, model.config.text_config.projection_size)
    if widths[0] != widths[1]:
        raise ArtefactError(f"{folder}: image vectors have {widths[0]} dimensions and text vectors {widths[1]}")
    return model.eval()


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", maxsplit=1)[0] or type(error).__name__
