"""What is known of one coded picture, and the contract of the readers that find it out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

Entry = Literal["none", "closed", "open"]
Leading = Literal["none", "decodable", "skipped"]


class Untrusted(Exception):
    """A structure that is not fully understood: decode everything. Internal, no user sees it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One coded picture, as its headers describe it.

    Attributes:
        referenced: False where no later picture of the same temporal layer refers to it. H.264: nal_ref_idc is not 0; HEVC: not
            a sub-layer non-reference picture (pictures of higher layers may refer to one).
        layer: HEVC TemporalId, no picture depends on a higher layer; 0 for H.264.
        entry: "closed": decoding can begin here, and nothing after it in decode order needs, or is shown before, anything
            earlier, RASL pictures aside, which are not shown at all. H.264 IDR; HEVC IDR and BLA.
            "open": decoding can begin here; what is shown at it or after comes out exactly, what comes after it but is shown
            before it may need earlier pictures. H.264: intra picture with an exact recovery point at itself; HEVC CRA.
            "none": any other picture.
        leading: HEVC RADL is "decodable", RASL "skipped" where decoding began at the entry before it; "none" for all other
            pictures and for H.264, which does not say.
        order: picture order count, complete with its upper bits.
        sequence: number of the coded video sequence, from 1: pictures are shown by (sequence, order).
        states_reordering: the stream says how many pictures may overtake one on their way to be shown, and no more do. Where it
            does not say so, a decoder guesses from what it has seen. HEVC always says it.
        parameter_sets: the parameter set units in the packet, without start codes or lengths.
    """

    referenced: bool
    layer: int
    entry: Entry
    leading: Leading
    order: int
    sequence: int
    states_reordering: bool
    parameter_sets: frozenset[bytes]


class CodedStream(Protocol):
    """Reads a stream packet by packet; holds the parameter sets and what order counts build on."""

    def picture(self, packet: bytes) -> Picture:
        """Read one packet, the picture it holds; every packet is to be given, in decode order.

        Raises:
            Untrusted: the packet is not fully understood; the stream is not to be used any further.
        """
        ...
