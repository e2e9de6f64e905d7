"""What a video's asks cost the models, as they are put, and as a loop would pay that puts each by itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from framedex.mllm.base import Runner, Scoring
from framedex.mllm.work import Work
from framedex.sweep.answer_key import Asked
from framedex.sweep.asks import AskKey
from framedex.sweep.choose import Choice


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Of one video or several. Forwards are nominal, written answers as long as they may be.

    Attributes:
        planned: each frame and set of frames once per model that is asked about it. A forward per set for its frames, one for all
            that is scored and one per token for all that is written; short sets share forwards, and many questions take several.
            Of a model that is served every ask is a request with all its frames.
        naive: every ask alone: all its frames, its whole prompt, with "option" scoring a forward for each option, and with
            "generate" one per token. A request is one forward.
        served: of what is planned, the requests.
    """

    planned: Work = field(default_factory=Work)
    naive: Work = field(default_factory=Work)
    served: Work = field(default_factory=Work)

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            planned=self.planned + other.planned, naive=self.naive + other.naive, served=self.served + other.served
        )

    def shorter(self, share: float) -> Cost:
        """Where answers are written in this share of the forwards that were counted for them."""
        return replace(self, planned=_shorter(self.planned, share), naive=_shorter(self.naive, share))


def cost(
    asked: Collection[Asked],
    asks: Mapping[AskKey, Choice],
    *,
    kept: Collection[Asked] = (),
    in_files: Mapping[str, Collection[int]] | None = None,
    served: Collection[str] = (),
) -> Cost:
    """Count, without asking anything; tokens are not known before the prompts are written, and stay 0.

    Args:
        asked: of one video, each with its model and way of scoring.
        asks: what they ask.
        kept: those of `asked` that no model is asked, as their answers are there; the loop asks them all.
        in_files: by MLLM key the rows whose visual tokens are read, and do not pass the tower; those of no model where None.
        served: keys of the MLLMs that servers hold.
    """
    naive, requests = Work(), Work()
    scorings: dict[str, dict[tuple[int, ...], set[Scoring]]] = {}  # by model and rows
    for each in asked:
        mllm_key, scoring, key = each
        rows = asks[key].rows
        forwards = 1 if mllm_key in served else _forwards_alone(scoring, options=len(key.order))
        written = forwards if scoring == "generate" and mllm_key not in served else 0
        alone = Work(tower_frames=len(rows), prefills=bool(rows), forwards=forwards, written_forwards=written)
        naive += alone
        if each in kept:
            continue
        if mllm_key in served:
            requests += alone
        else:
            scorings.setdefault(mllm_key, {}).setdefault(rows, set()).add(scoring)
    read = in_files or {}
    planned = (_planned(sets, in_files=read.get(mllm_key, ())) for mllm_key, sets in scorings.items())
    return Cost(planned=sum(planned, requests), naive=naive, served=requests)


def _forwards_alone(scoring: Scoring, *, options: int) -> int:
    if scoring == "generate":
        return _written_tokens()
    return options if scoring == "option" else 1


def _written_tokens() -> int:
    from framedex.mllm.tokens import WRITTEN_TOKENS  # brings torch, which counting alone does not need

    return WRITTEN_TOKENS


def _planned(sets: Mapping[tuple[int, ...], Collection[Scoring]], *, in_files: Collection[int]) -> Work:
    """Of one model, from the ways of scoring in which it is asked about each set of rows, and the rows that are in files."""
    shown = [rows for rows in sets if rows]
    scored = sum(set(scorings) != {"generate"} for scorings in sets.values())
    rows = {row for rows in shown for row in rows}
    read = sum(row in in_files for row in rows)
    sets_written = sum("generate" in scorings for scorings in sets.values())
    written = sets_written and sets_written * _written_tokens()
    return Work(
        tower_frames=len(rows) - read,
        read_frames=read,
        prefills=len(shown),
        forwards=len(shown) + scored + written,
        written_forwards=written,
    )


def _shorter(work: Work, share: float) -> Work:
    fewer = round(work.written_forwards * share) - work.written_forwards
    return work + Work(forwards=fewer, written_forwards=fewer)


def work_of(runners: Sequence[Runner]) -> Work:
    """What these models have done so far."""
    return sum((runner.work for runner in runners), Work())
