"""A SmolVLM checkpoint's weights into its model: from disk only, every weight accounted for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from transformers import SmolVLMConfig, SmolVLMForConditionalGeneration
from transformers.utils import logging

from framedex.errors import ArtefactError, first_line
from framedex.mllm.checkpoint import Checkpoint

Dtype = Literal["float32", "bfloat16", "float16"]

ARCHITECTURE = "SmolVLMForConditionalGeneration"
MODEL_TYPE = "smolvlm"
#: Named in the MLLM key: another kind rounds otherwise.
ATTENTION = "sdpa"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Loaded:
    """A model that can be run.

    Attributes:
        model: on the CPU, in evaluation mode.
        unused_weights: weights in the files that this class of model has no place for.
    """

    model: SmolVLMForConditionalGeneration
    unused_weights: int


def load_model(checkpoint: Checkpoint, *, dtype: Dtype) -> Loaded:
    """Load the model; no code of the checkpoint is run.

    Args:
        checkpoint: opened.
        dtype: that the weights are converted to, whatever they are stored in.

    Raises:
        ArtefactError: the checkpoint is of another class, or its files do not fit each other.
    """
    folder = checkpoint.folder
    architectures = checkpoint.config.get("architectures") or [ARCHITECTURE]
    if checkpoint.model_type != MODEL_TYPE or ARCHITECTURE not in architectures:
        raise ArtefactError(
            f"{folder}: expected a checkpoint of model_type {MODEL_TYPE!r} and class {ARCHITECTURE}, "
            f"got {checkpoint.model_type!r} and {', '.join(map(str, architectures))}"
        )
    try:
        config = SmolVLMConfig.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, StrictDataclassError) as error:
        raise ArtefactError(f"{folder / 'config.json'}: no SmolVLM configuration: {first_line(error)}") from error
    try:
        with _without_bars():
            model, report = SmolVLMForConditionalGeneration.from_pretrained(
                folder,
                config=config,
                local_files_only=True,
                use_safetensors=True,
                dtype=getattr(torch, dtype),
                attn_implementation=ATTENTION,
                output_loading_info=True,
            )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise ArtefactError(f"{folder}: its weights do not load: {first_line(error)}") from error
    for fault in ("missing_keys", "mismatched_keys"):
        names = sorted(map(str, report[fault]))
        if names:
            raise ArtefactError(
                f"{folder}: weights and config.json are not of one model: {len(names)} {fault.replace('_', ' ')}, "
                f"the first is {names[0]}"
            )
    for name, weight in model.named_parameters():
        if not weight.isfinite().all():
            raise ArtefactError(f"{folder}: weight {name} holds NaN or infinity as {dtype}")
    return Loaded(model=model.eval(), unused_weights=len(report["unexpected_keys"]))


@contextmanager
def _without_bars() -> Iterator[None]:
    """Without transformers' progress bars: the commands draw their own."""
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()
