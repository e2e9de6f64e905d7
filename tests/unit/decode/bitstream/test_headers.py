"""Units in front of a picture, and the headers that entries must share."""

from __future__ import annotations

import pytest

from framedex.decode.bitstream.headers import EntryHeaders, split_units, start_codes, units_before
from framedex.decode.bitstream.picture import Untrusted

CODE = b"\0\0\1\xb6"


def test_units_are_without_start_codes_and_filling() -> None:
    packet = b"\0\0\0\1\x20abc\0\0\0\0\1\0\0\0\1\xb2d\0e\0\0\1\xb6rest"
    assert units_before(packet, CODE) == ([b"\x20abc", b"\0", b"\xb2d\0e"], packet.index(b"rest"))
    assert units_before(CODE + b"rest", CODE) == ([], 4)
    assert split_units(b"") == []


@pytest.mark.parametrize("packet", [b"", b"\0\0\1\x20abc", b"a" + CODE, b"\0\0\1" + CODE, b"\0\0\1\1" * 33 + CODE])
def test_packet_that_does_not_begin_with_headers_is_untrusted(packet: bytes) -> None:
    with pytest.raises(Untrusted):
        units_before(packet, CODE)


def test_start_codes_within_start_codes_are_found() -> None:
    assert start_codes(b"ab\0\0\1\0\0\1\xb3\0\0\0\1\n\0\0\1", 1) == {b"\0", b"\xb3", b"\n"}


def test_headers_of_entries_are_those_of_the_first() -> None:
    headers = EntryHeaders()
    headers.check([b"A", b"B"], entry=True)
    headers.check([b"B", b"A"], entry=True)
    headers.check([], entry=False)
    headers.check([b"A"], entry=False)
    for units, entry in [([b"A"], True), ([], True), ([b"A", b"B", b"C"], True), ([b"C"], False)]:
        with pytest.raises(Untrusted, match="headers that differ"):
            headers.check(units, entry=entry)


def test_known_headers_may_be_left_out() -> None:
    headers = EntryHeaders([b"A"])
    headers.check([b"A", b"B"], entry=True)
    headers.check([b"B"], entry=True)
    with pytest.raises(Untrusted, match="headers that differ"):
        headers.check([b"A"], entry=True)


def test_headers_in_front_of_the_first_entry_are_untrusted() -> None:
    headers = EntryHeaders()
    headers.check([], entry=False)
    with pytest.raises(Untrusted, match="headers that differ"):
        headers.check([b"A"], entry=False)
