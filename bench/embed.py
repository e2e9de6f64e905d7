"""How fast are frames embedded: runtimes × precisions × batch sizes × families, against torch and against the processor's limit?

    python bench/embed.py              less than half an hour on two cores, most of it the exports
    python bench/embed.py --compiled   torch.compile on the CPU too, whose compiling takes minutes
    python bench/embed.py --quick      towers of one or two layers under the same names

Timed is `embed_images` from uint8 tower pixels in memory to unit vectors in memory, normalisation included; decoding and
resizing are not. Weights are random (nothing is downloaded), of the published base shapes.

    row                                what runs
    peer.torch_eager                   the Hugging Face model, eager attention, float32
    peer.default_onnxruntime           the same model through torch.onnx.export and ONNX Runtime with their defaults
    <family>.<runtime>.<precision>.batch<n>   ours: every runtime that is here × the precisions that it has; siglip-b16-224
                                       in several batch sizes and compiled (on a GPU), the other families in one

Before anything is timed every way's vectors are compared: SigLIP's with torch eager's, another family's with those of the
runtime that the export measured against its torch model. All ways of all families take turns; figures are medians. The
physical limit is the rate of a float32 matrix product on the same threads, the faster of NumPy's and torch's:
`fp32_fraction_of_gemm` is the arithmetic of the tower's products times the frames per second, over it.
"""

from __future__ import annotations

import argparse
import functools
import sys
from collections.abc import Sequence
from pathlib import Path

from embed_encoders import makers
from embed_peers import DefaultOnnxRuntime, TorchEager
from embed_ways import Exports, Way, our_ways, random_pixels
from flops import flop_per_item
from framedex.cli.output import default_threads, note, print_table
from framedex.contracts import Vectors
from framedex.embed import AUTO
from framedex.embed.artefact import Artefact
from framedex.embed.gate import bar
from harness import Measured, gemm_flop_per_s, medians_s, report, run_bench, torch_gemm_flop_per_s

MAIN = "siglip-b16-224"
#: Frames per call, as the goals have it.
BATCH = 8
BATCHES = (1, 8, 16)
#: Runtimes that are compiled, by whether --compiled is given.
COMPILED = {False: ("torch-cuda",), True: ("torch-cuda", "torch-cpu")}


def main() -> int:
    """Run the bench."""
    return run_bench(__doc__ or "", add_options, run)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Its own options."""
    parser.add_argument("--threads", type=int, default=default_threads(), metavar="N", help="of every way")
    parser.add_argument("--compiled", action="store_true", help="time torch.compile on the CPU, too")


def run(options: argparse.Namespace, folder: Path) -> bool:
    """Measure; whether all vectors agreed."""
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    threads, repeats = options.threads, 3 if options.quick else 5
    encoders = {name: Exports(name, maker, folder / name) for name, maker in makers(quick=options.quick).items()}
    main_one = encoders[MAIN]
    eager = TorchEager(main_one.checkpoint, threads=threads)
    default = DefaultOnnxRuntime(eager, folder / "default.onnx", threads=threads)
    pixels = random_pixels(main_one.artefact("fp32"), BATCH)
    ways = [
        Way(name="peer.torch_eager", encoder=MAIN, pixels=pixels, embed=eager, least=bar("fp32").cosine),
        Way(name="peer.default_onnxruntime", encoder=MAIN, pixels=pixels, embed=default, least=bar("fp32").cosine),
        *our_ways(main_one, threads=threads, batches=BATCHES, compiled=COMPILED[options.compiled]),
    ]
    for name, exports in encoders.items():
        if name != MAIN:
            ways += our_ways(exports, threads=threads, batches=(BATCH,), compiled=())
    note("comparing")
    cosines = compared(ways)
    equal = all(cosines[way.name] >= way.least for way in ways)
    note(f"timing {len(ways)} ways in turns")
    took_s = medians_s({way.name: functools.partial(way.embed, way.pixels) for way in ways}, repeats=repeats)
    fps = {way.name: len(way.pixels) / took_s[way.name] for way in ways}
    gemm = max(gemm_flop_per_s(), torch_gemm_flop_per_s(threads))
    flop = flop_per_item(main_one.artefact("fp32").image_graph, input_shape=(1, *pixels.shape[1:]))
    rows = [
        *(Measured(name=name, value=value, unit="frames/s") for name, value in fps.items()),
        *(Measured(name=f"{name}.cosine", value=value, unit="cosine") for name, value in cosines.items()),
        Measured(name="gemm", value=gemm / 1e9, unit="GFLOP/s"),
        Measured(name=f"{MAIN}.gflop", value=flop / 1e9, unit="GFLOP/frame"),
        *(row for name, exports in encoders.items() for row in parity_rows(name, exports.artefact("fp32"))),
    ]
    ours = fps[f"{MAIN}.{AUTO}.fp32.batch{BATCH}"]
    ratios = {
        "fp32_vs_torch_eager": ours / fps["peer.torch_eager"],
        "fp32_vs_default_onnxruntime": ours / fps["peer.default_onnxruntime"],
        "fp32_fraction_of_gemm": ours * flop / gemm,
        "int8_vs_fp32": fps[f"{MAIN}.{AUTO}.int8.batch{BATCH}"] / ours,
    }
    print_table(["way", "frames/s", "cosine"], [[name, f"{fps[name]:.2f}", f"{cosines[name]:.6f}"] for name in fps])
    report(
        "embed",
        threads=threads,
        config={
            "command": "python bench/embed.py" + (" --compiled" if options.compiled else ""),
            "batch": BATCH,
            "repeats": repeats,
            "quick": options.quick,
            "auto": AUTO,
        },
        equal=equal,
        rows=rows,
        ratios=ratios,
        out=options.out,
    )
    return equal


def compared(ways: Sequence[Way]) -> dict[str, float]:
    """The least cosine of each way's vectors with those of its encoder's first way, over the frames that both have."""
    expected: dict[str, Vectors] = {}
    cosines = {}
    for way in ways:
        got = way.embed(way.pixels)
        first = expected.setdefault(way.encoder, got)
        n = min(len(got), len(first))
        cosines[way.name] = float((got[:n] * first[:n]).sum(axis=1).min())
    return cosines


def parity_rows(name: str, artefact: Artefact) -> list[Measured]:
    """What the export measured against torch: the worst of its pictures and texts."""
    parity = artefact.manifest.parity
    assert parity is not None, "an artefact that opens has been measured"
    return [
        Measured(name=f"{name}.parity.images", value=parity.image_min_cosine, unit="cosine"),
        Measured(name=f"{name}.parity.texts", value=parity.text_min_cosine, unit="cosine"),
        Measured(name=f"{name}.parity.pixels", value=parity.preprocessing_max_grey_levels, unit="grey levels"),
    ]


if __name__ == "__main__":
    sys.exit(main())
