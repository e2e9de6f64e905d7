"""`framedex demo`: the whole loop on the bundled micro-world."""

from __future__ import annotations

import json as json_module
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from framedex.cli import options
from framedex.cli.output import Progress, clock, default_threads, note, print_json, print_table
from framedex.errors import VideoError

if TYPE_CHECKING:
    from framedex.analysis import Analysis
    from framedex.embed.base import Embedder
    from framedex.index import Row, Store
    from framedex.microworld.judge import Judgement
    from framedex.microworld.make import World
    from framedex.sweep.work import Failed

ENCODER, MLLM = "micro-siglip", "micro-smolvlm"
_FPS = "1"
_BUDGET = 4
_EXAMPLES = 3
_SWEEP = f"""\
# What `framedex demo` asks; run it again with: framedex sweep sweep.yaml -o RUN
version: 1
store: store
grid: fps={_FPS}
questions: [world/questions.jsonl]
encoders: [{ENCODER}]
variants: [question, answer]
samplers: [uniform, random, top, bottom]
budgets: [2, {_BUDGET}]
windows: [{{length: {_BUDGET}, stride: 2}}]
drop: {{base: uniform, rates: [0.25, 0.5, 0.75], by: [lowest, random]}}
no_video: true
mllms: [{MLLM}]
scoring: [option]
option_orders: cyclic
"""


def demo(
    output: Annotated[
        Path,
        typer.Option(
            "-o", "--output", parser=options.a_path, metavar="FOLDER", help="Where clips, store, run and report go."
        ),
    ] = Path("demo"),
    clips: Annotated[int, typer.Option("--clips", min=1, metavar="N", help="How many clips to make.")] = 24,
    seed: options.SeedOption = 0,
    json: options.JsonOption = False,
) -> None:
    """Make clips, index them, search, choose frames, answer questions, analyse, and write report.html.

    Everything comes with the package; nothing is fetched. Run again, it keeps the clips, the index and the answers.

    \b
    Examples:
      framedex demo
      framedex demo --output trial --clips 8
    """
    from framedex.datasets import read_questions
    from framedex.decode import FpsGrid
    from framedex.embed import load_embedder
    from framedex.index.whole_file import write_whole
    from framedex.microworld.judge import judge
    from framedex.optional import import_optional
    from framedex.report.demo import choose_examples, demo_page

    import_optional("jinja2", extra="analysis", needed_by="the demo's report")
    import_optional("torch", extra="mllm", needed_by="the demo's model")
    started = time.monotonic()
    world = _make(output / "world", clips=clips, seed=seed)
    with load_embedder(ENCODER, threads=default_threads()) as embedder:
        store, rows = _index(output / "store", world, embedder)
        captions = read_questions(world.captions)
        _search(store, rows, embedder, captions[0].question)
        note(f"4 of 6: {len(captions)} captions × {_BUDGET} frames × every sampler")
        judgement = judge(store, embedder, captions, budget=_BUDGET, seed=seed, grid=f"fps={_FPS}")
    run, failed = _answer(output)
    note("6 of 6: analysing the answers")
    analysis = _analyse(run, seed=seed)

    report = output / "report.html"
    page = demo_page(
        judgement,
        choose_examples(judgement, _EXAMPLES, but={each.video.path for each in failed}),
        analysis,
        grid=FpsGrid.parse(_FPS),
        seed=seed,
        encoder=ENCODER,
        n_videos=len(rows),
        n_frames=sum(row.count for row in rows),
    )
    write_whole(report, page.encode())
    result = _result(judgement, analysis, clips=clips, seed=seed)
    write_whole(output / "demo.json", (json_module.dumps(result) + "\n").encode())
    if json:
        print_json(result)
    else:
        _print(judgement, analysis)
        print(f"\n{time.monotonic() - started:.0f} s. Report: {report.resolve()}")
    if failed:
        raise typer.Exit(VideoError.exit_code)


def _print(judgement: Judgement, analysis: Analysis) -> None:
    from framedex.report.demo import finding

    print()
    shares = sorted(judgement.caught.items(), key=lambda pair: -pair[1])
    print_table(
        ["sampler", "evidence caught"],
        [[name, f"{100 * share:.1f} %"] for name, share in [*shares, ("chance", judgement.chance)]],
    )
    print(f"\n{finding(judgement)}.")
    print(f"Recall@1 of the search: {judgement.recall.at_1:.2f} (chance {judgement.recall.chance:.2f}).\n")
    print_table(["frames by", "frames", "prompt", "accuracy"], _accuracy_lines(analysis))
    print()
    for found in analysis.findings:
        print(f"- {found.sentence}")


def _make(folder: Path, *, clips: int, seed: int) -> World:
    from framedex.microworld.make import make_world

    note(f"1 of 6: making {clips} clips (seed {seed}) in {folder}")
    with Progress("clip", total=clips) as progress:
        return make_world(
            folder, clips=clips, seed=seed, progress=lambda done, total: progress.advance(f"clip {done} of {total}")
        )


def _index(folder: Path, world: World, embedder: Embedder) -> tuple[Store, list[Row]]:
    from framedex.decode import FpsGrid, find_videos
    from framedex.index import Store
    from framedex.ingest import Indexed, IngestSettings, Quarantined, ingest

    note(f"2 of 6: indexing them with {ENCODER} at {_FPS} frame a second")
    store = Store.open(folder, create=True)
    found = find_videos([world.folder / "clips"])
    settings = IngestSettings(grids=(FpsGrid.parse(_FPS),), threads=default_threads())
    outcomes = list(ingest(found.paths, store=store, embedder=embedder, settings=settings))
    rows = [outcome.row for outcome in outcomes if not isinstance(outcome, Quarantined)]
    n_new = sum(isinstance(outcome, Indexed) for outcome in outcomes)
    n_frames, n_quarantined = sum(row.count for row in rows), len(outcomes) - len(rows)
    note(f"   {n_new} indexed, {len(rows) - n_new} already there, {n_quarantined} quarantined; {n_frames} frames")
    return store, rows


def _search(store: Store, rows: list[Row], embedder: Embedder, text: str) -> None:
    from framedex.index.search import search

    note(f"3 of 6: searching for {text!r}")
    for hit in search((store.open_row(row) for row in rows), embedder.embed_texts([text])[0], k=3):
        note(f"   {hit.score:.3f}  {clock(hit.time_s)}  {Path(hit.path).name}")


def _answer(output: Path) -> tuple[Path, list[Failed]]:
    """Answer the sweep's questions, or what is left of them: the run's folder, one per plan, and the clips that failed."""
    from framedex.index.whole_file import write_whole
    from framedex.sweep.answer_cache import AnswerCache, cache_path
    from framedex.sweep.config import read_config
    from framedex.sweep.opened import open_sweep
    from framedex.sweep.run import check_run, pending, run_sweep
    from framedex.sweep.work import Failed

    failed: list[Failed] = []
    config = output / "sweep.yaml"
    write_whole(config, _SWEEP.encode())
    swept = read_config(config)
    answers = AnswerCache(cache_path(swept.store, None))
    with open_sweep(swept, threads=default_threads(), answer_cache=answers) as opened:
        run = output / "runs" / opened.plan.key[:8]
        check_run(run, opened.plan)
        left = pending(run, opened.plan)
        note(f"5 of 6: {MLLM} answers the questions on {len(left)} clips, with every choice of frames and option order")
        with Progress("clip", total=len(left)) as progress:
            for outcome in run_sweep(run, opened, answers_done=lambda *_: None):
                progress.advance(Path(outcome.video.path).name)
                if isinstance(outcome, Failed):
                    failed.append(outcome)
    for each in failed:
        note(f"failed: {each.reason}")
    if answers.trouble:
        note(f"note: {answers.trouble}")
    return run, failed


def _analyse(run: Path, *, seed: int) -> Analysis:
    from framedex.analysis import Resampling, analyze

    return analyze([run], Resampling(draws=2000, seed=seed))


def _accuracy_lines(analysis: Analysis) -> list[list[str]]:
    rows = [row for row in analysis.accuracy if row.arm in ("select", "no-video")]
    return [
        [row.sampler or row.arm, str(row.budget), row.variant or "-", f"{100 * row.accuracy.value:.1f} %"]
        for row in sorted(rows, key=lambda row: (row.budget, row.variant, -row.accuracy.value))
    ]


def _result(judgement: Judgement, analysis: Analysis, *, clips: int, seed: int) -> dict[str, Any]:
    shares = [*judgement.caught.items(), ("chance", judgement.chance)]
    accuracy = [
        {
            "name": f"{row.sampler or row.arm}, {row.budget} frames, {row.variant or 'no'} prompt",
            "value": row.accuracy.value,
            "unit": "share right",
        }
        for row in analysis.accuracy
    ]
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
        + [{"name": "recall@1", "value": judgement.recall.at_1, "unit": "share of captions"}]
        + accuracy,
    }
