"""Our ways to embed that bench/embed.py times: runtimes × precisions × batch sizes of one encoder."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from embed_encoders import Maker
from framedex.cli.output import note
from framedex.contracts import FrameBatch, Pixels, TowerBatch, Vectors
from framedex.embed import AUTO, embedders, load_embedder
from framedex.embed.artefact import Artefact
from framedex.embed.base import Embedder
from framedex.embed.gate import bar
from framedex.embed.manifest import Precision
from framedex.embed.tower import to_tower
from framedex.errors import ArtefactError, DeviceError, MissingDependency, UsageError
from framedex_export.export import CheckpointExport

#: What each runtime is timed in, where it is here; its name's beginning decides.
PRECISIONS: Final[dict[str, tuple[Precision, ...]]] = {
    "onnxruntime-cpu": ("fp32", "int8"),
    "onnxruntime-cuda": ("fp32", "fp16-mixed"),
    "torch-cpu": ("fp32", "bf16"),
    "torch-cuda": ("fp32", "fp16-mixed", "bf16"),
    "tensorrt": ("fp32", "fp16-mixed"),
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Way:
    """One way to embed.

    Attributes:
        name: of its row.
        encoder: whose vectors it gives.
        pixels: uint8 (n, H, W, 3), of one call.
        embed: those to float32 (n, d).
        least: cosine that its vectors must reach with those of the encoder's first way.
    """

    name: str
    encoder: str
    pixels: Pixels
    embed: Callable[[Pixels], Vectors]
    least: float


class Exports:
    """An encoder's checkpoint, and its artefacts, each made when it is first asked for.

    Args:
        name: of the shape.
        maker: of the checkpoint.
        folder: where they go.
    """

    def __init__(self, name: str, maker: Maker, folder: Path) -> None:
        note(f"making {name}")
        family, write = maker
        self.name = name
        self.checkpoint = write(folder / "checkpoint")
        self._folder = folder
        shared = folder / "shared"
        shared.mkdir()
        self._export = CheckpointExport(family, self.checkpoint, shared=shared, report=lambda _step: None)

    def artefact(self, precision: Precision) -> Artefact:
        """As `framedex-export FAMILY CHECKPOINT --precision P` makes it, parity gate and all.

        Raises:
            ArtefactError: the weights do not reach the precision's bar.
        """
        folder = self._folder / precision
        return Artefact.open(folder) if folder.exists() else self._export.write(folder, precision=precision).artefact


def our_ways(exports: Exports, *, threads: int, batches: Sequence[int], compiled: Collection[str]) -> list[Way]:
    """Every runtime that is here × its precisions × `batches`, that of "auto" first; those that are not here are named.

    Those that torch.compile makes of others are timed where `compiled` names the other, in one batch size.
    """
    ways = []
    pixels = random_pixels(exports.artefact("fp32"), max(batches))
    for runtime in sorted(embedders.names(), key=lambda name: name != AUTO):
        base = runtime.removesuffix("-compiled")
        if base != runtime and base not in compiled:
            continue
        sizes = batches if base == runtime else batches[len(batches) // 2 :][:1]  # compiled, batches are filled up
        there = False
        for precision in PRECISIONS[base]:
            try:
                opened = [_opened(exports, runtime, precision, threads=threads, batch=batch) for batch in sizes]
            except (MissingDependency, DeviceError, UsageError, ArtefactError) as error:
                note(f"{exports.name} {runtime} {precision}: left out: {error}")
                if not there and isinstance(error, MissingDependency | DeviceError):
                    break  # before an artefact is made in a precision that only this runtime has
                continue
            there = True
            ways += [
                Way(
                    name=f"{exports.name}.{runtime}.{precision}.batch{batch}",
                    encoder=exports.name,
                    pixels=pixels[:batch],
                    embed=_embedding(embedder),
                    least=bar(precision).cosine,
                )
                for batch, embedder in zip(sizes, opened, strict=True)
            ]
    return ways


def _opened(exports: Exports, runtime: str, precision: Precision, *, threads: int, batch: int) -> Embedder:
    """An embedder whose image tower is open, and proved by the gate."""
    embedders.load(runtime)  # where it is not here, it says so before its libraries are imported
    stored = precision if runtime.startswith("onnxruntime") else "fp32"
    if runtime == "tensorrt":
        from framedex_export.tensorrt_build import build_engines

        build_engines(exports.artefact("fp32"), precision=precision, batches=(batch,), report=note)
    folder = exports.artefact(stored).folder
    embedder = load_embedder(folder, runtime=runtime, threads=threads, batch=batch, precision=precision)
    embedder.prove("image")
    return embedder


def _embedding(embedder: Embedder) -> Callable[[Pixels], Vectors]:
    return lambda pixels: embedder.embed_images(_frames(pixels)).vectors


def _frames(pixels: Pixels) -> TowerBatch:
    return TowerBatch(pts_us=np.arange(len(pixels), dtype=np.int64), pixels=pixels)


def random_pixels(artefact: Artefact, n: int) -> Pixels:
    """n frames of seeded noise as the artefact's tower takes them."""
    frames = np.random.Generator(np.random.Philox(key=0)).integers(0, 256, (n, 288, 512, 3), np.uint8)
    batch = FrameBatch(pts_us=np.arange(n, dtype=np.int64), frames=frames)
    return np.array(to_tower(batch, artefact.manifest.image).pixels)
