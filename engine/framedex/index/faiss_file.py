"""The `.faiss` file: made by FAISS, its layout known to the byte so that no unchecked file reaches FAISS (docs/format.md)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from framedex.contracts import Pts, Vectors
from framedex.errors import StoreError
from framedex.optional import import_optional

Dtype = Literal["f16", "f32"]
DTYPES: Final[tuple[Dtype, ...]] = get_args(Dtype)
DIM_MAX: Final = 65536

_RESERVED = 1 << 20
_INNER_PRODUCT = 0
_FP16_QUANTIZER = 4
_PREFIX_NBYTES = 41  # fourcc, header and the nested index's fourcc: enough to know d, n and dtype
_NESTED_FOURCC: Final[dict[Dtype, bytes]] = {"f16": b"IxSQ", "f32": b"IxFI"}


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexLayout:
    """What a file of given dimension, count and dtype looks like.

    Attributes:
        dim: dimension of the vectors, 1 … DIM_MAX.
        count: number of vectors, >= 1.
        dtype: of the codes.
    """

    dim: int
    count: int
    dtype: Dtype

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise ValueError(f"dtype: expected one of {', '.join(DTYPES)}, got {self.dtype!r}")
        if not 1 <= self.dim <= DIM_MAX:
            raise ValueError(f"dim: expected 1 to {DIM_MAX}, got {self.dim}")
        if not 1 <= self.count < 2**40:
            raise ValueError(f"count: expected 1 to 2^40 - 1, got {self.count}")

    @property
    def item_nbytes(self) -> int:
        """Bytes of one number of a vector."""
        return 2 if self.dtype == "f16" else 4

    @property
    def codes_offset(self) -> int:
        """Byte where the vectors begin."""
        return 118 if self.dtype == "f16" else 82

    @property
    def ids_offset(self) -> int:
        """Byte where the ids begin."""
        return self.codes_offset + self.count * self.dim * self.item_nbytes + 8

    @property
    def nbytes(self) -> int:
        """Bytes of the whole file."""
        return self.ids_offset + 8 * self.count

    def fixed_fields(self) -> Iterator[tuple[str, int, str, int | float | bytes]]:
        """All that is neither codes nor ids, in file order: (name, offset, struct format, value)."""
        for owner, start, fourcc in (("map", 0, b"IxMp"), ("index", 37, _NESTED_FOURCC[self.dtype])):
            yield f"{owner} type", start, "4s", fourcc
            yield f"{owner} dimension", start + 4, "i", self.dim
            yield f"{owner} count", start + 8, "q", self.count
            yield f"{owner} first reserved number", start + 16, "q", _RESERVED
            yield f"{owner} second reserved number", start + 24, "q", _RESERVED
            yield f"{owner} trained flag", start + 32, "B", 1
            yield f"{owner} metric", start + 33, "i", _INNER_PRODUCT
        if self.dtype == "f16":
            yield "quantizer type", 74, "i", _FP16_QUANTIZER
            yield "quantizer range statistic", 78, "i", 0
            yield "quantizer range argument", 82, "f", 0.0
            yield "quantizer dimension", 86, "Q", self.dim
            yield "quantizer code size", 94, "Q", self.dim * self.item_nbytes
            yield "quantizer trained values", 102, "Q", 0
        codes = self.count * self.dim * (self.item_nbytes if self.dtype == "f16" else 1)
        yield "codes length", self.codes_offset - 8, "Q", codes
        yield "ids length", self.ids_offset - 8, "Q", self.count


def parse_header(subject: str, data: memoryview) -> IndexLayout:
    """The layout of a whole `.faiss` file; every size in it is checked against the file's length, and every fixed byte.

    Raises:
        StoreError: any deviation from docs/format.md; `subject` names the file.
    """
    if len(data) < _PREFIX_NBYTES:
        raise StoreError(f"{subject}: expected a FAISS index of at least {_PREFIX_NBYTES} bytes, got {len(data)} bytes")
    outer, dim, count = struct.unpack_from("<4siq", data, 0)
    (nested,) = struct.unpack_from("<4s", data, 37)
    dtype = next((dtype for dtype, fourcc in _NESTED_FOURCC.items() if fourcc == nested), None)
    if outer != b"IxMp" or dtype is None:
        raise StoreError(f"{subject}: expected a FAISS index IxMp over IxSQ or IxFI, got {outer!r} over {nested!r}")
    try:
        layout = IndexLayout(dim=dim, count=count, dtype=dtype)
    except ValueError as error:
        raise StoreError(f"{subject}: header: {error}") from error
    if len(data) != layout.nbytes:
        raise StoreError(
            f"{subject}: {count} vectors of dimension {dim} in {dtype} take {layout.nbytes} bytes, the file has {len(data)}"
        )
    for name, offset, form, expected in layout.fixed_fields():
        fixed = struct.pack(f"<{form}", expected)
        if data[offset : offset + len(fixed)] != fixed:
            (got,) = struct.unpack_from(f"<{form}", data, offset)
            raise StoreError(f"{subject}: {name} at byte {offset}: expected {expected!r}, got {got!r}")
    return layout


def index_bytes(pts_us: Pts, vectors: Vectors, dtype: Dtype) -> memoryview:
    """A `.faiss` file in memory, made by FAISS.

    Args:
        pts_us: int64 (n,), strictly increasing, n >= 1; the ids.
        vectors: float32 (n, d), unit.
        dtype: "f16" rounds each number to the nearest half.

    Raises:
        MissingDependency: FAISS is not installed.
    """
    faiss = load_faiss()
    dim = vectors.shape[1]
    if dtype == "f16":
        flat = faiss.IndexScalarQuantizer(dim, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    else:
        flat = faiss.IndexFlatIP(dim)
    index = faiss.IndexIDMap(flat)
    index.add_with_ids(np.ascontiguousarray(vectors), np.ascontiguousarray(pts_us))
    serialized: NDArray[np.uint8] = faiss.serialize_index(index)
    view = serialized.data
    parse_header(
        "the index that FAISS made", view
    )  # a FAISS that writes another layout is noticed here, not by a reader
    return view


def load_faiss() -> ModuleType:
    """The FAISS module.

    Raises:
        MissingDependency: FAISS is not installed.
    """
    return import_optional("faiss", extra="cpu", needed_by="the index")
