"""Picture order counts."""

from __future__ import annotations

from bisect import insort

from framedex.decode.bitstream.picture import Untrusted


def full_count(lsb: int, *, previous: int, modulus: int) -> int:
    """The count with these lower bits that is nearest to a previous count (ITU-T H.264 8.2.1.1, ITU-T H.265 8.3.1).

    Half a modulus above and below are equally near: the one above is taken, as both standards do.

    Args:
        lsb: lower bits of the count, 0 to modulus - 1.
        previous: count of the picture that both standards build on: the last one that nothing before it can lack.
        modulus: number of values that the lower bits have, a power of two.
    """
    previous_lsb = previous % modulus
    msb = previous - previous_lsb
    if lsb < previous_lsb and previous_lsb - lsb >= modulus // 2:
        msb += modulus
    elif lsb > previous_lsb and lsb - previous_lsb > modulus // 2:
        msb -= modulus
    return msb + lsb


class Reordering:
    """Checks that no more pictures than a stream says come before a picture in decoding order and are shown behind it.

    A decoder that goes by the stream's word gives pictures out in a wrong order otherwise (max_num_reorder_frames, ITU-T H.264
    E.2.1; sps_max_num_reorder_pics, ITU-T H.265 7.4.3.2.1).
    """

    __slots__ = ("_latest",)

    def __init__(self) -> None:
        self._latest: list[int] = []  # the greatest counts of the sequence, one more than may overtake

    def begin(self) -> None:
        """A coded video sequence begins."""
        del self._latest[:]

    def add(self, count: int, *, most: int) -> None:
        """The next picture in decoding order.

        Raises:
            Untrusted: more than `most` pictures overtake it.
        """
        if len(self._latest) > most:
            if count < self._latest[0]:
                raise Untrusted(f"more than the {most} pictures that may overtake one do")
            del self._latest[0]
        insort(self._latest, count)
