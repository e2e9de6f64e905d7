"""The command `framedex-export tensorrt`: an artefact's engines for the GPU of this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from framedex.cli.output import note, print_json
from framedex.errors import UsageError
from framedex.optional import import_optional

_COMMAND = "framedex-export tensorrt"


def tensorrt(
    artefact: Annotated[
        str, typer.Argument(metavar="ARTEFACT", help="Folder written by framedex-export, or a bundled encoder's name.")
    ],
    precision: Annotated[
        str, typer.Option("--precision", metavar="P", help="fp32, or fp16-mixed: products in half precision.")
    ] = "fp32",
    batches: Annotated[
        str | None,
        typer.Option("--batch", metavar="N,…", help="Frames per run that engines are built for.  [default: 1,16]"),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FOLDER", help="Where engines go.  [default: tensorrt/ in the artefact]"
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON line.")] = False,
) -> None:
    """Build TensorRT 11 engines of both towers, on the GPU that they are for.

    An engine runs only with the TensorRT version and on the GPU that it was built with; others lie beside it. It is kept only
    if it gives the encoder's own vectors at every batch; framedex index takes the largest. With NVIDIA's library this command
    has never been executed: no machine with TensorRT was at hand.

    \b
    Examples:
      framedex-export tensorrt encoders/siglip-base --precision fp16-mixed --batch 1,16,64
      framedex index clips/ --store S --encoder encoders/siglip-base --runtime tensorrt --precision fp16-mixed
    """
    asked = _numbers(batches) if batches is not None else None
    written = build(artefact, precision=precision, batches=asked, folder=output)
    if as_json:
        print_json({"artefact": artefact, "engines": [str(path) for path in written]})
    else:
        for path in written:
            print(path)


def build(
    artefact: str, *, precision: str, batches: tuple[int, ...] | None = None, folder: Path | None = None
) -> list[Path]:
    """Build the engines of an artefact, or say what is missing; `tensorrt_build.build_engines` says more."""
    from framedex.embed.artefact import Artefact
    from framedex.embed.reference import read_reference

    opened = Artefact.open(artefact)
    read_reference(opened)
    require_buildable(precision, needed_by=_COMMAND)
    module = import_optional("framedex_export.tensorrt_build", extra="gpu", needed_by=_COMMAND)
    written: list[Path] = module.build_engines(opened, precision=precision, batches=batches, folder=folder, report=note)
    return written


def require_buildable(precision: str, *, needed_by: str) -> None:
    """Refuse, before any work, engines that cannot be built here.

    Args:
        precision: that engines are asked in.
        needed_by: what asks, for the message.

    Raises:
        UsageError: a precision that is not built.
        MissingDependency: no TensorRT, no torch, or torch without CUDA.
        DeviceError: no GPU.
    """
    graph = import_optional("framedex_export.tensorrt_graph", extra="export,cpu", needed_by=needed_by)
    graph.require_precision(precision)
    import_optional("tensorrt", extra="gpu", needed_by=needed_by)
    import_optional("framedex.torch_device", extra="gpu", needed_by=needed_by).require_device(
        "cuda", needed_by=needed_by
    )


def _numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--batch: expected numbers such as 1,16, got {text!r}") from None
