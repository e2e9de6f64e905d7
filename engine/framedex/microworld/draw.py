"""Drawing the plan of a clip from (seed, index)."""

import math
from fractions import Fraction

import numpy as np

from framedex.microworld.evidence import evidence
from framedex.microworld.formats import FORMATS, RATES
from framedex.microworld.scene import FRAME_SIZES, MAX_ANGLE_RAD, MAX_RADIUS, MIN_RADIUS, OUTLINES
from framedex.microworld.seeds import generator
from framedex.microworld.spec import ClipSpec, Track
from framedex.microworld.things import THINGS, Thing

_DURATION_S = (10.0, 24.0)
_TRACK_DURATION_S = (2.0, 5.0)
_TRACK_COUNT = (3, 6)
_MAX_PAN_PER_S = 0.10
_MAX_SPEED_PER_S = 0.08
# At most this share of a track's slot is filled, which leaves room to shift the track and gaps without anything.
_MAX_SLOT_FILL = 0.9
_MIN_EVIDENCE_S = 1.0


def draw_clip(seed: int, index: int) -> ClipSpec:
    """Draw clip `index` of world `seed`; the formats rotate with the index.

    A drawing in which some thing is hidden behind another nearly all the time is thrown away and drawn anew, so every track
    has at least a second of evidence.
    """
    rng = generator(seed, "clips", index)
    while True:
        spec = _draw(rng, seed, index)
        if all(sum(stop - start for start, stop in spans) >= _MIN_EVIDENCE_S for spans in evidence(spec)):
            return spec


def _draw(rng: np.random.Generator, seed: int, index: int) -> ClipSpec:
    width, height = FRAME_SIZES[rng.integers(len(FRAME_SIZES))]
    fps = RATES[rng.integers(len(RATES))]
    n_frames = math.ceil(_uniform(rng, *_DURATION_S) * fps)
    pan = (_symmetric(rng, _MAX_PAN_PER_S), _symmetric(rng, _MAX_PAN_PER_S / 4.0))
    n_tracks = int(rng.integers(_TRACK_COUNT[0], _TRACK_COUNT[1] + 1))
    classes = rng.choice(len(THINGS), size=n_tracks, replace=False)
    first_lane = int(rng.integers(2))
    tracks = tuple(
        _draw_track(rng, THINGS[classes[number]], span, fps, pan, width / height, right=(number + first_lane) % 2 == 1)
        for number, span in enumerate(_draw_spans(rng, n_tracks, n_frames, fps))
    )
    return ClipSpec(
        seed=seed,
        index=index,
        width=width,
        height=height,
        fps=fps,
        n_frames=n_frames,
        format_name=tuple(FORMATS)[index % len(FORMATS)],
        pan_x_per_s=pan[0],
        pan_y_per_s=pan[1],
        tracks=tracks,
    )


def _draw_track(
    rng: np.random.Generator,
    thing: Thing,
    span: tuple[int, int],
    fps: Fraction,
    pan: tuple[float, float],
    aspect: float,
    *,
    right: bool,
) -> Track:
    """Draw a thing's path: halfway through its time it is wholly in the picture, its centre in its lane's half."""
    radius = _uniform(rng, MIN_RADIUS, MAX_RADIUS)
    middle_x = _uniform(rng, radius, aspect / 2.0)
    middle_x = aspect - middle_x if right else middle_x
    middle_y = _uniform(rng, radius, 1.0 - radius)
    velocity_x, velocity_y = _symmetric(rng, _MAX_SPEED_PER_S), _symmetric(rng, _MAX_SPEED_PER_S / 2.0)
    start_s, middle_s = float(span[0] / fps), float(sum(span) / 2 / fps)
    return Track(
        thing=thing,
        outline=OUTLINES[rng.integers(len(OUTLINES))],
        start_frame=span[0],
        end_frame=span[1],
        x=middle_x + pan[0] * middle_s - velocity_x * (middle_s - start_s),
        y=middle_y + pan[1] * middle_s - velocity_y * (middle_s - start_s),
        velocity_x=velocity_x,
        velocity_y=velocity_y,
        radius=radius,
        angle_rad=_symmetric(rng, MAX_ANGLE_RAD),
    )


def _draw_spans(rng: np.random.Generator, n_tracks: int, n_frames: int, fps: Fraction) -> list[tuple[int, int]]:
    """Draw (start, end) frames of each track.

    Even and odd tracks form two lanes; the tracks of a lane never overlap, so at most two things are visible at a time.
    """
    spans = []
    for number in range(n_tracks):
        in_lane = (n_tracks - number % 2 + 1) // 2
        slot = n_frames / in_lane
        longest_s = min(_TRACK_DURATION_S[1], _MAX_SLOT_FILL * float(slot / fps))
        length = int(_uniform(rng, _TRACK_DURATION_S[0], longest_s) * fps)
        slot_start = math.ceil(slot * (number // 2))
        start = slot_start + int(rng.random() * (math.floor(slot) - 1 - length))
        spans.append((start, start + length))
    return spans


def _uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(low + (high - low) * rng.random())


def _symmetric(rng: np.random.Generator, largest: float) -> float:
    return _uniform(rng, -largest, largest)
