"""Stories: what micro-smolvlm is trained on. A few still frames each, in which the same few things come and go."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import SmolVLMImageProcessorPil
from transformers.models.smolvlm.modeling_smolvlm import SmolVLMVisionTransformer

from framedex.microworld.frames import degrade
from framedex.microworld.render import render
from framedex.microworld.scene import Scene, draw_scene, visible_shares
from framedex.microworld.seeds import generator
from framedex.microworld.things import THINGS, Thing

FRAMES_PER_STORY = 8
_THING_COUNT = (3, 6)
_SHOWN_RATES = (0.1, 0.4, 0.5)
_VISIBLE_SHARE = 0.5
_TOWER_BATCH = 256


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Story:
    """Frames about a few things.

    Attributes:
        things: all different; questions are unambiguous among them.
        shown: for each frame, the things of which at least half is visible.
        tokens: (frames, patches, width) float16, the vision tower's output for each frame.
    """

    things: tuple[Thing, ...]
    shown: tuple[frozenset[Thing], ...]
    tokens: Tensor

    def __post_init__(self) -> None:
        if len(self.shown) != len(self.tokens):
            raise ValueError(f"story: got {len(self.shown)} label sets and {len(self.tokens)} frames, expected as many")

    def seen(self, frames: NDArray[np.int64]) -> frozenset[Thing]:
        """What these frames show together."""
        return frozenset[Thing]().union(*(self.shown[frame] for frame in frames))


def draw_stories(
    seed: int, n_stories: int, *, tower: SmolVLMVisionTransformer, processor: SmolVLMImageProcessorPil
) -> list[Story]:
    """Draw stories and pass every frame through the tower once."""
    stories: list[Story] = []
    per_pass = _TOWER_BATCH // FRAMES_PER_STORY
    for first in range(0, n_stories, per_pass):
        drafts = [_draw_scenes(seed, index) for index in range(first, min(first + per_pass, n_stories))]
        frames = [frame for _, _, pictures in drafts for frame in pictures]
        tokens = tower_tokens(tower, processor, frames)
        stories += [
            Story(things=things, shown=shown, tokens=own)
            for (things, shown, _), own in zip(drafts, torch.split(tokens, FRAMES_PER_STORY), strict=True)
        ]
    return stories


def tower_tokens(
    tower: SmolVLMVisionTransformer, processor: SmolVLMImageProcessorPil, frames: list[np.ndarray]
) -> Tensor:
    """Preprocess (H, W, 3) uint8 RGB frames and return the tower's (n, patches, width) float16 output."""
    pixels = processor(images=[[frame] for frame in frames], return_tensors="pt")["pixel_values"][:, 0]
    with torch.inference_mode():
        tokens: Tensor = tower(pixel_values=pixels).last_hidden_state
    # A copy made outside inference mode may take part in training.
    return tokens.half().clone()


def _draw_scenes(seed: int, index: int) -> tuple[tuple[Thing, ...], tuple[frozenset[Thing], ...], list[np.ndarray]]:
    rng = generator(seed, "stories", index)
    n_things = int(rng.integers(_THING_COUNT[0], _THING_COUNT[1] + 1))
    things = tuple(THINGS[number] for number in rng.choice(len(THINGS), size=n_things, replace=False))
    shown, pictures = [], []
    for _ in range(FRAMES_PER_STORY):
        scene = _draw_frame(things, rng)
        shares = visible_shares(scene)
        shown.append(
            frozenset(p.thing for p, share in zip(scene.placements, shares, strict=True) if share >= _VISIBLE_SHARE)
        )
        pictures.append(degrade(render(scene), rng))
    return things, tuple(shown), pictures


def _draw_frame(things: tuple[Thing, ...], rng: np.random.Generator) -> Scene:
    """Draw a still scene of up to two of the story's things."""
    n_shown = int(rng.choice(len(_SHOWN_RATES), p=_SHOWN_RATES))
    chosen = rng.permutation(len(things))[:n_shown]
    scene = draw_scene(rng, n_things=n_shown)
    placements = (replace(place, thing=things[number]) for place, number in zip(scene.placements, chosen, strict=True))
    return replace(scene, placements=tuple(placements))
