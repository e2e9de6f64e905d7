"""`framedex demo`: the whole loop on the bundled micro-world."""

from __future__ import annotations

import json as json_module
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from framedex.cli import options
from framedex.cli.output import Progress, clock, default_threads, note, print_json, print_table

if TYPE_CHECKING:
    from framedex.microworld.judge import Judgement

ENCODER = "micro-siglip"
_BUDGET = 4
_EXAMPLES = 3


def demo(
    output: Annotated[
        Path,
        typer.Option(
            "-o", "--output", parser=options.a_path, metavar="FOLDER", help="Where clips, store and report go."
        ),
    ] = Path("demo"),
    clips: Annotated[int, typer.Option("--clips", min=1, metavar="N", help="How many clips to make.")] = 24,
    seed: options.SeedOption = 0,
    json: options.JsonOption = False,
) -> None:
    """Make clips, index them, search, compare the samplers and write report.html.

    Everything comes with the package; nothing is fetched. Run again, it keeps the clips and the index that are there.

    \b
    Examples:
      framedex demo
      framedex demo --output trial --clips 8
    """
    from framedex.datasets import read_questions
    from framedex.decode import Grid, find_videos
    from framedex.embed import load_embedder
    from framedex.index import Store
    from framedex.index.search import search
    from framedex.ingest import Indexed, IngestSettings, Quarantined, ingest
    from framedex.microworld.judge import judge
    from framedex.microworld.make import make_world
    from framedex.optional import import_optional
    from framedex.report.demo import choose_examples, demo_page, finding

    import_optional("jinja2", extra="analysis", needed_by="the demo's report")
    started = time.monotonic()
    note(f"1 of 4: making {clips} clips (seed {seed}) in {output / 'world'}")
    with Progress("clip", total=clips) as progress:
        world = make_world(
            output / "world",
            clips=clips,
            seed=seed,
            progress=lambda done, total: progress.advance(f"clip {done} of {total}"),
        )

    grid = Grid.parse_fps("1")
    threads = default_threads()
    note(f"2 of 4: indexing them with {ENCODER} at {grid.name}")
    with load_embedder(ENCODER, threads=threads) as embedder:
        store = Store.open(output / "store", create=True)
        found = find_videos([world.folder / "clips"])
        settings = IngestSettings(grid=grid, threads=threads)
        outcomes = list(ingest(found.paths, store=store, embedder=embedder, settings=settings))
        rows = [outcome.row for outcome in outcomes if not isinstance(outcome, Quarantined)]
        frames = sum(row.count for row in rows)
        n_new = sum(isinstance(outcome, Indexed) for outcome in outcomes)
        n_quarantined = len(outcomes) - len(rows)
        note(f"   {n_new} indexed, {len(rows) - n_new} already there, {n_quarantined} quarantined; {frames} frames")

        questions = read_questions(world.captions)
        text = questions[0].question
        note(f"3 of 4: searching for {text!r}")
        hits = search((store.open_row(row) for row in rows), embedder.embed_texts([text])[0], k=3)
        for hit in hits:
            note(f"   {hit.score:.3f}  {clock(hit.time_s)}  {Path(hit.path).name}")

        note(f"4 of 4: {len(questions)} questions × {_BUDGET} frames × every sampler")
        judgement = judge(store, embedder, questions, budget=_BUDGET, seed=seed, grid=grid.name)

    report = output / "report.html"
    page = demo_page(
        judgement,
        choose_examples(judgement, _EXAMPLES),
        grid=grid,
        seed=seed,
        encoder=ENCODER,
        n_videos=len(rows),
        n_frames=frames,
    )
    report.write_text(page, encoding="utf-8")
    result = _result(judgement, clips=clips, seed=seed)
    (output / "demo.json").write_text(json_module.dumps(result) + "\n", encoding="utf-8")
    if json:
        print_json(result)
    else:
        shares = sorted(judgement.caught.items(), key=lambda pair: -pair[1])
        print()
        print_table(
            ["sampler", "evidence caught"],
            [[name, f"{100 * share:.1f} %"] for name, share in [*shares, ("chance", judgement.chance)]],
        )
        print(f"\n{finding(judgement)}.")
        print(f"Recall@1 of the search: {judgement.recall.at_1:.2f} (chance {judgement.recall.chance:.2f}).")
        print(f"\n{time.monotonic() - started:.0f} s. Report: {report.resolve()}")


def _result(judgement: Judgement, *, clips: int, seed: int) -> dict[str, Any]:
    shares = [*judgement.caught.items(), ("chance", judgement.chance)]
    return {
        "bench": "demo",
        "config": {
            "command": f"framedex demo --clips {clips} --seed {seed}",
            "videos": clips,
            "questions": len(judgement.cases),
            "budget": judgement.budget,
            "seed": seed,
        },
        "rows": [{"name": name, "value": share, "unit": "share of questions"} for name, share in shares]
        + [{"name": "recall@1", "value": judgement.recall.at_1, "unit": "share of captions"}],
    }
