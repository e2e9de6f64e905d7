"""The embedder on TensorRT 11: engines built by framedex-export, run on torch's memory and stream. Never executed so far.

Written against the Python API as `stubs/tensorrt` has it, and type-checked against that stub. What needs no GPU (keys, files,
batches, refusals) is in `tensorrt_plan`. The tests run this module with a stand-in for NVIDIA's library that computes on the CPU;
with the library itself it has not run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import tensorrt as trt
import torch
from numpy.typing import NDArray

from framedex.contracts import Vectors
from framedex.embed.artefact import Artefact
from framedex.embed.manifest import Tower
from framedex.embed.tensorrt_log import Log
from framedex.embed.tensorrt_plan import FOLDER, EngineSpec, Machine, batch_for, find_engine
from framedex.embed.tower_embedder import Kind, Run, TowerEmbedder
from framedex.errors import ArtefactError, DeviceError
from framedex.torch_device import device_label, require_device

NAME = "tensorrt"

_INPUT_TYPES: Final = {"image": (trt.DataType.UINT8, torch.uint8), "text": (trt.DataType.INT64, torch.int64)}


def this_machine(device: torch.device) -> Machine:
    """What engines are tied to, here."""
    major, minor = torch.cuda.get_device_capability(device)
    return Machine(
        tensorrt=trt.__version__, gpu=torch.cuda.get_device_name(device), compute_capability=f"{major}.{minor}"
    )


class TensorRtEmbedder(TowerEmbedder):
    """An artefact's TensorRT engines; each is read, and proved by the gate, when it is first needed.

    Args:
        artefact: opened, so its files are proved; its engines are looked for in the folder "tensorrt" inside.
        threads: recorded; the GPU does the work.
        batch: frames per run, which an engine must have been built for; where None, the largest batch of the engine found.
        precision: of the engine; that of the artefact's graphs where None.
        engines: another folder of engines.

    Raises:
        UsageError: batch below 1, or a precision without a bar.
        MissingDependency: torch without CUDA.
        DeviceError: no GPU.
    """

    def __init__(
        self,
        artefact: Artefact,
        *,
        threads: int,
        batch: int | None = None,
        precision: str | None = None,
        engines: Path | None = None,
    ) -> None:
        super().__init__(
            artefact,
            name=NAME,
            threads=threads,
            batch=1 if batch is None else batch,
            precision=precision or artefact.manifest.precision,
        )
        self._takes_largest = batch is None
        self._images_at: tuple[Path, EngineSpec] | None = None
        self._device = require_device("cuda", needed_by=f"embedder {NAME!r}")
        self._engines = engines if engines is not None else artefact.folder / FOLDER
        self._log = Log()
        self._engine_runtime = trt.Runtime(self._log)

    @property
    def batch(self) -> int:
        """Frames of one run: as asked for, or the largest batch of the image tower's engine.

        Raises:
            ArtefactError: there is no such engine.
        """
        self._find_images()
        return self._batch

    @property
    def provenance(self) -> dict[str, str]:
        """As every embedder's; the batch is that of the engine found.

        Raises:
            ArtefactError: there is no engine of the image tower.
        """
        self._find_images()
        return super().provenance

    def _runtime(self) -> dict[str, str]:
        return {"runtime_version": trt.__version__, "device": device_label(self._device)}

    def _find_images(self) -> tuple[Path, EngineSpec]:
        """The image tower's engine, looked for once: the batch is its, where none was asked for."""
        if self._images_at is None:
            self._images_at = find_engine(
                self._engines, self._wanted("image", self._batch), largest=self._takes_largest
            )
            if self._takes_largest:
                self._batch = max(self._images_at[1].batches)
        return self._images_at

    def _wanted(self, kind: Kind, batch: int) -> EngineSpec:
        tower = self.manifest.towers.image if kind == "image" else self.manifest.towers.text
        return EngineSpec(
            kind=kind,
            machine=this_machine(self._device),
            onnx_sha256=self.manifest.files[tower.fused or tower.file].sha256,
            precision=self._precision,
            batches=(batch,),
        )

    def _open(self, kind: Kind) -> Run:
        tower = self.manifest.towers.image if kind == "image" else self.manifest.towers.text
        if kind == "image":
            path, spec = self._find_images()
        else:
            path, spec = find_engine(self._engines, self._wanted("text", self.TEXTS_PER_RUN))
        engine = self._engine_runtime.deserialize_cuda_engine(path.read_bytes())
        if engine is None:
            raise DeviceError(f"{path}: TensorRT {trt.__version__} cannot load it: {self._log.told()}; build it again")
        if engine.num_optimization_profiles != len(spec.batches):
            raise ArtefactError(
                f"{path}: has {engine.num_optimization_profiles} profiles, its description {len(spec.batches)}; build it again"
            )
        row = (*self.manifest.image.size, 3) if kind == "image" else (self.manifest.text.max_length,)
        _require_tensors(path, engine, tower, kind=kind, row=row, dim=self.manifest.dim)
        return _EngineTower(
            engine, tower, spec.batches, row=row, dim=self.manifest.dim, kind=kind, device=self._device, log=self._log
        )


def _require_tensors(
    path: Path, engine: trt.ICudaEngine, tower: Tower, *, kind: Kind, row: tuple[int, ...], dim: int
) -> None:
    """Refuse an engine whose input or output is not what the manifest says."""
    expected = {
        tower.input: (trt.TensorIOMode.INPUT, _INPUT_TYPES[kind][0], (-1, *row)),
        tower.output: (trt.TensorIOMode.OUTPUT, trt.DataType.FLOAT, (-1, dim)),
    }
    names = [engine.get_tensor_name(index) for index in range(engine.num_io_tensors)]
    got = {
        name: (engine.get_tensor_mode(name), engine.get_tensor_dtype(name), tuple(engine.get_tensor_shape(name)))
        for name in names
    }
    if got != expected:
        raise ArtefactError(f"{path}: expected the tensors {expected}, got {got}; build it again")


class _EngineTower:
    """An engine with one execution context, its buffers and a CUDA graph for each batch that it was built for."""

    def __init__(
        self,
        engine: trt.ICudaEngine,
        tower: Tower,
        batches: tuple[int, ...],
        *,
        row: tuple[int, ...],
        dim: int,
        kind: Kind,
        device: torch.device,
        log: Log,
    ) -> None:
        # A stream of its own: TensorRT synchronises more on the default one, and a graph cannot be captured there.
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._slots: dict[int, _Slot] = {}
        self._log = log
        dtype = _INPUT_TYPES[kind][1]
        for index, batch in enumerate(batches):
            context = engine.create_execution_context()
            if context is None:
                raise DeviceError(f"{tower.file}: TensorRT gives no execution context: {log.told()}")
            try:
                self._slots[batch] = _Slot(
                    context,
                    tower,
                    index,
                    host=torch.zeros((batch, *row), dtype=dtype, pin_memory=device.type == "cuda"),
                    given=torch.zeros((batch, *row), dtype=dtype, device=device),
                    vectors=torch.empty((batch, dim), dtype=torch.float32, device=device),
                    stream=self._stream,
                    log=log,
                )
            except RuntimeError as error:  # torch: no memory left, or the run cannot be captured
                raise DeviceError(
                    f"{tower.file}: TensorRT cannot be set up for a batch of {batch}: {error} ({log.told()})"
                ) from error

    def __call__(self, values: NDArray[Any]) -> Vectors:
        """Run n rows, n at most the largest batch: filled up to a batch that the engine has."""
        slot = self._slots[batch_for(len(values), tuple(self._slots))]
        return slot.run(values)


class _Slot:
    """One static batch: context, buffers, captured graph."""

    def __init__(
        self,
        context: trt.IExecutionContext,
        tower: Tower,
        profile: int,
        *,
        host: torch.Tensor,
        given: torch.Tensor,
        vectors: torch.Tensor,
        stream: torch.cuda.Stream,
        log: Log,
    ) -> None:
        self._context, self._file, self._stream, self._log = context, tower.file, stream, log
        self._host, self._given, self._vectors = host, given, vectors
        with torch.cuda.stream(stream):
            self._require(context.set_optimization_profile_async(profile, stream.cuda_stream), "set the profile")
            stream.synchronize()
            self._require(context.set_input_shape(tower.input, tuple(given.shape)), "set the input's shape")
            self._require(context.set_tensor_address(tower.input, given.data_ptr()), "set the input")
            self._require(context.set_tensor_address(tower.output, vectors.data_ptr()), "set the output")
            # Once outside of the graph: the first run after a change of shape does work that must not be captured.
            self._require(context.execute_async_v3(stream.cuda_stream), "run")
            stream.synchronize()
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph, stream=stream):
            self._require(context.execute_async_v3(torch.cuda.current_stream().cuda_stream), "be captured")

    def run(self, values: NDArray[Any]) -> Vectors:
        """Copy in, replay, copy out; on the tower's stream, so in this order."""
        n = len(values)
        np.copyto(self._host.numpy()[:n], values)
        try:
            with torch.inference_mode(), torch.cuda.stream(self._stream):
                self._given.copy_(self._host, non_blocking=True)
                self._graph.replay()
                vectors: Vectors = self._vectors[:n].cpu().numpy()
        except RuntimeError as error:
            raise DeviceError(f"{self._file}: TensorRT failed: {error} ({self._log.told()})") from error
        return vectors

    def _require(self, done: bool, what: str) -> None:
        if not done:
            raise DeviceError(f"{self._file}: TensorRT {trt.__version__} could not {what}: {self._log.told()}")
