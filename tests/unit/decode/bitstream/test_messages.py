"""Messages beside the pictures, and those that reach into later ones."""

from __future__ import annotations

import pytest

from framedex.decode.bitstream.messages import read_messages
from framedex.decode.bitstream.picture import Untrusted


def test_types_and_sizes_are_sums() -> None:
    long = bytes(range(1, 251)) + b"abcdefg"
    data = b"\x05\xff\x02" + long + b"\xff\x01\x00" + b"\x06\x01\xc4\x80"
    assert read_messages(data) == [(5, long), (256, b""), (6, b"\xc4")]


def test_emulation_prevention_is_not_counted() -> None:
    assert read_messages(b"\x05\x04\0\0\3\1A\x80") == [(5, b"\0\0\1A")]


@pytest.mark.parametrize("data", [b"\x05", b"\xff\xff", b"\x05\xff", b"\x05\x03ab", b"\x05\x02ab\x06"])
def test_message_cut_short_is_untrusted(data: bytes) -> None:
    with pytest.raises(Untrusted, match="cut short"):
        read_messages(data)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x2f\x03\x08\x00\x40\x80", "display orientation"),
        (b"\x13\x01\x80\x80", "film grain"),
        (b"\x04\x05\xb5\x58\x90\0\1\x80", "film grain"),
        (b"\x05\x01a\x2f\x01\x80\x80", "display orientation"),
        (b"\x05\0" * 65, "over 64"),
    ],
)
def test_messages_that_change_pictures_are_untrusted(data: bytes, reason: str) -> None:
    with pytest.raises(Untrusted, match=reason):
        read_messages(data)


def test_high_dynamic_range_metadata_is_none_of_them() -> None:
    assert read_messages(b"\x04\x05\xb5\0\x3c\0\1\x80") == [(4, b"\xb5\0\x3c\0\1")]
