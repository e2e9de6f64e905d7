"""What a server is sent: frames as images between their times, then the question.

The times are written as VideoLLaMA3's processor writes them ("Time 12.0s:"), which keeps fractions of a second, for every
model: a server's chat template knows images and text, no timestamps. One image a frame, not one video: what a server keeps of an
image serves every set of frames that shows it.
"""

from __future__ import annotations

import base64
import io
from collections import OrderedDict
from threading import Lock
from typing import Any

import numpy as np
from PIL import Image

from framedex.contracts import Pixels
from framedex.mllm.base import Ask, PreparedFrames
from framedex.mllm.prompt import question_text
from framedex.mllm.served_model import ServedModel

#: A new number whenever the text of a request changes. Part of the MLLM key.
TEMPLATE = "served-1"

_NBYTES_KEPT = 256 << 20

# Quick to write; frames travel but once.
_PNG_LEVEL = 1


class FrameImages:
    """Frames as data URLs, each encoded once as long as it is kept; may be used by several threads.

    Args:
        served: says how frames are sent.
    """

    def __init__(self, served: ServedModel) -> None:
        self._served = served
        self._kept: OrderedDict[str, str] = OrderedDict()
        self._nbytes = 0
        self._lock = Lock()

    def of(self, frames: PreparedFrames) -> list[str]:
        """The URLs of n frames."""
        return [self._url(key, picture) for key, picture in zip(frames.keys(), frames.pixels, strict=True)]

    def _url(self, key: str, picture: Pixels) -> str:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        url = data_url(picture, self._served)
        with self._lock:
            if key not in self._kept:
                self._kept[key] = url
                self._nbytes += len(url)
                while self._nbytes > _NBYTES_KEPT and len(self._kept) > 1:
                    self._nbytes -= len(self._kept.popitem(last=False)[1])
        return url


def data_url(picture: Pixels, served: ServedModel) -> str:
    """A picture, uint8 (H, W, 3), as a data URL."""
    data = io.BytesIO()
    image = Image.fromarray(picture)
    if served.image == "png":
        image.save(data, "PNG", compress_level=_PNG_LEVEL)
    else:
        # Colours at full resolution: 4:4:4.
        image.save(data, "JPEG", quality=served.quality, subsampling=0)
    return f"data:image/{served.image};base64,{base64.b64encode(data.getvalue()).decode('ascii')}"


def shrunk(frames: Pixels, longest_edge: int | None) -> Pixels:
    """Frames uint8 (n, H, W, 3) of which neither edge is longer; the aspect ratio is kept to a pixel."""
    height, width = frames.shape[1:3]
    if longest_edge is None or max(height, width) <= longest_edge:
        return frames
    scale = longest_edge / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.stack([np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.LANCZOS)) for frame in frames])


def messages(ask: Ask, images: FrameImages) -> list[dict[str, Any]]:
    """The messages of a chat completion.

    Args:
        ask: with 26 options at most.
        images: of this server.
    """
    parts: list[dict[str, Any]] = []
    if ask.frames is not None:
        for time_s, url in zip(ask.frames.times_s.tolist(), images.of(ask.frames), strict=True):
            parts.append({"type": "text", "text": f"Time {time_s:.1f}s:"})
            parts.append({"type": "image_url", "image_url": {"url": url}})
    parts.append({"type": "text", "text": question_text(ask.question, ask.options, ask.scoring)})
    return [{"role": "user", "content": parts}]
