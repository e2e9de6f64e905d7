"""A checkpoint's weights into its model: from disk only, every weight accounted for."""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import transformers
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError, safe_open
from transformers.utils import logging

from framedex.errors import ArtefactError, DeviceError, first_line
from framedex.mllm.checkpoint import Checkpoint
from framedex.mllm.device import is_out_of_memory
from framedex.mllm.options import Dtype
from framedex.torch_device import device_label

#: Named in the MLLM key: another kind rounds otherwise. It is the only one that takes a mask of one's own on every device.
ATTENTION = "sdpa"

#: What transformers and torch raise of a config.json whose values they cannot make a model of.
_NO_MODEL = (
    OSError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
    ImportError,
    StrictDataclassError,
)
#: Likewise of weights.
_NOT_LOADED = (*_NO_MODEL, MemoryError, SafetensorError)
# Weights that files lack are named one by one after loading, for which the model is made in full: not where it is that much more.
_MOST_LACKING = 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Loaded:
    """A model that can be run.

    Attributes:
        model: of the architecture asked for, on its device, in evaluation mode.
        unused_weights: weights in the files that this class of model has no place for.
    """

    model: Any
    unused_weights: int


def load_model(
    checkpoint: Checkpoint, *, model_type: str, architecture: str, dtype: Dtype, device: torch.device
) -> Loaded:
    """Load the model; no code of the checkpoint is run.

    Args:
        checkpoint: opened.
        model_type: that config.json must have.
        architecture: class in transformers.
        dtype: that the weights are converted to, whatever they are stored in.
        device: that they are put on.

    Raises:
        ArtefactError: the checkpoint is of another class, its files do not fit each other, or its language model attends to a
            sliding window or turns positions by the length of the text.
        DeviceError: its weights do not fit into memory, or the device failed.
    """
    folder = checkpoint.folder
    architectures = checkpoint.config.get("architectures") or [architecture]
    if not isinstance(architectures, list):
        raise ArtefactError(f"{folder / 'config.json'}: expected architectures to be a list, got {architectures!r}")
    if checkpoint.model_type != model_type or architecture not in architectures:
        raise ArtefactError(
            f"{folder}: expected a checkpoint of model_type {model_type!r} and class {architecture}, "
            f"got {checkpoint.model_type!r} and {', '.join(map(str, architectures))}"
        )
    kind = getattr(transformers, architecture)
    try:
        with _quietly():
            config = kind.config_class.from_pretrained(folder, local_files_only=True)
            needed = _needed_weights(kind, config)
    except _NO_MODEL as error:
        # A LookupError says what was looked up and no more.
        reason = f"there is no {first_line(error)}" if isinstance(error, LookupError) else first_line(error)
        raise ArtefactError(f"{folder / 'config.json'}: no configuration of {architecture}: {reason}") from error
    try:
        held = _held_weights(checkpoint)
    except _NOT_LOADED as error:
        raise _not_loaded(checkpoint, error, dtype=dtype, device=device) from error
    if needed > _MOST_LACKING * held:
        raise ArtefactError(
            f"{folder}: weights and config.json are not of one model: config.json asks for {needed} numbers in all, "
            f"the files hold {held}"
        )
    text = config.get_text_config()
    if "sliding_attention" in (getattr(text, "layer_types", None) or ()):
        raise ArtefactError(f"{folder}: its language model attends to a sliding window, which framedex does not run")
    by_length = sorted(kind for kind in _rope_types(text) if kind == "longrope" or "dynamic" in kind)
    if by_length:
        raise ArtefactError(
            f"{folder}: its language model turns positions by the length of the text (rope_type {by_length[0]!r}), "
            f"which framedex does not run"
        )
    try:
        with _quietly():
            model, report = kind.from_pretrained(
                folder,
                config=config,
                local_files_only=True,
                use_safetensors=True,
                dtype=getattr(torch, dtype),
                attn_implementation=ATTENTION,
                output_loading_info=True,
                ignore_mismatched_sizes=True,  # told below
            )
    except _NOT_LOADED as error:
        raise _not_loaded(checkpoint, error, dtype=dtype, device=device) from error
    for fault in ("missing_keys", "mismatched_keys"):
        # A key, or a key and both shapes.
        names = sorted(each if isinstance(each, str) else str(each[0]) for each in report[fault])
        if names:
            raise ArtefactError(
                f"{folder}: weights and config.json are not of one model: {len(names)} {fault.replace('_', ' ')}, "
                f"the first is {names[0]}"
            )
    try:
        for name, weight in model.named_parameters():
            if not weight.isfinite().all():
                raise ArtefactError(f"{folder}: weight {name} holds NaN or infinity as {dtype}")
        model.eval().to(device)
    except (RuntimeError, MemoryError) as error:
        if is_out_of_memory(error):
            raise _not_loaded(checkpoint, error, dtype=dtype, device=device) from error
        raise DeviceError(f"{folder}: torch failed on {device_label(device)} ({first_line(error)})") from error
    return Loaded(model=model, unused_weights=len(report["unexpected_keys"]))


def _not_loaded(
    checkpoint: Checkpoint, error: Exception, *, dtype: Dtype, device: torch.device
) -> ArtefactError | DeviceError:
    """The sentence for weights that do not load: they are too large for the memory, or do not hold."""
    if is_out_of_memory(error):
        return DeviceError(
            f"{checkpoint.folder}: its weights do not fit into memory as {dtype} on {device_label(device)}; "
            "take a smaller dtype or model"
        )
    return ArtefactError(f"{checkpoint.folder}: its weights do not load: {first_line(error)}")


def _needed_weights(kind: Any, config: Any) -> int:
    """How many numbers the weights of a configuration's model are, tied ones once; no memory is taken for them."""
    with torch.device("meta"):
        model = kind(copy.deepcopy(config))
    model.tie_weights()
    return sum(weight.numel() for weight in model.parameters())


def _held_weights(checkpoint: Checkpoint) -> int:
    """How many numbers the weight files hold, by their headers."""
    held = 0
    for path in checkpoint.weights:
        with safe_open(path, framework="pt") as file:
            held += sum(math.prod(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118
    return held


def _rope_types(text: Any) -> set[str]:
    """The kinds of rotary positions that a text model's configuration names, for all layers or for each kind of layer."""
    parameters = getattr(text, "rope_parameters", None) or {}
    named = (parameters, *(each for each in parameters.values() if isinstance(each, dict)))
    return {str(each["rope_type"]) for each in named if "rope_type" in each}


@contextmanager
def _quietly() -> Iterator[None]:
    """Without transformers' bars and warnings: the commands draw their own bars, and what does not fit is told in a line."""
    shown, verbosity = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(verbosity)
        if shown:
            logging.enable_progress_bar()
