"""The golden clips: one for each way in which containers keep time and place, each with the truth about it.

The times are known from how each clip is made, not from reading it back.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

from clips import ReferenceClip, draw_turned, encode, write_images
from framedex.contracts import Timing
from mp4_boxes import TURNED, set_display_matrix, set_edit, shift_composition

FRAMES = 75
PAL = Fraction(1, 25)
NTSC = Fraction(1001, 30000)
MILLISECOND = Fraction(1, 1000)
TICK = Fraction(1, 90_000)

#: Uneven steps in milliseconds: doubled frames, pauses longer than a second, bursts.
_STEPS_MS = (33, 34, 33, 100, 7, 250, 40, 1200, 33, 5)
UNEVEN_MS = tuple(sum(_STEPS_MS[j % len(_STEPS_MS)] for j in range(i)) for i in range(30))


def _constant(
    path: Path, duration: Fraction, *, start: Fraction = Fraction(0), timing: Timing = "container"
) -> ReferenceClip:
    times = [start + i * duration for i in range(FRAMES)]
    return ReferenceClip(path=path, times=times, numbers=range(FRAMES), timing=timing)


def _pal(folder: Path) -> ReferenceClip:
    path = folder / "pal.mp4"
    encode(path, range(FRAMES), PAL)
    return _constant(path, PAL)


def _ntsc(folder: Path) -> ReferenceClip:
    path = folder / "ntsc.mp4"
    encode(path, range(FRAMES), NTSC)
    return _constant(path, NTSC)


def _uneven(suffix: str) -> Callable[[Path], ReferenceClip]:
    def make(folder: Path) -> ReferenceClip:
        path = folder / f"uneven.{suffix}"
        encode(path, UNEVEN_MS, MILLISECOND)
        return ReferenceClip(path=path, times=[ms * MILLISECOND for ms in UNEVEN_MS], numbers=range(len(UNEVEN_MS)))

    return make


def _late_matroska(folder: Path) -> ReferenceClip:
    path = folder / "late.mkv"
    encode(path, range(125, 125 + FRAMES), PAL)
    return _constant(path, PAL, start=Fraction(5))


def _transport(folder: Path) -> ReferenceClip:
    path = folder / "transport.ts"
    encode(path, [180_000 + 3003 * i for i in range(FRAMES)], TICK)
    return _constant(path, NTSC, start=Fraction(2))


def _negative(folder: Path) -> ReferenceClip:
    """Without an edit list the first frame is at 2 frames, its decoding delay; 12 frames are taken off: it starts at -10."""
    path = folder / "negative.mp4"
    encode(path, range(FRAMES), PAL, container_options={"use_editlist": "0"})
    shift_composition(path, -12 * 512)
    return _constant(path, PAL, start=-10 * PAL)


def _edited(folder: Path) -> ReferenceClip:
    """Frames 25 to 49 only: the edit starts inside a group of pictures and ends before the media does."""
    path = folder / "edited.mp4"
    encode(path, range(FRAMES), PAL)
    set_edit(path, skip=25 * 512, duration=1000)
    return ReferenceClip(path=path, times=[i * PAL for i in range(25)], numbers=range(25, 50))


def _reordered(folder: Path) -> ReferenceClip:
    path = folder / "reordered.avi"
    encode(path, range(FRAMES), NTSC)
    return _constant(path, NTSC, timing="reconstructed")


def _hierarchical(folder: Path) -> ReferenceClip:
    """AV1 in random access: frames that are decoded long before they are shown, several to a packet, some never shown."""
    path = folder / "hierarchical.webm"
    encode(path, range(FRAMES), PAL, codec="libsvtav1", codec_options={"preset": "6", "crf": "10"}, gop=64)
    return _constant(path, PAL)


def _turned(rotation_deg: int) -> Callable[[Path], ReferenceClip]:
    """Drawn upright, stored turned the other way, so that only the right rotation shows the numbers."""

    def make(folder: Path) -> ReferenceClip:
        path = folder / f"turned{rotation_deg}.mp4"
        encode(path, range(FRAMES), PAL, draw=lambda number: draw_turned(number, rotation_deg))
        set_display_matrix(path, TURNED[rotation_deg])
        times = [i * PAL for i in range(FRAMES)]
        return ReferenceClip(path=path, times=times, numbers=range(FRAMES), rotation_deg=rotation_deg)

    return make


def _images(folder: Path) -> ReferenceClip:
    path = folder / "frames"
    write_images(path, 40)
    return ReferenceClip(path=path, times=[Fraction(i) for i in range(40)], numbers=range(40), folder_fps="1")


def _images_ntsc(folder: Path) -> ReferenceClip:
    """Numbered without leading zeros."""
    path = folder / "frames"
    write_images(path, 40, name="frame{}.png".format)
    return ReferenceClip(path=path, times=[i * NTSC for i in range(40)], numbers=range(40), folder_fps="30000/1001")


#: VP9 at a quality at which squares stay squares, quickly.
_VP9 = {"deadline": "realtime", "cpu-used": "8", "crf": "10", "b": "0"}


def _free(suffix: str, codec: str = "libvpx-vp9", **options: str) -> Callable[[Path], ReferenceClip]:
    """In a codec that decoders without licences read."""

    def make(folder: Path) -> ReferenceClip:
        path = folder / f"free.{suffix}"
        encode(
            path,
            range(FRAMES),
            PAL,
            codec=codec,
            pixel_format="yuvj420p" if codec == "mjpeg" else "yuv420p",
            codec_options={"qmax": "4"} if codec == "mjpeg" else {**_VP9, **options},
        )
        return _constant(path, PAL)

    return make


def _free_uneven(folder: Path) -> ReferenceClip:
    path = folder / "uneven.webm"
    encode(path, UNEVEN_MS, MILLISECOND, codec="libvpx-vp9", codec_options=_VP9)
    return ReferenceClip(path=path, times=[ms * MILLISECOND for ms in UNEVEN_MS], numbers=range(len(UNEVEN_MS)))


def _free_edited(folder: Path) -> ReferenceClip:
    """Frames 25 to 49 only: the edit starts between two key frames and ends before the media does."""
    path = folder / "edited.mp4"
    encode(path, range(FRAMES), PAL, codec="libvpx-vp9", codec_options=_VP9)
    set_edit(path, skip=25 * 512, duration=1000)
    return ReferenceClip(path=path, times=[i * PAL for i in range(25)], numbers=range(25, 50))


def _free_turned(folder: Path) -> ReferenceClip:
    path = folder / "turned.mp4"
    encode(
        path, range(FRAMES), PAL, draw=lambda number: draw_turned(number, 90), codec="libvpx-vp9", codec_options=_VP9
    )
    set_display_matrix(path, TURNED[90])
    return ReferenceClip(path=path, times=[i * PAL for i in range(FRAMES)], numbers=range(FRAMES), rotation_deg=90)


VIDEOS: dict[str, Callable[[Path], ReferenceClip]] = {
    "pal": _pal,
    "ntsc": _ntsc,
    "uneven-mkv": _uneven("mkv"),
    "uneven-mp4": _uneven("mp4"),
    "late-mkv": _late_matroska,
    "transport": _transport,
    "negative": _negative,
    "edited": _edited,
    "reordered-avi": _reordered,
    "hierarchical-av1": _hierarchical,
    "turned-90": _turned(90),
    "turned-180": _turned(180),
    "turned-270": _turned(270),
}
FOLDERS: dict[str, Callable[[Path], ReferenceClip]] = {"images": _images, "images-ntsc": _images_ntsc}

#: In codecs that decoders without licences read on the CPU: every one must read these.
FREE: dict[str, Callable[[Path], ReferenceClip]] = {
    "vp9-webm": _free("webm"),
    "vp9-alt-ref-mkv": _free("mkv", deadline="good", **{"lag-in-frames": "16", "auto-alt-ref": "1"}),
    "vp9-uneven-webm": _free_uneven,
    "vp9-edited-mp4": _free_edited,
    "vp9-turned-mp4": _free_turned,
    "vp8-webm": _free("webm", codec="libvpx"),
    "mjpeg-mov": _free("mov", codec="mjpeg"),
    "mjpeg-mkv": _free("mkv", codec="mjpeg"),
}
