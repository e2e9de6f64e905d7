"""The scorer on FAISS: its exact search asked for every row, on the CPU or on a GPU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import faiss
import numpy as np

from framedex.contracts import Vectors
from framedex.errors import DeviceError, MissingDependency
from framedex.score.base import Checked, View
from framedex.score.packing import fill, packs, spread

#: Of one pack's rows in float32, on the GPU.
PACK_NBYTES = 128 * 2**20


class FaissScorer(Checked):
    """`faiss.knn` with k = n in float32, put back into the order of the rows.

    It sorts what the caller wants unsorted, so it is the reference for what FAISS computes, not a fast way.

    Args:
        threads: of FAISS, >= 1; it is given back its own number after each call.
    """

    def __init__(self, *, threads: int = 1) -> None:
        super().__init__("faiss-cpu", threads=threads)

    @property
    def provenance(self) -> dict[str, str]:
        """Back end, version, device and threads."""
        return {
            "scorer": "faiss-cpu",
            "scorer_version": faiss.__version__,
            "device": "cpu",
            "threads": str(self._threads),
        }

    def _scores(self, views: Sequence[View], prompts: Vectors) -> list[Vectors]:
        before = faiss.omp_get_max_threads()
        faiss.omp_set_num_threads(self._threads)
        try:
            return [_in_order(prompts, np.require(view, np.float32, ["C", "A"])) for view in views]
        finally:
            faiss.omp_set_num_threads(before)


class FaissGpuScorer(Checked):
    """`faiss.pairwise_distance_gpu` over packs of rows, with one set of GPU resources for all calls.

    Rows are widened to float32 on the CPU: FAISS wants rows and prompts of one type, and halves would round the prompts.

    Args:
        threads: recorded; the GPU does the work.

    Raises:
        MissingDependency: this FAISS was built without GPU support.
        DeviceError: FAISS finds no GPU, or cannot reserve its memory (1.5 GiB).
    """

    def __init__(self, *, threads: int = 1) -> None:
        super().__init__("faiss-gpu", threads=threads)
        if not hasattr(faiss, "StandardGpuResources"):
            raise MissingDependency(
                f"scorer 'faiss-gpu' needs FAISS built for GPUs, and FAISS {faiss.__version__} is not; "
                "run: pip uninstall faiss-cpu; pip install 'framedex[gpu]'"
            )
        if faiss.get_num_gpus() < 1:
            raise DeviceError(f"scorer 'faiss-gpu': FAISS {faiss.__version__} finds no GPU; check the driver")
        try:
            self._resources: Any = faiss.StandardGpuResources()
        except RuntimeError as error:
            raise DeviceError(f"scorer 'faiss-gpu': FAISS cannot take the GPU: {error}") from error

    @property
    def provenance(self) -> dict[str, str]:
        """Back end, version and device."""
        return {
            "scorer": "faiss-gpu",
            "scorer_version": faiss.__version__,
            "device": "cuda",
            "threads": str(self._threads),
        }

    def close(self) -> None:
        """Free the GPU's memory; safe to call twice."""
        self._resources = None
        super().close()

    def _scores(self, views: Sequence[View], prompts: Vectors) -> list[Vectors]:
        out = [np.empty((len(prompts), len(view)), np.float32) for view in views]
        dim = prompts.shape[1]
        counts = [len(view) for view in views]
        rows_per_pack = min(max(1, PACK_NBYTES // max(1, dim * 4)), max(1, sum(counts)))
        rows = np.empty((rows_per_pack, dim), np.float32)
        for pack in packs(counts, rows_per_pack):
            filled = fill(pack, views, rows)
            try:
                scores = faiss.pairwise_distance_gpu(
                    self._resources, prompts, rows[:filled], metric=faiss.METRIC_INNER_PRODUCT
                )
            except RuntimeError as error:
                raise DeviceError(f"scorer 'faiss-gpu': FAISS {faiss.__version__} failed: {error}") from error
            spread(pack, scores, out)
        return out


def _in_order(prompts: Vectors, rows: Vectors) -> Vectors:
    scores = np.empty((len(prompts), len(rows)), np.float32)
    if len(rows):
        found, ids = faiss.knn(prompts, rows, len(rows), metric=faiss.METRIC_INNER_PRODUCT)
        if (ids < 0).any():  # FAISS has no place for a score that is not a number
            return np.full_like(scores, np.nan)
        np.put_along_axis(scores, ids, found, axis=1)
    return scores
