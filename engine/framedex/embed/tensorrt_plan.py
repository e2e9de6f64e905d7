"""What a TensorRT engine file is for: the machine, graph, precision and batches that it was built with, and nothing else.

No TensorRT is needed here, so that keys, files and refusals are tested without a GPU.
"""

from __future__ import annotations

import dataclasses
import json
import os
import tempfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from framedex.embed.gate import Figures
from framedex.errors import ArtefactError, StorageError, UsageError
from framedex.keys import canonical_json, json_key

Kind = Literal["image", "text"]

FOLDER = "tensorrt"
#: Raised whenever the graph is prepared for TensorRT in another way, so that engines of before are not taken.
PREPARATION = 1
#: Batches that engines are built for where none are asked for: one by one, and filled.
BATCHES: dict[Kind, tuple[int, ...]] = {"image": (1, 16), "text": (1,)}
_BUILD = "build one: framedex-export tensorrt ARTEFACT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What an engine is tied to.

    Attributes:
        tensorrt: its version; engines are read by the version that wrote them.
        gpu: its name.
        compute_capability: "9.0".
    """

    tensorrt: str
    gpu: str
    compute_capability: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSpec:
    """One engine.

    Attributes:
        kind: which tower.
        machine: where it runs.
        onnx_sha256: of the artefact's graph, as its manifest has it.
        precision: of its products.
        batches: numbers of rows that it was built for, increasing; each has an optimisation profile of that size alone, so that
            the run is static and can be a CUDA graph.
        preparation: how the graph was prepared.

    Raises:
        UsageError: batches that do not increase from 1 on.
    """

    kind: Kind
    machine: Machine
    onnx_sha256: str
    precision: str
    batches: tuple[int, ...]
    preparation: int = PREPARATION

    def __post_init__(self) -> None:
        if not self.batches or self.batches[0] < 1 or list(self.batches) != sorted(set(self.batches)):
            raise UsageError(f"batches: expected numbers from 1 on that increase, got {list(self.batches)}")

    @property
    def key(self) -> str:
        """Key of everything above: 32 hex digits."""
        return json_key(dataclasses.asdict(self))

    @property
    def name(self) -> str:
        """The engine's file name."""
        return f"{self.kind}-{self.precision}-{self.key}.engine"

    def to_json(self, proved: Figures | None = None) -> str:
        """The text of the file beside the engine, with the gate's figures once it is proved."""
        gate = {} if proved is None else {"gate": dataclasses.asdict(proved)}
        return canonical_json(dataclasses.asdict(self) | gate) + "\n"


def timing_cache_name(machine: Machine) -> str:
    """File name of the timing cache, which is of one version on one GPU."""
    return f"timing-{json_key(dataclasses.asdict(machine))}.cache"


def profile_shapes(batch: int, row_shape: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Smallest, best and largest input shape of a profile: one static batch, so all three are the same."""
    shape = (batch, *row_shape)
    return shape, shape, shape


def batch_for(n: int, batches: Sequence[int]) -> int:
    """The smallest batch that n >= 1 rows fit into; rows beyond n are filled up. n is at most the largest batch."""
    return next(batch for batch in batches if batch >= n)


def write_engine(folder: Path, spec: EngineSpec, data: bytes | memoryview) -> Path:
    """Write an engine that is not proved yet, then the file that says what it is; each is there whole or not at all.

    Raises:
        StorageError: the disk is full, read-only or not ours.
    """
    path = folder / spec.name
    write_whole(path, data)
    write_whole(path.with_suffix(".json"), spec.to_json().encode())
    return path


def write_whole(path: Path, data: bytes | memoryview) -> None:
    """Write under a temporary name, sync, rename.

    Raises:
        StorageError: the file system refused.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise StorageError(f"{path}: cannot be written ({error.strerror or error})") from error


def read_specs(folder: Path) -> list[EngineSpec]:
    """What engines `folder` holds, in order of their names; none where there is no folder.

    Raises:
        ArtefactError: a description that cannot be read, or is not of the engine beside it.
    """
    return [_read_spec(path) for path in sorted(folder.glob("*.json"))]


def keep_engines(source: Path, target: Path, *, graphs: Collection[str]) -> None:
    """Move engines of some graphs, of whatever machine, and all timing caches; what describes no engine stays.

    Args:
        source: of engines; nothing happens where it is not there.
        target: made where there is anything to move.
        graphs: SHA-256 of the graphs whose engines are moved.
    """
    kept = list(source.glob("timing-*.cache"))
    for path in source.glob("*.json"):
        try:
            spec = _read_spec(path)
        except ArtefactError:
            continue
        if spec.onnx_sha256 in graphs and (source / spec.name).is_file():
            kept += [source / spec.name, path]  # in this order: what is described is there
    for path in kept:
        target.mkdir(exist_ok=True)
        path.replace(target / path.name)


def find_engine(folder: Path, wanted: EngineSpec, *, largest: bool = False) -> tuple[Path, EngineSpec]:
    """The engine of this machine, graph, precision and preparation that takes the largest of the wanted batches.

    Args:
        folder: of engines.
        wanted: what the engine must be for.
        largest: of several that fit, take the one of the largest batch, not the one that is filled up least.

    Raises:
        ArtefactError: there is none, and what the nearest one was built for.
    """
    specs = [spec for spec in read_specs(folder) if spec.kind == wanted.kind]
    least = max(wanted.batches)
    fitting = [
        spec
        for spec in specs
        if not _differences(spec, wanted) and max(spec.batches) >= least and (folder / spec.name).is_file()
    ]
    if fitting:
        by_batch = sorted(fitting, key=lambda spec: max(spec.batches) if largest else batch_for(least, spec.batches))
        found = by_batch[-1 if largest else 0]
        return folder / found.name, found
    if not specs:
        raise ArtefactError(f"{folder}: holds no TensorRT engine of the {wanted.kind} tower; {_BUILD}")
    nearest = min(specs, key=lambda spec: len(_differences(spec, wanted)))
    why = _differences(nearest, wanted) or [
        f"batches of {max(nearest.batches)} at most, {least} wanted, or its file is missing"
    ]
    raise ArtefactError(f"{folder / nearest.name}: was built for {'; '.join(why)}; {_BUILD}")


def _read_spec(path: Path) -> EngineSpec:
    try:
        value: dict[str, Any] = json.loads(path.read_bytes())
        machine = Machine(**value.pop("machine"))
        value.pop("gate", None)  # told to people; the gate measures again whenever the engine is opened
        spec = EngineSpec(machine=machine, batches=tuple(value.pop("batches")), **value)
    except (ValueError, TypeError, KeyError, AttributeError, UsageError) as error:
        raise ArtefactError(f"{path}: describes no TensorRT engine ({error}); delete it, and {_BUILD}") from error
    if spec.name != path.with_suffix(".engine").name:
        raise ArtefactError(f"{path}: describes {spec.name}; delete it, and {_BUILD}")
    return spec


def _differences(spec: EngineSpec, wanted: EngineSpec) -> list[str]:
    pairs = [
        ("TensorRT", spec.machine.tensorrt, wanted.machine.tensorrt),
        ("GPU", spec.machine.gpu, wanted.machine.gpu),
        ("compute capability", spec.machine.compute_capability, wanted.machine.compute_capability),
        ("graph", spec.onnx_sha256[:12], wanted.onnx_sha256[:12]),
        ("precision", spec.precision, wanted.precision),
        ("preparation", str(spec.preparation), str(wanted.preparation)),
    ]
    return [f"{what} {got}, this is {want}" for what, got, want in pairs if got != want]
