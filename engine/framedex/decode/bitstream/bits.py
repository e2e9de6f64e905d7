"""Bits of the headers within a NAL unit."""

from __future__ import annotations

from framedex.decode.bitstream.picture import Untrusted

_UE_MOST = (1 << 32) - 2  # ITU-T H.264 7.2, ue(v)


def unescaped(data: bytes) -> bytes:
    """Data without its emulation prevention bytes (ITU-T H.264 7.3.1, ITU-T H.265 7.3.1.1).

    `data` may be the beginning of a unit only: a byte that prevents emulation depends on the two before it alone.
    """
    return data.replace(b"\0\0\3", b"\0\0") if b"\0\0\3" in data else data


class Bits:
    """Reads fields one after the other, most significant bit first (ITU-T H.264 7.2 and 9.1, ITU-T H.265 7.2 and 9.2).

    Args:
        data: bytes without emulation prevention; short, for each field costs time in proportion to what is left.
    """

    __slots__ = ("_left", "_value")

    def __init__(self, data: bytes) -> None:
        # The value is kept without the bits that were read, so that its length tells the zeros in front.
        self._value = int.from_bytes(data, "big")
        self._left = 8 * len(data)

    def u(self, n_bits: int) -> int:
        """An unsigned number of `n_bits` bits.

        Raises:
            Untrusted: the data ends before.
        """
        left = self._left - n_bits
        if left < 0:
            raise Untrusted("a header goes on past its data")
        field = self._value >> left
        self._value ^= field << left
        self._left = left
        return field

    def ue(self, most: int = _UE_MOST) -> int:
        """An unsigned Exp-Golomb code.

        Raises:
            Untrusted: it is greater than `most`, or the data ends before.
        """
        zeros = self._left - self._value.bit_length()
        if zeros > 31:
            raise Untrusted("an Exp-Golomb code of over 32 bits")
        value = self.u(2 * zeros + 1) - 1
        if value > most:
            raise Untrusted(f"a header field of {value}, at most {most} is allowed")
        return value

    def se(self) -> int:
        """A signed Exp-Golomb code.

        Raises:
            Untrusted: the data ends before.
        """
        code = self.ue()
        return (code + 1) // 2 if code % 2 else -(code // 2)

    def at_end(self) -> bool:
        """Whether only rbsp_trailing_bits are left: a one and zeros (ITU-T H.264 7.3.2.11, ITU-T H.265 7.3.2.11)."""
        return self._left > 0 and self._value == 1 << (self._left - 1)
