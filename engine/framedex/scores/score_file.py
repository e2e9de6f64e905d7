"""The file of one stored curve: a safetensors file that its content fixes to the byte (docs/format.md)."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

import numpy as np

from framedex.contracts import Pts, ScoreMatrix, Vectors
from framedex.errors import StoreError
from framedex.index.strict_json import Fields, parse_json
from framedex.keys import canonical_json
from framedex.scores.place import About, ScorePlace, Subject

SCORES_VERSION: Final = "1"

_FORMAT: Final = "framedex-scores"
_HEADER_MAX: Final = 1 << 24
_NO_CHECKSUM: Final = "0" * 64
_TENSORS: Final = ("__metadata__", "pts_us", "scores")
_METADATA: Final = (
    "format",
    "version",
    "set",
    "grid",
    "video_key",
    "about",
    "text",
    "provenance",
    "checksum",
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScoreFile:
    """The scores of one subject over frames of one video.

    Attributes:
        set_key: the set that it belongs to.
        grid: name.
        video_key: of the video.
        subject: what the frames are scored for.
        pts_us: int64 (n,), n >= 1, the frames that were scored, strictly increasing, microseconds.
        scores: float32 (n,), finite.
        provenance: versions, runtime, device; or where it was imported from.
    """

    set_key: str
    grid: str
    video_key: str
    subject: Subject
    pts_us: Pts
    scores: Vectors
    provenance: Mapping[str, str]

    def __post_init__(self) -> None:
        _ = self.place  # checks the keys and the grid's name
        if len(self.pts_us) == 0:
            raise ValueError("pts_us: expected one frame or more, got none")
        if not bool((self.pts_us[1:] > self.pts_us[:-1]).all()):
            raise ValueError("pts_us: expected strictly increasing timestamps")
        _ = self.matrix  # checks shapes, dtypes and that scores are finite

    @property
    def place(self) -> ScorePlace:
        """Where the file belongs in a store."""
        return ScorePlace(set_key=self.set_key, grid=self.grid, video_key=self.video_key, subject_key=self.subject.key)

    @property
    def matrix(self) -> ScoreMatrix:
        """The curve as what every source of scores ends as: one row."""
        return ScoreMatrix(prompts=(self.subject.text,), pts_us=self.pts_us, scores=self.scores[None])

    def to_bytes(self) -> bytes:
        """The file."""
        blank = self._with_checksum(_NO_CHECKSUM)
        return self._with_checksum(hashlib.sha256(blank).hexdigest())

    def _with_checksum(self, checksum: str) -> bytes:
        n = len(self.pts_us)
        header = canonical_json(
            {
                "__metadata__": {
                    "format": _FORMAT,
                    "version": SCORES_VERSION,
                    "set": self.set_key,
                    "grid": self.grid,
                    "video_key": self.video_key,
                    "about": self.subject.about,
                    "text": self.subject.text,
                    "provenance": canonical_json(dict(self.provenance)),
                    "checksum": checksum,
                },
                "pts_us": {"dtype": "I64", "shape": [n], "data_offsets": [0, 8 * n]},
                "scores": {"dtype": "F32", "shape": [n], "data_offsets": [8 * n, 12 * n]},
            }
        ).encode()
        header += b" " * (-len(header) % 8)
        return struct.pack("<Q", len(header)) + header + self.pts_us.astype("<i8").tobytes() + _float_bytes(self.scores)

    @classmethod
    def from_bytes(cls, subject: str, data: bytes) -> ScoreFile:
        """Read a file and check all that docs/format.md says of it; `subject` names it in messages.

        Raises:
            StoreError: any deviation.
        """
        (nbytes,) = struct.unpack_from("<Q", data) if len(data) >= 8 else (0,)
        if not 2 <= nbytes <= min(_HEADER_MAX, len(data) - 8):
            raise StoreError(f"{subject}: expected a header within its {len(data)} bytes, got one of {nbytes}")
        header = Fields(subject, parse_json(subject, data[8 : 8 + nbytes]), _TENSORS)
        metadata = header.nested("__metadata__", _METADATA)
        for name, expected in (("format", _FORMAT), ("version", SCORES_VERSION)):
            if metadata.text(name) != expected:
                raise StoreError(f"{subject}: {name}: expected {expected!r}, got {metadata.text(name)!r}")
        n, rest = divmod(len(data) - 8 - nbytes, 12)
        if rest or n == 0:
            raise StoreError(f"{subject}: expected 12 bytes for each frame after the header, got {12 * n + rest}")
        start = 8 + nbytes
        pts_us = np.frombuffer(data, "<i8", n, start).astype(np.int64)
        try:
            read = cls(
                set_key=metadata.text("set"),
                grid=metadata.text("grid"),
                video_key=metadata.text("video_key"),
                subject=Subject(about=cast(About, metadata.text("about")), text=metadata.text("text")),
                pts_us=pts_us,
                scores=np.frombuffer(data, "<f4", n, start + 8 * n).astype(np.float32),
                provenance=_texts(subject, metadata.text("provenance")),
            )
            same = read.to_bytes() == data
        except (ValueError, RecursionError) as error:  # a UnicodeEncodeError is one, too
            raise StoreError(f"{subject}: {error}") from error
        if not same:
            raise StoreError(f"{subject}: its checksum or header differs from what it holds; the file was changed")
        return read


def _float_bytes(scores: Vectors) -> bytes:
    return scores.astype("<f4").tobytes()


def _texts(subject: str, text: str) -> dict[str, str]:
    value: Any = parse_json(f"{subject}: provenance", text.encode())
    return Fields(subject, {"provenance": value}, ("provenance",)).texts_by_name("provenance")
