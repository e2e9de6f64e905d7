"""The command line: `framedex-export FAMILY CHECKPOINT -o ARTEFACT`."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from framedex.cli.output import note, print_json
from framedex.cli.run import run
from framedex.optional import import_optional
from framedex_export import __version__

if TYPE_CHECKING:
    from framedex_export.siglip import ExportResult

app = typer.Typer(
    name="framedex-export",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)


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
    """Turn a torch checkpoint into an encoder artefact that framedex reads."""


@app.command()
def siglip(
    checkpoint: Annotated[
        Path, typer.Argument(metavar="CHECKPOINT", help="Folder with a Hugging Face SigLIP checkpoint.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="ARTEFACT", help="Folder to write.")],
    name: Annotated[str | None, typer.Option(help="Name of the encoder, for people.  [default: the folder's]")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an artefact that is already there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON line.")] = False,
) -> None:
    """Export a SigLIP checkpoint: image and text towers in ONNX, tokenizer, manifest.

    The checkpoint folder holds config.json, model.safetensors, preprocessor_config.json and tokenizer.json or spiece.model.
    The artefact is compared with torch from picture and text to vector, and is written only where every cosine is 0.9999 or
    more. An artefact of the same encoder that is already there is left alone.

    \b
    Examples:
      framedex-export siglip siglip-base-patch16-224 -o encoders/siglip-base
      framedex-export siglip ./checkpoint -o ./artefact --name my-siglip --json
      framedex index clips/ --store S --encoder encoders/siglip-base
    """
    started = time.monotonic()
    result = _export(checkpoint, output, name, force)
    manifest = result.artefact.manifest
    measured = manifest.parity
    assert measured is not None, "an artefact that opens has been measured"
    if as_json:
        print_json(
            {
                "artefact": str(output),
                "written": result.written,
                "name": manifest.name,
                "encoder_key": manifest.encoder_key,
                "dim": manifest.dim,
                "nbytes": sum(entry.nbytes for entry in manifest.files.values()),
                "parity": measured.model_dump(mode="json"),
                "seconds": round(time.monotonic() - started, 1),
            }
        )
        return
    if not result.written:
        print(f"{output}: this encoder is already there (key {manifest.encoder_key}); left alone")
        return
    print(f"{output}: {manifest.name}, {manifest.dim} dimensions, key {manifest.encoder_key}")
    print(
        f"parity with torch: images {measured.image_min_cosine:.6f} or more ({measured.images} pictures), "
        f"texts {measured.text_min_cosine:.6f} or more ({measured.texts}), "
        f"preprocessing within {measured.preprocessing_max_grey_levels} grey levels"
    )


def _export(checkpoint: Path, output: Path, name: str | None, force: bool) -> ExportResult:
    module = import_optional("framedex_export.siglip", extra="export,cpu", needed_by="framedex-export siglip")
    # Progress is ours to tell.
    logging = import_optional("transformers", extra="export", needed_by="framedex-export siglip").utils.logging
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    result: ExportResult = module.export_siglip(checkpoint, output, name=name, force=force, report=note)
    return result
