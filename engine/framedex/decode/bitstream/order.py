"""Picture order counts."""

from __future__ import annotations


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
