"""The embedder on ONNX Runtime: the CPU's provider and CUDA's, by one code path."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from framedex.contracts import Vectors
from framedex.embed.artefact import Artefact
from framedex.embed.manifest import ENCODER_KEY, Tower
from framedex.embed.onnx_opset import require_opset
from framedex.embed.reference import REFERENCE_NAME
from framedex.embed.streams import Streams
from framedex.embed.tower_embedder import Kind, Run, TowerEmbedder
from framedex.errors import ArtefactError, DeviceError, MissingDependency, UsageError, first_line

#: ONNX Runtime's exceptions have no common base of their own.
ORT_ERRORS = (
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.NoSuchFile,
    ort_errors.NoModel,
    ort_errors.EngineError,
    ort_errors.RuntimeException,
    ort_errors.InvalidProtobuf,
    ort_errors.NotImplemented,
    ort_errors.InvalidGraph,
    ort_errors.EPFail,
    MemoryError,
)
# Of the CPU's errors the exceptions say all; CUDA's log says which library it misses, and the exception does not.
_ERRORS_ONLY, _NOTHING = 3, 4
# Frames of a piece, and texts handed out at a time, each of which is a piece (docs/LOG.md, "The tower on the CPU").
_PIECE = 2
_TEXTS = 64
_TEXTS_ON_GPU = 16
# Float32 on the CPU is what the exporter measured: what is left to see is other weights, for which a few cosines are enough.
_PROVED_ROWS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One of ONNX Runtime's execution providers, and where its values lie.

    Attributes:
        name: of our registry.
        ort_name: of ONNX Runtime.
        device: of its values, as `OrtValue` calls it.
        options: of the provider.
    """

    name: str
    ort_name: str
    device: str
    options: dict[str, str]


CPU: Final = Provider(name="onnxruntime-cpu", ort_name="CPUExecutionProvider", device="cpu", options={})
# Without TensorFloat-32: float32 in the manifest is float32 on the device.
CUDA: Final = Provider(
    name="onnxruntime-cuda",
    ort_name="CUDAExecutionProvider",
    device="cuda",
    options={"device_id": "0", "use_tf32": "0"},
)


def on_cuda(artefact: Artefact, *, threads: int, **options: Any) -> OnnxRuntimeEmbedder:
    """The registered "onnxruntime-cuda"; `OnnxRuntimeEmbedder` says what it takes and raises."""
    return OnnxRuntimeEmbedder(artefact, threads=threads, provider=CUDA, **options)


class OnnxRuntimeEmbedder(TowerEmbedder):
    """An artefact's own graphs; each tower's session is made when it is first needed.

    Values are bound to the provider's device, so that CUDA reads and writes its own memory and the CPU copies nothing. On the
    CPU every thread runs the graph on a few rows of its own (`streams`); a single frame or text has one thread.

    Args:
        artefact: opened, so its files are proved.
        threads: of the CPU, >= 1.
        batch: frames per run, >= 1; on the CPU it is cut into pieces of 2. int8 is run frame by frame on any device: one scale
            holds for all inputs of a run, so that a frame's vector would depend on its company.
        precision: only what the graphs have; None says the same.
        provider: `CPU` or `CUDA`; it never becomes the other one.
        fused: run the graphs that were fused for ONNX Runtime, where the artefact has them.
        gated: prove the towers on the artefact's reference set; float32 on the CPU, which the exporter has measured, runs without
            where there is none.

    Raises:
        UsageError: threads or batch below 1, or a precision that the graphs do not have.
        MissingDependency: this ONNX Runtime was built without the provider.
    """

    def __init__(
        self,
        artefact: Artefact,
        *,
        threads: int,
        batch: int = 16,
        precision: str | None = None,
        provider: Provider = CPU,
        fused: bool = True,
        gated: bool = True,
    ) -> None:
        stored = artefact.manifest.precision
        if precision not in (None, stored):
            raise UsageError(
                f"{provider.name}: precision {precision!r} is not that of the artefact's graphs, {stored!r}; export one in it"
            )
        if stored == "bf16" and provider is CPU:
            raise UsageError(
                f"{provider.name}: bf16 is run by torch-cpu or torch-cuda; name one with --runtime, or auto"
            )
        # Artefacts of before there were reference sets were measured by their exporter on this one runtime.
        proved = REFERENCE_NAME in artefact.manifest.files or provider is not CPU or stored != "fp32"
        super().__init__(
            artefact,
            name=provider.name,
            threads=threads,
            batch=min(batch, 1) if stored == "int8" and provider is not CPU else batch,
            precision=stored,
            gated=gated and proved,
            gate_rows=_PROVED_ROWS if provider is CPU and stored == "fp32" else None,
        )
        require_provider(provider, available=onnxruntime.get_available_providers())
        self._provider = provider
        self._fused = fused
        self._streams: list[Streams] = []
        if provider is CPU:
            self.TEXTS_PER_RUN = _TEXTS
        elif stored != "int8":
            self.TEXTS_PER_RUN, self.FILLS_TEXTS, self.FILLS_IMAGES = _TEXTS_ON_GPU, True, True

    def close(self) -> None:
        """Free the towers; safe to call twice."""
        super().close()
        while self._streams:
            self._streams.pop().close()

    def _runtime(self) -> dict[str, str]:
        return {"runtime_version": onnxruntime.__version__, "device": self._provider.device}

    def _open(self, kind: Kind) -> Run:
        tower = self.manifest.towers.image if kind == "image" else self.manifest.towers.text
        file = tower.fused if self._fused and tower.fused is not None else tower.file
        session = self._session(self._artefact.folder / file, tower)
        bound = functools.partial(run_bound, session, tower, device=self._provider.device)
        run: Run = bound if kind == "image" else lambda ids: bound(self._cut(ids))
        if self._provider is not CPU:
            return run
        alone = kind == "text" or self._precision == "int8"
        self._streams.append(Streams(run, threads=self._threads, rows=1 if alone else _PIECE))
        return self._streams[-1]

    def _session(self, graph: Path, tower: Tower) -> onnxruntime.InferenceSession:
        require_opset(graph, self.manifest.provenance.opset)
        session = open_session(graph, provider=self._provider, threads=1 if self._provider is CPU else self._threads)
        require_graph(session, graph, inputs=[tower.input], outputs=[tower.output], key=self.manifest.encoder_key)
        return session


def open_session(graph: Path, *, provider: Provider, threads: int) -> onnxruntime.InferenceSession:
    """Load an ONNX file on one provider, and on no other.

    Raises:
        DeviceError: ONNX Runtime cannot load it, or took another provider.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _NOTHING if provider is CPU else _ERRORS_ONLY
    # Waiting threads would spin on cores that the decoder needs.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = onnxruntime.InferenceSession(str(graph), options, providers=[(provider.ort_name, provider.options)])
    except ORT_ERRORS as error:
        raise DeviceError(
            f"{graph}: ONNX Runtime {onnxruntime.__version__} cannot load it: {first_line(error)}; export the artefact again"
        ) from error
    session.disable_fallback()
    require_used(provider, used=session.get_providers())
    return session


def require_graph(
    session: onnxruntime.InferenceSession, graph: Path, *, inputs: Sequence[str], outputs: Sequence[str], key: str
) -> None:
    """Refuse a graph that is not the one that the manifest describes.

    Args:
        session: of the graph.
        graph: its file, for messages.
        inputs: all of the graph's, in order.
        outputs: some of the graph's.
        key: that the graph was written with.

    Raises:
        ArtefactError: other names, or another key.
    """
    found = [value.name for value in session.get_inputs()]
    given = [value.name for value in session.get_outputs()]
    if found != list(inputs) or not set(outputs) <= set(given):
        raise ArtefactError(
            f"{graph}: the manifest says {list(inputs)} -> {list(outputs)}, the graph has {found} -> {given}; export it again"
        )
    stamped = session.get_modelmeta().custom_metadata_map.get(ENCODER_KEY)
    if stamped != key:
        raise ArtefactError(
            f"{graph}: was exported for {stamped}, the manifest describes {key}; the manifest was changed: export it again"
        )


def require_provider(provider: Provider, *, available: list[str]) -> None:
    """Refuse a provider that this build of ONNX Runtime does not have.

    Raises:
        MissingDependency: naming the package that has it.
    """
    if provider.ort_name not in available:
        raise MissingDependency(
            f"{provider.name} needs ONNX Runtime's {provider.ort_name}, and ONNX Runtime {onnxruntime.__version__} has "
            f"{', '.join(available)}; run: pip uninstall onnxruntime; pip install onnxruntime-gpu (the two share one module name)"
        )


def require_used(provider: Provider, *, used: list[str]) -> None:
    """Refuse a session on another provider than was asked for, which ONNX Runtime makes with no more than a line in its log.

    Raises:
        DeviceError: with what it took instead.
    """
    if not used or used[0] != provider.ort_name:
        raise DeviceError(
            f"{provider.name}: asked for {provider.ort_name}, ONNX Runtime {onnxruntime.__version__} took "
            f"{', '.join(used) or 'nothing'}; check the driver, and that CUDA and cuDNN are of the versions that onnxruntime-gpu "
            "was built for"
        )


def run_failed(file: str, error: Exception) -> str:
    """The sentence about a run that ONNX Runtime broke off."""
    return (
        f"{file}: ONNX Runtime {onnxruntime.__version__} failed: {first_line(error)}; "
        "free memory, or export the artefact again"
    )


def run_bound(
    session: onnxruntime.InferenceSession, tower: Tower, values: NDArray[np.generic], *, device: str
) -> Vectors:
    """One run with input and output on `device`; the result is copied to the host once.

    Raises:
        DeviceError: the runtime failed.
    """
    try:
        binding = session.io_binding()
        binding.bind_ortvalue_input(tower.input, onnxruntime.OrtValue.ortvalue_from_numpy(values, device, 0))
        binding.bind_output(tower.output, device, 0)
        # ONNX Runtime's stream is its own: what was copied before has to have arrived.
        binding.synchronize_inputs()
        session.run_with_iobinding(binding)
        binding.synchronize_outputs()
        (vectors,) = binding.copy_outputs_to_cpu()
    except (*ORT_ERRORS, RuntimeError) as error:  # bound runs raise a plain RuntimeError
        raise DeviceError(run_failed(tower.file, error)) from error
    checked: Vectors = vectors
    return checked
