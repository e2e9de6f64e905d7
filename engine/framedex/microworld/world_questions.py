"""The multiple-choice questions of a world: lines of its questions.jsonl."""

from collections.abc import Sequence
from typing import Any

from framedex.microworld.clips import clip_file_name
from framedex.microworld.evidence import Interval
from framedex.microworld.questions import CATEGORIES, N_OPTIONS, ThingQuestion, draw_questions
from framedex.microworld.seeds import generator
from framedex.microworld.spec import ClipSpec

DATASET = "micro-world"
PER_CATEGORY = 2


def world_questions(
    specs: Sequence[ClipSpec], evidence_of: Sequence[tuple[tuple[Interval, ...], ...]]
) -> list[dict[str, Any]]:
    """Return manifest rows for clips of one seed: of each category two a clip, or as many as the clip allows.

    The right options stand at every position equally often, within one, over any number of clips.

    Args:
        specs: the clips, in order from index 0.
        evidence_of: for each clip, the intervals of each track.
    """
    rows: list[dict[str, Any]] = []
    for spec, evidence in zip(specs, evidence_of, strict=True):
        things = [track.thing for track in spec.tracks]
        drawn = draw_questions(things, generator(spec.seed, "questions", spec.index))
        kept = [
            question
            for category in CATEGORIES
            for question in [each for each in drawn if each.category == category][:PER_CATEGORY]
        ]
        for number, question in enumerate(kept):
            seen = [evidence[things.index(thing)] for thing in question.about]
            rows.append(_row(spec, number, question, _position(spec.seed, len(rows)), _union(seen)))
    return rows


def _row(
    spec: ClipSpec, number: int, question: ThingQuestion, position: int, intervals: tuple[Interval, ...]
) -> dict[str, Any]:
    return {
        "id": f"{spec.name}-q{number}",
        "video": f"clips/{clip_file_name(spec)}",
        "question": question.question,
        "options": list(question.options(position)),
        "answer": position,
        "evidence": [list(interval) for interval in intervals],
        "category": question.category,
        "dataset": DATASET,
        "variants": {"declarative": question.declarative},
    }


def _position(seed: int, number: int) -> int:
    """Where the right option of the world's question `number` stands: each run of four questions has every position."""
    block, place = divmod(number, N_OPTIONS)
    return int(generator(seed, "positions", block).permutation(N_OPTIONS)[place])


def _union(tracks: Sequence[tuple[Interval, ...]]) -> tuple[Interval, ...]:
    """Merge the intervals of several tracks where they meet."""
    merged: list[Interval] = []
    for start_s, end_s in sorted(interval for intervals in tracks for interval in intervals):
        if merged and start_s <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end_s))
        else:
            merged.append((start_s, end_s))
    return tuple(merged)
