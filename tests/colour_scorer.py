"""A pair scorer without a network: how near a frame's mean colour is to the colours that a text names.

An implementation of the contract of its own, to test everything around pair scorers; it has a cache, and it needs the frames'
own sizes, because the borders of a letterbox do not count.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from framedex.contracts import Vectors
from framedex.embed.manifest import ImageRules
from framedex.errors import UsageError
from framedex.keys import json_key
from framedex.pair.base import PairFrames

#: Words of a text that are read.
WORDS = 12

COLOURS = {
    "red": (220, 40, 40),
    "green": (40, 180, 60),
    "blue": (40, 70, 220),
    "yellow": (230, 210, 50),
    "white": (255, 255, 255),
    "black": (0, 0, 0),
}

RULES = ImageRules(
    size=(24, 32),
    resize="letterbox",
    interpolation="cubic",
    antialias=False,
    channel_order="RGB",
    rescale=1 / 255,
    mean=(0.5, 0.5, 0.5),
    std=(0.5, 0.5, 0.5),
)


class ColourScorer:
    """Holds mean colours until closed.

    Args:
        cache_frames: mean colours that are remembered.

    Attributes:
        pairs: (frame, text) pairs that were scored.
        means: frames whose mean was computed and not remembered.
    """

    def __init__(self, *, cache_frames: int = 16) -> None:
        self.key = json_key({"scorer": "colour", "words": WORDS})
        self.name = "colour"
        self.image = RULES
        self.provenance = {
            "runtime": "numpy",
            "runtime_version": np.__version__,
            "device": "cpu",
            "precision": "fp64",
        }
        self.pairs = 0
        self.means = 0
        self._cache: dict[tuple[str, int], NDArray[np.float64]] | None = {}
        self._cache_frames = cache_frames

    def scores(self, frames: PairFrames, texts: Sequence[str]) -> Vectors:
        """1 - distance / 441.7 of each text's mean colour to each frame's: 1 for equal colours, 0 for black and white."""
        if self._cache is None:
            raise ValueError("[ColourScorer] is closed")
        if frames.batch.pixels.shape[1:] != (*RULES.size, 3):
            height, width = RULES.size
            raise ValueError(
                f"[ColourScorer] expected pixels (n, {height}, {width}, 3), got {frames.batch.pixels.shape}"
            )
        colours = [_colour(text) for text in _checked(texts)]
        self.pairs += len(frames) * len(texts)
        scores = np.empty((len(texts), len(frames)), np.float32)
        for column in range(len(frames)):
            mean = self._mean(frames, column)
            for row, colour in enumerate(colours):
                scores[row, column] = 1 - np.sqrt(((mean - colour) ** 2).sum()) / np.sqrt(3 * 255.0**2)
        return scores

    def truncated_texts(self, texts: Sequence[str]) -> tuple[str, ...]:
        """Texts of more than `WORDS` words."""
        return tuple(text for text in texts if len(text.split()) > WORDS)

    def _mean(self, frames: PairFrames, column: int) -> NDArray[np.float64]:
        assert self._cache is not None
        name = frames.video_key, int(frames.batch.pts_us[column])
        if name not in self._cache:
            self.means += 1
            if self._cache_frames == 0:
                return _inner_mean(frames.batch.pixels[column], *frames.sizes[column].tolist())
            while len(self._cache) >= self._cache_frames:
                del self._cache[next(iter(self._cache))]
            self._cache[name] = _inner_mean(frames.batch.pixels[column], *frames.sizes[column].tolist())
        return self._cache[name]

    def close(self) -> None:
        """Forget everything."""
        self._cache = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _checked(texts: Sequence[str]) -> Sequence[str]:
    if isinstance(texts, str):
        raise UsageError("texts: expected a list of texts, got one string; write [text]")
    if not texts or not all(text.strip() for text in texts):
        raise UsageError(f"texts: expected texts that are not empty, got {list(texts)}")
    return texts


def _colour(text: str) -> NDArray[np.float64]:
    """The mean of the colours that a text names; where it names none, one that follows from its words."""
    words = text.split()[:WORDS]
    named = [COLOURS[word] for word in words if word in COLOURS]
    if not named:
        red, green, blue = hashlib.sha256(" ".join(words).encode()).digest()[:3]
        named = [(red, green, blue)]
    mean: NDArray[np.float64] = np.array(named, dtype=np.float64).mean(axis=0)
    return mean


def _inner_mean(pixels: NDArray[np.uint8], height: int, width: int) -> NDArray[np.float64]:
    """The mean colour of what lies well within the borders of the letterbox."""
    (full_height, full_width), scale = RULES.size, min(RULES.size[0] / height, RULES.size[1] / width)
    inside: Any = tuple(
        slice(int(np.ceil((full - edge * scale) / 2)) + 1, int((full + edge * scale) / 2) - 1)
        for full, edge in ((full_height, height), (full_width, width))
    )
    mean: NDArray[np.float64] = pixels[inside].astype(np.float64).mean(axis=(0, 1))
    return mean
