"""`framedex microworld`: make clips whose contents are known, train an encoder on them, score a store against them."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from framedex.cli import options
from framedex.cli.output import Progress, note, print_json, print_table
from framedex.optional import import_optional

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]})


class Model(StrEnum):
    """The bundled models."""

    siglip = "micro-siglip"
    smolvlm = "micro-smolvlm"


#: The module that trains each, and the extra that it needs.
_TRAINERS = {
    Model.siglip: ("framedex.microworld.train", "export"),
    Model.smolvlm: ("framedex.microworld.smolvlm.train", "mllm"),
}


@app.callback()
def _root() -> None:
    """Seeded synthetic videos with known evidence: make, train, score."""


@app.command()
def make(
    output: Annotated[
        Path,
        typer.Argument(parser=options.a_path, metavar="FOLDER", help="Where the clips go.", show_default=False),
    ],
    clips: Annotated[int, typer.Option("--clips", min=1, metavar="N", help="How many clips.")] = 16,
    seed: options.SeedOption = 0,
    json: options.JsonOption = False,
) -> None:
    """Write clips in several codecs, sizes and rates, with captions and the times at which each is true.

    Clips that are there already are kept; those of another seed or number in FOLDER are replaced.

    \b
    Example:
      framedex microworld make world --clips 16 --seed 0
    """
    from framedex.microworld.make import make_world

    with Progress("clip", total=clips) as progress:
        world = make_world(
            output, clips=clips, seed=seed, progress=lambda done, total: progress.advance(f"clip {done} of {total}")
        )
    if json:
        print_json(
            {"folder": str(output), "captions": str(world.captions), "written": world.n_written, "kept": world.n_kept}
        )
    else:
        note(f"{world.n_written} clips written, {world.n_kept} kept, {world.n_pairs} captions in {world.captions}")


@app.command()
def score(
    store: options.StoreArgument,
    captions: Annotated[
        Path,
        typer.Argument(
            parser=options.a_path, metavar="CAPTIONS", help="The world's captions.jsonl.", show_default=False
        ),
    ],
    budget: Annotated[int, typer.Option("--budget", metavar="N", help="Frames that each sampler takes.")] = 4,
    seed: options.SeedOption = 0,
    encoder: options.StoreEncoderOption = None,
    grid: options.GridOption = None,
    json: options.JsonOption = False,
) -> None:
    """Score a store of micro-world clips: recall@1 of the search, and how often each sampler catches the evidence.

    \b
    Example:
      framedex microworld score S world/captions.jsonl --budget 4
    """
    from framedex.cli.encoders import embedder_for
    from framedex.datasets import read_questions
    from framedex.index import Store
    from framedex.microworld.judge import judge

    opened = Store.open(store)
    with embedder_for(opened, encoder) as embedder:
        judgement = judge(opened, embedder, read_questions(captions), budget=budget, seed=seed, grid=grid)
    if json:
        print_json(judgement.as_dict())
        return
    print_table(["sampler", "evidence caught"], [[name, f"{share:.3f}"] for name, share in judgement.caught.items()])
    recall = judgement.recall
    print(f"recall@1 {recall.at_1:.3f} (chance {recall.chance:.3f}) over {recall.n_pairs} captions")


@app.command()
def train(
    output: Annotated[
        Path, typer.Option("-o", "--output", parser=options.a_path, metavar="FOLDER", help="For the checkpoint.")
    ],
    model: Annotated[Model, typer.Option("--model", help="Which of the bundled models.")] = Model.siglip,
    steps: Annotated[
        int | None, typer.Option("--steps", min=1, metavar="N", help="Training steps. [default: the bundled model's]")
    ] = None,
    seed: options.SeedOption = 0,
    threads: Annotated[int, typer.Option("--threads", min=1, max=256, metavar="N", help="Torch's threads.")] = 1,
) -> None:
    """Train a bundled model as it was trained; needs the extras `export` and `mllm` (torch, transformers).

    \b
    Examples:
      framedex microworld train -o checkpoint
      framedex microworld train --model micro-smolvlm -o checkpoint
    """
    module, extra = _TRAINERS[model]
    trainer = import_optional(module, extra=extra, needed_by="microworld train")
    trainer.train(output, steps=steps or trainer.STEPS, seed=seed, threads=threads, report=note)
    if model is Model.siglip:
        note(f"checkpoint in {output}; make it an artefact: framedex-export siglip {output} -o ARTEFACT")
    else:
        note(f"checkpoint in {output}; name it under mllms in a sweep.yaml")
