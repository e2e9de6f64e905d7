"""Whether a served model sees what it is shown: some servers leave images aside, and answer from the text as if nothing were."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from framedex.errors import UsageError
from framedex.mllm.base import Ask
from framedex.mllm.served_model import ServedModel
from framedex.mllm.server_client import ServerClient
from framedex.mllm.server_messages import FrameImages, messages
from framedex.mllm.server_replies import read_reply


def check_sees(client: ServerClient, served: ServedModel, ask: Ask, images: FrameImages) -> None:
    """Compare the length of a prompt with one frame, as the server counts it, with that of the same text alone.

    A server that counts nothing is believed.

    Args:
        client: of the server.
        served: the model.
        ask: with frames.
        images: of the server.

    Raises:
        UsageError: the frame adds nothing, or the server asks for a key.
        Refused: the server does not take the frame.
        UnexpectedReply: it answers nonsense.
        DeviceError: it is away.
    """
    assert ask.frames is not None
    shown = messages(replace(ask, frames=ask.frames.take(np.array([0]))), images)
    text = [
        {**message, "content": [part for part in message["content"] if part["type"] == "text"]} for message in shown
    ]
    seen, told = _length(client, served, shown), _length(client, served, text)
    if 0 < seen <= told:
        raise UsageError(
            f"server {served.base}: {served.model!r} is not shown the frames (the prompt is {seen} tokens with one and {told} "
            "without); serve a model that takes images, with a server that passes them on"
        )


def _length(client: ServerClient, served: ServedModel, said: list[dict[str, Any]]) -> int:
    body = {"model": served.model, "messages": said, "temperature": 0, "max_tokens": 1}
    return read_reply(client.post(f"{served.base}/chat/completions", body)).prompt_tokens
