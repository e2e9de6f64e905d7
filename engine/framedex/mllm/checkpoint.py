"""An MLLM's checkpoint folder: found by name or path, its files there and readable. No tensor is loaded here."""

from __future__ import annotations

import importlib.resources
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from framedex.errors import ArtefactError, StorageError, UsageError, did_you_mean, first_line
from framedex.keys import sha256_file, sha256_parts
from framedex.mllm.bundled import BUNDLED
from framedex.optional import import_optional

_WEIGHTS = "model.safetensors"
_SHARDS = "model.safetensors.index.json"
_HUB_NAME = re.compile(r"[A-Za-z0-9_][\w.-]*/[A-Za-z0-9_][\w.-]*", re.ASCII)
# What of a hub's snapshot is read.
_FILES = ["*.json", "*.safetensors"]
_USE_ONE = "name the folder of a checkpoint that transformers saved (config.json, model.safetensors, tokenizer.json)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A folder with config.json, tokenizer.json and safetensors weights.

    Attributes:
        folder: where it lies.
        origin: where it was found, so that it can be found again: a bundled name, a name of the hub, or an absolute path.
        config: config.json as it is.
        weights: the weight files, sorted.
    """

    folder: Path
    origin: str
    config: dict[str, Any]
    weights: tuple[Path, ...]

    @classmethod
    def open(cls, mllm: str | Path, *, fetch: bool = False) -> Self:
        """Find a checkpoint and check that its files are there.

        Args:
            mllm: a bundled name, a folder, or a name of the Hugging Face hub, "owner/name"; looked for in this order.
            fetch: whether it may be fetched from there; else it must be in the local cache.

        Raises:
            UsageError: nothing is there by that name, or it cannot be fetched.
            ArtefactError: a file is missing or is not JSON.
            StorageError: a file cannot be read.
        """
        folder, origin = _find(mllm, fetch=fetch)
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
    except (ValueError, RecursionError) as error:
        raise ArtefactError(f"{path}: expected JSON, got {error}") from error
    if not isinstance(value, dict):
        raise ArtefactError(f"{path}: expected a JSON object, got a {type(value).__name__}")
    return value


def located(name: str, base: Path) -> str:
    """A name as `Checkpoint.open` takes it: a bundled one or one of the hub as it is, else a path relative to `base`."""
    path = base / Path(name).expanduser()
    return name if name in BUNDLED or (_HUB_NAME.fullmatch(name) and not path.exists()) else str(path)


def _find(mllm: str | Path, *, fetch: bool) -> tuple[Path, str]:
    """The folder and where it was found."""
    if isinstance(mllm, str) and mllm in BUNDLED:
        with importlib.resources.as_file(importlib.resources.files("framedex") / BUNDLED[mllm]) as folder:
            return folder, mllm
    path = Path(mllm)
    if path.is_dir():
        return path, str(path.resolve())
    if path.exists():
        raise UsageError(f"MLLM {path}: expected a checkpoint's folder, got a file; {_USE_ONE}")
    if isinstance(mllm, str) and _HUB_NAME.fullmatch(mllm):
        return _of_hub(mllm, fetch=fetch), mllm
    if path.name == str(mllm):
        raise UsageError(f"unknown MLLM {str(mllm)!r}; {did_you_mean(str(mllm), BUNDLED)}; or {_USE_ONE}")
    raise UsageError(f"MLLM {path}: no such folder (bundled: {', '.join(BUNDLED)}); {_USE_ONE}")


def _of_hub(name: str, *, fetch: bool) -> Path:
    """The folder of a snapshot in the local cache of the Hugging Face hub."""
    hub = import_optional("huggingface_hub", extra="mllm", needed_by=f"MLLM {name!r}")
    try:
        return Path(hub.snapshot_download(name, local_files_only=not fetch, allow_patterns=_FILES))
    except (hub.errors.LocalEntryNotFoundError, hub.errors.HFValidationError) as error:
        raise UsageError(
            f"MLLM {name!r}: no such folder, and not in the local cache of the Hugging Face hub; "
            f"{'it could not be reached' if fetch else 'ask for it to be fetched'}, or {_USE_ONE}"
        ) from error
    except (hub.errors.HfHubHTTPError, OSError) as error:
        raise UsageError(f"MLLM {name!r}: cannot be fetched from the Hugging Face hub: {first_line(error)}") from error


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
