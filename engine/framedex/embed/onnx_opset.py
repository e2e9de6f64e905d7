"""The opset of an ONNX file, read without the `onnx` package, which running a graph does not need."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from framedex.errors import ArtefactError

#: The standard's own operators are of this domain, by either name.
STANDARD_DOMAINS: Final = ("", "ai.onnx")

# Fields of ModelProto and OperatorSetIdProto.
_OPSET_IMPORT, _DOMAIN, _VERSION = 8, 1, 2
# Wire types of Protocol Buffers.
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_VARINT_NBYTES = 10


def require_opset(path: Path, expected: int) -> None:
    """Refuse a graph of another opset than the manifest says: its operators would mean something else.

    Raises:
        ArtefactError: with both.
    """
    found = read_opset(path)
    if found is not None and found != expected:
        raise ArtefactError(
            f"{path}: is in opset {found}, the manifest says {expected}; the file or the manifest was changed: export it again"
        )


def read_opset(path: Path) -> int | None:
    """The version of the standard's operators in an ONNX file; None where that is no ONNX file, which a runtime says better.

    Weights are passed over and not read.

    Source: Protocol Buffers, "Encoding"; ONNX, `onnx.proto`: `ModelProto.opset_import`.
    """
    try:
        with path.open("rb") as file:
            nbytes = file.seek(0, os.SEEK_END)
            found = [_opset(file, at, end) for field, at, end in _fields(file, 0, nbytes) if field == _OPSET_IMPORT]
    except (OSError, ValueError):
        return None
    return next((version for domain, version in found if domain in STANDARD_DOMAINS), None)


def _opset(file: BinaryIO, start: int, end: int) -> tuple[str, int]:
    """Domain and version of an OperatorSetIdProto."""
    domain, version = "", 0
    for field, at, after in _fields(file, start, end):
        file.seek(at)
        if field == _DOMAIN:
            domain = file.read(after - at).decode()
        elif field == _VERSION:
            version = _varint(file)
    return domain, version


def _fields(file: BinaryIO, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Number, first byte and end of each field of a message that lies in bytes `start` to `end`.

    Raises:
        ValueError: no message.
    """
    while start < end:
        file.seek(start)
        field, wire = divmod(_varint(file), 8)
        at = file.tell()
        if wire == _VARINT:
            _varint(file)
            after = file.tell()
        elif wire == _BYTES:
            length = _varint(file)
            at = file.tell()
            after = at + length
        elif wire in (_FIXED64, _FIXED32):
            after = at + (8 if wire == _FIXED64 else 4)
        else:
            raise ValueError(f"wire type {wire}")
        if after > end:
            raise ValueError(f"a field to {after} in a message to {end}")
        yield field, at, after
        start = after


def _varint(file: BinaryIO) -> int:
    """The number at the file's place."""
    number = 0
    for place in range(_VARINT_NBYTES):
        byte = file.read(1)
        if not byte:
            raise ValueError("the file ends in a number")
        number |= (byte[0] & 0x7F) << (7 * place)
        if byte[0] < 0x80:  # the highest bit says that more follows
            return number
    raise ValueError("a number without end")
