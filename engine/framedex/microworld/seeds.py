"""Seeded generators: one independent stream per (seed, space, index)."""

from typing import Literal

import numpy as np

Space = Literal["train", "texts", "clips", "backgrounds", "questions", "positions", "stories", "asks"]

# Training (frames, texts; stories, asks) and clips (tracks, backgrounds, questions, positions of the right option) draw from
# different spaces, so no seed makes a training frame or a training question out of a held-out clip.
_SPACE_IDS: dict[Space, int] = {
    "train": 1,
    "texts": 2,
    "clips": 3,
    "backgrounds": 4,
    "questions": 5,
    "positions": 6,
    "stories": 7,
    "asks": 8,
}


def generator(seed: int, space: Space, index: int) -> np.random.Generator:
    """Return the generator of one item.

    Args:
        seed: non-negative user seed.
        space: what is drawn; streams of different spaces never meet.
        index: non-negative number of the item in its space.
    """
    sequence = np.random.SeedSequence(entropy=seed, spawn_key=(_SPACE_IDS[space], index))
    return np.random.Generator(np.random.Philox(sequence))
