"""The application: every command under its name."""

from __future__ import annotations

from typing import Annotated

import typer

import framedex
from framedex.cli import (
    analyze,
    demo,
    doctor,
    export,
    index,
    microworld,
    quarantine,
    report,
    sampler,
    scores,
    search,
    select,
    sweep,
    verify,
)

app = typer.Typer(
    name="framedex",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)


def _version(asked: bool) -> None:
    if asked:
        print(f"framedex {framedex.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Embed a video's frames once; after that every prompt, sampler and oracle question is a lookup.

    \b
    Begin here:
      framedex demo                                          the whole loop on bundled clips and models
      framedex index clips/ --store S --encoder ARTEFACT     embed your own videos
      framedex search S "a dog jumps"                        ask them
    """


app.command("demo")(demo.demo)
app.command("index")(index.index)
app.command("search")(search.search)
app.command("select")(select.select)
app.command("sweep")(sweep.sweep)
app.command("analyze")(analyze.analyze)
app.command("report")(report.report)
app.add_typer(sampler.app, name="sampler")
app.add_typer(scores.app, name="scores")
app.command("verify")(verify.verify)
app.command("quarantine")(quarantine.quarantine)
app.command("export")(export.export)
app.command("doctor")(doctor.doctor)
app.add_typer(microworld.app, name="microworld")
