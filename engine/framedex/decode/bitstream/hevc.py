"""HEVC: what the units of one access unit say of its picture."""

from __future__ import annotations

from framedex.decode.bitstream.bits import Bits, unescaped
from framedex.decode.bitstream.hevc_references import References, ReferenceSet, read_reference_set
from framedex.decode.bitstream.hevc_sets import PictureSet, SequenceSet, read_picture_set, read_sequence_set
from framedex.decode.bitstream.messages import read_messages
from framedex.decode.bitstream.nal import hevc_configuration
from framedex.decode.bitstream.order import Reordering, full_count
from framedex.decode.bitstream.picture import Entry, Leading, Picture, Untrusted

# nal_unit_type, ITU-T H.265 table 7-1. Reserved types and the ends of sequence and bitstream (36 and 37), behind which a CRA
# picture begins a new sequence, are not trusted.
_TRAILING = frozenset(range(6))
_LEADING: dict[int, Leading] = {6: "decodable", 7: "decodable", 8: "skipped", 9: "skipped"}
_ENTRY: dict[int, Entry] = {**dict.fromkeys(range(16, 21), "closed"), 21: "open"}
_SLICES = _TRAILING | _LEADING.keys() | _ENTRY.keys()
_IDR = frozenset({19, 20})
_NOT_REFERENCED = frozenset(range(0, 10, 2))
_SEQUENCE_SET, _PICTURE_SET = 33, 34
_PARAMETER_SETS = frozenset({32, _SEQUENCE_SET, _PICTURE_SET})
_MESSAGES, _MESSAGES_BEHIND = 39, 40
_BEFORE_SLICES = _PARAMETER_SETS | {35, _MESSAGES}  # with delimiters and SEI messages in front
# Filler, and the Dolby Vision metadata of an unspecified type: neither changes a sample or the order.
_IGNORED = frozenset({38, 62})

_HEAD_NBYTES = 64  # a slice segment header up to its reference pictures takes under 40 bytes, if only 16 are named


class HevcStream:
    """Reads HEVC packets.

    Args:
        extradata: hvcC, Annex B or empty.

    Raises:
        Untrusted: its parameter sets are not fully understood.
    """

    def __init__(self, extradata: bytes) -> None:
        self._sequence_sets: dict[int, SequenceSet] = {}
        self._picture_sets: dict[int, PictureSet] = {}
        self._active: SequenceSet | None = None
        self._sequence = 0
        self._previous_count = 0  # of prevTid0Pic, ITU-T H.265 8.3.1
        self._reordering = Reordering()
        self._references = References()
        self._framing, units = hevc_configuration(extradata)
        for unit in units:
            self._learn(unit.rstrip(b"\0"))

    def picture(self, packet: bytes) -> Picture:
        """Read one access unit.

        Raises:
            Untrusted: it is not fully understood.
        """
        first: bytes | None = None
        parameter_sets: list[bytes] = []
        for start, end in self._framing.spans(packet):
            kind = _kind(packet[start : start + 2])
            if kind in _SLICES:
                head = packet[start : min(end, start + _HEAD_NBYTES)]
                begins = head[2:3] >= b"\x80"  # first_slice_segment_in_pic_flag
                if first is None and begins:
                    first = head
                elif first is None:
                    raise Untrusted("a picture without its first slice segment")
                elif begins or head[:2] != first[:2]:
                    raise Untrusted("slice segments of two pictures in one packet")
            elif kind in _BEFORE_SLICES:
                if first is not None:
                    raise Untrusted("a second access unit in the packet")  # ITU-T H.265 7.4.2.4.4
                if kind == _MESSAGES:
                    read_messages(packet[start + 2 : end].rstrip(b"\0"))
                elif kind in _PARAMETER_SETS:
                    unit = packet[start:end].rstrip(b"\0")
                    parameter_sets.append(unit)
                    self._learn(unit)
            elif kind == _MESSAGES_BEHIND:
                read_messages(packet[start + 2 : end].rstrip(b"\0"))
            elif kind not in _IGNORED:
                raise Untrusted(f"HEVC NAL unit type {kind}")
        if first is None:
            raise Untrusted("a packet without a slice segment")
        return self._read_picture(first, frozenset(parameter_sets))

    def _learn(self, unit: bytes) -> None:
        """Take in a parameter set; other units are none of our concern."""
        kind = _kind(unit[:2])
        if kind == _SEQUENCE_SET:
            sequence_set = read_sequence_set(unit)
            known = self._sequence_sets.get(sequence_set.set_id)
            if known is not None and known.unit != unit:
                # FFmpeg forgets them as well: they were written for the other sequence parameter set.
                old = [i for i, s in self._picture_sets.items() if s.sequence_set_id == sequence_set.set_id]
                for set_id in old:
                    del self._picture_sets[set_id]
            self._sequence_sets[sequence_set.set_id] = sequence_set
        elif kind == _PICTURE_SET:
            picture_set = read_picture_set(unit)
            self._picture_sets[picture_set.set_id] = picture_set

    def _read_picture(self, head: bytes, parameter_sets: frozenset[bytes]) -> Picture:
        """Read the header of a picture's first slice segment up to its reference pictures (ITU-T H.265 7.3.6.1)."""
        kind, layer = _kind(head[:2]), (head[1] & 7) - 1
        entry = _ENTRY.get(kind, "none")
        bits = Bits(unescaped(head[2:]))
        bits.u(1)  # first_slice_segment_in_pic_flag
        if entry != "none":
            if layer:
                raise Untrusted("an HEVC random access picture above the lowest temporal layer")
            if bits.u(1) and self._active is not None:
                raise Untrusted("a picture that takes back earlier ones (no_output_of_prior_pics_flag)")
        picture_set = self._picture_sets.get(bits.ue(63))
        sequence_set = self._sequence_sets.get(picture_set.sequence_set_id) if picture_set else None
        if picture_set is None or sequence_set is None:
            raise Untrusted("a slice segment whose parameter sets did not come before it")
        bits.u(picture_set.extra_bits)
        bits.ue(2)  # slice_type
        if picture_set.has_output_flag and not bits.u(1):
            raise Untrusted("a picture that is not shown (pic_output_flag is 0)")
        lsb = 0 if kind in _IDR else bits.u(sequence_set.order_bits)
        pictures = {} if kind in _IDR else _read_references(bits, sequence_set)
        order = full_count(lsb, previous=self._previous_count, modulus=1 << sequence_set.order_bits)
        if self._begins(sequence_set, entry):
            order = lsb
        leading = _LEADING.get(kind, "none")
        referenced = kind not in _NOT_REFERENCED
        if layer == 0 and leading == "none" and referenced:
            self._previous_count = order
        self._reordering.add(order, most=sequence_set.most_reordered)
        self._references.add(order, pictures, layer=layer, referenced=referenced, entry=entry, leads=leading != "none")
        return Picture(
            referenced=referenced,
            layer=layer,
            entry=entry,
            leading=leading,
            order=order,
            sequence=self._sequence,
            states_reordering=True,
            parameter_sets=parameter_sets,
        )

    def _begins(self, sequence_set: SequenceSet, entry: Entry) -> bool:
        """Whether a sequence begins, so that its first count has no upper bits (ITU-T H.265 8.3.1, NoRaslOutputFlag is 1)."""
        begins = entry == "closed" or self._active is None
        if begins:
            if entry == "none":
                raise Untrusted("a stream that begins where decoding cannot begin")
            self._sequence += 1
            self._reordering.begin()
        elif self._active is not None and self._active.unit != sequence_set.unit:
            raise Untrusted("a sequence parameter set that changes within a sequence")
        self._active = sequence_set
        return begins


def _kind(header: bytes) -> int:
    """nal_unit_type of a unit of the base layer (ITU-T H.265 7.3.1.2)."""
    if len(header) < 2 or header[0] & 0x81 or header[1] & 0xF8 or not header[1] & 7:
        raise Untrusted("a NAL unit of another layer than the base layer, or with a broken header")
    return header[0] >> 1


def _read_references(bits: Bits, sequence_set: SequenceSet) -> ReferenceSet:
    """The reference pictures, from short_term_ref_pic_set_sps_flag on (ITU-T H.265 7.3.6.1)."""
    known = sequence_set.reference_sets
    if not bits.u(1):
        pictures = read_reference_set(bits, known, in_slice=True)
    else:
        named = bits.u((len(known) - 1).bit_length()) if known else 0
        if named >= len(known):
            raise Untrusted("a reference picture set that there is none of")
        pictures = known[named]
    if sequence_set.has_long_term and ((sequence_set.n_long_term_sets and bits.ue()) or bits.ue()):
        raise Untrusted("HEVC long-term reference pictures")
    return pictures
