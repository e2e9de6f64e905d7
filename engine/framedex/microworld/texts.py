"""Training texts: one for every label, said differently at every step."""

import string

import numpy as np

from framedex.microworld.things import (
    COLOUR_PARAPHRASES,
    COLOURS,
    FILLER_WORDS,
    PARAPHRASES,
    TEXTURE_PARAPHRASES,
    TEXTURES,
    THINGS,
    fill,
)

_PLAIN_RATE = 0.4
_MAX_FILLERS = 3
_SPELLED_RATE = 0.3
_SPELLED_LENGTH = (2, 6)


def draw_texts(rng: np.random.Generator) -> list[str]:
    """Draw one text per label, in label order: 48 things, 8 colours, 6 textures.

    Most texts get filler words or a made-up word around them, so that a question's other words come to mean nothing.
    """
    texts = [fill(_one(rng, PARAPHRASES), colour=thing.colour, texture=thing.texture) for thing in THINGS]
    texts += [fill(_one(rng, COLOUR_PARAPHRASES), colour=colour) for colour in COLOURS]
    texts += [fill(_one(rng, TEXTURE_PARAPHRASES), texture=texture) for texture in TEXTURES]
    return [_surround(text, rng) for text in texts]


def _surround(text: str, rng: np.random.Generator) -> str:
    if rng.random() < _PLAIN_RATE:
        return text
    words = [_filler(rng) for _ in range(rng.integers(1, _MAX_FILLERS + 1))]
    before = int(rng.integers(len(words) + 1))
    return " ".join([*words[:before], text, *words[before:]])


def _filler(rng: np.random.Generator) -> str:
    if rng.random() >= _SPELLED_RATE:
        return _one(rng, FILLER_WORDS)
    letters = rng.integers(len(string.ascii_lowercase), size=rng.integers(*_SPELLED_LENGTH))
    return "".join(string.ascii_lowercase[letter] for letter in letters)


def _one(rng: np.random.Generator, choices: tuple[str, ...]) -> str:
    return choices[rng.integers(len(choices))]
