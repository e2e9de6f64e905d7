"""Codecs whose references are not read: decoding begins at key frames, and what a plan relies on is checked packet by packet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from framedex.decode.bitstream.av1 import Av1Packets
from framedex.decode.bitstream.intra import DnxhdPackets, ProresPackets
from framedex.decode.bitstream.jpeg import JpegPackets
from framedex.decode.bitstream.mpeg4 import Mpeg4Packets
from framedex.decode.bitstream.mpeg12 import Mpeg12Packets
from framedex.decode.bitstream.picture import Untrusted
from framedex.decode.bitstream.vp8 import Vp8Packets
from framedex.decode.bitstream.vp9 import Vp9Packets


class KeyedStream(Protocol):
    """Checks the packets of a codec whose references are not read.

    Where every packet passes, each gives one frame, and decoding from any packet at which `begins` was true gives the same
    pictures from there on as decoding everything, those shown before it aside.
    """

    def begins(self, packet: bytes, *, key: bool) -> bool:
        """Whether decoding can begin at this packet.

        Args:
            packet: every packet of the stream is to be given, in decode order.
            key: whether the container calls it a key frame; no packet is an entry where it does not.

        Raises:
            Untrusted: the packet is not fully understood, or is not what `key` says; the stream is not to be used any further.
        """
        ...


_READERS: Final[dict[str, Callable[[bytes], KeyedStream]]] = {
    "vp8": lambda _: Vp8Packets(),
    "vp9": lambda _: Vp9Packets(),
    "av1": lambda _: Av1Packets(),
    "mpeg4": Mpeg4Packets,
    "mpeg1video": lambda _: Mpeg12Packets(),
    "mpeg2video": lambda _: Mpeg12Packets(),
    "mjpeg": lambda _: JpegPackets(),
    "prores": lambda _: ProresPackets(),
    "dnxhd": lambda _: DnxhdPackets(),
}


def keyed_stream(codec: str, extradata: bytes | None) -> KeyedStream:
    """A checker for the packets of one stream.

    Args:
        codec: FFmpeg's name of the codec.
        extradata: the codec's configuration as FFmpeg holds it; only MPEG-4 has something in it that is not in the packets.

    Raises:
        Untrusted: another codec, or a configuration that is not fully understood.
    """
    reader = _READERS.get(codec)
    if reader is None:
        raise Untrusted(f"no checks for the packets of {codec}")
    return reader(extradata or b"")
