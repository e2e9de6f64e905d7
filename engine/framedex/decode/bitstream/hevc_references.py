"""HEVC reference picture sets: which pictures a picture needs, and whether they are there."""

from __future__ import annotations

from collections.abc import Sequence

from framedex.decode.bitstream.bits import Bits
from framedex.decode.bitstream.picture import Entry, Untrusted

#: Pictures that are kept, by how far their count is from the present picture's, and whether that picture refers to them.
ReferenceSet = dict[int, bool]

_MOST = 16  # pictures that are kept


def read_reference_set(bits: Bits, known: Sequence[ReferenceSet], *, in_slice: bool) -> ReferenceSet:
    """A short-term reference picture set (ITU-T H.265 7.3.7, 7.4.8).

    Args:
        bits: where it begins.
        known: the sets of the sequence parameter set, as far as they come before this one.
        in_slice: it stands in a slice segment header, and so may build on any of them, not on the last one only.

    Raises:
        Untrusted: it is cut short, or names more pictures than can be kept.
    """
    if known and bits.u(1):
        base = known[-1 - bits.ue(len(known) - 1)] if in_slice else known[-1]
        sign, size = bits.u(1), bits.ue(32767) + 1
        shift = -size if sign else size
        moved: ReferenceSet = {}
        for offset in [*base, 0]:  # of the set that it builds on, and of the picture that set belongs to
            used = bits.u(1) == 1
            if (used or bits.u(1)) and offset + shift:
                moved[offset + shift] = used
        before = sorted((offset for offset in moved if offset < 0), reverse=True)
        pictures = {offset: moved[offset] for offset in before + sorted(offset for offset in moved if offset > 0)}
    else:
        n_before, n_behind = bits.ue(_MOST), bits.ue(_MOST)
        pictures = _stepped(bits, n_before, -1) | _stepped(bits, n_behind, 1)
    if len(pictures) > _MOST:
        raise Untrusted(f"HEVC with over {_MOST} reference pictures")
    return pictures


def _stepped(bits: Bits, count: int, sign: int) -> ReferenceSet:
    pictures: ReferenceSet = {}
    offset = 0
    for _ in range(count):
        offset += sign * (bits.ue(32767) + 1)
        pictures[offset] = bits.u(1) == 1
    return pictures


class References:
    """The pictures that later ones may refer to (ITU-T H.265 8.3.2)."""

    def __init__(self) -> None:
        self._kept: dict[int, int] = {}  # by order count: the lowest temporal layer whose pictures may refer to one
        self._entry_order = 0

    def add(
        self, order: int, pictures: ReferenceSet, *, layer: int, referenced: bool, entry: Entry, leads: bool
    ) -> None:
        """The next picture in decoding order.

        Args:
            order: its count.
            pictures: its reference picture set.
            layer: its temporal layer.
            referenced: whether later pictures of that layer may refer to it.
            entry: whether decoding can begin at it.
            leads: it is a leading picture, and so may refer to pictures in front of the entry.

        Raises:
            Untrusted: it refers to a picture that is not there, or to one that says of itself that it does not.
        """
        if entry == "closed":
            self._kept.clear()
        else:
            self._kept = {
                order + offset: self._kept[order + offset] for offset in pictures if order + offset in self._kept
            }
            for offset, used in pictures.items():
                if used and self._kept.get(order + offset, layer + 1) > layer:
                    raise Untrusted("a picture that it refers to is not there")
                if used and not leads and (entry != "none" or order + offset < self._entry_order):
                    raise Untrusted("it refers to a picture in front of the last entry")
        if entry != "none":
            if any(kept > order for kept in self._kept):
                raise Untrusted("an entry that is shown before pictures in front of it")
            self._entry_order = order
        self._kept[order] = layer + (not referenced)
