"""Scorers by name: what turns stored vectors and prompts into scores, on each of the machine's devices."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from framedex.registry import Registry

if TYPE_CHECKING:
    from framedex.score.base import Scorer

__all__ = ["AUTO", "load_scorer", "scorers"]

#: Each is called as `(threads=…)`.
scorers: Registry[Callable[..., Scorer]] = Registry("scorer")
scorers.add("native", "framedex.score.native:NativeScorer")
scorers.add("numpy", "framedex.score.numpy:NumpyScorer")
scorers.add("torch-cpu", "framedex.score.torch:on_cpu", extra="mllm")
scorers.add("torch-cuda", "framedex.score.torch:on_cuda", extra="gpu")
scorers.add("faiss-cpu", "framedex.score.faiss:FaissScorer", extra="cpu")
scorers.add("faiss-gpu", "framedex.score.faiss:FaissGpuScorer", extra="gpu")

#: What "auto" means: it reads the stored halves in place, which no other does, and is there in every installation.
AUTO = "native"


def load_scorer(name: str = "auto", *, threads: int = 1) -> Scorer:
    """A scorer, ready to use.

    Args:
        name: of `scorers`, or "auto", which is `AUTO`; the scorer's provenance says which it became.
        threads: that it may use on the CPU, >= 1.

    Raises:
        UsageError: an unknown name, or threads below 1.
        MissingDependency: its library is not installed, or is there without what it needs.
        DeviceError: it needs a device that is not there.
    """
    make = scorers.load(AUTO if name == "auto" else name)
    return make(threads=threads)
