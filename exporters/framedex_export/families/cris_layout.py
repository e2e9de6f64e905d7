"""The keys of a CRIS checkpoint, as the authors' training writes them, and the check that a file holds exactly these.

Source: DerrickWang005/CRIS.pytorch, `train.py` (what is saved) and `model/` (names of the modules).
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from framedex.errors import ArtefactError, first_line

#: Of the distributed training.
PREFIX = "module."
#: The dual encoder; the rest (`PAIR`) is the network over picture and sentence.
BACKBONE = "backbone."
PAIR = ("neck.", "decoder.", "proj.")

_LISTED = 20
_AFFINE = ("weight", "bias")
_NORM = (*_AFFINE, "running_mean", "running_var", "num_batches_tracked")
_NECK = (
    "txt_proj",
    "f1_v_proj",
    "f2_v_proj",
    "f2_cat",
    "f3_v_proj",
    "f3_cat",
    "f4_proj5",
    "f4_proj4",
    "f4_proj3",
    "aggr",
)
_ATTENTION = ("in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias")


def load_state(path: Path) -> dict[str, Tensor]:
    """The tensors of a checkpoint file by name, without `PREFIX`; nothing of it is run.

    Raises:
        ArtefactError: the file is cut or no torch file, holds more than data, or has no `state_dict` of tensors.
    """
    try:
        value = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise ArtefactError(f"{path}: cannot be read ({error.strerror or error})") from error
    except Exception as error:  # torch raises what its unpickler meets
        # Of a cut file, torch gives its unpacker's inner state.
        whole = zipfile.is_zipfile(path)
        reason = (
            first_line(error) if whole else f"it is cut, or no torch file ({path.stat().st_size} bytes); copy it again"
        )
        raise ArtefactError(f"{path}: its weights do not load: {reason}") from error
    state = value.get("state_dict") if isinstance(value, dict) else None
    if not isinstance(state, Mapping) or not state or not all(isinstance(each, Tensor) for each in state.values()):
        raise ArtefactError(f"{path}: expected a dictionary with a state_dict of tensors, as CRIS's training saves it")
    without = [name for name in state if not name.startswith(PREFIX)]
    if without:
        raise ArtefactError(
            f"{path}: expected every key to begin with {PREFIX!r}, got {len(without)} that do not: {_listed(without)}"
        )
    return {name.removeprefix(PREFIX): tensor for name, tensor in state.items()}


def require_keys(path: Path, state: Mapping[str, Tensor], expected: Collection[str]) -> None:
    """Refuse a state whose keys are not exactly the expected ones.

    Raises:
        ArtefactError: with the keys that are missing and those that are unknown.
    """
    missing, unknown = sorted(set(expected) - set(state)), sorted(set(state) - set(expected))
    if missing or unknown:
        raise ArtefactError(
            f"{path}: its keys are not CRIS's: {len(missing)} missing ({_listed(missing)}), "
            f"{len(unknown)} unknown ({_listed(unknown)})"
        )


def require_tensors(path: Path, state: Mapping[str, Tensor], expected: Mapping[str, Any]) -> None:
    """Refuse tensors of other shapes than expected, and such that hold no numbers.

    Raises:
        ArtefactError: with the names, and both shapes of the first.
    """
    wrong = [name for name, tensor in expected.items() if state[name].shape != tensor.shape]
    if wrong:
        got, wanted = list(state[wrong[0]].shape), list(expected[wrong[0]].shape)
        raise ArtefactError(
            f"{path}: {len(wrong)} tensors are of other shapes than the others ask for, the first {wrong[0]}: expected "
            f"{wanted}, got {got}; all: {_listed(wrong)}"
        )
    for name in expected:
        if state[name].is_floating_point() and not state[name].isfinite().all():
            raise ArtefactError(f"{path}: weight {name} holds NaN or infinity")


def pair_keys(layers: int) -> Iterator[str]:
    """The keys of the network over picture and sentence, whose decoder has so many layers."""
    for part in (*_NECK, "coordconv.0.conv1", "coordconv.1"):
        yield f"neck.{part}.0.weight"
        yield from (f"neck.{part}.1.{name}" for name in _NORM)
    yield from (f"neck.norm_layer.0.{name}" for name in _NORM)
    for layer in range(layers):
        at = f"decoder.layers.{layer}"
        for part in ("self_attn_norm", "cross_attn_norm", "norm1", "norm2", "norm3", "ffn.0", "ffn.3", "ffn.4"):
            yield from (f"{at}.{part}.{name}" for name in _AFFINE)
        for part in ("self_attn", "multihead_attn"):
            yield from (f"{at}.{part}.{name}" for name in _ATTENTION)
    yield from (f"decoder.norm.{name}" for name in _AFFINE)
    for part in ("proj.vis.1", "proj.vis.3"):
        yield f"{part}.0.weight"
        yield from (f"{part}.1.{name}" for name in _NORM)
    for part in ("proj.vis.4", "proj.txt"):
        yield from (f"{part}.{name}" for name in _AFFINE)


def count_of(names: Collection[str], beginning: str) -> int:
    """How many blocks are numbered after `beginning`."""
    pattern = re.compile(re.escape(beginning) + r"(\d+)\.")
    return len({found.group(1) for name in names if (found := pattern.match(name))})


def _listed(names: Collection[str]) -> str:
    shown = ", ".join(sorted(names)[:_LISTED]) or "-"
    return shown if len(names) <= _LISTED else f"{shown} and {len(names) - _LISTED} more"
