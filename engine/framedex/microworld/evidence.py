"""Known evidence: when each thing of a clip can be seen, computed from the geometry."""

from framedex.microworld.scene import visible_shares
from framedex.microworld.spec import ClipSpec, scenes

MIN_VISIBLE_SHARE = 0.5

Interval = tuple[float, float]


def evidence(spec: ClipSpec) -> tuple[tuple[Interval, ...], ...]:
    """Return, for each track, the times in which at least half of its thing is visible.

    Intervals are [start_s, end_s], seconds from the first frame. Bounds lie midway between the last frame outside and the
    first inside (0 before the first frame), so rounded timestamps and the choice of an open or closed end decide nothing.
    """
    frames_of: dict[str, list[int]] = {track.thing.caption: [] for track in spec.tracks}
    for frame, scene in enumerate(scenes(spec)):
        for placement, share in zip(scene.placements, visible_shares(scene), strict=True):
            if share >= MIN_VISIBLE_SHARE:
                frames_of[placement.thing.caption].append(frame)
    return tuple(_intervals(spec, frames) for frames in frames_of.values())


def _intervals(spec: ClipSpec, frames: list[int]) -> tuple[Interval, ...]:
    runs: list[tuple[int, int]] = []
    for frame in frames:
        if runs and frame == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], frame)
        else:
            runs.append((frame, frame))
    return tuple(
        (round(max(first - 0.5, 0.0) / float(spec.fps), 6), round((last + 0.5) / float(spec.fps), 6))
        for first, last in runs
    )
