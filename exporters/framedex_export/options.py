"""Arguments and options that the export commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Checkpoint = Annotated[Path, typer.Argument(metavar="CHECKPOINT", help="Folder with the Hugging Face checkpoint.")]
CrisCheckpoint = Annotated[
    Path, typer.Argument(metavar="CHECKPOINT", help="The checkpoint's .pth file, or a folder with one.")
]
Output = Annotated[Path, typer.Option("--output", "-o", metavar="ARTEFACT", help="Folder to write.")]
CrisWords = Annotated[int, typer.Option(help="Ids per text, as trained: 17 for RefCOCO and RefCOCO+, 22 for RefCOCOg.")]
Force = Annotated[bool, typer.Option("--force", help="Replace an artefact that is already there.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as one JSON line.")]
