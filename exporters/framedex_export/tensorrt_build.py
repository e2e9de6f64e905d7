"""Builds an artefact's TensorRT 11 engines on the machine they are for. Never executed so far.

Written against the Python API as `stubs/tensorrt` has it, and type-checked against that stub. What the engine is built from
(`tensorrt_graph`) and what it is called (`framedex.embed.tensorrt_plan`) need no GPU. The tests run this module with a stand-in
for NVIDIA's library that computes on the CPU; with the library itself it has not run.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import tensorrt as trt

from framedex.contracts import Pixels, TowerBatch, Vectors
from framedex.embed import gate
from framedex.embed.artefact import Artefact
from framedex.embed.manifest import Tower
from framedex.embed.onnx_opset import require_opset
from framedex.embed.reference import read_reference
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
from framedex_export.tensorrt_graph import fix_rows, prepare, require_precision
from framedex_export.write import staging

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
    """Build both towers' engines, prove them on the artefact's reference vectors, and put them in their place then.

    Until the last proof everything, the timing cache too, is in a folder beside the place that goes away whatever happens.

    Args:
        artefact: opened, with a reference set and graphs in float32, which every precision is made from.
        precision: a key of `tensorrt_graph.PRECISIONS`.
        batches: numbers of frames that the image engine takes, increasing; `BATCHES` where None.
        folder: where engines and timing cache go; "tensorrt" inside the artefact where None.
        report: is told each step, in words.

    Returns:
        The engines' files.

    Raises:
        UsageError: another precision, or batches that do not increase.
        MissingDependency: torch without CUDA.
        ArtefactError: TensorRT cannot read the graph, and its own words; or the artefact has no reference set, or graphs in
            another precision, or in another opset than its manifest says.
        DeviceError: no GPU, the build failed, or an engine does not pass the gate at one of its batches.
        StorageError: the folder cannot be written.
    """
    require_precision(precision)
    if artefact.manifest.precision != "fp32":
        raise ArtefactError(
            f"{artefact.folder}: its graphs are in {artefact.manifest.precision}, and engines of every precision are built from "
            "graphs in fp32; export it with --precision fp32"
        )
    place = folder if folder is not None else artefact.folder / FOLDER
    machine = this_machine(require_device("cuda", needed_by="framedex-export tensorrt"))
    made_here = not place.exists()
    try:
        with staging(place / "engines") as staged:
            specs: dict[Kind, EngineSpec] = {}
            for kind in ("image", "text"):
                asked = batches if kind == "image" and batches is not None else BATCHES[kind]
                specs[kind] = EngineSpec(
                    kind=kind,
                    machine=machine,
                    onnx_sha256=artefact.manifest.files[_graph(artefact, kind)].sha256,
                    precision=precision,
                    batches=asked,
                )
                report(f"building the {kind} tower's engine in {precision} for batches of {', '.join(map(str, asked))}")
                write_engine(staged, specs[kind], _build(artefact, specs[kind], place=place, staged=staged))
            report("proving the engines on the artefact's reference vectors")
            for kind, figures in _prove(artefact, specs["image"], staged).items():
                report(f"{kind} tower: {figures}")
                write_whole((staged / specs[kind].name).with_suffix(".json"), specs[kind].to_json(figures).encode())
            return _publish(staged, place, specs)
    finally:
        if made_here and place.is_dir() and not any(place.iterdir()):
            place.rmdir()


def _publish(staged: Path, place: Path, specs: dict[Kind, EngineSpec]) -> list[Path]:
    """Move proved engines in place, each before its description: what is described is there."""
    machine = specs["image"].machine
    timing = timing_cache_name(machine)
    if (staged / timing).is_file():
        (staged / timing).replace(place / timing)
    for spec in specs.values():
        engine = Path(spec.name)
        for name in (engine, engine.with_suffix(".json")):
            (staged / name).replace(place / name)
    return [place / spec.name for spec in specs.values()]


def _tower(artefact: Artefact, kind: Kind) -> Tower:
    return artefact.manifest.towers.image if kind == "image" else artefact.manifest.towers.text


def _graph(artefact: Artefact, kind: Kind) -> str:
    """The file that the engine is built from: with attention as one operator, where there is such a one."""
    tower = _tower(artefact, kind)
    return tower.fused or tower.file


def _build(artefact: Artefact, spec: EngineSpec, *, place: Path, staged: Path) -> bytes:
    """The serialised engine of one tower; the timing cache is read where the last tower left it, else in place."""
    graph = artefact.folder / _graph(artefact, spec.kind)
    require_opset(graph, artefact.manifest.provenance.opset)
    image, text = artefact.manifest.image, artefact.manifest.text
    row = (*image.size, 3) if spec.kind == "image" else (text.max_length,)
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
        profile.set_shape(_tower(artefact, spec.kind).input, *profile_shapes(batch, row))
        if config.add_optimization_profile(profile) < 0:
            raise DeviceError(f"{graph}: TensorRT refuses a profile of batch {batch}: {log.told()}")
    name = timing_cache_name(spec.machine)
    known = next((folder / name for folder in (staged, place) if (folder / name).is_file()), None)
    cache = config.create_timing_cache(known.read_bytes() if known is not None else b"")
    # One of another version or GPU is refused by TensorRT, and timed anew.
    if cache is not None:
        config.set_timing_cache(cache, ignore_mismatch=False)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise DeviceError(f"{graph}: TensorRT {trt.__version__} cannot build it in {spec.precision}: {log.told()}")
    used = config.get_timing_cache()
    if used is not None:
        write_whole(staged / name, bytes(memoryview(used.serialize())))
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


def _prove(artefact: Artefact, image: EngineSpec, staged: Path) -> dict[Kind, gate.Figures]:
    """Each tower's worst figures, the image tower's over all batches that its engine was built for.

    Raises:
        ArtefactError: an engine's tensors are not the tower's.
        DeviceError: an engine cannot be loaded or run, or is below the bar.
    """
    reference = read_reference(artefact)
    subject = f"{image.kind} tower's engine {image.name}"
    figures: list[gate.Figures] = []
    for batch in image.batches:
        with TensorRtEmbedder(artefact, threads=1, batch=batch, precision=image.precision, engines=staged) as embedder:
            for got in _sets(embedder, reference.pixels):
                measured = gate.measure(
                    got, reference.image_vectors, others=reference.text_vectors, got_are_prompts=False
                )
                gate.require(measured, precision=image.precision, subject=f"{subject}, batch {batch}")
                figures.append(measured)
            texts = embedder.embed_texts(reference.texts)
    return {
        "image": gate.Figures(cosine=min(each.cosine for each in figures), ranks=min(each.ranks for each in figures)),
        "text": gate.measure(texts, reference.text_vectors, others=reference.image_vectors, got_are_prompts=True),
    }


def _sets(embedder: TensorRtEmbedder, pixels: Pixels) -> list[Vectors]:
    """Vectors of the pictures, a set at a time: as many sets as fill a run, so that the engine's own batch is run."""
    sets = -(-embedder.batch // len(pixels))
    repeated = np.concatenate([pixels] * sets)
    times = np.arange(len(repeated), dtype=np.int64)
    return np.split(embedder.embed_images(TowerBatch(pts_us=times, pixels=repeated)).vectors, sets)
