"""`framedex select`: frame selections for many questions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from framedex.cli import options
from framedex.cli.output import clock, default_threads, note, print_json, print_table
from framedex.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from framedex.datasets import Question
    from framedex.index import Store
    from framedex.scores.curves import CurveSource
    from framedex.scores.transform import Combination
    from framedex.select.records import SelectionRecord

_SHOWN = 20


def select(
    store: options.StoreArgument,
    questions: Annotated[
        Path | None,
        typer.Argument(
            parser=options.a_path,
            metavar="[QUESTIONS]",
            help="A .jsonl or .parquet manifest.",
            show_default=False,
        ),
    ] = None,
    sampler: Annotated[
        list[str] | None,
        typer.Option("--sampler", metavar="NAME[:KEY=VALUE,…]", help="Sampler and parameters; may be repeated."),
    ] = None,
    budget: Annotated[
        list[int] | None, typer.Option("--budget", metavar="N", help="Frames to take; may be repeated. [default: 8]")
    ] = None,
    transform: Annotated[
        str,
        typer.Option(
            "--transform",
            metavar="NAME",
            help="Of the scores: cosine (none), logit, prob (its sigmoid) or minmax (per video).",
        ),
    ] = "cosine",
    prompt: Annotated[
        list[str] | None,
        typer.Option(
            "--prompt", metavar="TEXT", help="Ask this instead of a manifest; needs --video; repeat to combine several."
        ),
    ] = None,
    combine: Annotated[
        str, typer.Option("--combine", metavar="HOW", help="How several prompts combine: mean, max, min or product.")
    ] = "mean",
    weight: Annotated[
        list[float] | None,
        typer.Option("--weight", metavar="W", help="Of each --prompt in turn, for mean and product. [default: equal]"),
    ] = None,
    video: Annotated[
        str | None, typer.Option("--video", metavar="V", help="With --prompt: key, path or unique stem.")
    ] = None,
    seed: options.SeedOption = 0,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", parser=options.a_path, metavar="FILE", help="Write them to a .parquet file."),
    ] = None,
    encoder: options.StoreEncoderOption = None,
    scores: Annotated[
        str | None,
        typer.Option(
            "--scores",
            metavar="NAME",
            help="Choose by stored scores in place of an encoder: a name or key of `framedex scores list`.",
        ),
    ] = None,
    grid: options.GridOption = None,
    scorer: options.ScorerOption = "auto",
    json: options.JsonOption = False,
) -> None:
    """Choose frames for each question, by score or without.

    `framedex sampler list` names the samplers, `framedex sampler show NAME` says what one does.

    \b
    QUESTIONS holds one JSON object a line:
      {"id": "1", "video": "park.mp4", "question": "a dog jumps"}
    video is a key, a path relative to the manifest, or a unique stem.

    \b
    Examples:
      framedex select S questions.jsonl --sampler top --budget 8 -o selections.parquet
      framedex select S questions.jsonl --sampler uniform --sampler window-top:length=8,stride=4
      framedex select S --prompt "a dog jumps" --video park.mp4 --sampler top --budget 4
      framedex select S questions.jsonl --scores blip-itm --sampler top
      framedex select S questions.jsonl --sampler qframe --transform logit
      framedex select S --prompt "a dog" --prompt "a ball" --combine min --video park.mp4 --sampler aks
    """
    from framedex.index import Store
    from framedex.scores.transform import Transform
    from framedex.select import check_budget, make_sampler, parse_spec
    from framedex.select.batch import select_all
    from framedex.select.records import write_selections

    if not sampler:
        raise UsageError("--sampler: none given; try --sampler uniform or --sampler top")
    samplers = [make_sampler(name, **parameters) for name, parameters in map(parse_spec, sampler)]
    budgets = [check_budget(value) for value in budget or [8]]
    opened = Store.open(store)
    how = _one_of("--transform", transform, get_args(Transform))
    combination = _combination(combine, weight)
    asked = _questions(questions, prompt or [], video)
    beside = (prompt or [])[1:]
    with _source(opened, encoder=encoder, scores=scores, grid=grid, scorer=scorer) as source:
        records = select_all(
            opened,
            source,
            asked,
            samplers=samplers,
            budgets=budgets,
            seed=seed,
            grid=grid,
            transform=how,
            beside=beside,
            combination=combination,
        )
        truncated = source.truncated_texts([*(question.question for question in asked), *beside])
    if truncated:
        note(f"note: {len(truncated)} questions are longer than the encoder's text length; their ends were not read")
    _note_partial(records)
    if output is not None:
        write_selections(output, records)
        note(f"{len(records)} selections written to {output}")
    if json:
        print_json({"selections": [record.as_dict() for record in records]})
    elif output is None:
        _show(records)


@contextmanager
def _source(
    store: Store, *, encoder: str | None, scores: str | None, grid: str | None, scorer: str
) -> Iterator[CurveSource]:
    """Where the scores come from: stored ones where they are named, else the index and its encoder."""
    from framedex.cli.encoders import embedder_for
    from framedex.score import load_scorer
    from framedex.scores.index_curves import IndexCurves
    from framedex.scores.score_store import ScoreStore
    from framedex.scores.stored_curves import StoredCurves

    if scores is not None:
        if encoder is not None or scorer != "auto":
            raise UsageError("--scores: stored scores need neither --encoder nor --scorer; leave them out")
        stored = ScoreStore(store.path)
        found = stored.find(scores, grid=grid)
        stored.only_grid(found, grid)
        yield StoredCurves(store, found)
        return
    with embedder_for(store, encoder) as embedder, load_scorer(scorer, threads=default_threads()) as scoring:
        curves = IndexCurves(store, embedder, scorer=scoring)
        yield curves
        if curves.trouble:
            note(f"note: {curves.trouble}")


def _note_partial(records: Sequence[SelectionRecord]) -> None:
    counts = {(record.video_key, record.question_id): (record.scored, record.frames) for record in records}
    partial = [(scored, frames) for scored, frames in counts.values() if scored < frames]
    if partial:
        scored, frames = (sum(numbers) for numbers in zip(*partial, strict=True))
        note(
            f"note: for {len(partial)} of {len(counts)} questions only some frames are scored, {scored} of {frames} in all; "
            "the others were not chosen from"
        )


def _combination(how: str, weights: Sequence[float] | None) -> Combination:
    from framedex.scores.transform import Combination, How

    return Combination(how=_one_of("--combine", how, get_args(How)), weights=tuple(weights) if weights else None)


def _one_of(option: str, value: str, known: Sequence[str]) -> Any:
    if value not in known:
        raise UsageError(f"{option}: got {value!r}; {did_you_mean(value, known)}")
    return value


def _questions(path: Path | None, prompts: Sequence[str], video: str | None) -> list[Question]:
    from framedex.datasets import Question, read_questions

    if (path is None) != bool(prompts):
        raise UsageError("select: give either a question manifest or --prompt TEXT with --video V")
    if path is not None:
        if video is not None:
            raise UsageError("--video goes with --prompt; a manifest names its videos itself")
        return read_questions(path)
    if video is None:
        raise UsageError("--prompt: needs --video V, one of the store's videos")
    return [Question(id="prompt", video=video, question=prompts[0], folder=Path())]


def _show(records: Sequence[SelectionRecord]) -> None:
    rows = [
        [record.question_id, record.sampler, str(record.budget), " ".join(clock(time_s) for time_s in record.times_s)]
        for record in records[:_SHOWN]
    ]
    print_table(["question", "sampler", "budget", "frames at"], rows)
    if len(records) > _SHOWN:
        note(f"… and {len(records) - _SHOWN} more; write them all with -o FILE, or use --json")
