"""Multiple-choice questions about a set of things: four options, of which exactly one is right whatever is seen."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from framedex.microworld.things import COLOURS, TEXTURES, Thing, fill

Category = Literal["attribute", "existence"]
CATEGORIES: tuple[Category, ...] = ("attribute", "existence")
N_OPTIONS = 4

_COLOUR_NAMES = tuple(COLOURS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ThingQuestion:
    """A question whose answer is one word.

    Attributes:
        category: "attribute" asks for a colour or texture of one thing, "existence" for one that something has.
        question: the text.
        gold: the right option.
        wrong: the three other options.
        declarative: the statement that question and right option make together.
        about: the things of which the sight of any one answers the question.
    """

    category: Category
    question: str
    gold: str
    wrong: tuple[str, ...]
    declarative: str
    about: tuple[Thing, ...]

    def __post_init__(self) -> None:
        if len({self.gold, *self.wrong}) != N_OPTIONS:
            raise ValueError(f"options: got {self.gold!r} and {self.wrong}, expected {N_OPTIONS} different words")
        if not self.about:
            raise ValueError("about: got nothing, expected the things that answer the question")

    def options(self, position: int) -> tuple[str, ...]:
        """The four options with the right one at `position`."""
        return (*self.wrong[:position], self.gold, *self.wrong[position:])


def draw_questions(things: Sequence[Thing], rng: np.random.Generator) -> list[ThingQuestion]:
    """Return every question that is unambiguous among `things`, all different, in random order.

    An attribute question names its thing by a property that no other thing shares; one of its wrong options, where there is
    one, is true of another thing, so seeing the word's colour or texture anywhere is not enough. An existence question's
    wrong options are true of nothing. Under any exchange of colours, or of textures, questions are drawn alike, so the
    text alone tells nothing about which option is right.
    """
    questions = [
        *_attribute_questions(things, rng),
        *_existence_questions(things, rng),
    ]
    return [questions[number] for number in rng.permutation(len(questions))]


def _attribute_questions(things: Sequence[Thing], rng: np.random.Generator) -> list[ThingQuestion]:
    colours, textures = Counter(thing.colour for thing in things), Counter(thing.texture for thing in things)
    questions = []
    for thing in things:
        if textures[thing.texture] == 1:
            questions.append(
                ThingQuestion(
                    category="attribute",
                    question=f"What colour is the {thing.texture} thing?",
                    gold=thing.colour,
                    wrong=_with_lure(thing.colour, colours, _COLOUR_NAMES, rng),
                    declarative=f"The {thing.texture} thing is {thing.colour}.",
                    about=(thing,),
                )
            )
        if colours[thing.colour] == 1:
            questions.append(
                ThingQuestion(
                    category="attribute",
                    question=f"What is the texture of the {thing.colour} thing?",
                    gold=thing.texture,
                    wrong=_with_lure(thing.texture, textures, TEXTURES, rng),
                    declarative=f"The {thing.colour} thing is {thing.texture}.",
                    about=(thing,),
                )
            )
    return questions


def _existence_questions(things: Sequence[Thing], rng: np.random.Generator) -> list[ThingQuestion]:
    questions = []
    for colour in _COLOUR_NAMES:
        about = tuple(thing for thing in things if thing.colour == colour)
        absent = sorted(set(_COLOUR_NAMES) - {thing.colour for thing in things})
        if about and len(absent) >= N_OPTIONS - 1:
            questions.append(
                ThingQuestion(
                    category="existence",
                    question="Which colour appears in the video?",
                    gold=colour,
                    wrong=_draw(absent, N_OPTIONS - 1, rng),
                    declarative=fill("{an} {colour} thing appears.", colour=colour).capitalize(),
                    about=about,
                )
            )
    for texture in TEXTURES:
        about = tuple(thing for thing in things if thing.texture == texture)
        absent = sorted(set(TEXTURES) - {thing.texture for thing in things})
        if about and len(absent) >= N_OPTIONS - 1:
            questions.append(
                ThingQuestion(
                    category="existence",
                    question="Which texture appears in the video?",
                    gold=texture,
                    wrong=_draw(absent, N_OPTIONS - 1, rng),
                    declarative=f"A {texture} thing appears.",
                    about=about,
                )
            )
    return questions


def _with_lure(gold: str, seen: Counter[str], words: Sequence[str], rng: np.random.Generator) -> tuple[str, ...]:
    """Draw three wrong words, one of them true of another thing where there is one, in random order."""
    lures = [word for word in words if word != gold and seen[word]]
    lure = _draw(lures, 1, rng) if lures else ()
    rest = [word for word in words if word != gold and word not in lure]
    return _draw([*lure, *_draw(rest, N_OPTIONS - 1 - len(lure), rng)], N_OPTIONS - 1, rng)


def _draw(words: Sequence[str], n: int, rng: np.random.Generator) -> tuple[str, ...]:
    return tuple(words[number] for number in rng.permutation(len(words))[:n])
