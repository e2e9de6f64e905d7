"""`framedex scores`: scores that do not come from an index alone: made by a pair scorer, or the user's own."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from framedex.cli import options
from framedex.cli.output import Progress, default_threads, note, print_json, print_table
from framedex.errors import UsageError, VideoError
from framedex.keys import is_key

if TYPE_CHECKING:
    from framedex.datasets import Question
    from framedex.index import Row, Store
    from framedex.pair.base import PairScorer
    from framedex.scores.given import GivenCurve
    from framedex.scores.make import Failed, Scored, ScoreJob, Wanted

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]})

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)


@app.callback()
def _root() -> None:
    """Scores of frames that a pair scorer gives, or that you bring; select and sweep use them in an encoder's place."""


@app.command("import")
def import_scores(
    store: options.StoreArgument,
    files: Annotated[
        list[Path],
        typer.Argument(
            parser=options.a_path,
            metavar="FILE…",
            help=".jsonl, .parquet or .npz; a folder of AKS's lists; BOLT's .npy features; one or more.",
            show_default=False,
        ),
    ],
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="What to call these scores.")],
    questions: Annotated[
        Path | None,
        typer.Option(
            "--questions",
            parser=options.a_path,
            metavar="FILE",
            help="With AKS's lists and BOLT's features, which do not say whose they are: the manifest.",
        ),
    ] = None,
    encoder: Annotated[
        str | None,
        typer.Option(
            "--encoder", metavar="ARTEFACT", help="With BOLT's features: the encoder that made them, for the questions."
        ),
    ] = None,
    fps: Annotated[float, typer.Option("--fps", min=0.001, metavar="RATE", help="Of BOLT's features, a second.")] = 1.0,
    grid: options.GridOption = None,
    json: options.JsonOption = False,
) -> None:
    """Take your own scores into a store: one curve for each video and prompt, or video and question.

    Everything is checked before anything is written. The same scores again change nothing; other scores need another name.
    A curve may leave frames out: not scored is not 0.

    \b
    A line of a .jsonl file, and the columns of a .parquet file (docs/scores.md has .npz):
      {"video": "park.mp4", "prompt": "a dog jumps", "pts_us": [0, 1000000], "scores": [0.25, 0.5]}
    video is a key, a path relative to the file, or a unique stem. In place of prompt: question_id, the question's id in
    its manifest. In place of pts_us: times_s, seconds from the first frame; each is taken to the nearest frame, which
    is no more than half a frame's distance away.

    \b
    Of other tools (docs/interchange.md):
      a folder with frames.json and scores.json, as AKS writes them, one list for each question of --questions;
      <stem>.npy, frame features [T, C] as BOLT writes them: scored with the questions' vectors, by --encoder.

    \b
    Examples:
      framedex scores import S blip-scores.jsonl --name blip-itm
      framedex scores import S part-*.parquet --name ours --grid fps=1
      framedex scores import S outscores/videomme/blip --questions q.jsonl --name aks-blip --grid every=30
      framedex scores import S features/*.npy --questions q.jsonl --encoder clip-l14 --name bolt-clip
      framedex select S questions.jsonl --scores blip-itm --sampler top
    """
    from framedex.index import Store
    from framedex.scores.grid_rows import only_grid
    from framedex.scores.import_curves import import_curves, join_curves

    if not _NAME.fullmatch(name) or is_key(name):
        raise UsageError(
            f"--name: expected letters, digits and . _ -, at most 100 and not of a key's form, got {name!r}"
        )
    opened = Store.open(store)
    chosen = only_grid(opened, grid)
    given = _given(opened, files, questions=questions, encoder=encoder, fps=fps, grid=chosen)
    curves = join_curves(opened, given, grid=chosen)
    with Progress("curve", total=len(curves)) as progress:
        done = import_curves(opened, curves, name=name, progress=progress.show)
    result = {
        "name": done.score_set.name,
        "key": done.score_set.key,
        "grid": done.grid,
        "videos": done.videos,
        "curves": done.curves,
        "written": done.written,
        "kept": done.curves - done.written,
        "partial": done.partial,
        "scored_frames": done.scored,
        "frames": done.frames,
        "moved_s": done.moved_us / 1e6,
        "lowest": done.lowest,
        "highest": done.highest,
    }
    if json:
        print_json(result)
        return
    print_table(
        ["scores", name],
        [
            ["key", done.score_set.key],
            ["grid", done.grid],
            ["videos", str(done.videos)],
            ["curves", str(done.curves)],
            ["of them there already", str(done.curves - done.written)],
            ["of them without some frames", str(done.partial)],
            ["scored frames", f"{done.scored} of {done.frames}"],
            ["scores from", f"{done.lowest:g} to {done.highest:g}"],
            ["times moved by up to", f"{done.moved_us / 1e6:g} s"],
        ],
    )


def _given(
    store: Store, files: Sequence[Path], *, questions: Path | None, encoder: str | None, fps: float, grid: str
) -> Iterator[GivenCurve]:
    """The curves of all files, whatever wrote them."""
    from framedex.datasets import read_questions
    from framedex.scores.given import read_curves
    from framedex.scores.given_lists import aks_curves

    features = [file for file in files if file.suffix == ".npy"]
    folders = [file for file in files if file.is_dir()]
    if (questions is None) == bool(features or folders):
        what = "needed with AKS's lists and BOLT's features" if questions is None else "other files say whose they are"
        raise UsageError(f"--questions: {what}; {'name the manifest' if questions is None else 'leave it out'}")
    if (encoder is None) == bool(features):
        what = "needed with BOLT's features" if encoder is None else "only BOLT's features, .npy, are scored"
        raise UsageError(f"--encoder: {what}")
    asked = read_questions(questions) if questions is not None else []
    for file in files:
        if file in folders:
            yield from aks_curves(file, store, asked, grid=grid)
        elif file not in features:
            yield from read_curves(file)
    if encoder is not None:
        yield from _scored_features(store, features, asked, encoder, fps)


def _scored_features(
    store: Store, files: Sequence[Path], asked: Sequence[Question], encoder: str, fps: float
) -> Iterator[GivenCurve]:
    from framedex.cli.encoders import embedder_for
    from framedex.embed.prompt_cache import PromptCache
    from framedex.embed.prompt_vectors import PromptVectors
    from framedex.scores.given_lists import bolt_curves

    with embedder_for(store, encoder) as embedder:
        vectors = PromptVectors(embedder, PromptCache(store.path))
        yield from bolt_curves(files, asked, vectors.of, fps=fps)


@app.command("make")
def make_scores(
    store: options.StoreArgument,
    questions: Annotated[
        Path,
        typer.Argument(
            parser=options.a_path, metavar="QUESTIONS", help="A .jsonl or .parquet manifest.", show_default=False
        ),
    ],
    scorer: Annotated[
        str, typer.Option("--scorer", metavar="ARTEFACT", help="Pair scorer: a folder written by framedex-export.")
    ],
    rule: Annotated[
        str | None,
        typer.Option(
            "--rule", metavar="RULE", help="What makes one number of its output. [default: that of the artefact]"
        ),
    ] = None,
    top: Annotated[
        int | None,
        typer.Option(
            "--top", min=1, metavar="K", help="Score only the K best frames of the index for each text. [default: all]"
        ),
    ] = None,
    encoder: Annotated[
        str | None,
        typer.Option(
            "--encoder", metavar="ARTEFACT", help="With --top: whose index. [default: the store's only encoder]"
        ),
    ] = None,
    variant: Annotated[
        list[str] | None,
        typer.Option(
            "--variant",
            metavar="NAME",
            help="Prompt: question, answer, or a column of variants; may be repeated. [default: question]",
        ),
    ] = None,
    grid: options.GridOption = None,
    runtime: Annotated[
        str,
        typer.Option(
            "--runtime",
            metavar="NAME",
            help="What runs the scorer; on a processor, there is none for a GPU. [default: onnxruntime-cpu]",
            show_default=False,
        ),
    ] = "auto",
    threads: options.ThreadsOption = None,
    json: options.JsonOption = False,
) -> None:
    """Score frames with a network that looks at frame and text together, and keep the scores.

    Every question's text is scored against all frames of its video's grid; with --top only against those that the index
    scores highest for it, which is a re-ranking. Each video is decoded once, and only what those frames depend on.

    What is scored already is skipped, so the same command goes on where it stopped. A video that can no longer be read is
    reported, the others go on, and the exit code is 1.

    \b
    Examples:
      framedex scores make S questions.jsonl --scorer cris-mask
      framedex scores make S questions.jsonl --scorer cris-mask --top 16 --encoder siglip-b16
      framedex scores make S questions.jsonl --scorer blip-itm --variant question --variant answer
    """
    from framedex.datasets import read_questions
    from framedex.index import Store
    from framedex.pair import load_pair_scorer
    from framedex.scores.wanted import wanted_of

    if encoder is not None and top is None:
        raise UsageError("--encoder goes with --top: without it every frame is scored, and no index is asked")
    opened = Store.open(store)
    asked = read_questions(questions)
    workers = threads or default_threads()
    with (
        load_pair_scorer(scorer, runtime=runtime, rule=rule, threads=workers) as pair_scorer,
        _job(opened, pair_scorer, top=top, encoder=encoder, threads=workers) as job,
    ):
        wanted = wanted_of(opened, job.rows(grid), asked, variants=variant or ["question"])
        failed = _run(job, wanted, json=json)
    if failed:
        raise typer.Exit(VideoError.exit_code)


@app.command("list")
def list_scores(store: options.StoreArgument, json: options.JsonOption = False) -> None:
    """List the scores of a store: what select and sweep know by name.

    \b
    Examples:
      framedex scores list S
      framedex scores list S --json
    """
    from framedex.index import Store
    from framedex.scores.score_store import ScoreStore

    scores = ScoreStore(Store.open(store).path)
    found: list[dict[str, Any]] = []
    for each in scores.sets():
        for grid in scores.grids(each.key):
            places = scores.places(each.key, grid)
            videos = len({place.video_key for place in places})
            counts = {"videos": videos, "curves": len(places)}
            about = {"name": each.name, "key": each.key, "kind": each.kind, "rule": scores.rule(each.key, grid)}
            found.append({**about, "grid": grid, **counts})
    if json:
        print_json({"scores": found})
    elif found:
        print_table(
            list(found[0]), [["" if value is None else str(value) for value in each.values()] for each in found]
        )
    else:
        note(f"{store}: holds no scores; make some: framedex scores make, or bring your own: framedex scores import")


@contextmanager
def _job(store: Store, scorer: PairScorer, *, top: int | None, encoder: str | None, threads: int) -> Iterator[ScoreJob]:
    from framedex.cli.encoders import embedder_for
    from framedex.scores.index_curves import IndexCurves
    from framedex.scores.make import BestOf, ScoreJob

    if top is None:
        yield ScoreJob(store=store, scorer=scorer, threads=threads)
        return
    with embedder_for(store, encoder) as embedder:
        best_of = BestOf(curves=IndexCurves(store, embedder), top=top)
        yield ScoreJob(store=store, scorer=scorer, best_of=best_of, threads=threads)


def _run(job: ScoreJob, wanted: Sequence[Wanted], *, json: bool) -> bool:
    """Run it, say what came of it, and tell whether a video failed."""
    from framedex.scores.make import Scored, check_texts, make_scores
    from framedex.scores.score_store import ScoreStore

    scored: list[Scored] = []
    failed: list[Failed] = []
    truncated = job.scorer.truncated_texts(list(dict.fromkeys(text for each in wanted for text in each.texts)))
    if truncated:
        note(f"note: {len(truncated)} texts are longer than the scorer reads; their ends count for nothing")
    check_texts(wanted, job)
    started = time.monotonic()
    with Progress("video", total=len(wanted)) as progress:

        def inside(row: Row, done: int, total: int) -> None:
            progress.detail(f"{Path(row.source.path).name}: {done} of {total} frames")

        for outcome in make_scores(wanted, job, frames_done=inside):
            path = outcome.row.source.path
            if isinstance(outcome, Scored):
                scored.append(outcome)
                progress.advance(
                    f"{path}: {outcome.made} curves, {outcome.frames} frames, {outcome.kept} there already"
                )
            else:
                failed.append(outcome)
                progress.advance(f"failed {path}: {outcome.reason}")
    held = ScoreStore(job.store.path)
    score_set = held.set(job.score_set.key)
    result: dict[str, Any] = {
        "name": score_set.name,
        "key": score_set.key,
        "rule": job.scorer.provenance.get("rule"),
        "videos": len(scored),
        "curves": sum(each.made for each in scored),
        "kept": sum(each.kept for each in scored),
        "frames": sum(each.frames for each in scored),
        "pairs": sum(each.pairs for each in scored),
        "truncated_texts": len(truncated),
        "failed": [
            {"video": each.row.video_key, "path": each.row.source.path, "reason": each.reason} for each in failed
        ],
        "seconds": round(time.monotonic() - started, 3),
    }
    if json:
        print_json(result)
        return bool(failed)
    rows = [
        ["key", score_set.key],
        *([["rule", result["rule"]]] if result["rule"] else []),
        ["videos scored", str(result["videos"])],
        ["videos failed", str(len(failed))],
        ["curves made", str(result["curves"])],
        ["curves there already", str(result["kept"])],
        ["frames decoded and scored", str(result["frames"])],
        ["pairs of frame and text", str(result["pairs"])],
        ["seconds", f"{result['seconds']:.1f}"],
    ]
    print_table(["scores", score_set.name], rows)
    for each in failed:
        print(f"failed: {each.reason}")
    grids = held.grids(score_set.key)
    choice = f" --grid {wanted[0].row.grid}" if len(grids) > 1 and wanted else ""
    name = shlex.quote(held.handle(score_set))
    print(f"\nNext: framedex select {job.store.path} QUESTIONS --scores {name}{choice} --sampler top")
    return bool(failed)
