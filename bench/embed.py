"""How fast are frames embedded: runtimes × precisions × batch sizes × families, against torch and against the processor's limit?

    python bench/embed.py            about a quarter of an hour
    python bench/embed.py --quick    towers of two layers under the same names

Timed is `embed_images` from uint8 tower pixels in memory to unit vectors in memory, normalisation included; decoding and
resizing are not. Weights are random (nothing is downloaded), of the published base shapes.

    row                                what runs
    peer.torch_eager                   the Hugging Face model, eager attention, float32
    peer.default_onnxruntime           the same model through torch.onnx.export and ONNX Runtime with their defaults
    siglip-b16-224.<runtime>.<precision>.batch<n>   ours, every runtime that is here, some batch sizes
    <family>.<runtime>.fp32            the other families, on the runtime that "auto" means, and torch beside it

Before anything is timed every way's vectors are compared with torch eager's (other families': with torch's, by the parity
gate of the export). Ways take turns; figures are medians. The physical limit is the rate of a float32 matrix product on the
same threads, the faster of NumPy's and torch's: `fp32_fraction_of_gemm` is the arithmetic of the tower's products times the
frames per second, over it.
"""

from __future__ import annotations

import argparse
import functools
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from embed_encoders import Maker, make_artefact, makers
from embed_peers import DefaultOnnxRuntime, TorchEager
from flops import flop_per_item
from framedex.cli.output import default_threads, note, print_table
from framedex.contracts import FrameBatch, Pixels, TowerBatch, Vectors
from framedex.embed import AUTO, embedders, load_embedder
from framedex.embed.artefact import Artefact
from framedex.embed.base import Embedder
from framedex.embed.gate import bar
from framedex.embed.manifest import Precision
from framedex.embed.tower import to_tower
from framedex.errors import ArtefactError, DeviceError, MissingDependency, UsageError
from harness import Measured, gemm_flop_per_s, medians_s, report, run_bench, torch_gemm_flop_per_s

MAIN = "siglip-b16-224"
#: Frames per call, as the goals have it.
BATCH = 8
BATCHES = (1, 8, 16)


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to embed.

    Attributes:
        name: of its row.
        frames: of one call.
        embed: uint8 (n, H, W, 3) to float32 (n, d).
        least: cosine that its vectors must reach with torch eager's.
    """

    name: str
    frames: int
    embed: Callable[[Pixels], Vectors]
    least: float


def main() -> int:
    """Run the bench."""
    return run_bench(__doc__ or "", add_options, run)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Its own options."""
    parser.add_argument("--threads", type=int, default=default_threads(), metavar="N", help="of every way")


def run(options: argparse.Namespace, folder: Path) -> bool:
    """Measure; whether all vectors agreed."""
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    threads, repeats = options.threads, 3 if options.quick else 5
    known = makers(quick=options.quick)
    note(f"making {MAIN}")
    checkpoint = known[MAIN][1](folder / "checkpoint")
    artefacts: dict[Precision, Path] = {
        precision: make_artefact(known[MAIN], checkpoint, folder / precision, precision)
        for precision in ("fp32", "int8")
    }
    eager = TorchEager(checkpoint, threads=threads)
    default = DefaultOnnxRuntime(eager, folder / "default.onnx", threads=threads)
    ways = [
        Way(name="peer.torch_eager", frames=BATCH, embed=eager, least=1 - 1e-6),
        Way(name="peer.default_onnxruntime", frames=BATCH, embed=default, least=bar("fp32").cosine),
        *our_ways(artefacts, threads=threads, quick=options.quick),
    ]
    with load_embedder(artefacts["fp32"], threads=threads) as plain:
        pixels = random_pixels(plain, max(BATCHES))
    cosines = compared(ways, pixels, eager)
    equal = all(cosines[way.name] >= way.least for way in ways)
    fps = timed(ways, pixels, repeats=repeats)
    gemm = max(gemm_flop_per_s(), torch_gemm_flop_per_s(threads))
    flop = flop_per_item(Artefact.open(artefacts["fp32"]).image_graph, input_shape=(1, *pixels.shape[1:]))
    rows = [
        *(Measured(name=name, value=value, unit="frames/s") for name, value in fps.items()),
        *(Measured(name=f"{name}.cosine", value=value, unit="cosine") for name, value in cosines.items()),
        Measured(name="gemm", value=gemm / 1e9, unit="GFLOP/s"),
        Measured(name=f"{MAIN}.gflop", value=flop / 1e9, unit="GFLOP/frame"),
        *parity_rows(MAIN, artefacts["fp32"]),
        *other_families(known, folder, threads=threads, repeats=repeats),
    ]
    ours = fps[f"{MAIN}.{AUTO}.fp32.batch{BATCH}"]
    ratios = {
        "fp32_vs_torch_eager": ours / fps["peer.torch_eager"],
        "fp32_vs_default_onnxruntime": ours / fps["peer.default_onnxruntime"],
        "fp32_fraction_of_gemm": ours * flop / gemm,
        "int8_vs_fp32": fps[f"{MAIN}.{AUTO}.int8.batch{BATCH}"] / ours,
    }
    print_table(["way", "frames/s"], [[row.name, f"{row.value:.2f}"] for row in rows if row.unit == "frames/s"])
    report(
        "embed",
        threads=threads,
        config={"batch": BATCH, "repeats": repeats, "quick": options.quick, "auto": AUTO},
        equal=equal,
        rows=rows,
        ratios=ratios,
        out=options.out,
    )
    return equal


def our_ways(artefacts: dict[Precision, Path], *, threads: int, quick: bool) -> list[Way]:
    """Every runtime that is here × its precisions × batch sizes; those that are not here are named."""
    ways = []
    for runtime in embedders.names():
        on_gpu = runtime.startswith(("torch-cuda", "tensorrt"))
        compiled = runtime.endswith("-compiled")  # fills every batch up, so one size tells all
        if compiled and quick:
            note(f"{runtime}: left out, compiling takes too long for --quick")
            continue
        # The processor multiplies half precision and bfloat16 no faster than float32.
        precisions: tuple[Precision, ...] = ("fp32", "fp16-mixed", "bf16") if on_gpu else ("fp32", "int8")
        for precision in precisions:
            artefact = artefacts["int8" if precision == "int8" else "fp32"]
            batches = (BATCH,) if compiled else BATCHES
            try:
                embedder = load_embedder(
                    artefact, runtime=runtime, threads=threads, batch=max(batches), precision=precision
                )
                embedder.embed_images(frames_of(random_pixels(embedder, 1)))
            except (MissingDependency, DeviceError, UsageError, ArtefactError) as error:
                note(f"{runtime} {precision}: left out: {error}")
                continue
            ways += [
                Way(
                    name=f"{MAIN}.{runtime}.{precision}.batch{batch}",
                    frames=batch,
                    embed=embedding(embedder),
                    least=bar(precision).cosine,
                )
                for batch in batches
            ]
    return ways


def other_families(known: Mapping[str, Maker], folder: Path, *, threads: int, repeats: int) -> list[Measured]:
    """Frames per second of every other family on the runtime of "auto" and on torch, and its parity at export."""
    rows = []
    for name, maker in known.items():
        if name == MAIN:
            continue
        note(f"making {name}")
        artefact = make_artefact(maker, maker[1](folder / f"{name}-checkpoint"), folder / name)
        rows += parity_rows(name, artefact)
        with (
            load_embedder(artefact, threads=threads, batch=BATCH) as auto,
            load_embedder(artefact, threads=threads, batch=BATCH, runtime="torch-cpu") as by_torch,
        ):
            pixels = random_pixels(auto, BATCH)
            ways = {
                f"{name}.{runtime}.fp32.batch{BATCH}": embedding(embedder)
                for runtime, embedder in ((AUTO, auto), ("torch-cpu", by_torch))
            }
            took_s = medians_s({way: functools.partial(embed, pixels) for way, embed in ways.items()}, repeats=repeats)
        rows += [Measured(name=way, value=BATCH / took_s[way], unit="frames/s") for way in ways]
    return rows


def parity_rows(name: str, artefact: Path) -> list[Measured]:
    """What the export measured against torch: the worst of its pictures and texts."""
    parity = Artefact.open(artefact).manifest.parity
    assert parity is not None, "an artefact that opens has been measured"
    return [
        Measured(name=f"{name}.parity.images", value=parity.image_min_cosine, unit="cosine"),
        Measured(name=f"{name}.parity.texts", value=parity.text_min_cosine, unit="cosine"),
        Measured(name=f"{name}.parity.pixels", value=parity.preprocessing_max_grey_levels, unit="grey levels"),
    ]


def embedding(embedder: Embedder) -> Callable[[Pixels], Vectors]:
    """Its `embed_images` on arrays."""
    return lambda pixels: embedder.embed_images(frames_of(pixels)).vectors


def frames_of(pixels: Pixels) -> TowerBatch:
    """Pixels with timestamps."""
    return TowerBatch(pts_us=np.arange(len(pixels), dtype=np.int64), pixels=pixels)


def random_pixels(embedder: Embedder, n: int) -> Pixels:
    """n frames of seeded noise as the tower takes them."""
    frames = np.random.Generator(np.random.Philox(key=0)).integers(0, 256, (n, 288, 512, 3), np.uint8)
    batch = FrameBatch(pts_us=np.arange(n, dtype=np.int64), frames=frames)
    return np.array(to_tower(batch, embedder.manifest.image).pixels)


def compared(ways: Sequence[Way], pixels: Pixels, eager: TorchEager) -> dict[str, float]:
    """The least cosine of each way's vectors with torch eager's."""
    expected = eager(pixels[:BATCH])
    return {way.name: float((way.embed(pixels[:BATCH]) * expected).sum(axis=1).min()) for way in ways}


def timed(ways: Sequence[Way], pixels: Pixels, *, repeats: int) -> dict[str, float]:
    """Frames per second of each way; they take turns."""
    works = {way.name: functools.partial(way.embed, pixels[: way.frames]) for way in ways}
    took_s = medians_s(works, repeats=repeats)
    return {way.name: way.frames / took_s[way.name] for way in ways}


if __name__ == "__main__":
    sys.exit(main())
