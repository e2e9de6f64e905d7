"""Findings: the comparisons of a run as sentences that say what came out, whichever way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from framedex.analysis.accuracy import AccuracyRow
from framedex.analysis.blind import MARGIN, BlindRow
from framedex.analysis.confidence import ConfidenceRow
from framedex.analysis.contrast import TOP, ContrastRow
from framedex.analysis.drop import DropRow
from framedex.analysis.interval import Estimate
from framedex.analysis.oracle import OracleRow
from framedex.analysis.phrases import count, interval_of, percent, points, sample_of
from framedex.analysis.records import StatusCount
from framedex.analysis.run_file import Planned
from framedex.analysis.setting import Context

_BEST, _WORST, _UNIFORM = "taking the best-scored frames", "taking the worst-scored frames", "uniform sampling"
_UNEXPECTED = " That is not what was expected."


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One sentence, or a few.

    Attributes:
        topic: what it is about, for headings.
        context: what it holds for; None for the run as a whole.
        sentence: with its figures and the number of questions behind them.
    """

    topic: str
    context: Context | None
    sentence: str


def under_headings(findings: Iterable[Finding]) -> dict[str, list[str]]:
    """Heading → sentences, in order; the heading is the topic, and the context where others of that topic have another."""
    found = list(findings)
    contexts: dict[str, set[Context | None]] = {}
    for one in found:
        contexts.setdefault(one.topic, set()).add(one.context)
    grouped: dict[str, list[str]] = {}
    for one in found:
        heading = f"{one.topic} ({one.context})" if len(contexts[one.topic]) > 1 else one.topic
        grouped.setdefault(heading, []).append(one.sentence)
    return grouped


def accuracy_findings(rows: Sequence[AccuracyRow]) -> Iterator[Finding]:
    """Top against uniform, for every variant and budget that has both."""
    for row in rows:
        if row.arm == "select" and row.sampler == TOP and row.minus_uniform is not None:
            sentence = _compared(_BEST, _UNIFORM, row.minus_uniform, _where(row.budget, row.variant))
            tail = "" if row.minus_uniform.above else _UNEXPECTED
            yield Finding(topic="top against uniform", context=row.context, sentence=sentence + tail)


def contrast_findings(rows: Sequence[ContrastRow]) -> Iterator[Finding]:
    """Top against bottom, and each prompt variant against the question."""
    for row in rows:
        first, second = row.contrast.split(" - ")
        if first == TOP:
            sentence = _compared(_BEST, _WORST, row.difference, _where(row.budget, row.variant))
            tail = "" if row.difference.above else _UNEXPECTED
            yield Finding(topic="top against bottom", context=row.context, sentence=sentence + tail)
        else:
            sides = (f"choosing frames by the {first}", f"choosing them by the {second}")
            sentence = _compared(*sides, row.difference, _where(row.budget, ""))
            yield Finding(topic="prompt variants", context=row.context, sentence=sentence)


def oracle_findings(rows: Sequence[OracleRow]) -> Iterator[Finding]:
    """The cross-fitted gap first; the raw one beside what guessing alone would give."""
    for row in rows:
        if row.gap_raw is None or row.uniform is None:
            continue
        gap = row.gap_cross_fitted
        if gap is None:
            why = row.correction.removeprefix("cannot correct: ")
            sentence = f"The gap between uniform sampling and the best window cannot be corrected for guessing: {why}."
        elif gap.above:
            sentence = f"The best window beats uniform sampling by {_difference(gap)}, cross-fitted."
        elif gap.below:
            sentence = f"Uniform sampling beats the best window that can be told: {_difference(gap)}, cross-fitted.{_UNEXPECTED}"
        else:
            sentence = f"That the best window beats uniform sampling is not shown: {_difference(gap)}, cross-fitted.{_UNEXPECTED}"
        raw = (
            f" The raw gap is {points(row.gap_raw.value)} points, {percent(row.raw.value)} against {percent(row.uniform.value)}; "
            f"independent guesses over {row.windows:.0f} windows alone would reach {percent(row.guesser)}."
        )
        unequal = "" if row.uniform_budget == row.length else ", so the two do not see the same number of frames"
        rule = f" Windows of {row.length} every {row.stride}, uniform at {count(row.uniform_budget or 0, 'frame')}{unequal}."
        yield Finding(topic="oracle", context=row.context, sentence=sentence + raw + rule)


def confidence_findings(rows: Sequence[ConfidenceRow]) -> Iterator[Finding]:
    """The within-question AUROC of the windows' highest score, which the study used; rho and its cap beside it."""
    for row in rows:
        if row.statistic == "max":
            rho = "not defined" if row.rho is None else f"{row.rho:.2f} of at most {row.cap:.2f}"
            where = f"prompt variant {row.variant}, windows of {row.length}"
            sentence = f"{_told_apart(row, where)} Pooled Spearman correlation: {rho}."
            yield Finding(topic="confidence", context=row.context, sentence=sentence)


def _told_apart(row: ConfidenceRow, where: str) -> str:
    if row.auroc is None or row.p_value is None:
        return f"Whether confidence tells right windows from wrong ones cannot be said ({where}): no question has both."
    low, high = row.auroc.low, row.auroc.high
    verdict = "is not shown to tell"
    if low is not None and low > 0.5:
        verdict = "tells"
    elif high is not None and high < 0.5:
        verdict = "tells, the wrong way round,"
    interval = f"interval {row.auroc.interval}" if low is None else f"95 % interval {low:.2f} to {high:.2f}"
    mixed = f"{row.mixed} of {count(row.questions, 'question')} with both outcomes"
    return (
        f"A window's highest score {verdict} right windows from wrong ones of the same question ({where}): "
        f"AUROC {row.auroc.value:.2f} ({interval}; p = {row.p_value:.3f}; {mixed})."
    )


def drop_findings(rows: Sequence[DropRow]) -> Iterator[Finding]:
    """What dropping the largest share up to one half costs, for each rule."""
    last: dict[tuple[Context, str, int, str, str], tuple[DropRow, Estimate]] = {}
    for row in rows:
        if row.minus_full is not None and row.rate <= 0.5:
            # rates come in increasing order
            last[row.context, row.base, row.budget, row.variant, row.by] = (row, row.minus_full)
    for row, difference in last.values():
        which = "at random" if row.by == "random" else f"the {row.by}-scored first"
        rule = f"{which}{_prompt(row.variant)}"
        what = f"Dropping {100 * row.rate:.0f} % of the {count(row.budget, 'frame')} of {row.base} ({rule})"
        cost = ": no change in accuracy is shown"
        if difference.below:
            cost = " costs accuracy"
        elif difference.above:
            cost = " gains accuracy"
        yield Finding(topic="drop", context=row.context, sentence=f"{what}{cost}: {_difference(difference)}.")


def blind_findings(rows: Sequence[BlindRow]) -> Iterator[Finding]:
    """No video against chance."""
    for row in rows:
        gap = f"{percent(row.accuracy.value)} against {percent(row.chance)}, {_difference(row.minus_chance)}"
        within = f"within {100 * MARGIN:.0f} points"
        sentence = {
            "exactly chance": f"Without the video, accuracy is exactly chance in every video: {gap}.",
            "at chance": f"Without the video, accuracy is at chance, {within}: {gap}.",
            "above": f"Without the video, accuracy is above chance: {gap}.{_UNEXPECTED}",
            "below": f"Without the video, accuracy is below chance: {gap}.{_UNEXPECTED}",
            "open": f"Whether accuracy without the video is at chance, {within}, stays open: {gap}. "
            "Not seeing a difference is no proof that there is none.",
        }[row.verdict]
        yield Finding(topic="no video", context=row.context, sentence=sentence)


def status_findings(counts: Sequence[StatusCount], repeated: int, planned: Sequence[Planned]) -> Iterator[Finding]:
    """Videos still to come and answers that were not plain; nothing where there are none."""
    for run in planned:
        if run.done < run.videos:
            sentence = f"{run.run.name} is not finished: {run.done} of {count(run.videos, 'video')}; all figures are over those."
            yield Finding(topic="status", context=None, sentence=sentence)
    unlike = [
        (sum(row.unparsable for row in counts), "unparsable, counted as wrong"),
        (sum(row.truncated for row in counts), "with a prompt too long for the model, counted as wrong"),
        (sum(row.invalid for row in counts), "invalid, left out"),
        (repeated, "more found alike in another run, counted once"),
    ]
    said = [f"{number} {what}" for number, what in unlike if number]
    if said:
        total = count(sum(row.records for row in counts), "answer")
        yield Finding(topic="status", context=None, sentence=f"Of {total}: {'; '.join(said)}.")


def _compared(first: str, second: str, difference: Estimate, where: str) -> str:
    verdict = f"between {first} and {second} no difference is shown"
    if difference.above:
        verdict = f"{first} beats {second}"
    elif difference.below:
        verdict = f"{second} beats {first}"
    return f"{verdict[0].upper()}{verdict[1:]} at {where}: {_difference(difference)}."


def _difference(difference: Estimate) -> str:
    return f"{points(difference.value)} points ({interval_of(difference)}; {sample_of(difference)})"


def _where(budget: int, variant: str) -> str:
    return count(budget, "frame") + _prompt(variant)


def _prompt(variant: str) -> str:
    return f", prompt variant {variant}" if variant else ""
