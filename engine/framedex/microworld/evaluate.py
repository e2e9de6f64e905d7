"""Scoring a checkpoint on a made world the long way: video file, decoder, image processor, towers, cosine."""

import json
import math
from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import torch
from numpy.typing import NDArray

from framedex.microworld.checkpoint import load_checkpoint
from framedex.microworld.recall import PairScore, Recall, score_pair, summarise


def score_checkpoint(checkpoint: Path, captions: Path) -> Recall:
    """Measure recall@1 of a checkpoint over a manifest of captions, frames taken at 1 per second.

    Raises:
        ArtefactError: `checkpoint` is no checkpoint folder.
    """
    model, tokenizer, processor = load_checkpoint(checkpoint)
    by_video: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in captions.read_text(encoding="utf-8").splitlines():
        question = json.loads(line)
        by_video[question["video"]].append(question)
    pairs: list[PairScore] = []
    with torch.inference_mode():
        for video, questions in by_video.items():
            times_s, frames = zip(*frames_each_second(captions.parent / video), strict=True)
            images = processor(images=list(frames), return_tensors="pt")
            texts = tokenizer(
                [question["question"] for question in questions],
                padding="max_length",
                truncation=True,
                return_tensors="pt",
            )
            image_emb = model.get_image_features(pixel_values=images["pixel_values"]).pooler_output
            text_emb = model.get_text_features(input_ids=texts["input_ids"]).pooler_output
            scores = torch.nn.functional.cosine_similarity(text_emb[:, None], image_emb[None], dim=-1).numpy()
            for question, row in zip(questions, scores, strict=True):
                pairs.append(score_pair(row, np.array(times_s), question["evidence"]))
    return summarise(pairs)


def frames_each_second(path: Path) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """Yield (seconds from the first frame, (H, W, 3) uint8 RGB) of the frame on display at each whole second.

    The last frame with a timestamp at or before the second is taken, once.
    """
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_count = 1
        first: Fraction | None = None
        next_s = 0
        shown: tuple[Fraction, av.VideoFrame] | None = None
        for frame in container.decode(stream):
            assert frame.pts is not None
            assert frame.time_base is not None
            first = frame.pts * frame.time_base if first is None else first
            now = frame.pts * frame.time_base - first
            if shown is not None and now > next_s:
                yield float(shown[0]), _to_rgb(shown[1])
                next_s = math.ceil(now)
            shown = (now, frame)
        if shown is not None and shown[0] >= next_s:
            yield float(shown[0]), _to_rgb(shown[1])


def _to_rgb(frame: av.VideoFrame) -> NDArray[np.uint8]:
    return np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8)
