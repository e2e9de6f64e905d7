"""Synthetic videos for benches: a textured picture under a moving camera, the same for the same arguments."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

#: Encoder and options by codec.
_ENCODERS = {
    "H.264": ("libx264", {"preset": "veryfast", "g": "250", "bf": "3", "crf": "23"}),
    "VP9": ("libvpx-vp9", {"deadline": "realtime", "cpu-used": "8", "g": "128", "crf": "30", "b": "0", "row-mt": "1"}),
}


def write_pan(
    path: Path, *, width: int, height: int, seconds: int, fps: int = 30, seed: int = 0, codec: str = "H.264"
) -> Path:
    """Write a clip of a pan over smooth noise: H.264 (GOP 250, B-frames, `veryfast`) or VP9 (GOP 128, realtime)."""
    rng = np.random.Generator(np.random.Philox(key=seed))
    n_frames = seconds * fps
    coarse = rng.integers(0, 256, (height // 16 + 2, (width + 4 * n_frames) // 16 + 2, 3), dtype=np.uint8)
    picture = np.kron(coarse, np.ones((16, 16, 1), np.uint8))
    picture = picture // 2 + rng.integers(0, 128, picture.shape, dtype=np.uint8) // 4 * 2
    with av.open(str(path), "w") as container:
        encoder, options = _ENCODERS[codec]
        stream = container.add_stream(encoder, rate=fps, options=options)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.time_base = Fraction(1, fps)
        for number in range(n_frames):
            shift = 4 * number
            frame = av.VideoFrame.from_ndarray(
                np.ascontiguousarray(picture[:height, shift : shift + width]), format="rgb24"
            )
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
