"""A scene: what one frame shows, in geometry. Lengths are frame heights, from the top left corner of the picture."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from framedex.microworld.background import Background, draw_background
from framedex.microworld.things import THINGS, Thing

Outline = Literal["disc", "square"]
OUTLINES: tuple[Outline, ...] = ("disc", "square")
FRAME_SIZES = ((160, 120), (192, 144), (176, 144), (256, 144), (128, 128))
MIN_RADIUS, MAX_RADIUS = 0.20, 0.31
MAX_ANGLE_RAD = 0.4

_CORNER = 0.3
_SHARE_GRID = 32

Floats = NDArray[np.floating]


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """A thing at its place in the picture: centre (x, y), radius (half the side of a square) and turn."""

    thing: Thing
    outline: Outline
    x: float
    y: float
    radius: float
    angle_rad: float

    def __post_init__(self) -> None:
        if self.outline not in OUTLINES:
            raise ValueError(f"outline: got {self.outline!r}, expected one of {', '.join(OUTLINES)}")
        if not self.radius > 0:
            raise ValueError(f"radius: got {self.radius}, expected a positive number of frame heights")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scene:
    """One frame: size in pixels, background and camera, things in painting order (later ones cover earlier ones)."""

    width: int
    height: int
    background: Background
    camera_x: float
    camera_y: float
    placements: tuple[Placement, ...]

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise ValueError(f"frame size: got {self.width}x{self.height}, expected at least 1x1 pixel")


def to_local(placement: Placement, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Turn picture coordinates into the thing's own, in which its outline touches -1 and 1."""
    dx, dy = (x - placement.x) / placement.radius, (y - placement.y) / placement.radius
    cosine, sine = np.cos(placement.angle_rad), np.sin(placement.angle_rad)
    return cosine * dx + sine * dy, cosine * dy - sine * dx


def outline_distance(outline: Outline, u: Floats, v: Floats) -> Floats:
    """Return the signed distance to the outline in radii: negative inside."""
    if outline == "disc":
        return np.hypot(u, v) - 1.0
    du, dv = np.abs(u) - (1.0 - _CORNER), np.abs(v) - (1.0 - _CORNER)
    outside = np.hypot(np.maximum(du, 0.0), np.maximum(dv, 0.0))
    return outside + np.minimum(np.maximum(du, dv), 0.0) - _CORNER


def visible_shares(scene: Scene) -> tuple[float, ...]:
    """Return, for each placement, the share of its area that is in the picture and not covered.

    Computed on a 32 x 32 lattice over the thing's bounding square.
    """
    return tuple(_visible_share(scene, number) for number in range(len(scene.placements)))


def _visible_share(scene: Scene, number: int) -> float:
    placement = scene.placements[number]
    steps = (np.arange(_SHARE_GRID) + 0.5) / _SHARE_GRID * 2.0 - 1.0
    u, v = np.meshgrid(steps, steps)
    own = outline_distance(placement.outline, u, v) <= 0.0
    u, v = u[own], v[own]
    cosine, sine = np.cos(placement.angle_rad), np.sin(placement.angle_rad)
    x = placement.x + placement.radius * (cosine * u - sine * v)
    y = placement.y + placement.radius * (sine * u + cosine * v)
    visible = (x >= 0.0) & (x < scene.width / scene.height) & (y >= 0.0) & (y < 1.0)
    for cover in scene.placements[number + 1 :]:
        visible &= outline_distance(cover.outline, *to_local(cover, x, y)) > 0.0
    return float(visible.mean())


def draw_scene(rng: np.random.Generator, *, n_things: int) -> Scene:
    """Draw a still scene of different things, some of them partly outside the picture."""
    width, height = FRAME_SIZES[rng.integers(len(FRAME_SIZES))]
    aspect = width / height
    classes = rng.choice(len(THINGS), size=n_things, replace=False)
    placements = []
    for number, index in enumerate(classes):
        # Each thing keeps to its own part of the picture's width, as the tracks of a clip mostly do.
        left, right = aspect * number / n_things, aspect * (number + 1) / n_things
        placements.append(
            Placement(
                thing=THINGS[index],
                outline=OUTLINES[rng.integers(len(OUTLINES))],
                x=float(left + (right - left) * rng.random()),
                y=float(0.1 + 0.8 * rng.random()),
                radius=float(MIN_RADIUS + (MAX_RADIUS - MIN_RADIUS) * rng.random()),
                angle_rad=float(MAX_ANGLE_RAD * (2.0 * rng.random() - 1.0)),
            )
        )
    return Scene(
        width=width,
        height=height,
        background=draw_background(rng),
        camera_x=float(4.0 * rng.random()),
        camera_y=float(4.0 * rng.random()),
        placements=tuple(placements),
    )
