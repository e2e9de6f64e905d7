"""The ways of bench/oracle.py: a loop over a Hugging Face model, question by question, and the parts that ours pays once."""

from __future__ import annotations

import json
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
import transformers
from numpy.typing import NDArray
from tokenizers import Tokenizer
from transformers import DynamicCache

from decode_clips import scene
from framedex.contracts import FrameBatch, Pixels
from framedex.decode import FpsGrid, identify, open_video
from framedex.mllm.base import Ask, PreparedFrames
from framedex.mllm.engine import TransformersRunner
from framedex.mllm.options import Dtype
from framedex.mllm.work import Work
from oracle_plain import FAMILIES

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


class Clock:
    """Wall time, once a device has done what it was given.

    Args:
        device: that work is given to.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device

    def now(self) -> float:
        """Seconds from some moment."""
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        return time.perf_counter()


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
        checkpoint: a folder.
        device: that it runs on.
        dtype: of its weights there.
    """

    def __init__(self, checkpoint: Path, *, device: torch.device, dtype: Dtype) -> None:
        kind = FAMILIES[json.loads((checkpoint / "config.json").read_text(encoding="utf-8"))["model_type"]]
        plain = getattr(transformers, kind.architecture)
        self.device = device
        self.clock = Clock(device)
        self.model: Any = plain.from_pretrained(checkpoint, dtype=getattr(torch, dtype)).eval().to(device)
        self.family = kind(checkpoint, self.model.config)
        self._tokenizer = Tokenizer.from_file(str(checkpoint / "tokenizer.json"))

    @torch.inference_mode()
    def ask(self, clip: Path, n_frames: int, rows: range, question: Question) -> NaiveTook:
        """Decode the clip, take the window's frames, process them, and read everything; the last logits are kept alone."""
        started = self.clock.now()
        whole = decode(clip, n_frames)
        decoded = self.clock.now()
        ids = self.ids(
            question, times_s=[whole.pts_us[row] / SECOND_US for row in rows], duration_s=float(n_frames - 1)
        )
        pixels = self.pixels(list(whole.frames[rows.start : rows.stop]))
        processed = self.clock.now()
        output = self.model(input_ids=ids, attention_mask=torch.ones_like(ids), **pixels, logits_to_keep=1)
        done = self.clock.now()
        return NaiveTook(
            decode_s=decoded - started,
            process_s=processed - decoded,
            forward_s=done - processed,
            logits=output.logits[0, -1].float().cpu().numpy(),
        )

    def pixels(self, images: list[Pixels]) -> dict[str, torch.Tensor]:
        """The forward's argument for some frames, on the device."""
        return {
            name: each.to(device=self.device, dtype=self.model.dtype)
            for name, each in self.family.pixels(images).items()
        }

    def ids(self, question: Question, *, times_s: Sequence[float], duration_s: float) -> torch.Tensor:
        """(1, t) of the whole prompt."""
        text = self.family.text(question.text, question.options, times_s=times_s, duration_s=duration_s)
        return torch.tensor([self._tokenizer.encode(text, add_special_tokens=False).ids], device=self.device)


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
        self._loop = loop
        self._pixels = loop.pixels(list(pictures))
        self._ids = loop.ids(question, times_s=[float(row) for row in range(len(pictures))], duration_s=60.0)
        self._length = len(pictures)
        self._took: dict[str, list[float]] = {"tower": [], "prefill": [], "suffix": []}

    @torch.inference_mode()
    def time(self, repeats: int) -> None:
        """So many turns more."""
        model, family, ids = self._loop.model, self._loop.family, self._ids
        cut = int((ids[0] == family.placeholder_id).nonzero().max()) + 1
        for _ in range(repeats):
            features = self._timed("tower", partial(family.features, model, self._pixels))
            cache = DynamicCache()
            first = {
                "input_ids": ids[:, :cut],
                "attention_mask": torch.ones_like(ids[:, :cut]),
                "mm_encoder_outputs": {family.modality: features},
            }
            self._timed("prefill", partial(model.model, **first, past_key_values=cache, use_cache=True))
            rest = {"input_ids": ids[:, cut:], "attention_mask": torch.ones_like(ids), "past_key_values": cache}
            self._timed("suffix", partial(model, **rest, logits_to_keep=1))

    def costs(self) -> UnitCosts:
        """Medians of all turns."""
        tower, prefill, suffix = (statistics.median(times) for times in self._took.values())
        return UnitCosts(tower_s=tower / self._length, prefill_s=prefill, suffix_s=suffix)

    def _timed(self, part: str, work: Callable[[], Any]) -> Any:
        started = self._loop.clock.now()
        result = work()
        self._took[part].append(self._loop.clock.now() - started)
        return result


@dataclass(frozen=True, slots=True, kw_only=True)
class OursTook:
    """A whole oracle by ours: seconds from the file to the last answer, what it cost, and how much was asked."""

    seconds: float
    work: Work
    windows: int
    asks: int


def ours(
    runner: TransformersRunner,
    clip: Path,
    n_frames: int,
    length: int,
    stride: int,
    asked: Sequence[Question],
    *,
    clock: Clock,
) -> OursTook:
    """All windows of a clip and all questions; nothing is known of the clip before."""
    before, started = runner.work, clock.now()
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
    seconds = clock.now() - started
    assert all(answer.status == "ok" for answer in answers), answers[0].status_detail
    return OursTook(seconds=seconds, work=runner.work - before, windows=len(starts), asks=len(asks))


def prepare(runner: TransformersRunner, clip: Path, n_frames: int, *, source: str) -> PreparedFrames:
    """The clip's frames, decoded and resized."""
    batch = decode(clip, n_frames)
    return runner.prepare(batch, origin_us=0, last_us=(n_frames - 1) * SECOND_US, source=source)
