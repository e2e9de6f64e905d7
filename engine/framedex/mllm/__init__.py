"""MLLM families by model type, and the one call that opens an MLLM."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from framedex.errors import ArtefactError
from framedex.mllm.bundled import BUNDLED
from framedex.registry import Registry

if TYPE_CHECKING:
    from framedex.mllm.base import Runner
    from framedex.mllm.device import Limits
    from framedex.mllm.family import Family
    from framedex.mllm.load import Dtype
    from framedex.torch_device import DeviceName

__all__ = ["BUNDLED", "families", "load_runner"]

#: Named by the `model_type` of the checkpoint's config.json.
families: Registry[type[Family]] = Registry("MLLM family")
families.add("smolvlm", "framedex.mllm.smolvlm:SmolVlm", extra="mllm")
families.add("llava_onevision", "framedex.mllm.llava_onevision:LlavaOnevision", extra="mllm")
families.add("video_llama_3", "framedex.mllm.videollama3:VideoLlama3", extra="mllm")


def load_runner(
    mllm: str | Path,
    *,
    threads: int,
    device: DeviceName | Literal["auto"] = "auto",
    dtype: Dtype | Literal["auto"] = "auto",
    limits: Limits | None = None,
) -> Runner:
    """Load an MLLM from disk; nothing is fetched.

    Args:
        mllm: a bundled name ("micro-smolvlm"), or a checkpoint's folder. A name wins over a folder of that name: write "./NAME"
            for the folder.
        threads: that the model may use, >= 1.
        device: "cpu" or "cuda"; "auto" takes CUDA where torch finds a GPU.
        dtype: "float32", "bfloat16" or "float16"; "auto" takes bfloat16 on CUDA and float32 on the CPU.
        limits: how much is worked on at a time; None for what suits the device.

    Raises:
        UsageError: neither a bundled name nor a folder, or a setting that does not exist.
        ArtefactError: no checkpoint, one of a kind that framedex does not run, or one whose files do not fit each other.
        MissingDependency: the extra "mllm" is not installed.
        DeviceError: the device is not there.
        StorageError: a file cannot be read.
    """
    from framedex.mllm.checkpoint import Checkpoint
    from framedex.optional import import_optional

    checkpoint = Checkpoint.open(mllm)
    if checkpoint.model_type not in families.names():
        raise ArtefactError(
            f"{checkpoint.folder}: expected a checkpoint of model_type {' or '.join(map(repr, families.names()))}, "
            f"got {checkpoint.model_type!r}; framedex runs no other MLLM yet"
        )
    family = families.load(checkpoint.model_type)
    engine = import_optional("framedex.mllm.engine", extra="mllm", needed_by=f"MLLM {checkpoint.origin}")
    runner: Runner = engine.TransformersRunner(
        checkpoint, family, threads=threads, device=device, dtype=dtype, limits=limits
    )
    return runner
