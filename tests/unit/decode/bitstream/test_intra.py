"""ProRes and DNxHD frames: what must be in them, and stay the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from framedex.decode.bitstream import Untrusted, keyed_stream
from unit.decode.bitstream.coded import other

FRAMES = {
    "prores": ("prores_ks", "yuv422p10le", {}, [4, 7, 17, 19, 20]),
    "dnxhd": ("dnxhd", "yuv422p", {"profile": "dnxhr_lb"}, [0, 4, 25, 27, 33, 43]),
}


@pytest.mark.parametrize("codec", FRAMES)
def test_frame_with_another_magic_or_format_is_untrusted(tmp_path: Path, codec: str) -> None:
    encoder, pixels, options, places = FRAMES[codec]
    packet = bytes(other(tmp_path / "clip.mov", encoder, n=2, pixel_format=pixels, **options).packets[0])
    stream = keyed_stream(codec, None)
    assert stream.begins(packet, key=True)
    assert not stream.begins(packet, key=False)
    for at in places:
        with pytest.raises(Untrusted, match=r"no \w+ frame|format of the pictures changes"):
            stream.begins(packet[:at] + bytes([packet[at] ^ 0x10]) + packet[at + 1 :], key=True)
    with pytest.raises(Untrusted, match="frame"):
        stream.begins(packet[:20], key=True)
