"""Arguments and options that several commands share, each stated once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from framedex.ingest import Limits


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

RuntimeOption = Annotated[
    str,
    typer.Option(
        "--runtime",
        metavar="NAME",
        help="What runs the encoder: onnxruntime-cpu, torch-cuda, …; `framedex doctor` lists them. Those for a GPU were never "
        "executed. [default: onnxruntime-cpu; torch-cpu for artefacts in bf16]",
        show_default=False,
    ),
]

PrecisionOption = Annotated[
    str | None,
    typer.Option(
        "--precision",
        metavar="P",
        help="fp32, fp16-mixed or bf16, where the runtime has it; recorded. [default: that of the encoder's graphs]",
    ),
]

ScorerOption = Annotated[
    str,
    typer.Option(
        "--scorer",
        metavar="NAME",
        help="What scores frames: native, torch-cuda, …; `framedex doctor` lists them. Those for a GPU were never executed. "
        "[default: native]",
        show_default=False,
    ),
]

ThreadsOption = Annotated[
    int | None,
    typer.Option(
        "--threads",
        min=1,
        max=256,
        metavar="N",
        help="Threads of all stages together. [default: every core this process may use]",
    ),
]

SeedOption = Annotated[
    int, typer.Option("--seed", min=0, max=2**63 - 1, metavar="N", help="Seed of whatever is drawn; recorded.")
]

TimeLimitOption = Annotated[
    float | None,
    typer.Option(
        "--time-limit",
        min=0.001,
        metavar="S",
        help="Seconds that decoding one video may take, waiting not counted. [default: 21600]",
    ),
]

StallLimitOption = Annotated[
    float | None,
    typer.Option(
        "--stall-limit",
        min=0.001,
        metavar="S",
        help="Seconds that decoding may go without a frame or packet. [default: 60]",
    ),
]

MemoryLimitOption = Annotated[
    float | None,
    typer.Option("--memory-limit", min=0.001, metavar="GIB", help="Memory of one decode process. [default: 4]"),
]


def limits(*, time_limit: float | None, stall_limit: float | None, memory_limit: float | None) -> Limits:
    """The limits of these options, each by default where it is not given."""
    from framedex.ingest import Limits

    given = {"time_s": time_limit, "stall_s": stall_limit, "memory_gib": memory_limit}
    return Limits(**{name: value for name, value in given.items() if value is not None})
