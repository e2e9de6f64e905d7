"""The command line: `framedex-export FAMILY CHECKPOINT -o ARTEFACT`."""

from __future__ import annotations

import sys
import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from framedex.cli.output import note, print_json
from framedex.cli.run import run
from framedex_export import __version__
from framedex_export.options import AsJson, Checkpoint, CrisCheckpoint, CrisWords, Force, Output
from framedex_export.pair_cli import blip_itm, clipseg, cris_mask
from framedex_export.quiet import import_quietly
from framedex_export.tensorrt_cli import build, require_buildable, tensorrt

if TYPE_CHECKING:
    from framedex_export.export import ExportResult


class Target(StrEnum):
    """What an export ends in."""

    onnx = "onnx"
    tensorrt = "tensorrt"


class Products(StrEnum):
    """Precision of products."""

    fp32 = "fp32"
    fp16_mixed = "fp16-mixed"
    bf16 = "bf16"
    int8 = "int8"


Precision = Annotated[
    Products,
    typer.Option(
        "--precision",
        help="Of products; sums, norms, softmax and head stay fp32. fp16-mixed and bf16 are for GPUs, int8 is for processors.",
    ),
]
To = Annotated[
    Target,
    typer.Option("--to", help="tensorrt also builds engines, for the GPU of this machine; never executed so far."),
]
Name = Annotated[str | None, typer.Option(help="Name of the encoder, for people.  [default: the folder's]")]

app = typer.Typer(
    name="framedex-export",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)


app.command("cris-mask")(cris_mask)
app.command("clipseg")(clipseg)
app.command("blip-itm")(blip_itm)
app.command()(tensorrt)


def main() -> NoReturn:
    """Entry point of the `framedex-export` script."""
    sys.exit(run(app))


def _version(asked: bool) -> None:
    if asked:
        print(f"framedex-export {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Turn a torch checkpoint into an encoder artefact that framedex reads: image and text towers in ONNX, tokenizer, manifest.

    The artefact is compared with torch from picture and text to vector, and is written only where every cosine is 0.9999 or
    more (in lower precision: where it reaches that precision's bar, docs/gpu.md). An artefact of the same encoder that is
    already there is left alone. cris-mask, clipseg and blip-itm make pair scorers, networks over a frame and a text together,
    whose maps and logits are compared (docs/encoders.md).
    """


@app.command()
def siglip(
    checkpoint: Checkpoint,
    output: Output,
    name: Name = None,
    precision: Precision = Products.fp32,
    to: To = Target.onnx,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Export a SigLIP checkpoint.

    The folder holds config.json, model.safetensors, preprocessor_config.json and tokenizer.json or spiece.model.

    \b
    Examples:
      framedex-export siglip siglip-base-patch16-224 -o encoders/siglip-base
      framedex-export siglip ./checkpoint -o ./artefact --name my-siglip --json
      framedex-export siglip siglip-base-patch16-224 -o encoders/siglip-base-int8 --precision int8
      framedex index clips/ --store S --encoder encoders/siglip-base
    """
    _export("siglip", checkpoint, output, name, precision, to, force, as_json)


@app.command()
def siglip2(
    checkpoint: Checkpoint,
    output: Output,
    name: Name = None,
    precision: Precision = Products.fp32,
    to: To = Target.onnx,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Export a SigLIP2 checkpoint, of fixed size or NaFlex as its config.json says.

    The folder holds config.json, model.safetensors, preprocessor_config.json and tokenizer.json. Texts are lower-cased.

    \b
    Examples:
      framedex-export siglip2 siglip2-base-patch16-224 -o encoders/siglip2-base
      framedex-export siglip2 siglip2-base-patch16-naflex -o encoders/siglip2-naflex
    """
    _export("siglip2", checkpoint, output, name, precision, to, force, as_json)


@app.command()
def clip(
    checkpoint: Checkpoint,
    output: Output,
    name: Name = None,
    precision: Precision = Products.fp32,
    to: To = Target.onnx,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Export a CLIP checkpoint with a vision transformer.

    The folder holds config.json, model.safetensors, preprocessor_config.json and tokenizer.json, or vocab.json and merges.txt.
    CLIP sees the middle of a frame only: 56 % of the width of a 16:9 frame.

    \b
    Examples:
      framedex-export clip clip-vit-base-patch16 -o encoders/clip-b16
    """
    _export("clip", checkpoint, output, name, precision, to, force, as_json)


@app.command()
def cris(
    checkpoint: CrisCheckpoint,
    output: Output,
    name: Name = None,
    words: CrisWords = 17,
    precision: Precision = Products.fp32,
    to: To = Target.onnx,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Export CRIS's image and text towers, as a dual encoder.

    The file is what CRIS's training saves; beside it lies CLIP's tokenizer: tokenizer.json, or vocab.json and merges.txt, or
    bpe_simple_vocab_16e6.txt.gz. A frame's vector, the mean over the attention-pooled map, is framedex's own, and no
    weights of CRIS were ever published.

    \b
    Examples:
      framedex-export cris exp/refcoco/CRIS_R50/best_model.pth -o encoders/cris-r50
      framedex-export cris cris-r101-refcocog/ -o encoders/cris-r101 --words 22
    """
    _export("cris", checkpoint, output, name, precision, to, force, as_json, words=words)


def _export(
    family: str,
    checkpoint: Path,
    output: Path,
    name: str | None,
    precision: Products,
    to: Target,
    force: bool,
    as_json: bool,
    **options: int,
) -> None:
    started = time.monotonic()
    if to is Target.tensorrt:  # said before the work, not after it
        require_buildable(precision.value, needed_by=f"framedex-export {family} --to tensorrt")
    # TensorRT takes its types from the graph, and the graph in float32 is where every precision begins.
    stored = Products.fp32 if to is Target.tensorrt else precision
    result = _exported(family, checkpoint, output, name=name, precision=stored.value, force=force, **options)
    engines = build(str(output), precision=precision.value) if to is Target.tensorrt else []
    manifest = result.artefact.manifest
    measured = manifest.parity
    assert measured is not None, "an artefact that opens has been measured"
    if as_json:
        print_json(
            {
                "artefact": str(output),
                "written": result.written,
                "name": manifest.name,
                "family": manifest.family,
                "encoder_key": manifest.encoder_key,
                "precision": manifest.precision,
                "engines": [str(path) for path in engines],
                "dim": manifest.dim,
                "nbytes": sum(entry.nbytes for entry in manifest.files.values()),
                "parity": measured.model_dump(mode="json"),
                "seconds": round(time.monotonic() - started, 1),
            }
        )
        return
    if not result.written:
        print(f"{output}: this encoder is already there (key {manifest.encoder_key}); left alone")
        for path in engines:
            print(path)
        return
    print(f"{output}: {manifest.name}, {manifest.precision}, {manifest.dim} dimensions, key {manifest.encoder_key}")
    for path in engines:
        print(path)
    print(
        f"parity with torch: images {measured.image_min_cosine:.6f} or more ({measured.images} pictures), "
        f"texts {measured.text_min_cosine:.6f} or more ({measured.texts}), "
        f"preprocessing within {measured.preprocessing_max_grey_levels} grey levels"
    )
    if manifest.image.note is not None:
        print(f"note: {manifest.image.note}")


def _exported(family: str, checkpoint: Path, output: Path, **options: str | int | None) -> ExportResult:
    module = import_quietly("framedex_export.export", needed_by=f"framedex-export {family}")
    result: ExportResult = module.export_encoder(family, checkpoint, output, report=note, **options)
    return result
