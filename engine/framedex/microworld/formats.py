"""The rotation of codecs and containers that the clips are written in."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType

RATES = (Fraction(24), Fraction(25), Fraction(30000, 1001), Fraction(30), Fraction(12))


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoFormat:
    """How a clip is coded.

    Attributes:
        encoder: FFmpeg encoder.
        muxer: FFmpeg container format.
        suffix: file name suffix with its dot.
        pixel_format: FFmpeg pixel format that the encoder takes.
        options: encoder options, chosen for speed and one thread.
    """

    encoder: str
    muxer: str
    suffix: str
    pixel_format: str = "yuv420p"
    options: Mapping[str, str]


def _options(**options: str) -> Mapping[str, str]:
    return MappingProxyType(options)


# x264's macroblock tree makes other bytes of the same frames once in a while, where a side is no multiple of 16.
_H264 = _options(**{"preset": "veryfast", "crf": "23", "bf": "2", "g": "50", "x264-params": "mbtree=0"})

FORMATS: Mapping[str, VideoFormat] = MappingProxyType(
    {
        "mp4-h264": VideoFormat(encoder="libx264", muxer="mp4", suffix=".mp4", options=_H264),
        "mp4-hevc": VideoFormat(
            encoder="libx265",
            muxer="mp4",
            suffix=".mp4",
            options=_options(**{"preset": "ultrafast", "crf": "26", "x265-params": "log-level=none:pools=none"}),
        ),
        "webm-vp9": VideoFormat(
            encoder="libvpx-vp9",
            muxer="webm",
            suffix=".webm",
            options=_options(**{"deadline": "realtime", "cpu-used": "8", "crf": "34", "b": "0"}),
        ),
        "mkv-av1": VideoFormat(
            encoder="libsvtav1",
            muxer="matroska",
            suffix=".mkv",
            options=_options(**{"preset": "9", "crf": "38", "svtav1-params": "lp=1"}),
        ),
        "avi-mpeg4": VideoFormat(
            encoder="mpeg4", muxer="avi", suffix=".avi", options=_options(qmin="5", qmax="5", g="25")
        ),
        "mov-mjpeg": VideoFormat(
            encoder="mjpeg", muxer="mov", suffix=".mov", pixel_format="yuvj420p", options=_options(qmin="8", qmax="8")
        ),
        "ts-h264": VideoFormat(encoder="libx264", muxer="mpegts", suffix=".ts", options=_H264),
        "mkv-h264": VideoFormat(encoder="libx264", muxer="matroska", suffix=".mkv", options=_H264),
    }
)
