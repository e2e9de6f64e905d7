"""Arguments and options that several commands share, each stated once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def a_path(text: str | Path) -> Path:
    """A path as it was meant: "~" is the home folder; nothing is no path, least of all the current folder.

    Raises:
        typer.BadParameter: an empty text.
    """
    if not str(text).strip():
        raise typer.BadParameter("expected a path, got an empty text")
    return Path(text).expanduser()


StoreArgument = Annotated[
    Path,
    typer.Argument(
        parser=a_path, metavar="S", help="The store, a folder made by `framedex index`.", show_default=False
    ),
]

EncoderOption = Annotated[
    str | None,
    typer.Option(
        "--encoder",
        metavar="ARTEFACT",
        help="Folder written by framedex-export, or the name of a bundled encoder: micro-siglip (knows only the micro-world).",
    ),
]

StoreEncoderOption = Annotated[
    str | None,
    typer.Option(
        "--encoder",
        metavar="ARTEFACT",
        help="Encoder artefact for the text. [default: the one that the store was made with, where it is still found]",
    ),
]

GridOption = Annotated[
    str | None,
    typer.Option(
        "--grid",
        metavar="GRID",
        help="Which sampling to read, such as fps=1; needed only where the store holds several.",
    ),
]

JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, for programs.")]

ThreadsOption = Annotated[
    int | None,
    typer.Option(
        "--threads",
        min=1,
        max=256,
        metavar="N",
        help="Threads of the decoder and of the encoder, which share the cores. [default: every core this process may use]",
    ),
]

SeedOption = Annotated[
    int, typer.Option("--seed", min=0, max=2**63 - 1, metavar="N", help="Seed of whatever is drawn; recorded.")
]
