"""The layout of a `.faiss` file, against what FAISS writes."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.store_samples import sample_pts, unit_vectors
from framedex.errors import StoreError
from framedex.index.faiss_file import DTYPES, Dtype, IndexLayout, index_bytes, parse_header


def file_of(n: int, dim: int, dtype: Dtype) -> bytes:
    return bytes(index_bytes(sample_pts(n), unit_vectors(n, dim), dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("n", "dim"), [(1, 1), (1, 768), (7, 12), (300, 3)])
def test_what_faiss_writes_is_where_the_layout_says(n: int, dim: int, dtype: Dtype) -> None:
    data = file_of(n, dim, dtype)
    layout = parse_header("x", memoryview(data))
    assert layout == IndexLayout(dim=dim, count=n, dtype=dtype)
    codes = np.frombuffer(data[layout.codes_offset : layout.ids_offset - 8], "<f2" if dtype == "f16" else "<f4")
    np.testing.assert_array_equal(codes.reshape(n, dim), unit_vectors(n, dim).astype(codes.dtype))
    np.testing.assert_array_equal(np.frombuffer(data[layout.ids_offset :], "<i8"), sample_pts(n))


def test_the_offsets_of_the_specification() -> None:
    layout = IndexLayout(dim=5, count=3, dtype="f16")
    assert (layout.codes_offset, layout.ids_offset, layout.nbytes) == (118, 118 + 30 + 8, 118 + 30 + 8 + 24)
    layout = IndexLayout(dim=5, count=3, dtype="f32")
    assert (layout.codes_offset, layout.ids_offset, layout.nbytes) == (82, 82 + 60 + 8, 82 + 60 + 8 + 24)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_fixed_fields_cover_every_byte_but_codes_and_ids(dtype: Dtype) -> None:
    whole = file_of(3, 5, dtype)
    layout = parse_header("x", memoryview(whole))
    fixed = [*range(layout.codes_offset), *range(layout.ids_offset - 8, layout.ids_offset)]
    for at in fixed:
        for bit in range(8):
            damaged = bytearray(whole)
            damaged[at] ^= 1 << bit
            with pytest.raises(StoreError, match=r"^x: "):
                parse_header("x", memoryview(damaged))


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_other_length_is_refused(dtype: Dtype) -> None:
    whole = file_of(3, 5, dtype)
    for length in range(len(whole)):
        with pytest.raises(StoreError):
            parse_header("x", memoryview(whole[:length]))
    with pytest.raises(StoreError, match=rf"take {len(whole)} bytes, the file has {len(whole) + 1}"):
        parse_header("x", memoryview(whole + b"\0"))


@given(st.binary(max_size=300), st.randoms())
def test_no_bytes_raise_anything_else(tail: bytes, chance: random.Random) -> None:
    start = chance.choice([b"", b"IxMp", file_of(2, 3, "f16")[: chance.randrange(100)]])
    with pytest.raises(StoreError):
        parse_header("x", memoryview(start + tail))


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"dim": 0}, "dim: expected 1 to 65536, got 0"),
        ({"dim": 65537}, "dim"),
        ({"count": 0}, "count: expected 1"),
        ({"dtype": "i8"}, "dtype: expected one of f16, f32, got 'i8'"),
    ],
)
def test_layouts_check_themselves(changed: dict[str, int | str], sentence: str) -> None:
    good: dict[str, int | str] = {"dim": 5, "count": 3, "dtype": "f16"}
    with pytest.raises(ValueError, match=sentence):
        IndexLayout(**(good | changed))  # type: ignore[arg-type]
