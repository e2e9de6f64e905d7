"""Frames at which the content changes."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

import av
import av.filter

from framedex.decode.grids.base import Cursor, Grid, Look, exact_decimal
from framedex.errors import UsageError

_TEXT_LENGTH = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneGrid(Grid):
    """The first frame, and every frame whose scene score is above a threshold; every frame is decoded for it.

    Source: the `scene` value of FFmpeg's `select` filter, which compares the mean absolute difference to the frame before
    with the change of that difference; 0 is no change, 1 another picture.

    Attributes:
        threshold: between 0 and 1, exact; FFmpeg's documentation suggests 0.3 to 0.5.
    """

    needs_pictures: ClassVar[bool] = True
    threshold: Fraction

    @classmethod
    def parse(cls, text: str) -> SceneGrid:
        """Read a threshold: "0.3".

        Raises:
            UsageError: not a decimal between 0 and 1.
        """
        try:
            threshold = Fraction(text) if len(text) <= _TEXT_LENGTH and "e" not in text.lower() else Fraction(0)
        except (ValueError, ZeroDivisionError):
            threshold = Fraction(0)
        if not 0 < threshold < 1 or exact_decimal(threshold) is None:
            raise UsageError(f"--scene: expected a decimal between 0 and 1, such as 0.3, got {text!r}")
        return cls(threshold=threshold)

    @property
    def name(self) -> str:
        """A name such as "scene=0.3"."""
        return f"scene={exact_decimal(self.threshold)}"

    def cursor(self, *, first: int, last: int | None, time_base: Fraction) -> Cursor:  # noqa: ARG002
        """Looks at every frame."""
        return _SceneCursor(f"gt(scene,{exact_decimal(self.threshold)})", time_base)


class _SceneCursor(Cursor):
    def __init__(self, rule: str, time_base: Fraction) -> None:
        self._rule = rule
        self._time_base = time_base
        self._graph: av.filter.Graph | None = None
        self._layout: tuple[int, int, str] | None = None
        self._held_taken = False

    def next(self, pts: int, look: Look) -> bool:  # noqa: ARG002
        taken = self._held_taken
        self._held_taken = self._is_cut(look())
        self.points += self._held_taken
        return taken

    def end(self) -> bool:
        return self._held_taken

    def _is_cut(self, frame: av.VideoFrame) -> bool:
        layout = (frame.width, frame.height, frame.format.name)
        if self._graph is None or layout != self._layout:  # the first frame, or one of another size: a change as such
            self._graph, self._layout = self._new_graph(frame), layout
            self._chosen(frame)
            return True
        return self._chosen(frame)

    def _new_graph(self, frame: av.VideoFrame) -> av.filter.Graph:
        graph = av.filter.Graph()
        graph.threads = 1
        source = graph.add_buffer(
            width=frame.width, height=frame.height, format=frame.format, time_base=self._time_base
        )
        rule = graph.add("select", self._rule)
        sink = graph.add("buffersink")
        source.link_to(rule)
        rule.link_to(sink)
        graph.configure()
        return graph

    def _chosen(self, frame: av.VideoFrame) -> bool:
        assert self._graph is not None
        self._graph.push(frame)
        try:
            self._graph.pull()
        except (BlockingIOError, EOFError):
            return False
        return True
