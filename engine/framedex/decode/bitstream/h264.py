"""H.264: what the units of one access unit say of its picture."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from framedex.decode.bitstream.bits import Bits, unescaped
from framedex.decode.bitstream.h264_sets import PictureSet, SequenceSet, read_picture_set, read_sequence_set
from framedex.decode.bitstream.messages import Message, read_messages
from framedex.decode.bitstream.nal import avc_configuration
from framedex.decode.bitstream.order import Reordering, full_count
from framedex.decode.bitstream.picture import Entry, Picture, Untrusted

# nal_unit_type, ITU-T H.264 table 7-1. All that is not named here, data partitions and the scalable, multiview and auxiliary
# pictures above all, is not trusted.
_SLICE, _IDR_SLICE, _SEI, _SEQUENCE_SET, _PICTURE_SET, _DELIMITER = 1, 5, 6, 7, 8, 9
_IGNORED = frozenset({10, 11, 12})  # ends of sequence and stream, behind which an IDR picture comes in any case; filler

_HEAD_NBYTES = 64  # a slice header up to its order count takes under 40 bytes
_USER_DATA, _RECOVERY_POINT = 5, 6  # payloadType, ITU-T H.264 D.1.1
# What x264 writes once, in the first packet. FFmpeg then reads its old streams with the faults that they were made with.
_X264 = re.compile(rb"(?s).{16}x264 - core (\d{1,9})")
_DIRECT_FAULT, _PLANES_FAULT, _HIGH_444 = 34, 151, 244  # the builds that ended them, and the profile_idc of the latter
_I, _LAST_PLAIN = 2, 2  # slice_type modulo 5: P, B, I; above are switching slices


@dataclass(frozen=True, slots=True, kw_only=True)
class _Slice:
    """A slice header; two are equal where they may belong to one picture (ITU-T H.264 7.4.1.2.4)."""

    first_macroblock: int = field(compare=False)
    intra: bool = field(compare=False)
    is_idr: bool
    referenced: bool
    sets: tuple[SequenceSet, PictureSet]
    frame_num: int
    idr_id: int
    order_lsb: int
    bottom_delta: int


class H264Stream:
    """Reads H.264 packets.

    What a memory_management_control_operation of 5 does to the order counts is not followed: it stands behind the longest tables
    of the slice header, and streams hardly have any. Counts then disagree with the timestamps, which the planner compares.

    Args:
        extradata: avcC, Annex B or empty.

    Raises:
        Untrusted: its parameter sets are not fully understood.
    """

    def __init__(self, extradata: bytes) -> None:
        self._sequence_sets: dict[int, SequenceSet] = {}
        self._picture_sets: dict[int, PictureSet] = {}
        self._active: SequenceSet | None = None
        self._sequence = 0
        self._previous_count = 0  # of the last referenced picture, as its upper field's
        self._previous_frame_num = 0
        self._next_frame_num: int | None = None
        self._frame_num_offset = 0
        self._reordering = Reordering()
        self._framing, units = avc_configuration(extradata)
        for unit in units:
            self._learn(unit.rstrip(b"\0"))

    def picture(self, packet: bytes) -> Picture:
        """Read one access unit.

        Raises:
            Untrusted: it is not fully understood.
        """
        first: _Slice | None = None
        last_macroblock = -1
        intra = True
        messages: list[Message] = []
        parameter_sets: list[bytes] = []
        for start, end in self._framing.spans(packet):
            kind = packet[start] & 0x9F  # with forbidden_zero_bit, so that a unit that has it set is of no known type
            if kind in (_SLICE, _IDR_SLICE):
                piece = self._read_slice(packet[start : min(end, start + _HEAD_NBYTES)])
                if first is None:
                    first = piece
                elif piece != first:
                    raise Untrusted("slices of two pictures in one packet")
                # Also refuses redundant pictures, a picture twice, slices in any order, and a picture without its first slice.
                if piece.first_macroblock <= last_macroblock if last_macroblock >= 0 else piece.first_macroblock:
                    raise Untrusted("slices that do not follow each other")
                last_macroblock = piece.first_macroblock
                intra = intra and piece.intra
            elif kind in (_SEI, _SEQUENCE_SET, _PICTURE_SET, _DELIMITER):
                if first is not None:
                    raise Untrusted("a second access unit in the packet")  # ITU-T H.264 7.4.1.2.3
                unit = packet[start:end].rstrip(b"\0")
                if kind == _SEI:
                    messages += read_messages(unit[1:])
                elif kind != _DELIMITER:
                    parameter_sets.append(unit)
                    self._learn(unit)
            elif kind not in _IGNORED:
                raise Untrusted(f"H.264 NAL unit type {kind}")
        if first is None:
            raise Untrusted("a packet without a slice")
        entry = _entry(first, intra=intra, messages=messages)
        sequence_set = first.sets[0]
        for kind, payload in messages:
            if kind == _USER_DATA:
                _check_encoder(payload, sequence_set)
        self._activate(sequence_set, entry)
        self._follow(first)
        order = self._count(first)
        if sequence_set.most_reordered is not None:
            self._reordering.add(order, most=sequence_set.most_reordered)
        return Picture(
            referenced=first.referenced,
            layer=0,
            entry=entry,
            leading="none",
            order=order,
            sequence=self._sequence,
            states_reordering=sequence_set.most_reordered is not None,
            parameter_sets=frozenset(parameter_sets),
        )

    def _learn(self, unit: bytes) -> None:
        """Take in a parameter set; other units are none of our concern."""
        kind = unit[0] & 0x9F if unit else 0
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

    def _read_slice(self, head: bytes) -> _Slice:
        """Read a slice header up to delta_pic_order_cnt_bottom (ITU-T H.264 7.3.3)."""
        bits = Bits(unescaped(head[1:]))
        is_idr, referenced = head[0] & 31 == _IDR_SLICE, head[0] & 0x60 != 0
        first_macroblock, slice_type, set_id = bits.ue(), bits.ue(9) % 5, bits.ue(255)
        if slice_type > _LAST_PLAIN:
            raise Untrusted("H.264 switching slices")
        picture_set = self._picture_sets.get(set_id)
        sequence_set = self._sequence_sets.get(picture_set.sequence_set_id) if picture_set else None
        if picture_set is None or sequence_set is None:
            raise Untrusted("a slice whose parameter sets did not come before it")
        frame_num = bits.u(sequence_set.frame_num_bits)
        if is_idr and (frame_num or not referenced or slice_type != _I):
            raise Untrusted("an IDR picture with the header of another picture")  # ITU-T H.264 7.4.1.2.4, 7.4.3
        idr_id = bits.ue(65535) if is_idr else 0
        order_lsb = bits.u(sequence_set.order_bits)
        bottom_delta = bits.se() if sequence_set.order_type == 0 and picture_set.has_bottom_delta else 0
        return _Slice(
            first_macroblock=first_macroblock,
            intra=slice_type == _I,
            is_idr=is_idr,
            referenced=referenced,
            sets=(sequence_set, picture_set),
            frame_num=frame_num,
            idr_id=idr_id,
            order_lsb=order_lsb,
            bottom_delta=bottom_delta,
        )

    def _activate(self, sequence_set: SequenceSet, entry: Entry) -> None:
        """Check where a sequence begins (ITU-T H.264 7.4.1.2.1: a sequence parameter set changes at IDR pictures only)."""
        if entry == "closed" or self._active is None:
            if entry == "none":
                raise Untrusted("a stream that begins where decoding cannot begin")
            self._sequence += 1
            self._reordering.begin()
        elif self._active.unit != sequence_set.unit:
            raise Untrusted("a sequence parameter set that changes within a sequence")
        self._active = sequence_set

    def _follow(self, piece: _Slice) -> None:
        """Check that no referenced picture is missing (frame_num, ITU-T H.264 7.4.3).

        Gaps that the sequence parameter set allows are refused too: decoders fill them with pictures of their own making.
        """
        if not piece.is_idr and self._next_frame_num not in (None, piece.frame_num):
            raise Untrusted("frame numbers leave a gap")
        self._next_frame_num = (piece.frame_num + piece.referenced) % (1 << piece.sets[0].frame_num_bits)

    def _count(self, piece: _Slice) -> int:
        """Picture order count of a frame, the lesser of its fields' (ITU-T H.264 8.2.1)."""
        sequence_set = piece.sets[0]
        if sequence_set.order_type == 0:  # 8.2.1.1
            count = full_count(
                piece.order_lsb,
                previous=0 if piece.is_idr else self._previous_count,
                modulus=1 << sequence_set.order_bits,
            )
            if piece.referenced:
                self._previous_count = count
            return count + min(0, piece.bottom_delta)
        if piece.is_idr:  # 8.2.1.3
            self._frame_num_offset = 0
        elif self._previous_frame_num > piece.frame_num:
            self._frame_num_offset += 1 << sequence_set.frame_num_bits
        self._previous_frame_num = piece.frame_num
        return 2 * (self._frame_num_offset + piece.frame_num) - (not piece.referenced)


def _entry(first: _Slice, *, intra: bool, messages: list[Message]) -> Entry:
    if first.is_idr:
        return "closed"
    if not intra:
        return "none"  # a recovery point where pictures are refreshed little by little
    points = [_is_exact(payload) for kind, payload in messages if kind == _RECOVERY_POINT]
    return "open" if points and all(points) else "none"


def _is_exact(payload: bytes) -> bool:
    """Of a recovery point (ITU-T H.264 D.1.8): recovery is exact, at once, and no link is broken."""
    bits = Bits(payload)
    frames, exact, broken = bits.ue(), bits.u(1), bits.u(1)
    return frames == 0 and exact == 1 and broken == 0


def _check_encoder(payload: bytes, sequence_set: SequenceSet) -> None:
    """Check that the encoder's name in user data does not change how FFmpeg reads packets that do not have it."""
    found = _X264.match(payload)
    build = int(found[1]) if found else _PLANES_FAULT
    if build < (_PLANES_FAULT if sequence_set.unit[1] == _HIGH_444 else _DIRECT_FAULT):
        raise Untrusted(f"a stream of x264 build {build}, which decoders make allowances for")
