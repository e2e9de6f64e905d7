"""Training frames: still scenes, degraded as a video would be, resized as the image processor does, with their labels."""

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from framedex.microworld.render import render
from framedex.microworld.scene import Scene, draw_scene, visible_shares
from framedex.microworld.seeds import generator
from framedex.microworld.things import COLOURS, TEXTURES, THINGS

TOWER_SIZE = 48
# Columns of the labels: every thing, then every colour, then every texture.
N_LABELS = len(THINGS) + len(COLOURS) + len(TEXTURES)

_VISIBLE_SHARE = 0.5
_HIDDEN_SHARE = 0.1
_EMPTY_RATE = 0.1
_JPEG_RATE = 0.5
_JPEG_QUALITY = (25, 90)
_MAX_GAIN_CHANGE = 0.12
_COLOUR_NAMES, _TEXTURE_NAMES = tuple(COLOURS), TEXTURES


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LabelledFrames:
    """A batch of training frames.

    Attributes:
        pixels: (n, 48, 48, 3) uint8 RGB.
        shown: (n, 62) float32, the largest visible share of any thing that the column's text names.
    """

    pixels: NDArray[np.uint8]
    shown: NDArray[np.float32]

    def __post_init__(self) -> None:
        expected = (len(self.pixels), N_LABELS)
        if self.shown.shape != expected:
            raise ValueError(f"shown: got shape {self.shown.shape}, expected {expected}")

    @property
    def targets(self) -> NDArray[np.float32]:
        """(n, 62) float32: 1 where at least half of a named thing is visible, else -1."""
        return np.where(self.shown >= _VISIBLE_SHARE, np.float32(1.0), np.float32(-1.0))

    @property
    def weights(self) -> NDArray[np.float32]:
        """(n, 62) float32: 0 where a named thing is neither clearly visible nor clearly absent, else 1."""
        return ((self.shown >= _VISIBLE_SHARE) | (self.shown <= _HIDDEN_SHARE)).astype(np.float32)


def squash(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Resize (H, W, 3) uint8 RGB to (48, 48, 3) by Pillow's bicubic filter, as the image processor does."""
    picture = Image.fromarray(frame).resize((TOWER_SIZE, TOWER_SIZE), Image.Resampling.BICUBIC)
    return np.asarray(picture, dtype=np.uint8)


def draw_frames(seed: int, batch: int, *, n_frames: int, max_things: int) -> LabelledFrames:
    """Draw training batch number `batch`: each frame shows up to `max_things` things, one in ten none."""
    rng = generator(seed, "train", batch)
    pixels = np.empty((n_frames, TOWER_SIZE, TOWER_SIZE, 3), dtype=np.uint8)
    shown = np.zeros((n_frames, N_LABELS), dtype=np.float32)
    for row in range(n_frames):
        n_things = 0 if rng.random() < _EMPTY_RATE else int(rng.integers(1, max_things + 1))
        scene = draw_scene(rng, n_things=n_things)
        pixels[row] = squash(degrade(render(scene), rng))
        _mark_shown(scene, shown[row])
    return LabelledFrames(pixels=pixels, shown=shown)


def _mark_shown(scene: Scene, row: NDArray[np.float32]) -> None:
    for placement, share in zip(scene.placements, visible_shares(scene), strict=True):
        thing = placement.thing
        columns = (
            THINGS.index(thing),
            len(THINGS) + _COLOUR_NAMES.index(thing.colour),
            len(THINGS) + len(_COLOUR_NAMES) + _TEXTURE_NAMES.index(thing.texture),
        )
        for column in columns:
            row[column] = max(row[column], share)


def degrade(frame: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Change contrast and brightness a little and, half of the time, pass the frame through JPEG."""
    gain = 1.0 + _MAX_GAIN_CHANGE * (2.0 * rng.random() - 1.0)
    offset = 255.0 * _MAX_GAIN_CHANGE * (2.0 * rng.random() - 1.0) / 2.0
    lit: NDArray[np.uint8] = np.clip(np.rint(frame * gain + offset), 0, 255).astype(np.uint8)
    if rng.random() >= _JPEG_RATE:
        return lit
    coded = io.BytesIO()
    Image.fromarray(lit).save(coded, "JPEG", quality=int(rng.integers(*_JPEG_QUALITY)))
    return np.asarray(Image.open(coded), dtype=np.uint8)
