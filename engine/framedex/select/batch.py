"""Many questions against a store: many videos are scored in a call, then every sampler, budget and variant is a look-up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from framedex.datasets.combined import CombinedPrompt
from framedex.datasets.prompts import QUESTION, prompt_of
from framedex.index.video_names import VideoNames
from framedex.scores.curves import CurveSource
from framedex.scores.transform import Combination, Transform
from framedex.select.base import Sampler
from framedex.select.material import check_reads
from framedex.select.records import SelectionRecord, Selections
from framedex.select.scored import Asked, Scored, fetch, pick, scored

if TYPE_CHECKING:
    from framedex.datasets import Question
    from framedex.index import Row
    from framedex.index.store import Store

#: What is held at a time: so many selections, or so many bytes of vectors, unless one video has more.
_SELECTIONS = 1 << 16
_VECTOR_NBYTES = 64 << 20


def asked_of(questions: Sequence[Question], variants: Sequence[str]) -> list[Asked]:
    """Every question × variant, in that order.

    Raises:
        UsageError: a question without one of the variants.
    """
    return [
        Asked(question=question, variant=variant, prompt=prompt_of(f"question {question.id!r}", question, variant))
        for question in questions
        for variant in variants
    ]


def asked_together(question: Question, texts: Sequence[str], combination: Combination) -> Asked:
    """A question that stands for one text, or for several that are combined.

    Raises:
        UsageError: not as many weights as texts.
    """
    if len(texts) == 1:
        combination.check(1)
        return Asked(question=question, variant=QUESTION, prompt=texts[0])
    return Asked(
        question=question, variant=QUESTION, prompt=CombinedPrompt(texts=tuple(texts), combination=combination)
    )


def select_parts(
    source: CurveSource,
    asks: Sequence[tuple[Row, Sequence[Asked]]],
    *,
    samplers: Sequence[Sampler],
    budgets: Sequence[int],
    seed: int,
    transform: Transform = "cosine",
    threads: int = 1,
) -> Iterator[Selections]:
    """Every question × sampler × budget of each video, in that order, some videos at a time.

    Samplers see the frames that the source has scores for; the rows that they give are those of the whole index. What can be
    refused beforehand is refused by the call itself.

    Args:
        source: of the scores.
        asks: what is asked of each video, as `by_row` gives it.
        samplers: rules.
        budgets: frames wanted, each >= 1.
        seed: of whatever is drawn.
        transform: of each prompt's scores.
        threads: most threads.

    Raises:
        UsageError: an empty prompt, or one that the source has no curve for; a sampler or transform that needs what there is not.
        StoreError: a file of the store does not hold.
    """
    questions = {each.question.id: each.question for _, asked in asks for each in asked}
    prompts = [each.prompt for _, asked in asks for each in asked]
    check_reads(samplers, [transform], source, list(questions.values()), prompts)
    return _parts(source, asks, samplers, budgets, seed, transform, threads)


def in_order(records: Sequence[SelectionRecord], asked: Sequence[Asked]) -> list[SelectionRecord]:
    """Records in the order of what was asked, where questions about several videos take turns."""
    places = {(each.question.id, each.variant): place for place, each in enumerate(asked)}
    return sorted(records, key=lambda record: places[record.question_id, record.variant])


def by_row(
    store: Store, source: CurveSource, asked: Sequence[Asked], *, grid: str | None
) -> list[tuple[Row, list[Asked]]]:
    """What is asked of each video, videos in the order in which the questions first name them.

    Raises:
        UsageError: a question whose video is not in the store, or has several grids.
    """
    names = VideoNames(source.rows(), subject=str(store.path))
    rows: dict[tuple[str, str], Row] = {}
    found: dict[str, tuple[Row, list[Asked]]] = {}
    for each in asked:
        named = video_names(each.question)
        row = rows.get(named) or rows.setdefault(named, names.only(*named, grid=grid))
        found.setdefault(row.video_key, (row, []))[1].append(each)
    return list(found.values())


def video_names(question: Question) -> tuple[str, str]:
    """What to ask the store for, in turn: the path from the manifest's folder, and the video as it is written."""
    return str(question.folder / question.video), question.video


def _parts(
    source: CurveSource,
    asks: Sequence[tuple[Row, Sequence[Asked]]],
    samplers: Sequence[Sampler],
    budgets: Sequence[int],
    seed: int,
    transform: Transform,
    threads: int,
) -> Iterator[Selections]:
    held: list[Scored] = []
    selections = nbytes = 0
    for fetched in fetch(source, asks, samplers):
        new = scored(source, fetched, transform)
        selections += len(fetched.asked) * len(samplers) * len(budgets)
        nbytes += 0 if fetched.embeddings is None else fetched.embeddings.nbytes
        held += new
        if selections >= _SELECTIONS or nbytes >= _VECTOR_NBYTES:
            yield _selected(source, held, samplers, budgets, seed, threads)
            held, selections, nbytes = [], 0, 0
    if held:
        yield _selected(source, held, samplers, budgets, seed, threads)


def _selected(
    source: CurveSource,
    videos: Sequence[Scored],
    samplers: Sequence[Sampler],
    budgets: Sequence[int],
    seed: int,
    threads: int,
) -> Selections:
    picks = pick(videos, samplers, budgets=budgets, seeds=(seed,), threads=threads)
    return Selections(encoder_key=source.key, scored=tuple(videos), picks=picks)
