"""The scorer on torch: views packed into few large products, on the CPU or on a GPU by the same code."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from framedex.contracts import Vectors
from framedex.errors import DeviceError
from framedex.score.base import Checked, View
from framedex.score.packing import Piece, fill, packs, spread
from framedex.torch_device import DeviceName, at_most, device_label, require_device, require_full_products

#: Of one pack's stored rows: large enough to fill a GPU, small enough to be pinned twice.
PACK_NBYTES = 64 * 2**20


def on_cpu(*, threads: int = 1) -> TorchScorer:
    """The registered "torch-cpu"."""
    return TorchScorer("cpu", threads=threads)


def on_cuda(*, threads: int = 1) -> TorchScorer:
    """The registered "torch-cuda"."""
    return TorchScorer("cuda", threads=threads)


class TorchScorer(Checked):
    """Packed products in float32; halves cross to the device as halves and are widened there.

    Two pinned buffers take turns, so that one is filled while the device works on the other.

    Args:
        device: "cpu" or "cuda".
        threads: of the CPU's products, >= 1.
        pack_nbytes: of one pack's stored rows; at least one row is taken.

    Raises:
        UsageError: threads below 1.
        MissingDependency: torch without CUDA was asked for a GPU.
        DeviceError: no GPU.
    """

    def __init__(self, device: DeviceName, *, threads: int = 1, pack_nbytes: int = PACK_NBYTES) -> None:
        super().__init__(f"torch-{device}", threads=threads)
        self._device = require_device(device, needed_by=f"scorer {self._name!r}")
        self._pack_nbytes = pack_nbytes
        self._buffers: dict[tuple[torch.dtype, int, int], torch.Tensor] = {}

    @property
    def provenance(self) -> dict[str, str]:
        """Back end, version, device and threads."""
        return {
            "scorer": self._name,
            "scorer_version": torch.__version__,
            "device": device_label(self._device),
            "threads": str(self._threads),
        }

    def close(self) -> None:
        """Free the buffers; safe to call twice."""
        self._buffers.clear()
        super().close()

    def _scores(self, views: Sequence[View], prompts: Vectors) -> list[Vectors]:
        require_full_products(f"scorer {self._name!r}")
        out = [np.empty((len(prompts), len(view)), np.float32) for view in views]
        by_type = [
            [number for number, view in enumerate(views) if view.dtype == kind] for kind in (np.float16, np.float32)
        ]
        try:
            with torch.inference_mode(), at_most(self._threads):
                # A copy: torch warns of arrays that are read-only.
                queries = torch.tensor(prompts, device=self._device)
                for numbers in by_type:
                    if numbers:
                        self._run([views[number] for number in numbers], queries, [out[number] for number in numbers])
        except RuntimeError as error:  # torch has no narrower one for a device's failures
            raise DeviceError(f"scorer {self._name!r}: torch {torch.__version__} failed: {error}") from error
        return out

    def _run(self, views: Sequence[View], queries: torch.Tensor, out: Sequence[Vectors]) -> None:
        """Views of one type: the scores of a pack are fetched while the next is under way."""
        dtype, dim = views[0].dtype, views[0].shape[1]
        rows_per_pack = max(1, self._pack_nbytes // max(1, dim * dtype.itemsize))
        rows_per_pack = min(rows_per_pack, max(1, sum(len(view) for view in views)))
        under_way: tuple[list[Piece], torch.Tensor] | None = None
        for turn, pack in enumerate(packs([len(view) for view in views], rows_per_pack)):
            buffer = self._buffer(torch.float16 if dtype == np.float16 else torch.float32, turn % 2, rows_per_pack, dim)
            rows = fill(pack, views, buffer.numpy())
            on_device = buffer[:rows].to(self._device, non_blocking=True)
            product = queries @ on_device.float().T
            if under_way is not None:
                spread(under_way[0], under_way[1].cpu().numpy(), out)
            under_way = (pack, product)
        if under_way is not None:
            spread(under_way[0], under_way[1].cpu().numpy(), out)

    def _buffer(self, dtype: torch.dtype, turn: int, rows: int, dim: int) -> torch.Tensor:
        """A host buffer (rows, dim) that is kept for the next call; pinned where a GPU reads it."""
        held = self._buffers.get((dtype, turn, dim))
        if held is None or len(held) < rows:
            held = torch.empty((rows, dim), dtype=dtype, pin_memory=self._device.type == "cuda")
            self._buffers[dtype, turn, dim] = held
        return held
