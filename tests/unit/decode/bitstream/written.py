"""Writes units bit by bit, as the standards' tables list them, for streams that no encoder here makes."""

from __future__ import annotations


class BitWriter:
    """Bits as text, so that a test can be compared with a table by eye."""

    def __init__(self) -> None:
        self.bits = ""

    def u(self, value: int, n_bits: int) -> BitWriter:
        if n_bits:
            self.bits += f"{value:0{n_bits}b}"
        return self

    def ue(self, *values: int) -> BitWriter:
        for value in values:
            code = f"{value + 1:b}"
            self.bits += "0" * (len(code) - 1) + code
        return self

    def se(self, value: int) -> BitWriter:
        return self.ue(2 * value - 1 if value > 0 else -2 * value)

    def unit(self, header: bytes) -> bytes:
        """The unit with its trailing bits and emulation prevention."""
        bits = self.bits + "1"
        bits += "0" * (-len(bits) % 8)
        escaped = bytearray(header)
        for i in range(0, len(bits), 8):
            byte = int(bits[i : i + 8], 2)
            if byte <= 3 and escaped[-2:] == b"\0\0":
                escaped.append(3)
            escaped.append(byte)
        return bytes(escaped)


def annex_b(*units: bytes) -> bytes:
    return b"".join(b"\0\0\0\1" + unit for unit in units)


def h264_sps_until_vui(
    *, profile: int = 77, set_id: int = 0, order_type: int = 0, frames_only: int = 1, width: int = 8
) -> BitWriter:
    """4 bits of frame_num and of pic_order_cnt_lsb, up to vui_parameters_present_flag."""
    bits = BitWriter().u(profile, 8).u(0, 8).u(40, 8).ue(set_id, 0, order_type)
    if order_type == 0:
        bits.ue(0)
    return bits.ue(4).u(0, 1).ue(width - 1, 5).u(frames_only, 1).u(1, 1).u(0, 1)


def h264_sps(**fields: int) -> bytes:
    return h264_sps_until_vui(**fields).u(0, 1).unit(b"\x67")


def h264_restriction(bits: BitWriter, *, reordered: int, buffered: int = 16) -> BitWriter:
    """bitstream_restriction_flag and what it announces, at the end of a VUI."""
    return bits.u(1, 1).u(1, 1).ue(2, 1, 12, 12, reordered, buffered)


def h264_pps(*, set_id: int = 0, sps_id: int = 0, bottom_delta: int = 0) -> bytes:
    bits = BitWriter().ue(set_id, sps_id).u(0, 1).u(bottom_delta, 1).ue(0, 0, 0).u(0, 3).se(0).se(0).se(0)
    return bits.u(0, 3).unit(b"\x68")


def h264_slice(
    *,
    kind: int = 1,
    ref_idc: int = 1,
    first_mb: int = 0,
    slice_type: int = 5,
    pps_id: int = 0,
    frame_num: int = 0,
    idr_id: int = 0,
    lsb: int | None = 0,
    bottom: int | None = None,
) -> bytes:
    """A slice header with a P slice's type; `lsb` is None for order type 2."""
    bits = BitWriter().ue(first_mb, slice_type, pps_id).u(frame_num, 4)
    if kind == 5:
        bits.ue(idr_id)
    if lsb is not None:
        bits.u(lsb, 4)
    if bottom is not None:
        bits.se(bottom)
    return bits.u(0xABCDE, 20).unit(bytes([ref_idc << 5 | kind]))


def h264_idr(*, ref_idc: int = 3, slice_type: int = 7, lsb: int | None = 0, **fields: int) -> bytes:
    return h264_slice(kind=5, ref_idc=ref_idc, slice_type=slice_type, lsb=lsb, **fields)


def h264_recovery(*, frames: int = 0, exact: int = 1, broken: int = 0) -> bytes:
    payload = BitWriter().ue(frames).u(exact, 1).u(broken, 1).u(0, 2).unit(b"")
    return bytes([6, 6, len(payload)]) + payload + b"\x80"


def hevc_header(kind: int, *, layer: int = 0, nuh_layer: int = 0) -> bytes:
    return (kind << 9 | nuh_layer << 3 | layer + 1).to_bytes(2, "big")


def hevc_sps_until_vui(*, set_id: int = 0, width: int = 64, reordered: int = 9) -> BitWriter:
    """The shortest set, 4 bits of slice_pic_order_cnt_lsb, up to vui_parameters_present_flag."""
    bits = BitWriter().u(0, 4).u(0, 3).u(1, 1).u(1 << 80, 88).u(30, 8)
    bits.ue(set_id, 1, width, 64).u(0, 1).ue(0, 0, 0).u(1, 1).ue(15, reordered, 0)
    return bits.ue(0, 0, 0, 0, 0, 0).u(0, 1).u(0, 2).u(0, 1).ue(0).u(0, 1).u(0, 2)


def hevc_sps(**fields: int) -> bytes:
    return hevc_sps_until_vui(**fields).u(0, 1).u(0, 1).unit(hevc_header(33))


def hevc_pps(*, set_id: int = 0, sps_id: int = 0, output_flag: int = 0, extra_bits: int = 0) -> bytes:
    return BitWriter().ue(set_id, sps_id).u(0, 1).u(output_flag, 1).u(extra_bits, 3).u(0, 2).unit(hevc_header(34))


def hevc_slice(
    kind: int,
    *,
    layer: int = 0,
    first: int = 1,
    takes_back: int = 0,
    pps_id: int = 0,
    extra: str = "",
    shown: int | None = None,
    lsb: int = 0,
    references: dict[int, int] | None = None,
) -> bytes:
    """A slice segment header.

    `references` are offsets, and whether the picture itself refers to them. `extra` are the bits of slice_reserved_flag, `shown`
    is pic_output_flag where there is one.
    """
    bits = BitWriter().u(first, 1)
    if 16 <= kind <= 23:
        bits.u(takes_back, 1)
    bits.ue(pps_id)
    bits.bits += extra
    bits.ue(1)
    if shown is not None:
        bits.u(shown, 1)
    if kind not in (19, 20):
        hevc_references(bits.u(lsb, 4).u(0, 1), references or {})
    return bits.u(0xABCDE, 20).unit(hevc_header(kind, layer=layer))


def hevc_references(bits: BitWriter, references: dict[int, int]) -> BitWriter:
    """A short-term reference picture set that builds on no other."""
    before = sorted((offset for offset in references if offset < 0), reverse=True)
    behind = sorted(offset for offset in references if offset > 0)
    bits.ue(len(before), len(behind))
    for offsets in (before, behind):
        for last, offset in zip([0, *offsets], offsets, strict=False):
            bits.ue(abs(offset - last) - 1).u(references[offset], 1)
    return bits
