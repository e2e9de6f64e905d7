"""SmolVLM as transformers runs it, on the CPU: the reference runner, plain and right."""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self, get_args

import numpy as np
import torch
import transformers

from framedex.contracts import FrameBatch
from framedex.errors import ArtefactError, DeviceError, UsageError
from framedex.keys import json_key
from framedex.mllm.base import Answer, Ask, PreparedFrames, Scoring
from framedex.mllm.checkpoint import Checkpoint, read_json
from framedex.mllm.image import FrameRules, read_frame_rules, to_pixels
from framedex.mllm.likelihood import Prefill, letter_logprobs, option_logprobs, prefill, visual_tokens
from framedex.mllm.load import ATTENTION, Dtype, load_model
from framedex.mllm.prompt import TEMPLATE_VERSION
from framedex.mllm.tokens import Prompt, PromptReader
from framedex.torch_device import at_most

_MICROSECONDS = 1_000_000


class SmolVlmRunner:
    """A `SmolVLMForConditionalGeneration` checkpoint.

    torch's thread count is a setting of the process: it is set for the time of each `answer` and put back after.

    Args:
        checkpoint: opened.
        threads: of torch, >= 1.
        batch: prompts, frames in the tower, or options that pass the model at once, >= 1.
        dtype: of weights and activations; log-probabilities are taken in float32.

    Raises:
        UsageError: threads or batch below 1, or an unknown dtype.
        ArtefactError: the checkpoint is of another class, or its files do not fit each other.
        StorageError: a file cannot be read.
    """

    def __init__(self, checkpoint: Checkpoint, *, threads: int, batch: int = 8, dtype: Dtype = "float32") -> None:
        if threads < 1 or batch < 1 or dtype not in get_args(Dtype):
            raise UsageError(
                f"SmolVLM: expected threads and batch of 1 or more and dtype {', '.join(get_args(Dtype))}; "
                f"got threads={threads}, batch={batch}, dtype={dtype!r}"
            )
        loaded = load_model(checkpoint, dtype=dtype)
        self._rules = read_frame_rules(checkpoint.folder)
        config = loaded.model.config
        seq_len = _seq_len(checkpoint, config, self._rules)
        self._reader = PromptReader(
            checkpoint.tokenizer,
            seq_len=seq_len,
            context=config.text_config.max_position_embeddings,
            image_token_id=config.image_token_id,
            vocabulary=config.text_config.vocab_size,
        )
        self._model: transformers.SmolVLMForConditionalGeneration | None = loaded.model
        self._unused_weights = loaded.unused_weights
        self._origin = checkpoint.origin
        self._threads = threads
        self._batch = batch
        self._dtype = dtype
        self._key = json_key(
            {
                "files": checkpoint.digest(),
                "processor": self._rules.as_json(),
                "template": TEMPLATE_VERSION,
                "dtype": dtype,
                "attention": ATTENTION,
                "transformers": transformers.__version__,
            }
        )

    @property
    def name(self) -> str:
        """A bundled name, or the checkpoint's absolute path."""
        return self._origin

    @property
    def key(self) -> str:
        """MLLM key: 32 hex digits over weights, config, tokenizer, frame rules, template, dtype, attention, transformers."""
        return self._key

    @property
    def provenance(self) -> dict[str, str]:
        """How it is run; what is part of the key and what is not."""
        return {
            "runtime": "transformers",
            "runtime_version": transformers.__version__,
            "torch_version": torch.__version__,
            "device": "cpu",
            "dtype": self._dtype,
            "attention": ATTENTION,
            "template": TEMPLATE_VERSION,
            "threads": str(self._threads),
            "batch": str(self._batch),
            "unused_weights": str(self._unused_weights),
        }

    def prepare(self, batch: FrameBatch, *, origin_us: int, last_us: int) -> PreparedFrames:
        """Preprocess n >= 1 frames as the checkpoint's own processor does.

        Args:
            batch: uint8 (n, H, W, 3).
            origin_us: the video's first timestamp, from which the prompt's times count.
            last_us: its last, >= origin_us.

        Raises:
            ValueError: no frame, or frames outside origin_us to last_us.
        """
        if not len(batch) or not origin_us <= batch.pts_us[0] <= batch.pts_us[-1] <= last_us:
            span = (int(batch.pts_us[0]), int(batch.pts_us[-1])) if len(batch) else "none"
            raise ValueError(f"[prepare] expected one frame or more within {origin_us} to {last_us} us, got {span}")
        return PreparedFrames(
            pts_us=batch.pts_us,
            times_s=(batch.pts_us - origin_us) / _MICROSECONDS,
            duration_s=(last_us - origin_us) / _MICROSECONDS,
            pixels=to_pixels(batch.frames, self._rules),
        )

    def answer(self, asks: Sequence[Ask], *, scoring: Scoring) -> list[Answer]:
        """Answer in order, and the same as one by one within 1e-4 of a log-probability.

        Prompts of like length are read together. Asks of one batch that show the same PreparedFrames object share its tokens.

        Raises:
            ValueError: the runner is closed, or frames are not of this model's size.
            UsageError: unknown scoring.
            DeviceError: torch failed, or gave log-probabilities that are not finite.
        """
        if self._model is None:
            raise ValueError(f"[runner] {self.name!r} is closed")
        if scoring not in get_args(Scoring):
            raise UsageError(f"unknown scoring {scoring!r}; exists: {', '.join(get_args(Scoring))}")
        for ask in asks:
            self._check_pixels(ask)
        answers: dict[int, Answer] = {}
        prompts: dict[int, Prompt] = {}
        for row, ask in enumerate(asks):
            read = self._reader.read(ask, scoring)
            if isinstance(read, Prompt):
                prompts[row] = read
            else:
                answers[row] = read
        order = sorted(prompts, key=lambda row: len(prompts[row].ids))
        with at_most(self._threads):
            for start in range(0, len(order), self._batch):
                rows = order[start : start + self._batch]
                batch = self._answer_batch(self._model, [asks[row] for row in rows], [prompts[row] for row in rows])
                answers.update(zip(rows, batch, strict=True))
        return [answers[row] for row in range(len(asks))]

    def close(self) -> None:
        """Free the model; safe to call twice."""
        self._model = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _check_pixels(self, ask: Ask) -> None:
        if ask.frames is None:
            return
        side = self._rules.side
        shape = ask.frames.pixels.shape
        if not shape[0] or shape[1:] != (3, side, side):
            raise ValueError(
                f"[answer] expected pixels (n >= 1, 3, {side}, {side}), got {shape}; use this runner's prepare"
            )

    def _answer_batch(self, model: Any, asks: Sequence[Ask], prompts: Sequence[Prompt]) -> list[Answer]:
        started = time.perf_counter()
        try:
            visual = self._visual_tokens(model, asks)
            seen = time.perf_counter()
            read = prefill(model, [prompt.ids for prompt in prompts], visual, pad_id=self._reader.pad_id)
            prefilled = time.perf_counter()
            logprobs = self._logprobs(model, read, prompts)
        except RuntimeError as error:
            raise DeviceError(
                f"{self.name}: torch failed on {len(prompts)} prompts of up to {len(prompts[-1].ids)} tokens "
                f"({str(error).strip().splitlines()[0]}); take a smaller batch if memory is short"
            ) from error
        done = time.perf_counter()
        if not np.isfinite(np.concatenate([np.array(row) for row in logprobs])).all():
            raise DeviceError(f"{self.name}: log-probabilities are not finite in {self._dtype}; run it in float32")
        towers = _shares(seen - started, [0 if ask.frames is None else len(ask.frames) for ask in asks])
        prefills = _shares(prefilled - seen, [len(prompt.ids) for prompt in prompts])
        scorings = _shares(done - prefilled, [sum(prompt.option_tokens) for prompt in prompts])
        return [
            Answer(
                choice=int(np.argmax(logprobs[row])),
                option_logprobs=tuple(logprobs[row]),
                option_tokens=prompt.option_tokens,
                prompt_tokens=len(prompt.ids),
                tower_time_s=towers[row],
                prefill_time_s=prefills[row],
                answer_time_s=scorings[row],
            )
            for row, prompt in enumerate(prompts)
        ]

    def _visual_tokens(self, model: Any, asks: Sequence[Ask]) -> list[torch.Tensor]:
        """Of each ask that shows frames, in order; the same frames pass the tower once."""
        shown = [ask.frames for ask in asks if ask.frames is not None]
        different = {id(frames): frames for frames in shown}
        tokens = {
            identity: visual_tokens(model, frames.pixels, batch=self._batch) for identity, frames in different.items()
        }
        return [tokens[id(frames)] for frames in shown]

    def _logprobs(self, model: Any, read: Prefill, prompts: Sequence[Prompt]) -> list[list[float]]:
        if prompts[0].letters:
            return letter_logprobs(read, prompts)
        return option_logprobs(model, read, prompts, batch=self._batch)


def _shares(total_s: float, weights: Sequence[int]) -> list[float]:
    """A batch's time by each answer's part in it; 0 for all where none has one."""
    whole = sum(weights)
    return [total_s * weight / whole if whole else 0.0 for weight in weights]


def _seq_len(checkpoint: Checkpoint, config: Any, rules: FrameRules) -> int:
    """Visual tokens of a frame: its whole patches, `scale_factor` squared of them in one.

    Raises:
        ArtefactError: the frames' patches do not join so, or processor_config.json says another number.
    """
    patch, scale = int(config.vision_config.patch_size), int(config.scale_factor)
    patches = rules.side // patch
    if not patches or patches % scale:
        raise ArtefactError(
            f"{checkpoint.folder}: frames of {rules.side} pixels have {patches} patches of {patch} along an edge, "
            f"which the model cannot join {scale} by {scale}; the processor and config.json are not of one checkpoint"
        )
    seq_len = (patches // scale) ** 2
    path = checkpoint.folder / "processor_config.json"
    said = read_json(path).get("image_seq_len", seq_len) if path.is_file() else seq_len
    if said != seq_len:
        raise ArtefactError(f"{path}: expected image_seq_len {seq_len} for frames of {rules.side} pixels, got {said}")
    return seq_len
