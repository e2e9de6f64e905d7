"""Bits of headers: codes and emulation prevention worked out by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framedex.decode.bitstream.bits import Bits, unescaped
from framedex.decode.bitstream.picture import Untrusted
from unit.decode.bitstream.written import BitWriter


def test_fields_follow_each_other() -> None:
    bits = Bits(bytes([0b1010_0110, 0b1111_0000]))
    assert [bits.u(1), bits.u(2), bits.u(0), bits.u(7), bits.u(6)] == [1, 0b01, 0, 0b0011011, 0b110000]


def test_unsigned_codes_of_table_9_2() -> None:
    # 1 | 010 | 011 | 00100 | 00101 | 00110 | 00111 | 0001000
    bits = Bits(bytes([0b1010_0110, 0b0100_0010, 0b1001_1000, 0b1110_0010, 0b0000_0000]))
    assert [bits.ue() for _ in range(8)] == [0, 1, 2, 3, 4, 5, 6, 7]


def test_signed_codes_of_table_9_3() -> None:
    # codes 0 to 4: 1 | 010 | 011 | 00100 | 00101
    bits = Bits(bytes([0b1010_0110, 0b0100_0010, 0b1000_0000]))
    assert [bits.se() for _ in range(5)] == [0, 1, -1, 2, -2]


def test_greatest_code_has_31_zeros() -> None:
    assert Bits(b"\0\0\0\1\xff\xff\xff\xfe").ue() == 2**32 - 2
    with pytest.raises(Untrusted, match="over 32 bits"):
        Bits(b"\0\0\0\0\xff\xff\xff\xff\xff").ue()


@pytest.mark.parametrize("data", [b"", b"\0", b"\1", b"\0\0\0\0\0\0\0\0\0"])
def test_end_of_data_is_untrusted(data: bytes) -> None:
    with pytest.raises(Untrusted):
        Bits(data).ue()
    with pytest.raises(Untrusted, match="past its data"):
        Bits(data).u(8 * len(data) + 1)


def test_value_above_its_limit_is_untrusted() -> None:
    with pytest.raises(Untrusted, match="field of 2, at most 1"):
        Bits(bytes([0b0110_0000])).ue(1)


@given(st.lists(st.integers(0, 2**32 - 2)), st.lists(st.integers(-(2**31) + 1, 2**31 - 1)))
def test_codes_are_read_as_written(unsigned: list[int], signed: list[int]) -> None:
    writer = BitWriter().ue(*unsigned)
    for value in signed:
        writer.se(value)
    bits = Bits(unescaped(writer.unit(b"")))
    assert [bits.ue() for _ in unsigned] == unsigned
    assert [bits.se() for _ in signed] == signed


@pytest.mark.parametrize(
    ("escaped", "plain"),
    [
        (b"\1\2\3", b"\1\2\3"),
        (b"\0\0\3\0", b"\0\0\0"),
        (b"\0\0\3\1\0\0\3\3", b"\0\0\1\0\0\3"),
        (b"\0\0\3\0\0\3\0\0\3\1", b"\0\0\0\0\0\0\1"),
        (b"\0\0\3\0\3", b"\0\0\0\3"),
        (b"\0\3\0\0\3\3\3", b"\0\3\0\0\3\3"),
        (b"\5\0\0\3", b"\5\0\0"),
        (b"\5\0\0", b"\5\0\0"),
    ],
)
def test_emulation_prevention_is_removed(escaped: bytes, plain: bytes) -> None:
    assert unescaped(escaped) == plain


@given(st.lists(st.sampled_from([0, 1, 2, 3, 4, 255]), max_size=60).map(bytes), st.integers(0, 60))
def test_beginning_of_a_unit_is_unescaped_as_the_whole(plain: bytes, cut: int) -> None:
    writer = BitWriter()
    for byte in plain:
        writer.u(byte, 8)
    escaped = writer.unit(b"")
    assert unescaped(escaped) == plain + b"\x80"
    assert (plain + b"\x80").startswith(unescaped(escaped[:cut]))


@pytest.mark.parametrize(
    ("data", "n_read", "at_end"),
    [
        (b"\xa8", 4, True),
        (b"\xa8", 5, False),
        (b"\xa8", 2, False),
        (b"\xa8", 8, False),
        (b"\x80\0", 0, True),
        (b"", 0, False),
    ],
)
def test_end_is_a_one_and_zeros(data: bytes, n_read: int, at_end: bool) -> None:
    bits = Bits(data)
    bits.u(n_read)
    assert bits.at_end() is at_end
