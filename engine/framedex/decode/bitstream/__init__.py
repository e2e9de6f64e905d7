"""What a decode planner must know of each packet, read from the packet's own bytes.

A container says which packets are key frames, not which pictures others depend on, nor the order in which they are shown. The
headers do: for H.264 and HEVC they are read (`coded_stream`). For other codecs the container's key frames are used, and the
headers say whether that can be relied on (`keyed_stream`). Whatever is not fully understood raises `Untrusted`, and then
everything is to be decoded.
"""

from __future__ import annotations

from framedex.decode.bitstream.h264 import H264Stream
from framedex.decode.bitstream.hevc import HevcStream
from framedex.decode.bitstream.keyed import KeyedStream, keyed_stream
from framedex.decode.bitstream.picture import CodedStream, Picture, Untrusted

__all__ = ["CodedStream", "KeyedStream", "Picture", "Untrusted", "coded_stream", "keyed_stream"]


def coded_stream(codec: str, extradata: bytes | None) -> CodedStream:
    """A reader for the packets of one stream.

    Args:
        codec: FFmpeg's name of the codec; "h264" and "hevc" are read.
        extradata: the codec's configuration as FFmpeg holds it: an avcC or hvcC record, parameter sets between start codes, or
            nothing. It decides how packets are split.

    Raises:
        Untrusted: another codec, or a configuration that is not fully understood.
    """
    if codec == "h264":
        return H264Stream(extradata or b"")
    if codec == "hevc":
        return HevcStream(extradata or b"")
    raise Untrusted(f"no reader for {codec} bitstreams")
