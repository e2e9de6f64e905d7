"""`framedex select`: frame selections for many questions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, get_args

import typer

from framedex.cli import options
from framedex.cli.output import Progress, clock, default_threads, note, print_json, print_table
from framedex.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from framedex.index import Store
    from framedex.scores.curves import CurveSource
    from framedex.scores.transform import Combination
    from framedex.select.records import SelectionRecord, Selections
    from framedex.select.scored import Asked

T = TypeVar("T")

_SHOWN = 20


class Form(StrEnum):
    """What is written."""

    parquet = "parquet"
    bolt = "bolt"
    aks = "aks"
    lmms_eval = "lmms-eval"


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
    variant: Annotated[
        list[str] | None,
        typer.Option(
            "--variant",
            metavar="NAME",
            help="What frames are chosen by: question, answer, or a column of variants; may be repeated. [default: question]",
        ),
    ] = None,
    video: Annotated[
        str | None, typer.Option("--video", metavar="V", help="With --prompt: key, path or unique stem.")
    ] = None,
    seed: options.SeedOption = 0,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            parser=options.a_path,
            metavar="PATH",
            help="Write them to a .parquet file, or with --to to a .json file or a folder.",
        ),
    ] = None,
    to: Annotated[
        Form, typer.Option("--to", help="With -o: framedex's own form, or that of another tool.")
    ] = Form.parquet,
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
    """Choose frames for each question, by score or without: every variant × sampler × budget in one pass.

    `framedex sampler list` names the samplers, `framedex sampler show NAME` says what one does.

    \b
    QUESTIONS holds one JSON object a line:
      {"id": "1", "video": "park.mp4", "question": "a dog jumps", "variants": {"parts": ["a dog", "a jump"]}}
    video is a key, a path relative to the manifest, or a unique stem. A variant is a text, or several that are combined:
    a list, whose mean is meant, or {"prompts": ["a dog", "a jump"], "combine": "product", "weights": [2, 1]}.

    \b
    --to says what is written; all but parquet have one file for each variant, sampler and budget, in a folder, or a
    single .json file where there is only one (docs/interchange.md):
      parquet    one file with all selections and all that they depend on
      bolt       {video: [{question_id, question, frames: [seconds]}]}
      aks        frames.json and scores.json, one list for each question, and the numbers of the frames chosen
      lmms-eval  [{id, video, frame_idx, times_s, …}], one object for each question

    \b
    Examples:
      framedex select S questions.jsonl --sampler top --budget 8 -o selections.parquet
      framedex select S questions.jsonl --sampler uniform --sampler window-top:length=8,stride=4
      framedex select S questions.jsonl --variant question --variant answer --sampler top --budget 8 --budget 32 -o all.parquet
      framedex select S questions.jsonl --sampler bolt --budget 16 --to bolt -o bolt-16.json
      framedex select S questions.jsonl --sampler aks --budget 32 --budget 64 --to aks -o outscores
      framedex select S --prompt "a dog jumps" --video park.mp4 --sampler top --budget 4
      framedex select S questions.jsonl --scores blip-itm --sampler top
      framedex select S questions.jsonl --sampler qframe --transform logit
      framedex select S --prompt "a dog" --prompt "a ball" --combine min --video park.mp4 --sampler aks
    """
    from framedex.datasets.combined import texts_of
    from framedex.index import Store
    from framedex.scores.transform import Transform
    from framedex.select import check_budget, read_sampler
    from framedex.select.batch import by_row, in_order, select_parts
    from framedex.select.formats import Wanted, open_writer

    if not sampler:
        raise UsageError("--sampler: none given; try --sampler uniform or --sampler top")
    if output is None and to is not Form.parquet:
        raise UsageError(f"--to {to.value}: needs -o PATH, where it is written to")
    samplers = _once("--sampler", sampler, [read_sampler(text) for text in sampler])
    budgets = _once("--budget", budget or [8], [check_budget(value) for value in budget or [8]])
    opened = Store.open(store)
    how = _one_of("--transform", transform, get_args(Transform))
    asked = _asked(questions, variant or [], prompt or [], _combination(combine, weight), video)
    records: list[SelectionRecord] = []
    # A table shows the first selections: no others are kept.
    shown = asked if json else asked[: -(-_SHOWN // (len(samplers) * len(budgets)))]
    kept = {(each.question.id, each.variant) for each in shown}
    partial = _Partial()
    with _source(opened, encoder=encoder, scores=scores, grid=grid, scorer=scorer) as source:
        asks = by_row(opened, source, asked, grid=grid)
        parts = select_parts(
            source, asks, samplers=samplers, budgets=budgets, seed=seed, transform=how, threads=default_threads()
        )
        with ExitStack() as stack:
            writer, progress = None, None
            if output is not None:
                wanted = Wanted(path=output, asked=asked, samplers=samplers, budgets=budgets)
                writer = stack.enter_context(open_writer(to.value, wanted))
                progress = stack.enter_context(Progress("video", total=len(asks)))
            for part in parts:
                partial.add(part)
                if writer is not None:
                    writer.add(part)
                if json or output is None:
                    records += (each for each in part.records() if (each.question_id, each.variant) in kept)
                if progress is not None:
                    progress.show(partial.videos, len(asks))
        texts = dict.fromkeys(text for each in asked for text in texts_of(each.prompt))
        truncated = source.truncated_texts(list(texts))
    if truncated:
        note(f"note: {len(truncated)} prompts are longer than the encoder's text length; their ends were not read")
    partial.note()
    if writer is not None:
        files = f"{output}" if writer.written == [output] else f"{len(writer.written)} files in {output}"
        note(f"{partial.selections} selections written to {files}")
    records = in_order(records, asked)
    if json:
        print_json({"selections": [record.as_dict() for record in records]})
    elif output is None:
        _show(records, partial.selections)


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


class _Partial:
    """How much was chosen, and of how many questions only some frames are scored."""

    def __init__(self) -> None:
        self.selections = 0
        self._counts: dict[tuple[str, str], tuple[int, int]] = {}
        self._videos: set[str] = set()

    @property
    def videos(self) -> int:
        """So far."""
        return len(self._videos)

    def add(self, part: Selections) -> None:
        """Count the selections of some videos."""
        self.selections += len(part)
        for video in part.scored:
            self._videos.add(video.row.video_key)
            for asked in video.asked:
                self._counts[video.row.video_key, asked.question.id] = (len(video.rows), video.row.count)

    def note(self) -> None:
        """Say so, where frames were not chosen from."""
        partial = [(scored, frames) for scored, frames in self._counts.values() if scored < frames]
        if partial:
            scored, frames = (sum(numbers) for numbers in zip(*partial, strict=True))
            note(
                f"note: for {len(partial)} of {len(self._counts)} questions only some frames are scored, {scored} of {frames} in "
                "all; the others were not chosen from"
            )


def _combination(how: str, weights: Sequence[float] | None) -> Combination:
    from framedex.scores.transform import Combination, How

    return Combination(how=_one_of("--combine", how, get_args(How)), weights=tuple(weights) if weights else None)


def _once(option: str, written: Sequence[object], values: list[T]) -> list[T]:
    """The values: one that stands twice would be written twice."""
    for place, value in enumerate(values):
        if value in values[:place]:
            raise UsageError(f"{option}: {written[place]} stands twice; leave one out")
    return values


def _one_of(option: str, value: str, known: Sequence[str]) -> Any:
    if value not in known:
        raise UsageError(f"{option}: got {value!r}; {did_you_mean(value, known)}")
    return value


def _asked(
    path: Path | None, variants: Sequence[str], prompts: Sequence[str], combination: Combination, video: str | None
) -> list[Asked]:
    from framedex.datasets import Question, read_questions
    from framedex.datasets.prompts import QUESTION
    from framedex.scores.transform import Combination
    from framedex.select.batch import asked_of, asked_together

    if (path is None) != bool(prompts):
        raise UsageError("select: give either a question manifest or --prompt TEXT with --video V")
    if path is not None:
        if video is not None:
            raise UsageError("--video goes with --prompt; a manifest names its videos itself")
        if combination != Combination():
            raise UsageError(
                "--combine and --weight go with --prompt; a manifest says itself how a variant's prompts combine"
            )
        return asked_of(read_questions(path), list(dict.fromkeys(variants)) or [QUESTION])
    if variants:
        raise UsageError("--variant goes with a manifest, whose questions have variants; with --prompt leave it out")
    if video is None:
        raise UsageError("--prompt: needs --video V, one of the store's videos")
    question = Question(id="prompt", video=video, question=prompts[0], folder=Path())
    return [asked_together(question, prompts, combination)]


def _show(records: Sequence[SelectionRecord], selections: int) -> None:
    several = len({record.variant for record in records}) > 1
    rows = [
        [
            record.question_id,
            *([record.variant] if several else []),
            record.sampler,
            str(record.budget),
            " ".join(clock(time_s) for time_s in record.times_s),
        ]
        for record in records[:_SHOWN]
    ]
    print_table(["question", *(["variant"] if several else []), "sampler", "budget", "frames at"], rows)
    if selections > _SHOWN:
        note(f"… and {selections - _SHOWN} more; write them all with -o PATH, or use --json")
