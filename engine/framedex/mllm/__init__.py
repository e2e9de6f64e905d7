"""MLLM families by model type, and the one call that opens an MLLM."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from framedex.errors import ArtefactError
from framedex.mllm.bundled import BUNDLED
from framedex.registry import Registry

if TYPE_CHECKING:
    from framedex.mllm.base import Runner
    from framedex.mllm.family import Family
    from framedex.mllm.options import RunnerOptions
    from framedex.mllm.served_model import ServedModel

__all__ = ["BUNDLED", "families", "load_runner"]

#: Named by the `model_type` of the checkpoint's config.json.
families: Registry[type[Family]] = Registry("MLLM family")
families.add("smolvlm", "framedex.mllm.smolvlm:SmolVlm", extra="mllm")
families.add("llava_onevision", "framedex.mllm.llava_onevision:LlavaOnevision", extra="mllm")
families.add("video_llama_3", "framedex.mllm.videollama3:VideoLlama3", extra="mllm")


def load_runner(mllm: str | Path | ServedModel, *, threads: int, options: RunnerOptions | None = None) -> Runner:
    """Load an MLLM from disk, or turn to the server that holds it; nothing is fetched unless the options say so.

    Args:
        mllm: a bundled name ("micro-smolvlm"), a checkpoint's folder, or a name of the Hugging Face hub ("owner/name"). A bundled
            name wins over a folder of that name, and that over the hub: write "./NAME" for the folder. Or a model that is served,
            to which the other arguments do not apply.
        threads: that the model may use, >= 1.
        options: device, dtype and the like; None for the defaults.

    Raises:
        UsageError: nothing is there by that name, or an option that does not exist.
        ArtefactError: no checkpoint, one of a kind that framedex does not run, or one whose files do not fit each other.
        MissingDependency: the extra "mllm" is not installed.
        DeviceError: the device is not there.
        StorageError: a file cannot be read.
    """
    from framedex.mllm.checkpoint import Checkpoint
    from framedex.mllm.options import RunnerOptions
    from framedex.mllm.served_model import ServedModel
    from framedex.optional import import_optional

    if isinstance(mllm, ServedModel):
        server = import_optional("framedex.mllm.server", extra="mllm", needed_by=f"server {mllm.base}")
        served: Runner = server.ServedRunner(mllm)
        return served
    options = options or RunnerOptions()
    checkpoint = Checkpoint.open(mllm, fetch=options.fetch)
    if checkpoint.model_type not in families.names():
        raise ArtefactError(
            f"{checkpoint.folder}: expected a checkpoint of model_type {' or '.join(map(repr, families.names()))}, "
            f"got {checkpoint.model_type!r}; framedex runs no other MLLM yet"
        )
    family = families.load(checkpoint.model_type)
    engine = import_optional("framedex.mllm.engine", extra="mllm", needed_by=f"MLLM {checkpoint.origin}")
    runner: Runner = engine.TransformersRunner(checkpoint, family, threads=threads, options=options)
    return runner
