"""Whether a file is as long as its container says, read from the container's own structure before anything is decoded.

Only sizes of structures are believed. Frame counts and durations in headers are hints and lie too often to refuse a file for.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from framedex.errors import NotAVideo, TruncatedVideo

_EBML_MAGIC = b"\x1a\x45\xdf\xa3"
_EBML_SEGMENT, _EBML_CLUSTER = 0x18538067, 0x1F43B675
_ISO_FIRST_BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp", b"moof"})
_RIFF_UNFINISHED = (0, 0xFFFFFFFF)
_TS_SYNC = 0x47
#: (packet size, where its sync byte lies): plain, with a time code before, with error correction after.
_TS_LAYOUTS = ((188, 0), (192, 4), (204, 0))
_TS_PACKETS_PROBED = 5

#: Says what is wrong with a file of so many bytes, or None.
_Check = Callable[[BinaryIO, int], str | None]


def check_whole(path: Path) -> None:
    """Refuse a file that ends before its container does; a container that is not known here passes.

    Raises:
        TruncatedVideo: the file is cut short.
        NotAVideo: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            nbytes = os.fstat(file.fileno()).st_size
            head = file.read(_TS_LAYOUTS[-1][0] * _TS_PACKETS_PROBED)
            check = _check_for(head)
            problem = check(file, nbytes) if check else None
    except OSError as error:
        raise NotAVideo(f"{path}: cannot be read ({error.strerror}); check its permissions and the disk") from error
    if problem:
        raise TruncatedVideo(f"{path}: the file is cut short: {problem}; copy or download it again")


def _check_for(head: bytes) -> _Check | None:
    if head[4:8] in _ISO_FIRST_BOXES:
        return _iso_problem
    if head.startswith(_EBML_MAGIC):
        return _ebml_problem
    if head.startswith(b"RIFF") and head[8:12] == b"AVI ":
        return _riff_problem
    for size, sync in _TS_LAYOUTS:
        if len(head) > size + sync and all(byte == _TS_SYNC for byte in head[sync : size * _TS_PACKETS_PROBED : size]):
            return _transport_check(size)
    return None


def _iso_problem(file: BinaryIO, nbytes: int) -> str | None:
    """Walk the top-level boxes of MP4 and MOV (ISO/IEC 14496-12, 4.2): each within the file, the index `moov` among them."""
    position, has_index = 0, False
    while position + 8 <= nbytes:
        file.seek(position)
        header = file.read(16)
        size, kind = int.from_bytes(header[:4]), header[4:8]
        if not (kind.isascii() and kind.decode("ascii").isprintable()):
            break  # padding behind the last box
        if size == 1:
            size = int.from_bytes(header[8:16])
        elif size == 0:  # to the end of the file
            size = nbytes - position
        if size < 8:
            break
        has_index = has_index or kind == b"moov"
        if position + size > nbytes:
            return f"its {kind.decode('ascii')!r} box ends at byte {position + size}, the file at byte {nbytes}"
        position += size
    return None if has_index else f"its index (the 'moov' box) is not in the {nbytes} bytes that are there"


def _ebml_problem(file: BinaryIO, nbytes: int) -> str | None:
    """Walk the elements of Matroska and WebM (RFC 8794): each within the file; those of unknown size are stepped into."""
    position = 0
    while position < nbytes:
        file.seek(position)
        header = file.read(12)
        id_length = _ebml_length(header[:1])
        size_length = _ebml_length(header[id_length : id_length + 1])
        start = position + id_length + size_length
        if not (0 < id_length <= 4 and size_length) or start > nbytes:
            return None  # padding or damage: the decoder's to judge
        element = int.from_bytes(header[:id_length])
        bits = 7 * size_length
        size = int.from_bytes(header[id_length : id_length + size_length]) & ((1 << bits) - 1)
        if size == (1 << bits) - 1:  # unknown
            if element not in (_EBML_SEGMENT, _EBML_CLUSTER):
                return None
            position = start
            continue
        if start + size > nbytes:
            return f"its element {element:#x} ends at byte {start + size}, the file at byte {nbytes}"
        position = start + size
    return None


def _ebml_length(first: bytes) -> int:
    """Length of a variable-size integer by its first byte, 1 to 8; 0 where it is none."""
    return 9 - first[0].bit_length() if first and first[0] else 0


def _riff_problem(file: BinaryIO, nbytes: int) -> str | None:
    """Walk the RIFF chunks of an AVI, of which an OpenDML file has several: each within the file."""
    position = 0
    while position + 8 <= nbytes:
        file.seek(position)
        header = file.read(8)
        size = int.from_bytes(header[4:], "little")
        if header[:4] != b"RIFF" or size in _RIFF_UNFINISHED:
            return None
        end = position + 8 + size
        if end > nbytes:
            return f"its RIFF chunk ends at byte {end}, the file at byte {nbytes}"
        position = end + size % 2
    return None


def _transport_check(size: int) -> _Check:
    def problem(_: BinaryIO, nbytes: int) -> str | None:
        rest = nbytes % size
        return f"its last transport packet has {rest} of {size} bytes" if rest else None

    return problem
