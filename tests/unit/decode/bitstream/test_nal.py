"""Splitting packets, and the configuration that says how."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framedex.decode.bitstream.nal import Framing, avc_configuration, hevc_configuration
from framedex.decode.bitstream.picture import Untrusted
from unit.decode.bitstream.written import annex_b

AVCC = b"\1\x64\0\x0a\xff\xe1\0\3ABC\1\0\2DE" + b"\xfd\xf8\xf8\0"
HVCC = b"\1" + bytes(20) + b"\xff\2" + b"\x20\0\1\0\1V" + b"\x21\0\2\0\2ST\0\1U"

units = st.binary(min_size=1, max_size=40)


@given(st.lists(units, min_size=1, max_size=5), st.sampled_from([1, 2, 4]))
def test_lengths_tell_units_apart(content: list[bytes], length_nbytes: int) -> None:
    packet = b"".join(len(unit).to_bytes(length_nbytes, "big") + unit for unit in content)
    spans = Framing(length_nbytes=length_nbytes).spans(packet)
    assert [packet[start:end] for start, end in spans] == content


@pytest.mark.parametrize(
    "packet", [b"\0", b"\0\0\0\0", b"\0\0\0\2A", b"\0\0\0\1AB", b"\0\0\0\1A\0\0\0\0", b"\xff\xff\xff\xffA"]
)
def test_lengths_that_do_not_fill_the_packet_are_untrusted(packet: bytes) -> None:
    with pytest.raises(Untrusted, match="fill the packet"):
        Framing(length_nbytes=4).spans(packet)


def test_start_codes_of_three_and_four_bytes_tell_units_apart() -> None:
    packet = b"\0\0\0\1ABC\0\0\1D\0\0\3\1\0\0\0\1E"
    spans = Framing(length_nbytes=0).spans(packet)
    assert [packet[start:end] for start, end in spans] == [b"ABC", b"D\0\0\3\1\0", b"E"]


@pytest.mark.parametrize("packet", [b"", b"ABC", b"\1\0\0\1A", b"\0\0\1", b"\0\0\1A\0\0\1", b"\0\0\1\0\0\1A"])
def test_packet_without_start_codes_or_with_empty_units_is_untrusted(packet: bytes) -> None:
    with pytest.raises(Untrusted):
        Framing(length_nbytes=0).spans(packet)


def test_avcc_gives_length_size_and_sets() -> None:
    assert avc_configuration(AVCC) == (Framing(length_nbytes=4), [b"ABC", b"DE"])


def test_hvcc_gives_length_size_and_sets() -> None:
    assert hevc_configuration(HVCC) == (Framing(length_nbytes=4), [b"V", b"ST", b"U"])


@pytest.mark.parametrize("configuration", [avc_configuration, hevc_configuration])
def test_no_configuration_is_annex_b(configuration) -> None:
    assert configuration(b"") == (Framing(length_nbytes=0), [])
    assert configuration(annex_b(b"A", b"B")) == (Framing(length_nbytes=0), [b"A\0", b"B"])
    with pytest.raises(Untrusted):
        configuration(b"\2ABC")


def test_configuration_cut_short_is_untrusted() -> None:
    for cut in range(1, len(AVCC) - 4):
        with pytest.raises(Untrusted, match="cut short"):
            avc_configuration(AVCC[:cut])
    for cut in range(1, len(HVCC)):
        with pytest.raises(Untrusted, match="cut short"):
            hevc_configuration(HVCC[:cut])


def test_lengths_of_three_bytes_are_untrusted() -> None:
    with pytest.raises(Untrusted, match="3 bytes"):
        avc_configuration(b"\1\x64\0\x0a\xfe\xe0\0")


def test_empty_set_is_untrusted() -> None:
    with pytest.raises(Untrusted, match="empty"):
        avc_configuration(b"\1\x64\0\x0a\xff\xe1\0\0\0")
