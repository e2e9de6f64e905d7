"""MLLM runners by model type, and the one call that opens an MLLM."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from framedex.errors import ArtefactError
from framedex.mllm.bundled import BUNDLED
from framedex.registry import Registry

if TYPE_CHECKING:
    from framedex.mllm.base import Runner

__all__ = ["BUNDLED", "load_runner", "runners"]

#: Named by the `model_type` of the checkpoint's config.json; each is called as `(checkpoint, threads=…)`.
runners: Registry[Callable[..., Runner]] = Registry("MLLM runner")
runners.add("smolvlm", "framedex.mllm.smolvlm:SmolVlmRunner", extra="mllm")


def load_runner(mllm: str | Path, *, threads: int) -> Runner:
    """Load an MLLM from disk; nothing is fetched.

    Args:
        mllm: a bundled name ("micro-smolvlm"), or a checkpoint's folder. A name wins over a folder of that name: write "./NAME"
            for the folder.
        threads: that the model may use, >= 1.

    Raises:
        UsageError: neither a bundled name nor a folder, or threads below 1.
        ArtefactError: no checkpoint, one of a kind that framedex does not run, or one whose files do not fit each other.
        MissingDependency: the extra "mllm" is not installed.
        StorageError: a file cannot be read.
    """
    from framedex.mllm.checkpoint import Checkpoint

    checkpoint = Checkpoint.open(mllm)
    if checkpoint.model_type not in runners.names():
        raise ArtefactError(
            f"{checkpoint.folder}: expected a checkpoint of model_type {' or '.join(map(repr, runners.names()))}, "
            f"got {checkpoint.model_type!r}; framedex runs no other MLLM yet"
        )
    return runners.load(checkpoint.model_type)(checkpoint, threads=threads)
