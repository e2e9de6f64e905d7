"""The plain SmolVLM."""

from __future__ import annotations

from pathlib import Path

from framedex.mllm.base import PreparedFrames
from framedex.mllm.smolvlm import TURN_END, SmolVlm, turn_text, video_text
from plain_mllm import Inputs, PlainModel, channels_first


def plain_smolvlm(folder: Path, *, seq_len: int = 4) -> PlainModel:
    """A checkpoint with so many visual tokens a frame, normalised around a half."""

    def media(frames: PreparedFrames) -> tuple[str, Inputs]:
        pixels = channels_first(frames, mean=[0.5] * 3, std=[0.5] * 3)
        text = video_text(frames.times_s.tolist(), frames.duration_s, seq_len=seq_len)
        return text, {"pixel_values": pixels[None]}

    return PlainModel(
        folder=folder, architecture=SmolVlm.architecture, media=media, turn=turn_text, lead=" ", turn_end=TURN_END
    )
