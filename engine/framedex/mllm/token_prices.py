"""What a frame's visual tokens take: in the tower, and read from a file."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True, kw_only=True)
class Price:
    """Seconds that some frames took.

    Attributes:
        seconds: of all of them.
        frames: how many.
    """

    seconds: float = 0.0
    frames: int = 0

    def add(self, seconds: float, *, frames: int = 1) -> None:
        """Frames more, and what they took together."""
        self.seconds += seconds
        self.frames += frames

    @property
    def each_s(self) -> float:
        """Of one frame, on average; 0 where none was timed."""
        return self.seconds / self.frames if self.frames else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPrices:
    """Both ways to a frame's tokens, side by side.

    Attributes:
        tower: timed once it is warm.
        reading: of files.
    """

    tower: Price = field(default_factory=Price)
    reading: Price = field(default_factory=Price)

    @property
    def known(self) -> bool:
        """Whether both were timed."""
        return bool(self.tower.frames and self.reading.frames)

    @property
    def reading_is_slow(self) -> bool:
        """Whether reading was seen to take longer than the tower."""
        return self.known and self.reading.each_s > self.tower.each_s

    @property
    def told(self) -> str:
        """In words; "" until both are known."""
        if not self.known:
            return ""
        use = "files are neither read nor written" if self.reading_is_slow else "files are used"
        return (
            f"a frame's visual tokens take {self.reading.each_s * 1e3:.3g} ms to read from a file "
            f"and {self.tower.each_s * 1e3:.3g} ms in the tower: {use}"
        )
