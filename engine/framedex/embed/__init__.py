"""Embedders by name, and the one call that opens an encoder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from framedex.embed.bundled import BUNDLED
from framedex.registry import Registry

if TYPE_CHECKING:
    from framedex.embed.base import Embedder

__all__ = ["AUTO", "BUNDLED", "auto_runtime", "embedders", "load_embedder"]

#: Each is called as `(artefact, threads=…)`, and with `batch` and `precision` where they were asked for.
embedders: Registry[Callable[..., Embedder]] = Registry("embedder")
embedders.add("onnxruntime-cpu", "framedex.embed.onnxruntime:OnnxRuntimeEmbedder", extra="cpu")
embedders.add("onnxruntime-cuda", "framedex.embed.onnxruntime:on_cuda", extra="gpu")
embedders.add("tensorrt", "framedex.embed.tensorrt:TensorRtEmbedder", extra="gpu")
embedders.add("torch-cpu", "framedex.embed.torch:on_cpu", extra="export")
embedders.add("torch-cuda", "framedex.embed.torch:on_cuda", extra="gpu")
embedders.add("torch-cpu-compiled", "framedex.embed.torch:compiled_on_cpu", extra="export")
embedders.add("torch-cuda-compiled", "framedex.embed.torch:compiled_on_cuda", extra="gpu")

#: What "auto" means: the one runtime that nearly every artefact was measured on when it was exported. A GPU is asked for by name.
AUTO = "onnxruntime-cpu"
_AUTO_BF16 = "torch-cpu"


def auto_runtime(precision: str) -> str:
    """What "auto" means for graphs of this precision: `AUTO`, and torch for bfloat16, which ONNX Runtime's CPU cannot run."""
    return _AUTO_BF16 if precision == "bf16" else AUTO


def load_embedder(
    encoder: str | Path | None,
    *,
    runtime: str = "auto",
    threads: int = 1,
    batch: int | None = None,
    precision: str | None = None,
) -> Embedder:
    """Open an encoder artefact on a runtime.

    Args:
        encoder: a bundled name ("micro-siglip") or an artefact's folder; None is refused, there is no default.
        runtime: a name of `embedders`, or "auto", which is `auto_runtime`; the embedder's provenance says which it became.
        threads: that the runtime may use on the CPU, >= 1.
        batch: frames per run, >= 1; the runtime's own where None.
        precision: "fp32", "fp16-mixed" or "bf16", as far as the runtime has it; that of the artefact's graphs where None.

    Raises:
        UsageError: unknown encoder, runtime or precision, or threads or batch below 1.
        MissingDependency: the runtime is not installed, or is there without what it needs.
        DeviceError: it needs a device that is not there.
        ArtefactError: the artefact does not hold.
    """
    from framedex.embed.artefact import Artefact

    make = embedders.load(runtime) if runtime != "auto" else None
    artefact = Artefact.open(encoder)
    if make is None:
        make = embedders.load(auto_runtime(artefact.manifest.precision))
    asked = {name: value for name, value in (("batch", batch), ("precision", precision)) if value is not None}
    return make(artefact, threads=threads, **asked)
