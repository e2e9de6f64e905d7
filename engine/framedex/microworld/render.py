"""The renderer: a scene becomes an RGB frame. Training and clips both use it."""

import math

import numpy as np
from numpy.typing import NDArray

from framedex.microworld.background import paint_background
from framedex.microworld.scene import Floats, Placement, Scene, outline_distance, to_local

_STRIPE_PERIOD = 2.0 / 3.0
_CHECK_PERIOD = 1.0
_DOT_PERIOD = 2.0 / 3.0
_DOT_RADIUS = 0.22
_RING_PERIOD = 0.54
_FRAME_WIDTH = 0.34


def render(scene: Scene) -> NDArray[np.uint8]:
    """Paint a scene.

    Returns:
        (height, width, 3) uint8 RGB.
    """
    canvas = paint_background(
        scene.background,
        width=scene.width,
        height=scene.height,
        camera_x=scene.camera_x,
        camera_y=scene.camera_y,
    )
    for placement in scene.placements:
        _paint(canvas, placement)
    return np.clip(np.rint(canvas), 0, 255).astype(np.uint8)


def _paint(canvas: NDArray[np.float32], placement: Placement) -> None:
    """Blend one thing over the canvas, touching only its bounding box."""
    height, width = canvas.shape[:2]
    # A turned square reaches beyond its radius, by a factor of at most the square root of two.
    reach = placement.radius * math.sqrt(2.0) + 1.0 / height
    top, bottom = _span(placement.y - reach, placement.y + reach, height, limit=height)
    left, right = _span(placement.x - reach, placement.x + reach, height, limit=width)
    if top >= bottom or left >= right:
        return
    rows = ((np.arange(top, bottom) + 0.5) / height).astype(np.float32)[:, None]
    columns = ((np.arange(left, right) + 0.5) / height).astype(np.float32)[None, :]
    u, v = to_local(placement, columns, rows)
    distance = outline_distance(placement.outline, u, v)
    pixels_per_radius = placement.radius * height
    cover = np.clip(0.5 - distance * pixels_per_radius, 0.0, 1.0)[:, :, None]
    ink = np.clip(0.5 + _ink_depth(placement.thing.texture, u, v, distance) * pixels_per_radius, 0.0, 1.0)[:, :, None]
    colour = np.array(placement.thing.rgb, dtype=np.float32)
    tone = np.array(placement.thing.ink, dtype=np.float32)
    paint = colour + ink * (tone - colour)
    box = canvas[top:bottom, left:right]
    box += cover * (paint - box)


def _span(start: float, stop: float, pixels_per_height: int, *, limit: int) -> tuple[int, int]:
    """Return the pixel range that covers [start, stop), cut to the picture."""
    first = math.floor(start * pixels_per_height)
    last = math.ceil(stop * pixels_per_height)
    return max(first, 0), min(last, limit)


def _ink_depth(texture: str, u: Floats, v: Floats, distance: Floats) -> Floats:
    """Return how deep each point lies in ink, in radii: negative where the thing shows its colour."""
    match texture:
        case "plain":
            return np.full_like(distance, -np.inf)
        case "striped":
            return _bars(u, _STRIPE_PERIOD)
        case "checked":
            across, down = _bars(u, _CHECK_PERIOD), _bars(v, _CHECK_PERIOD)
            return np.sign(across * down) * np.minimum(np.abs(across), np.abs(down))
        case "dotted":
            return _DOT_RADIUS - np.hypot(_to_cell(u), _to_cell(v))
        case "ringed":
            # A quarter period on, so that the middle is ink and the rim is colour, unlike a framed disc.
            return _bars(np.hypot(u, v) + _RING_PERIOD / 4.0, _RING_PERIOD)
        case "framed":
            return distance + _FRAME_WIDTH
        case _:
            raise ValueError(f"texture: got {texture!r}, which has no pattern")


def _bars(position: Floats, period: float) -> Floats:
    """Return the depth in bars half a period wide: positive in a bar, zero at its edges, negative between two."""
    phase = position / period
    depth: Floats = (0.25 - np.abs(phase - np.floor(phase) - 0.5)) * period
    return depth


def _to_cell(position: Floats) -> Floats:
    """Return the offset from the middle of the dot cell that holds the position."""
    phase = position / _DOT_PERIOD + 0.5
    offset: Floats = (phase - np.floor(phase) - 0.5) * _DOT_PERIOD
    return offset
