"""The ways of bench/oracle.py: a loop over a Hugging Face model, question by question, and the parts that ours pays once."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from transformers import DynamicCache, SmolVLMForConditionalGeneration, SmolVLMImageProcessorPil

from decode_clips import scene
from framedex.contracts import FrameBatch, Pixels
from framedex.decode import FpsGrid, identify, open_video
from framedex.mllm.base import Ask, PreparedFrames
from framedex.mllm.engine import TransformersRunner
from framedex.mllm.smolvlm import prompt_text
from framedex.mllm.work import Work

SECOND_US = 1_000_000
FPS = 8

OPTIONS = ("a red kite", "two grey boats", "nobody", "the same man as before")
PROMPTS = (
    "What is seen last?",
    "Who comes in after the door was opened?",
    "What is on the table while they talk?",
    "Which of these is never shown?",
)


def write_clip(path: Path, *, seconds: int, width: int, height: int) -> Path:
    """A moving scene."""
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.time_base = Fraction(1, FPS)
        for picture in scene(width, height, seconds * FPS, seed=1):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))
        container.mux(stream.encode())
    return path


def decode(clip: Path, n_frames: int) -> FrameBatch:
    """The clip's first frames, one per second."""
    with open_video(identify(clip, folder_fps=None), threads=torch.get_num_threads()) as reader:
        parts = list(reader.frames(FpsGrid.parse("1")))
    return FrameBatch(
        pts_us=np.concatenate([part.pts_us for part in parts])[:n_frames],
        frames=np.concatenate([part.frames for part in parts])[:n_frames],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A prompt as it is put: its text and its options in the order in which they are listed."""

    text: str
    options: tuple[str, ...]


def questions(n_prompts: int, *, orders: bool) -> list[Question]:
    """Prompts, each with its options as given or in all their rotations."""
    turns = len(OPTIONS) if orders else 1
    return [
        Question(text=text, options=OPTIONS[turn:] + OPTIONS[:turn])
        for text in PROMPTS[:n_prompts]
        for turn in range(turns)
    ]


def window_starts(n_frames: int, length: int, stride: int) -> range:
    """First frames of the windows."""
    return range(0, n_frames - length + 1, stride)


@dataclass(frozen=True, slots=True, kw_only=True)
class NaiveTook:
    """Seconds of one question put to the plain model, by part, and its logits."""

    decode_s: float
    process_s: float
    forward_s: float
    logits: NDArray[np.float32]


class NaiveLoop:
    """The plain model: every question by itself, from pixel values.

    Args:
        checkpoint: a SmolVLM's folder.
    """

    def __init__(self, checkpoint: Path) -> None:
        self.model: Any = SmolVLMForConditionalGeneration.from_pretrained(checkpoint, dtype=torch.float32).eval()
        self._tokenizer = Tokenizer.from_file(str(checkpoint / "tokenizer.json"))
        self._processor: Any = SmolVLMImageProcessorPil.from_pretrained(checkpoint)
        config = self.model.config
        side = self._processor.max_image_size["longest_edge"]
        self.seq_len = (side // config.vision_config.patch_size // config.scale_factor) ** 2

    @torch.inference_mode()
    def ask(self, clip: Path, n_frames: int, rows: range, question: Question) -> NaiveTook:
        """Decode the clip, take the window's frames, process them, and read everything; the last logits are kept alone."""
        started = time.perf_counter()
        whole = decode(clip, n_frames)
        decoded = time.perf_counter()
        ids = self.ids(
            question, times_s=[whole.pts_us[row] / SECOND_US for row in rows], duration_s=float(n_frames - 1)
        )
        pixels = self.pixels(list(whole.frames[rows.start : rows.stop]))
        processed = time.perf_counter()
        output = self.model(input_ids=ids, attention_mask=torch.ones_like(ids), pixel_values=pixels, logits_to_keep=1)
        done = time.perf_counter()
        return NaiveTook(
            decode_s=decoded - started,
            process_s=processed - decoded,
            forward_s=done - processed,
            logits=output.logits[0, -1].numpy(),
        )

    def pixels(self, images: list[Pixels]) -> torch.Tensor:
        """(1, n, 3, side, side) as the checkpoint's processor makes them."""
        processed = self._processor(images, do_image_splitting=False, return_tensors="pt")
        pixels: torch.Tensor = processed["pixel_values"]
        return pixels

    def ids(self, question: Question, *, times_s: Sequence[float], duration_s: float) -> torch.Tensor:
        """(1, t) of the whole prompt."""
        text = prompt_text(
            question.text,
            question.options,
            scoring="letter",
            seq_len=self.seq_len,
            times_s=times_s,
            duration_s=duration_s,
        )
        return torch.tensor([self._tokenizer.encode(text, add_special_tokens=False).ids])


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitCosts:
    """Seconds that a part takes alone, medians: what a perfect sharing of the same model's work would pay.

    Attributes:
        tower_s: per frame, a window's frames at a time.
        prefill_s: per window, its frames' tokens given.
        suffix_s: per question, all before it given.
    """

    tower_s: float
    prefill_s: float
    suffix_s: float

    def ideal_s(self, *, frames: int, windows: int, asks: int) -> float:
        """Each frame once, each window once, each question once."""
        return frames * self.tower_s + windows * self.prefill_s + asks * self.suffix_s


class Parts:
    """The three parts of the plain model on one window, timed by turns as often as `time` is called.

    Args:
        loop: the model.
        pictures: uint8 (length, H, W, 3).
        question: any.
    """

    def __init__(self, loop: NaiveLoop, pictures: Pixels, question: Question) -> None:
        self._model = loop.model
        self._pixels = loop.pixels(list(pictures))
        self._ids = loop.ids(question, times_s=[float(row) for row in range(len(pictures))], duration_s=60.0)
        self._length = len(pictures)
        self._took: dict[str, list[float]] = {"tower": [], "prefill": [], "suffix": []}

    @torch.inference_mode()
    def time(self, repeats: int) -> None:
        """So many turns more."""
        model, ids = self._model, self._ids
        cut = int((ids[0] == model.config.image_token_id).nonzero().max()) + 1
        for _ in range(repeats):
            features = self._timed("tower", partial(model.get_image_features, self._pixels, return_dict=True))
            cache = DynamicCache()
            first = {
                "input_ids": ids[:, :cut],
                "attention_mask": torch.ones_like(ids[:, :cut]),
                "mm_encoder_outputs": {"image": features},
            }
            self._timed("prefill", partial(model.model, **first, past_key_values=cache, use_cache=True))
            rest = {"input_ids": ids[:, cut:], "attention_mask": torch.ones_like(ids), "past_key_values": cache}
            self._timed("suffix", partial(model, **rest, logits_to_keep=1))

    def costs(self) -> UnitCosts:
        """Medians of all turns."""
        tower, prefill, suffix = (statistics.median(times) for times in self._took.values())
        return UnitCosts(tower_s=tower / self._length, prefill_s=prefill, suffix_s=suffix)

    def _timed(self, part: str, work: Callable[[], Any]) -> Any:
        started = time.perf_counter()
        result = work()
        self._took[part].append(time.perf_counter() - started)
        return result


@dataclass(frozen=True, slots=True, kw_only=True)
class OursTook:
    """A whole oracle by ours: seconds from the file to the last answer, what it cost, and how much was asked."""

    seconds: float
    work: Work
    windows: int
    asks: int


def ours(
    runner: TransformersRunner, clip: Path, n_frames: int, length: int, stride: int, asked: Sequence[Question]
) -> OursTook:
    """All windows of a clip and all questions; nothing is known of the clip before."""
    before, started = runner.work, time.perf_counter()
    video = prepare(runner, clip, n_frames, source=f"{clip}, {started}")
    starts = window_starts(n_frames, length, stride)
    asks = [
        Ask(
            frames=video.take(np.arange(start, start + length)),
            question=each.text,
            options=each.options,
            scoring="letter",
        )
        for start in starts
        for each in asked
    ]
    answers = runner.answer(asks)
    seconds = time.perf_counter() - started
    assert all(answer.status == "ok" for answer in answers), answers[0].status_detail
    return OursTook(seconds=seconds, work=runner.work - before, windows=len(starts), asks=len(asks))


def prepare(runner: TransformersRunner, clip: Path, n_frames: int, *, source: str) -> PreparedFrames:
    """The clip's frames, decoded and resized."""
    batch = decode(clip, n_frames)
    return runner.prepare(batch, origin_us=0, last_us=(n_frames - 1) * SECOND_US, source=source)
