"""What a server is sent: every pixel where PNG is asked for, each frame after its time, the question last."""

from __future__ import annotations

import base64
import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from framedex.mllm import server_messages
from framedex.mllm.base import Ask, PreparedFrames
from framedex.mllm.prompt import question_text
from framedex.mllm.served_model import ServedModel
from framedex.mllm.server_messages import FrameImages, messages, shrunk

SERVED = ServedModel(url="http://localhost:8000/v1", model="m")
OPTIONS = ("red", "blue")


def frames(n: int = 3, *, source: str = "v") -> PreparedFrames:
    pictures = np.random.default_rng(0).integers(0, 256, (n, 24, 40, 3), np.uint8)
    return PreparedFrames(
        pts_us=np.arange(n) * 1_500_000,
        times_s=np.arange(n) * 1.5,
        duration_s=60.0,
        pixels=tuple(pictures),
        source=source,
    )


def decoded(url: str) -> tuple[str, Any]:
    head, _, data = url.partition(";base64,")
    return head, np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))


def test_frames_stand_between_their_times_and_the_question_last() -> None:
    ask = Ask(frames=frames(), question="Which?", options=OPTIONS, scoring="letter")
    (message,) = messages(ask, FrameImages(SERVED))
    assert message["role"] == "user"
    *shown, said = message["content"]
    assert said == {"type": "text", "text": question_text("Which?", OPTIONS, "letter")}
    assert [part["text"] for part in shown[::2]] == ["Time 0.0s:", "Time 1.5s:", "Time 3.0s:"]
    assert ask.frames is not None
    for part, picture in zip(shown[1::2], ask.frames.pixels, strict=True):
        head, pixels = decoded(part["image_url"]["url"])
        assert (part["type"], head) == ("image_url", "data:image/png")
        assert np.array_equal(pixels, picture)


def test_without_frames_only_the_question_is_sent() -> None:
    (message,) = messages(Ask(frames=None, question="Which?", options=OPTIONS, scoring="generate"), FrameImages(SERVED))
    assert [part["type"] for part in message["content"]] == ["text"]


def test_jpeg_is_near_and_smaller() -> None:
    smooth = replace(
        frames(1), pixels=(np.add.outer(np.arange(96), np.arange(160))[..., None].repeat(3, 2).astype(np.uint8),)
    )
    (png,) = FrameImages(SERVED).of(smooth)
    (jpeg,) = FrameImages(replace(SERVED, image="jpeg", quality=90)).of(smooth)
    head, pixels = decoded(jpeg)
    assert head == "data:image/jpeg"
    assert 0 < np.abs(pixels.astype(int) - smooth.pixels[0]).mean() < 4
    assert len(jpeg) != len(png)


def test_a_frame_is_encoded_once_and_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[int] = []
    real = server_messages.data_url

    def counted(picture: Any, served: ServedModel) -> str:
        encoded.append(1)
        return real(picture, served)

    monkeypatch.setattr(server_messages, "data_url", counted)
    images = FrameImages(SERVED)
    three = frames()
    first = images.of(three)
    assert images.of(three.take(np.array([1, 2]))) == first[1:]
    assert len(encoded) == 3
    images.of(frames(source="w"))
    assert len(encoded) == 6, "another video's frames are others"
    monkeypatch.setattr(server_messages, "_NBYTES_KEPT", len(first[0]) + 1)
    small = FrameImages(SERVED)
    assert small.of(three) == small.of(three) == first
    assert len(encoded) == 6 + 6
    assert small._nbytes <= max(map(len, first))


@pytest.mark.parametrize(
    ("longest_edge", "shape"), [(None, (24, 40)), (40, (24, 40)), (100, (24, 40)), (20, (12, 20)), (1, (1, 1))]
)
def test_larger_frames_are_shrunk_and_smaller_ones_left(longest_edge: int | None, shape: tuple[int, int]) -> None:
    pictures = np.stack(frames().pixels)
    made = shrunk(pictures, longest_edge)
    assert made.shape == (3, *shape, 3)
    if shape == (24, 40):
        assert made is pictures
