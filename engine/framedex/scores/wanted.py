"""What a question set wants scored: which texts of which videos."""

from __future__ import annotations

from collections.abc import Sequence

from framedex.datasets import Question
from framedex.datasets.combined import texts_of
from framedex.datasets.prompts import prompt_of
from framedex.errors import UsageError
from framedex.index import Row, Store
from framedex.index.video_names import VideoNames
from framedex.scores.curves import Prompt
from framedex.scores.make import Wanted

_SHOWN = 5


def wanted_of(
    store: Store, rows: Sequence[Row], questions: Sequence[Question], *, variants: Sequence[str]
) -> list[Wanted]:
    """The distinct texts of each video, videos in the order in which the questions first name them.

    Args:
        store: for messages.
        rows: the videos that there are, one row each.
        questions: of a manifest.
        variants: of each question, one or more.

    Raises:
        UsageError: videos that are not indexed, a question without one of the variants, or an empty text.
    """
    names = VideoNames(rows, subject=str(store.path))
    texts: dict[str, dict[str, None]] = {}
    row_of: dict[str, Row] = {}
    missing: list[str] = []
    for question in questions:
        subject = f"question {question.id!r}"
        try:
            row = names.only(str(question.folder / question.video), question.video)
        except UsageError as error:
            # The first message lists what the store holds; once is enough.
            missing.append(f"{subject}: no video {question.video!r}" if missing else f"{subject}: {error}")
            continue
        row_of.setdefault(row.video_key, row)
        for variant in variants:
            for text in texts_of(prompt_of(subject, question, variant)):
                prompt = Prompt(text=text, question_id=question.id, variant=variant)
                texts.setdefault(row.video_key, {}).setdefault(prompt.text)
    if missing:
        more = f"; and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
        raise UsageError("; ".join(missing[:_SHOWN]) + more)
    return [Wanted(row=row, texts=tuple(texts[key])) for key, row in row_of.items()]
