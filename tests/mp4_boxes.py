"""Changes single fields of MP4 files (ISO/IEC 14496-12) that encoders do not write as the tests need them."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

_ONE = 1 << 16

#: a, b, c, d of display matrices that turn the picture counter-clockwise: (x, y) goes to (a·x + c·y, b·x + d·y), y downwards.
TURNED = {90: (0, -1, 1, 0), 180: (-1, 0, 0, -1), 270: (0, 1, -1, 0)}


def set_display_matrix(path: Path, abcd: Sequence[float]) -> None:
    """Replace the matrix of the only track's header (8.3.2, version 0)."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40
    a, b, c, d = (round(value * _ONE) for value in abcd)
    data[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)


def set_edit(path: Path, *, skip: int, duration: int) -> None:
    """Let the only edit (8.6.6, version 0) start `skip` media units later and last `duration` movie units."""
    data = bytearray(path.read_bytes())
    at = data.index(b"elst") + 4 + 8
    _, media_time = struct.unpack_from(">Ii", data, at)
    struct.pack_into(">Ii", data, at, duration, media_time + skip)
    path.write_bytes(data)


def shift_composition(path: Path, units: int) -> None:
    """Add to every composition offset (8.6.1.3), as signed offsets of version 1."""
    data = bytearray(path.read_bytes())
    at = data.index(b"ctts") + 4
    data[at] = 1
    (count,) = struct.unpack_from(">I", data, at + 4)
    for entry in range(at + 8, at + 8 + 8 * count, 8):
        (offset,) = struct.unpack_from(">i", data, entry + 4)
        struct.pack_into(">i", data, entry + 4, offset + units)
    path.write_bytes(data)


def add_dependencies(path: Path, disposable: Sequence[bool]) -> None:
    """Add a table of sample dependencies (8.6.4), one byte a sample, to the only track; its index is behind the media."""
    data = path.read_bytes()
    assert data.index(b"mdat") < data.index(b"moov"), "offsets of the media would move"
    box = struct.pack(">I4sI", 12 + len(disposable), b"sdtp", 0) + bytes(
        2 << 2 if flag else 1 << 2 for flag in disposable
    )
    at = data.index(b"stbl") - 4
    end = at + int.from_bytes(data[at : at + 4])
    grown = bytearray(data[:end] + box + data[end:])
    for kind in (b"moov", b"trak", b"mdia", b"minf", b"stbl"):
        place = data.index(kind) - 4
        struct.pack_into(">I", grown, place, int.from_bytes(data[place : place + 4]) + len(box))
    path.write_bytes(grown)


def replace_once(path: Path, old: bytes, new: bytes) -> None:
    """Replace bytes that occur exactly once, by as many."""
    data = path.read_bytes()
    assert data.count(old) == 1, f"{old!r} occurs {data.count(old)} times"
    assert len(old) == len(new)
    path.write_bytes(data.replace(old, new))
