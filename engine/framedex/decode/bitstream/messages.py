"""Supplemental enhancement information: messages beside the pictures, some of which change them all the same."""

from __future__ import annotations

from framedex.decode.bitstream.bits import unescaped
from framedex.decode.bitstream.picture import Untrusted

#: payloadType of a message, and its payload.
Message = tuple[int, bytes]

_MOST = 64  # messages in a unit; real units have a handful

# payloadType, ITU-T H.274 and ITU-T T.35. FFmpeg adds grain to pictures, and turns them, for as long as the last message of the
# kind says so: what it gives then depends on messages in packets that a plan may leave out.
_REGISTERED, _FILM_GRAIN, _ORIENTATION = 4, 19, 47
_AOM_GRAIN = b"\xb5\x58\x90"  # country and provider of AV1 film grain in other codecs


def read_messages(rbsp: bytes) -> list[Message]:
    """The messages of a unit (ITU-T H.264 7.3.2.3, ITU-T H.265 7.3.5).

    Args:
        rbsp: the unit without its header; emulation prevention is taken off here. What ends the unit may be missing.

    Raises:
        Untrusted: a message is cut short, there are over 64, or one has an effect on later pictures' samples or orientation.
    """
    data = unescaped(rbsp).removesuffix(b"\x80")
    messages: list[Message] = []
    at = 0
    while at < len(data):
        kind, at = _summed(data, at)
        nbytes, at = _summed(data, at)
        payload = data[at : at + nbytes]
        at += nbytes
        if at > len(data):
            raise Untrusted("an SEI message that is cut short")
        if kind == _FILM_GRAIN or (kind == _REGISTERED and payload.startswith(_AOM_GRAIN)):
            raise Untrusted("an SEI message of film grain")
        if kind == _ORIENTATION:
            raise Untrusted("an SEI message of display orientation")
        messages.append((kind, payload))
        if len(messages) > _MOST:
            raise Untrusted(f"over {_MOST} SEI messages in one unit")
    return messages


def _summed(data: bytes, at: int) -> tuple[int, int]:
    """A number that is the sum of bytes up to the first one that is not 255, and where it ends."""
    total = 0
    while at < len(data):
        total += data[at]
        at += 1
        if data[at - 1] != 255:
            return total, at
    raise Untrusted("an SEI message that is cut short")
