"""Pair scorers: networks over a frame and a text together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from framedex.registry import Registry

if TYPE_CHECKING:
    from framedex.pair.base import PairScorer

__all__ = ["AUTO", "CACHE_NBYTES", "load_pair_scorer", "pair_scorers"]

#: Each is called as `(artefact, threads=…, batch=…, rule=…, cache_nbytes=…)`.
pair_scorers: Registry[Callable[..., PairScorer]] = Registry("pair scorer runtime")
pair_scorers.add("onnxruntime-cpu", "framedex.pair.onnxruntime:OnnxRuntimePairScorer", extra="cpu")

#: The one runtime that every artefact was measured on when it was exported.
AUTO = "onnxruntime-cpu"
#: Some 380 frames of CRIS.
CACHE_NBYTES = 1 << 30

_BATCH = 4


def load_pair_scorer(
    artefact: str | Path,
    *,
    runtime: str = "auto",
    rule: str | None = None,
    threads: int = 1,
    batch: int | None = None,
    cache_nbytes: int = CACHE_NBYTES,
) -> PairScorer:
    """Open a pair scorer's artefact on a runtime.

    Args:
        artefact: the folder that framedex-export wrote.
        runtime: a name of `pair_scorers`, or "auto", which is `AUTO`.
        rule: what makes one number of the network's output, part of the scorer's key: `max`, `mean`, `top1%` or `area` of a
            mask, `prob` or `logit` of a match; that of the artefact where None.
        threads: that the runtime may use on the CPU, >= 1.
        batch: frames, and texts, per run, >= 1; 4 where None.
        cache_nbytes: of frames' features that are kept for later calls, >= 0.

    Raises:
        UsageError: no such folder or runtime, a rule that does not fit, or a number out of range.
        MissingDependency: the runtime is not installed.
        ArtefactError: the artefact does not hold.
        StorageError: a file cannot be read.
    """
    from framedex.pair.artefact import PairArtefact

    make = pair_scorers.load(AUTO if runtime == "auto" else runtime)
    opened = PairArtefact.open(artefact)
    return make(opened, threads=threads, batch=_BATCH if batch is None else batch, rule=rule, cache_nbytes=cache_nbytes)
