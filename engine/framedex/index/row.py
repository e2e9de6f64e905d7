"""The row: what the vectors of one index file are, and where they come from (docs/format.md)."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any, Final, get_args

from framedex.contracts import Timing
from framedex.errors import StoreError
from framedex.index.faiss_file import DTYPES, Dtype, IndexLayout
from framedex.index.place import Place
from framedex.index.strict_json import Fields, json_bytes, parse_json

ROW_VERSION: Final = 1

_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)


def _require_at_least(low: int, **numbers: int) -> None:
    for name, number in numbers.items():
        _require(number >= low, f"{name}: expected {low} or more, got {number}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the video was.

    Attributes:
        path: absolute, when it was indexed; videos move, the key is the identity.
        nbytes: of the file, or of all images of a frame folder.
        folder_fps: declared rate of a frame folder as written ("3", "30000/1001"); None for a file.
    """

    path: str
    nbytes: int
    folder_fps: str | None = None

    def __post_init__(self) -> None:
        _require(self.path.startswith("/"), f"source.path: expected an absolute path, got {self.path!r}")
        _require_at_least(1, **{"source.nbytes": self.nbytes})


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoFacts:
    """The video stream: container and codec names, size as shown in pixels, counter-clockwise rotation that was applied."""

    container: str
    codec: str
    width: int
    height: int
    rotation_deg: int

    def __post_init__(self) -> None:
        _require_at_least(1, **{"video.width": self.width, "video.height": self.height})
        _require(
            self.rotation_deg in (0, 90, 180, 270),
            f"video.rotation_deg: expected 0, 90, 180 or 270, got {self.rotation_deg}",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodeCounts:
    """What the decode found.

    Attributes:
        decoded_frames: frames that the decoder gave.
        damaged_frames: frames flagged as corrupt by the decoder, or lost with a packet that the container flagged.
        grid_points: points of the grid.
        collapsed_points: of those, points that fell on a frame already taken.
    """

    decoded_frames: int
    damaged_frames: int
    grid_points: int
    collapsed_points: int

    def __post_init__(self) -> None:
        _require_at_least(0, **{f"decode.{name}": number for name, number in asdict(self).items()})
        _require(
            self.damaged_frames <= self.decoded_frames,
            f"decode: {self.damaged_frames} damaged_frames of {self.decoded_frames} decoded_frames",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One (video, encoder, grid) of a store; the attributes are the keys of docs/format.md."""

    video_key: str
    encoder_key: str
    grid: str
    dtype: Dtype
    source: Source
    checksum: str
    nbytes: int
    count: int
    dim: int
    first_pts_us: int
    last_pts_us: int
    timing: Timing
    video: VideoFacts
    decode: DecodeCounts
    reused_frames: int
    provenance: dict[str, str]

    def __post_init__(self) -> None:
        _ = self.place  # checks the keys and the grid's name
        expected = self.layout.nbytes  # checks dtype, count and dim
        _require(
            _SHA256.fullmatch(self.checksum) is not None, f"checksum: expected 64 hex digits, got {self.checksum!r}"
        )
        _require(
            self.nbytes == expected,
            f"nbytes: {self.count} vectors of dimension {self.dim} in {self.dtype} take {expected}, got {self.nbytes}",
        )
        _require(
            self.first_pts_us <= self.last_pts_us,
            f"last_pts_us: expected first_pts_us {self.first_pts_us} or later, got {self.last_pts_us}",
        )
        _require(self.timing in get_args(Timing), f"timing: expected container or reconstructed, got {self.timing!r}")
        taken = self.decode.grid_points - self.decode.collapsed_points
        _require(
            taken == self.count,
            f"decode: grid_points {self.decode.grid_points} - collapsed_points {self.decode.collapsed_points} = {taken}, "
            f"but count is {self.count}",
        )
        _require(
            0 <= self.reused_frames <= self.count,
            f"reused_frames: expected 0 to {self.count}, got {self.reused_frames}",
        )

    @property
    def place(self) -> Place:
        """Where the row belongs in a store."""
        return Place(encoder_key=self.encoder_key, grid=self.grid, video_key=self.video_key)

    @property
    def layout(self) -> IndexLayout:
        """What the index file looks like."""
        return IndexLayout(dim=self.dim, count=self.count, dtype=self.dtype)

    @property
    def time_origin_us(self) -> int:
        """The timestamp that people call 0 s: the video's first frame."""
        return self.first_pts_us

    def to_json(self) -> bytes:
        """The row file."""
        return json_bytes({"version": ROW_VERSION, **asdict(self)})

    @classmethod
    def from_json(cls, subject: str, data: bytes) -> Row:
        """Read a row file; `subject` names it in messages.

        Raises:
            StoreError: any deviation from docs/format.md.
        """
        fields = Fields(subject, parse_json(subject, data), _ROW_KEYS)
        fields.version(ROW_VERSION)
        source = fields.nested("source", _SOURCE_KEYS)
        video = fields.nested("video", _VIDEO_KEYS)
        decode = fields.nested("decode", _DECODE_KEYS)
        try:
            return cls(
                video_key=fields.text("video_key"),
                encoder_key=fields.text("encoder_key"),
                grid=fields.text("grid"),
                dtype=_one_of(fields.text("dtype"), "dtype", DTYPES),
                source=Source(
                    path=source.text("path"),
                    nbytes=source.integer("nbytes"),
                    folder_fps=source.text_or_none("folder_fps"),
                ),
                checksum=fields.text("checksum"),
                nbytes=fields.integer("nbytes"),
                count=fields.integer("count"),
                dim=fields.integer("dim"),
                first_pts_us=fields.integer("first_pts_us"),
                last_pts_us=fields.integer("last_pts_us"),
                timing=_one_of(fields.text("timing"), "timing", get_args(Timing)),
                video=VideoFacts(
                    container=video.text("container"),
                    codec=video.text("codec"),
                    width=video.integer("width"),
                    height=video.integer("height"),
                    rotation_deg=video.integer("rotation_deg"),
                ),
                decode=DecodeCounts(**{name: decode.integer(name) for name in _DECODE_KEYS}),
                reused_frames=fields.integer("reused_frames"),
                provenance=fields.texts_by_name("provenance"),
            )
        except ValueError as error:
            raise StoreError(f"{subject}: {error}") from error


_ROW_KEYS: Final = ("version", *Row.__dataclass_fields__)
_SOURCE_KEYS: Final = tuple(Source.__dataclass_fields__)
_VIDEO_KEYS: Final = tuple(VideoFacts.__dataclass_fields__)
_DECODE_KEYS: Final = tuple(DecodeCounts.__dataclass_fields__)


def _one_of(got: str, name: str, allowed: tuple[Any, ...]) -> Any:
    _require(got in allowed, f"{name}: expected one of {', '.join(allowed)}, got {got!r}")
    return got
