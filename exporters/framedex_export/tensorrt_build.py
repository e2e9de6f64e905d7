"""Builds an artefact's TensorRT 11 engines on the machine they are for. Never executed so far.

Written against the Python API as `stubs/tensorrt` has it, and type-checked. What the engine is built from (`tensorrt_graph`) and
what it is called (`framedex.embed.tensorrt_plan`) need no GPU and are tested; nothing in this module has run.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import onnx
import tensorrt as trt

from framedex.embed.artefact import Artefact
from framedex.embed.manifest import Tower
from framedex.embed.tensorrt import TensorRtEmbedder, this_machine
from framedex.embed.tensorrt_log import Log
from framedex.embed.tensorrt_plan import (
    BATCHES,
    FOLDER,
    EngineSpec,
    Kind,
    profile_shapes,
    timing_cache_name,
    write_engine,
    write_whole,
)
from framedex.errors import ArtefactError, DeviceError
from framedex.torch_device import require_device
from framedex_export.tensorrt_graph import fix_rows, prepare

_WORKSPACE_NBYTES = 4 * 2**30
#: The highest: towers are built once and run for months.
_OPTIMIZATION_LEVEL = 5


def build_engines(
    artefact: Artefact,
    *,
    precision: str = "fp32",
    batches: tuple[int, ...] | None = None,
    folder: Path | None = None,
    report: Callable[[str], None],
) -> list[Path]:
    """Build both towers' engines, write them, and prove them on the artefact's reference vectors.

    Args:
        artefact: opened, with a reference set.
        precision: a key of `tensorrt_graph.PRECISIONS`.
        batches: numbers of frames that the image engine takes, increasing; `BATCHES` where None.
        folder: where engines and timing cache go; "tensorrt" inside the artefact where None.
        report: is told each step, in words.

    Returns:
        The engines' files.

    Raises:
        UsageError: another precision, or batches that do not increase.
        MissingDependency: torch without CUDA.
        ArtefactError: TensorRT cannot read the graph, and its own words; or the artefact has no reference set.
        DeviceError: no GPU, the build failed, or an engine does not pass the gate: it is not kept then.
        StorageError: the folder cannot be written.
    """
    place = folder if folder is not None else artefact.folder / FOLDER
    machine = this_machine(require_device("cuda", needed_by="framedex-export tensorrt"))
    towers: dict[Kind, Tower] = {"image": artefact.manifest.towers.image, "text": artefact.manifest.towers.text}
    written = []
    specs: dict[Kind, EngineSpec] = {}
    for kind, tower in towers.items():
        asked = batches if kind == "image" and batches is not None else BATCHES[kind]
        specs[kind] = EngineSpec(
            kind=kind,
            machine=machine,
            onnx_sha256=artefact.manifest.files[tower.fused or tower.file].sha256,
            precision=precision,
            batches=asked,
        )
        report(f"building the {kind} tower's engine in {precision} for batches of {', '.join(map(str, asked))}")
        row = (*artefact.manifest.image.size, 3) if kind == "image" else (artefact.manifest.text.max_length,)
        plan = _build(artefact.folder / (tower.fused or tower.file), tower, specs[kind], row=row, place=place)
        written.append(write_engine(place, specs[kind], plan))
    report("proving the engines on the artefact's reference vectors")
    try:
        _prove(artefact, specs["image"], place)
    except (DeviceError, ArtefactError):
        for path in written:
            path.unlink(missing_ok=True)
            path.with_suffix(".json").unlink(missing_ok=True)
        raise
    return written


def _build(graph: Path, tower: Tower, spec: EngineSpec, *, row: tuple[int, ...], place: Path) -> bytes:
    """The serialised engine of one graph; the timing cache is read before and written after."""
    log = Log()
    builder = trt.Builder(log)
    # Ignored by TensorRT 11, whose networks are always strongly typed; 10 needs to be told.
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    _parse(graph, network, log, precision=spec.precision, row=row)
    config = builder.create_builder_config()
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, _WORKSPACE_NBYTES)
    config.builder_optimization_level = _OPTIMIZATION_LEVEL
    config.clear_flag(trt.BuilderFlag.TF32)  # on by default; float32 in the graph is float32
    for batch in spec.batches:
        profile = builder.create_optimization_profile()
        profile.set_shape(tower.input, *profile_shapes(batch, row))
        if config.add_optimization_profile(profile) < 0:
            raise DeviceError(f"{graph}: TensorRT refuses a profile of batch {batch}: {log.told()}")
    timing = place / timing_cache_name(spec.machine)
    cache = config.create_timing_cache(timing.read_bytes() if timing.is_file() else b"")
    # One of another version or GPU is refused by TensorRT, and timed anew.
    if cache is not None:
        config.set_timing_cache(cache, ignore_mismatch=False)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise DeviceError(f"{graph}: TensorRT {trt.__version__} cannot build it in {spec.precision}: {log.told()}")
    used = config.get_timing_cache()
    if used is not None:
        write_whole(timing, bytes(memoryview(used.serialize())))
    return bytes(memoryview(plan))


def _parse(graph: Path, network: trt.INetworkDefinition, log: Log, *, precision: str, row: tuple[int, ...]) -> None:
    """Read the prepared graph into the network; TensorRT's errors are told with their operators' numbers."""
    model = prepare(onnx.load(str(graph)), precision)
    fix_rows(model.graph, row)
    with tempfile.TemporaryDirectory(prefix="framedex-tensorrt-") as folder:
        # From a file, with the weights beside it: one message holds at most 2 GiB.
        path = Path(folder) / "graph.onnx"
        onnx.save(model, str(path), save_as_external_data=True, location="graph.data")
        parser = trt.OnnxParser(network, log)
        if not parser.parse_from_file(str(path)):
            errors = [parser.get_error(number) for number in range(parser.num_errors)]
            told = "; ".join(f"operator {error.node()}: {error.desc()}" for error in errors) or log.told()
            raise ArtefactError(f"{graph}: TensorRT {trt.__version__} cannot read it: {told}")


def _prove(artefact: Artefact, image: EngineSpec, place: Path) -> None:
    with TensorRtEmbedder(
        artefact, threads=1, batch=max(image.batches), precision=image.precision, engines=place
    ) as embedder:
        embedder.prove()
