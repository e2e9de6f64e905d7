"""The plan of a clip: which thing is where at what time. Lengths are frame heights."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from framedex.microworld.background import Background, draw_background
from framedex.microworld.formats import FORMATS
from framedex.microworld.scene import Outline, Placement, Scene
from framedex.microworld.seeds import generator
from framedex.microworld.things import Thing


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One thing from its appearance to its vanishing.

    Attributes:
        start_frame: first frame that shows it.
        end_frame: first frame that does not any more.
        x: world position of its centre at `start_frame`; the camera starts at the world's origin.
        y: likewise, downwards.
        velocity_x: frame heights per second, in the world.
        velocity_y: likewise, downwards.
        radius: half its height.
        angle_rad: its turn.
    """

    thing: Thing
    outline: Outline
    start_frame: int
    end_frame: int
    x: float
    y: float
    velocity_x: float
    velocity_y: float
    radius: float
    angle_rad: float

    def __post_init__(self) -> None:
        if not 0 <= self.start_frame < self.end_frame:
            raise ValueError(f"track: got frames {self.start_frame} to {self.end_frame}, expected 0 <= start < end")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipSpec:
    """Everything that determines a clip, and nothing that depends on the encoder."""

    seed: int
    index: int
    width: int
    height: int
    fps: Fraction
    n_frames: int
    format_name: str
    pan_x_per_s: float
    pan_y_per_s: float
    tracks: tuple[Track, ...]

    def __post_init__(self) -> None:
        if self.format_name not in FORMATS:
            raise ValueError(f"format: got {self.format_name!r}, expected one of {', '.join(FORMATS)}")
        if len({track.thing for track in self.tracks}) != len(self.tracks):
            raise ValueError("tracks: a thing is shown twice, expected every thing of a clip to be different")
        last = max(track.end_frame for track in self.tracks)
        if last > self.n_frames:
            raise ValueError(f"tracks: got end frame {last}, expected at most n_frames = {self.n_frames}")

    @property
    def name(self) -> str:
        """File name without suffix."""
        return f"clip-{self.index:04d}"

    @property
    def duration_s(self) -> float:
        """Display time of all frames."""
        return float(self.n_frames / self.fps)


def scenes(spec: ClipSpec) -> Iterator[Scene]:
    """Yield the scene of every frame in order."""
    background = draw_background(generator(spec.seed, "backgrounds", spec.index))
    for frame in range(spec.n_frames):
        yield _scene_at(spec, background, frame)


def _scene_at(spec: ClipSpec, background: Background, frame: int) -> Scene:
    now_s = float(frame / spec.fps)
    camera_x, camera_y = spec.pan_x_per_s * now_s, spec.pan_y_per_s * now_s
    placements = []
    for track in spec.tracks:
        if track.start_frame <= frame < track.end_frame:
            age_s = float((frame - track.start_frame) / spec.fps)
            placements.append(
                Placement(
                    thing=track.thing,
                    outline=track.outline,
                    x=track.x + track.velocity_x * age_s - camera_x,
                    y=track.y + track.velocity_y * age_s - camera_y,
                    radius=track.radius,
                    angle_rad=track.angle_rad,
                )
            )
    return Scene(
        width=spec.width,
        height=spec.height,
        background=background,
        camera_x=camera_x,
        camera_y=camera_y,
        placements=tuple(placements),
    )
