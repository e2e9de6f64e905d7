"""The embedder on torch, on the CPU or a GPU by the same code: the artefact's own graphs, with torch's operators.

Nothing is loaded but the ONNX files: their weights are read and their operators called one by one, linear layers and attention
as torch's own. Precision is torch's business: products in half precision, normalisation, softmax and head in float32.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from framedex.contracts import Vectors
from framedex.embed.artefact import Artefact
from framedex.embed.onnx_graph.module import load_module
from framedex.embed.onnx_opset import require_opset
from framedex.embed.tower_embedder import Kind, Run, TowerEmbedder
from framedex.errors import DeviceError, UsageError, first_line
from framedex.torch_device import DeviceName, at_most, device_label, require_device, require_full_products

#: Type of the products, by precision.
PRECISIONS: Final[dict[str, torch.dtype | None]] = {"fp32": None, "fp16-mixed": torch.float16, "bf16": torch.bfloat16}

#: Texts per run: one would leave most of a GPU idle.
_TEXTS_ON_GPU: Final = 16


def on_cpu(artefact: Artefact, *, threads: int, **options: Any) -> TorchEmbedder:
    """The registered "torch-cpu"; `TorchEmbedder` says what it takes and raises."""
    return TorchEmbedder(artefact, threads=threads, device="cpu", **options)


def on_cuda(artefact: Artefact, *, threads: int, **options: Any) -> TorchEmbedder:
    """The registered "torch-cuda"; `TorchEmbedder` says what it takes and raises."""
    return TorchEmbedder(artefact, threads=threads, device="cuda", **options)


def compiled_on_cpu(artefact: Artefact, *, threads: int, **options: Any) -> TorchEmbedder:
    """The registered "torch-cpu-compiled"; `TorchEmbedder` says what it takes and raises."""
    return TorchEmbedder(artefact, threads=threads, device="cpu", compiled=True, **options)


def compiled_on_cuda(artefact: Artefact, *, threads: int, **options: Any) -> TorchEmbedder:
    """The registered "torch-cuda-compiled"; `TorchEmbedder` says what it takes and raises."""
    return TorchEmbedder(artefact, threads=threads, device="cuda", compiled=True, **options)


class TorchEmbedder(TowerEmbedder):
    """An artefact's graphs as torch modules; each tower is loaded, and proved by the gate, when it is first needed.

    torch's products round otherwise in another shape, so every run of the image tower is filled up to `batch` frames: a frame's
    vector has the same bits in any company.

    Args:
        artefact: opened, so its files are proved.
        threads: of torch's operators on the CPU, >= 1.
        device: "cpu" or "cuda"; it never becomes the other one.
        batch: frames per run of the image tower, >= 1.
        precision: of the products, a key of `PRECISIONS`; None for that of the artefact's graphs.
        gated: prove the towers; only who measures them on more leaves that out.
        compiled: run through `torch.compile`.

    Raises:
        UsageError: threads or batch below 1, or a precision that torch or the graphs do not have.
        MissingDependency: torch without CUDA was asked for a GPU.
        DeviceError: no GPU.
    """

    FILLS_IMAGES = True

    def __init__(
        self,
        artefact: Artefact,
        *,
        threads: int,
        device: DeviceName = "cpu",
        batch: int = 16,
        precision: str | None = None,
        compiled: bool = False,
        gated: bool = True,
    ) -> None:
        name, stored = f"torch-{device}{'-compiled' if compiled else ''}", artefact.manifest.precision
        wanted = precision or stored
        if wanted not in PRECISIONS or (stored not in ("fp32", wanted)):
            raise UsageError(
                f"{name}: precision {wanted!r} cannot be had of graphs in {stored}; exists: "
                f"{', '.join(PRECISIONS) if stored == 'fp32' else stored}"
            )
        super().__init__(artefact, name=name, threads=threads, batch=batch, precision=wanted, gated=gated)
        self._device = require_device(device, needed_by=f"embedder {name!r}")
        self._low = PRECISIONS[wanted] if stored == "fp32" else None
        self._compiled = compiled
        if device == "cuda":
            self.TEXTS_PER_RUN, self.FILLS_TEXTS = _TEXTS_ON_GPU, True

    def _runtime(self) -> dict[str, str]:
        return {
            "runtime_version": torch.__version__,
            "device": device_label(self._device),
            "execution": "torch.compile" if self._compiled else "eager",
        }

    def _open(self, kind: Kind) -> Run:
        image = kind == "image"
        graph = self._artefact.image_graph if image else self._artefact.text_graph
        require_opset(graph, self.manifest.provenance.opset)
        module = load_module(
            graph,
            self.manifest.towers.image if image else self.manifest.towers.text,
            encoder_key=self.manifest.encoder_key,
            low=self._low,
        )
        rows = self._batch if image else self.TEXTS_PER_RUN
        try:
            tower = _TorchTower(module, self._device, rows=rows, threads=self._threads, compiled=self._compiled)
            # Compiled, every other length would compile anew.
            return tower if image or self._compiled else lambda ids: tower(self._cut(ids))
        except RuntimeError as error:  # torch has no narrower one for a device's failures
            raise DeviceError(
                f"{self._name}: torch {torch.__version__} cannot load the {kind} tower: {first_line(error)}; free memory, or use "
                "another runtime"
            ) from error


class _TorchTower:
    """One tower on its device, with a host buffer that a GPU reads on its own."""

    def __init__(
        self, module: torch.nn.Module, device: torch.device, *, rows: int, threads: int, compiled: bool
    ) -> None:
        self._module = module.eval().requires_grad_(False).to(device)
        self._run = torch.compile(self._module, dynamic=False) if compiled else self._module
        self._device, self._rows, self._threads = device, rows, threads
        self._buffer: torch.Tensor | None = None

    def __call__(self, values: NDArray[Any]) -> Vectors:
        require_full_products(f"embedder on {self._device.type}")
        if self._buffer is None or self._buffer.shape[1:] != values.shape[1:]:
            shape = (self._rows, *values.shape[1:])
            dtype = torch.from_numpy(np.empty(0, values.dtype)).dtype
            self._buffer = torch.zeros(shape, dtype=dtype, pin_memory=self._device.type == "cuda")
        np.copyto(self._buffer.numpy(), values)
        try:
            with torch.inference_mode(), at_most(self._threads):
                vectors = self._run(self._buffer.to(self._device, non_blocking=True)).cpu()
        except RuntimeError as error:
            raise DeviceError(
                f"torch {torch.__version__} failed on {self._device}: {first_line(error)}; free memory, or use another runtime"
            ) from error
        result: Vectors = vectors.numpy()
        return result
