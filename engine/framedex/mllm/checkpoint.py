"""An MLLM's checkpoint folder: found by name or path, its files there and readable. No tensor is loaded here."""

from __future__ import annotations

import importlib.resources
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from framedex.errors import ArtefactError, StorageError, UsageError, did_you_mean
from framedex.keys import sha256_file, sha256_parts
from framedex.mllm.bundled import BUNDLED

_WEIGHTS = "model.safetensors"
_SHARDS = "model.safetensors.index.json"
_USE_ONE = "name the folder of a checkpoint that transformers saved (config.json, model.safetensors, tokenizer.json)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A folder with config.json, tokenizer.json and safetensors weights.

    Attributes:
        folder: where it lies.
        origin: where it was found, so that it can be found again: a bundled name, or an absolute path.
        config: config.json as it is.
        weights: the weight files, sorted.
    """

    folder: Path
    origin: str
    config: dict[str, Any]
    weights: tuple[Path, ...]

    @classmethod
    def open(cls, mllm: str | Path) -> Self:
        """Find a checkpoint and check that its files are there.

        Args:
            mllm: a bundled name or a folder; a name wins over a folder of that name.

        Raises:
            UsageError: neither a bundled name nor a folder.
            ArtefactError: a file is missing or is not JSON.
            StorageError: a file cannot be read.
        """
        folder, origin = _find(mllm)
        config = read_json(folder / "config.json")
        weights = _weight_files(folder)
        checkpoint = cls(folder=folder, origin=origin, config=config, weights=weights)
        if not checkpoint.tokenizer.is_file():
            raise ArtefactError(
                f"{folder}: tokenizer.json is missing; save the checkpoint's tokenizer into this folder"
            )
        return checkpoint

    @property
    def model_type(self) -> str:
        """What config.json calls the kind of model; "" where it says nothing."""
        return str(self.config.get("model_type", ""))

    @property
    def tokenizer(self) -> Path:
        """The `tokenizer.json`."""
        return self.folder / "tokenizer.json"

    def digest(self) -> str:
        """SHA-256 over the names and contents of the weights, config.json and tokenizer.json; reads them all.

        Raises:
            StorageError: a file cannot be read.
        """
        files = (*self.weights, self.folder / "config.json", self.tokenizer)
        try:
            return sha256_parts(part.encode() for path in files for part in (path.name, sha256_file(path)))
        except OSError as error:
            raise StorageError(f"{error.filename}: cannot be read ({os.strerror(error.errno or 0)})") from error


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a checkpoint's folder.

    Raises:
        ArtefactError: missing, or no JSON object.
        StorageError: cannot be read.
    """
    try:
        value = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise ArtefactError(f"{path.parent}: {path.name} is missing; {_USE_ONE}") from error
    except OSError as error:
        raise StorageError(f"{path}: cannot be read ({os.strerror(error.errno or 0)})") from error
    except ValueError as error:
        raise ArtefactError(f"{path}: expected JSON, got {error}") from error
    if not isinstance(value, dict):
        raise ArtefactError(f"{path}: expected a JSON object, got a {type(value).__name__}")
    return value


def _find(mllm: str | Path) -> tuple[Path, str]:
    """The folder and where it was found."""
    if isinstance(mllm, str) and mllm in BUNDLED:
        with importlib.resources.as_file(importlib.resources.files("framedex") / BUNDLED[mllm]) as folder:
            return folder, mllm
    path = Path(mllm)
    if path.is_dir():
        return path, str(path.resolve())
    if path.exists():
        raise UsageError(f"MLLM {path}: expected a checkpoint's folder, got a file; {_USE_ONE}")
    if path.name == str(mllm):
        raise UsageError(f"unknown MLLM {str(mllm)!r}; {did_you_mean(str(mllm), BUNDLED)}; or {_USE_ONE}")
    raise UsageError(f"MLLM {path}: no such folder (bundled: {', '.join(BUNDLED)}); {_USE_ONE}")


def _weight_files(folder: Path) -> tuple[Path, ...]:
    if (folder / _WEIGHTS).is_file():
        return (folder / _WEIGHTS,)
    if not (folder / _SHARDS).is_file():
        raise ArtefactError(f"{folder}: no weights; expected {_WEIGHTS} or {_SHARDS} (pickled weights are not read)")
    shard_of = read_json(folder / _SHARDS).get("weight_map")
    if not isinstance(shard_of, dict) or not shard_of:
        raise ArtefactError(f"{folder / _SHARDS}: expected weight_map, an object that names a file for every weight")
    names = sorted(set(map(str, shard_of.values())))
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise ArtefactError(f"{folder}: {_SHARDS} lists {len(names)} files, of which missing: {', '.join(missing)}")
    return tuple(folder / name for name in names)
