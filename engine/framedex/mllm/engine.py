"""The engine: any family's checkpoint as transformers runs it, with everything that asks share worked out once.

Each distinct frame passes the tower once. What comes before the question is read once per distinct set of frames. All questions
about a set, in all orders of their options and all ways of scoring, are then read as branches of one tree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Self, TypeVar, get_args

import numpy as np
import tokenizers
import torch
import transformers
from numpy.typing import NDArray

from framedex.contracts import FrameBatch
from framedex.errors import DeviceError, UsageError
from framedex.keys import json_key
from framedex.mllm.answering import answers_of, logits_of
from framedex.mllm.base import Answer, Answered, Ask, PreparedFrames, Scoring
from framedex.mllm.checkpoint import Checkpoint
from framedex.mllm.device import Place
from framedex.mllm.family import Family
from framedex.mllm.frame_sets import FrameSet, by_frames
from framedex.mllm.greedy import FILE, GreedyRules, read_generation
from framedex.mllm.language import LanguageModel
from framedex.mllm.load import ATTENTION, load_model
from framedex.mllm.measured import Costs
from framedex.mllm.options import RunnerOptions
from framedex.mllm.pace import Pace
from framedex.mllm.parse import PARSER_VERSION, chosen_option
from framedex.mllm.prompt import SCORING_VERSION
from framedex.mllm.reading import Reading, first_batch
from framedex.mllm.token_cache import TokenCache
from framedex.mllm.token_files import TokenFiles
from framedex.mllm.tokens import WRITTEN_TOKENS, PromptReader
from framedex.mllm.visual import VisualTokens
from framedex.mllm.work import Work
from framedex.torch_device import at_most

T = TypeVar("T")


class TransformersRunner:
    """A checkpoint of some family.

    torch's thread count is a setting of the process: it is set for the time of each `answer` and put back after.

    Args:
        checkpoint: opened, of the family's kind.
        family: its class.
        threads: of torch, >= 1.
        options: device, dtype, limits, and where visual tokens are kept.

    Raises:
        UsageError: threads below 1, or an unknown device or dtype.
        ArtefactError: the checkpoint is of another class, or its files do not fit each other.
        StorageError: a file cannot be read.
        DeviceError: the device is not there.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        family: type[Family],
        *,
        threads: int,
        options: RunnerOptions,
    ) -> None:
        if threads < 1:
            raise UsageError(f"MLLM: expected threads of 1 or more, got {threads}")
        place = Place.choose(options)
        generation = read_generation(checkpoint.folder)
        loaded = load_model(
            checkpoint,
            model_type=family.model_type,
            architecture=family.architecture,
            dtype=place.dtype,
            device=place.device,
        )
        opened = family(checkpoint, loaded)
        text = loaded.model.config.get_text_config()
        greedy = GreedyRules.of(
            loaded.model.generation_config if generation is None else generation,
            subject=checkpoint.folder / ("config.json" if generation is None else FILE),
        )
        self._tokenizer = PromptReader(
            checkpoint.tokenizer,
            family.template,
            context=int(text.max_position_embeddings),
            placeholder_id=opened.placeholder_id,
            vocabulary=int(text.vocab_size),
            unwritable=greedy.refusal,
        )
        language = LanguageModel(
            opened.language_model,
            loaded.model.lm_head,
            placeholder_id=opened.placeholder_id,
            pad_id=self._tokenizer.turn_end_id,
        )
        self._greedy = replace(greedy, stops=greedy.stops | {self._tokenizer.turn_end_id})
        self._place = place
        self._work_before_close = Work()
        self._origin = checkpoint.origin
        self._threads = threads
        context = int(text.max_position_embeddings)
        self._pace = Pace(place, name=checkpoint.origin, measure=lambda: self._costs(opened, language, context))
        self._unused_weights = loaded.unused_weights
        self._template = family.template.version
        self._key = json_key(
            {
                "files": checkpoint.digest(),
                "processor": [family.rules_version, dict(opened.rules)],
                "template": self._template,
                "dtype": place.dtype,
                "attention": ATTENTION,
                "transformers": transformers.__version__,
                "tokenizers": tokenizers.__version__,
                "scoring": SCORING_VERSION,
                "writing": [self._greedy.as_json(), WRITTEN_TOKENS, PARSER_VERSION],
            }
        )
        self._files = None if options.token_folder is None else TokenFiles(options.token_folder, self._key)
        visual = VisualTokens(opened, TokenCache(place.limits.cache_nbytes), self._files)
        self._family: Family | None = opened
        self._reading: Reading | None = Reading(opened, language, visual)

    @property
    def name(self) -> str:
        """A bundled name, or the checkpoint's absolute path."""
        return self._origin

    @property
    def key(self) -> str:
        """MLLM key: 32 hex digits over files, frame rules, template, dtype, attention, libraries, scoring and writing."""
        return self._key

    @property
    def provenance(self) -> dict[str, str]:
        """How it is run; what is part of the key and what is not. Limits are there once something was asked, or where told."""
        return {
            "runtime": "transformers",
            "runtime_version": transformers.__version__,
            "torch_version": torch.__version__,
            "device": self._place.label,
            "dtype": self._place.dtype,
            "attention": ATTENTION,
            "template": self._template,
            "threads": str(self._threads),
            **self._pace.provenance,
            "unused_weights": str(self._unused_weights),
        }

    @property
    def work(self) -> Work:
        """What all calls so far have cost."""
        return self._work_before_close if self._reading is None else self._reading.work

    @property
    def trouble(self) -> str:
        """That memory is or was short or files of visual tokens damaged, and what reading those takes; "" for nothing of it."""
        told = [self._pace.trouble] if self._pace.trouble else []
        if self._files is not None and self._files.damaged:
            told.append(f"{self._files.damaged} files of visual tokens were damaged, and made again")
        if self._reading is not None and self._reading.token_prices:
            told.append(self._reading.token_prices)
        return f"{self.name}: {'; '.join(told)}" if told else ""

    def prepare(self, batch: FrameBatch, *, origin_us: int, last_us: int, source: str = "") -> PreparedFrames:
        """Resize n >= 1 frames as the checkpoint's own processor does.

        Args:
            batch: uint8 (n, H, W, 3).
            origin_us: the video's first timestamp, from which the prompt's times count.
            last_us: its last, >= origin_us.
            source: key of the video and its decoder, by which frames of another call are known again; "" for none.

        Raises:
            ValueError: no frame, or frames outside origin_us to last_us.
        """
        family, _ = self._opened()
        return PreparedFrames.of(batch, family.resized, origin_us=origin_us, last_us=last_us, source=source)

    def answer(self, asks: Sequence[Ask], *, answered: Answered | None = None) -> list[Answer]:
        """Answer in the order of the asks, and the same as one by one within 1e-4 of the largest logit.

        Sets of frames are worked on in the order in which they come up. Where memory is short, half as much is worked on at a
        time from then on.

        Args:
            asks: any number, about any frames; those of one video best in one call.
            answered: called with answers as they are found.

        Raises:
            ValueError: the runner is closed, or frames are not of this model's size.
            UsageError: unknown scoring.
            DeviceError: torch failed, or gave log-probabilities that are not finite.
        """
        for ask in asks:
            if ask.scoring not in get_args(Scoring):
                raise UsageError(f"unknown scoring {ask.scoring!r}; exists: {', '.join(get_args(Scoring))}")
        family, reading = self._opened()
        sets, answers = by_frames(asks, family, self._tokenizer)
        if answers and answered is not None:
            answered(dict(answers))
        with at_most(self._threads):
            for part in self._in_batches(sets, lambda batch, to_come: self._answers(reading, batch, to_come)):
                parsed = {row: self._parsed(answer, asks[row]) for row, answer in part.items()}
                answers.update(parsed)
                if answered is not None:
                    answered(parsed)
        return [answers[row] for row in range(len(asks))]

    def next_logits(self, asks: Sequence[Ask]) -> NDArray[np.float32]:
        """Logits of the token after each prompt, worked out as `answer` does: for comparing with the plain model.

        Returns:
            float32 (n, vocabulary).

        Raises:
            ValueError: as `answer`, or an ask cannot be put to the model.
            DeviceError: torch failed.
        """
        family, reading = self._opened()
        if any(ask.scoring == "generate" for ask in asks):
            raise ValueError("[next_logits] expected asks that are scored, got one whose answer is written")
        sets, refused = by_frames(asks, family, self._tokenizer)
        if refused:
            raise ValueError(f"[next_logits] {next(iter(refused.values())).status_detail}")
        logits: dict[int, NDArray[np.float32]] = {}
        with at_most(self._threads):
            for part in self._in_batches(
                sets, lambda batch, to_come: logits_of(reading, batch, to_come, limits=self._pace.now)
            ):
                logits.update(part)
        return np.stack([logits[row] for row in range(len(asks))])

    def close(self) -> None:
        """Free the model; safe to call twice."""
        if self._reading is not None:
            self._work_before_close = self._reading.work
            self._reading.close()
            self._pace.close()
        self._family = self._reading = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _opened(self) -> tuple[Family, Reading]:
        if self._family is None or self._reading is None:
            raise ValueError(f"[runner] {self.name!r} is closed")
        return self._family, self._reading

    def _in_batches(
        self, sets: Sequence[FrameSet], read: Callable[[Sequence[FrameSet], Sequence[FrameSet]], T]
    ) -> Iterator[T]:
        """Give `read` as many sets as fit at a time, with all that are to come; again with fewer where memory was short."""
        at = 0
        while at < len(sets):
            batch = first_batch(sets[at:], tokens=self._pace.now.tokens)
            result = None
            try:
                result = read(batch, sets[at + len(batch) :])
            except (RuntimeError, MemoryError) as error:
                self._pace.take_less(error)
            if result is not None:
                at += len(batch)
                yield result
            else:
                self._pace.tidy()

    def _costs(self, family: Family, language: LanguageModel, context: int) -> Costs:
        with at_most(self._threads):
            return Costs.of(family, language, context=context, device=self._place.device)

    def _answers(self, reading: Reading, batch: Sequence[FrameSet], to_come: Sequence[FrameSet]) -> dict[int, Answer]:
        answers = answers_of(reading, batch, to_come, limits=self._pace.now, greedy=self._greedy)
        if not np.isfinite([each for answer, _ in answers.values() for each in answer.option_logprobs]).all():
            raise DeviceError(
                f"{self.name}: log-probabilities are not finite in {self._place.dtype}; run it in float32"
            )
        return {
            row: answer if ids is None else replace(answer, written=self._tokenizer.text(ids))
            for row, (answer, ids) in answers.items()
        }

    def _parsed(self, answer: Answer, ask: Ask) -> Answer:
        if ask.scoring != "generate":
            return answer
        choice = chosen_option(answer.written, ask.options)
        if choice is not None:
            return replace(answer, choice=choice)
        detail = f"what the model wrote names no option: {answer.written!r}"
        return replace(answer, choice=None, status="unparsable", status_detail=detail)
