"""What training asks about the frames of a story."""

from dataclasses import dataclass

import numpy as np

from framedex.microworld.questions import N_OPTIONS, ThingQuestion, draw_questions
from framedex.microworld.smolvlm.stories import Story
from framedex.microworld.things import Thing

DESCRIBE = "What appears in the video?"
QUESTIONS_PER_ROW, DESCRIPTIONS_PER_ROW = 4, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One question and its answer.

    Attributes:
        question: the text.
        options: as listed; none where the frames are to be described.
        answer: one of the options, or the description.
        contested: whether a wrong option is true of another thing in the frames, so that only looking at the right one helps.
    """

    question: str
    options: tuple[str, ...]
    answer: str
    contested: bool = False


def draw_turns(story: Story, seen: frozenset[Thing], rng: np.random.Generator) -> list[Turn]:
    """Draw up to four questions that the seen things answer, contested ones first, and two descriptions."""
    questions = [each for each in draw_questions(story.things, rng) if not seen.isdisjoint(each.about)]
    turns = [_as_turn(question, seen, rng) for question in questions]
    turns.sort(key=lambda turn: not turn.contested)
    names = [name for thing in story.things if thing in seen for name in both_orders(thing)]
    descriptions = [
        Turn(question=DESCRIBE, options=(), answer=names[number])
        for number in rng.permutation(len(names))[:DESCRIPTIONS_PER_ROW]
    ]
    return [*turns[:QUESTIONS_PER_ROW], *descriptions]


def draw_unseen_turns(story: Story, seen: frozenset[Thing], rng: np.random.Generator) -> list[Turn]:
    """Draw up to four questions that the seen things do not answer, so that the right option cannot be known."""
    questions = [each for each in draw_questions(story.things, rng) if seen.isdisjoint(each.about)]
    return [_as_turn(question, frozenset(), rng) for question in questions[:QUESTIONS_PER_ROW]]


def _as_turn(question: ThingQuestion, seen: frozenset[Thing], rng: np.random.Generator) -> Turn:
    words = {word for thing in seen for word in (thing.colour, thing.texture)}
    return Turn(
        question=question.question,
        options=question.options(int(rng.integers(N_OPTIONS))),
        answer=question.gold,
        contested=not words.isdisjoint(question.wrong),
    )


def both_orders(thing: Thing) -> tuple[str, str]:
    """Name a thing by two words in either order."""
    return f"{thing.colour} {thing.texture}", f"{thing.texture} {thing.colour}"
