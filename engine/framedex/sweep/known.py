"""What of a video's asks an earlier run has answered, and what is left to ask."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from framedex.keys import canonical_json
from framedex.mllm.base import Answer
from framedex.sweep.answer_cache import Kept
from framedex.sweep.answer_key import Asked, answer_keys
from framedex.sweep.asks import AskKey
from framedex.sweep.choose import Choice
from framedex.sweep.opened import OpenSweep
from framedex.sweep.plan import PlannedVideo

#: Seconds of answering that a run which is killed may lose.
_EVERY_S: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownAnswers:
    """Of one video.

    Attributes:
        keys: of all answers that the asks come to.
        kept: those of them that the cache holds.
        left: asks that lack an answer of some model or way of scoring.
    """

    keys: Mapping[Asked, str]
    kept: Mapping[Asked, Kept]
    left: Mapping[AskKey, Choice]

    @classmethod
    def of(cls, video: PlannedVideo, asks: Mapping[AskKey, Choice], opened: OpenSweep) -> KnownAnswers:
        """Look a video's asks up."""
        models = [runner.key for runner in opened.runners]
        keys = answer_keys(video.rows[0], asks, models, opened.plan.config.scoring)
        found = {} if opened.answer_cache is None else opened.answer_cache.read(list(dict.fromkeys(keys.values())))
        kept = {asked: found[key] for asked, key in keys.items() if key in found}
        lacking = {key for asked, key in ((asked, asked[2]) for asked in keys) if asked not in kept}
        return cls(keys=keys, kept=kept, left={key: choice for key, choice in asks.items() if key in lacking})


class Keeper:
    """Keeps a video's new answers for later runs: every other second while they come, and all of them on leaving, however.

    Args:
        known: what was kept before, and the keys.
        opened: the models and the cache.

    Attributes:
        added: answers so far.
    """

    def __init__(self, known: KnownAnswers, opened: OpenSweep) -> None:
        self._known = known
        self._cache = opened.answer_cache
        self._runners = {runner.key: runner for runner in opened.runners}
        self._made_by: dict[str, str] = {}
        self._waiting: dict[str, Kept] = {}
        self._written_at = time.monotonic()
        self.added = 0

    def add(self, answers: Mapping[Asked, Answer]) -> None:
        """Take answers that were just given."""
        self.added += len(answers)
        self._waiting.update({self._known.keys[asked]: self._kept(asked, answers[asked]) for asked in answers})
        if time.monotonic() - self._written_at >= _EVERY_S:
            self._write()

    def all(self, answers: Mapping[Asked, Answer]) -> dict[Asked, Kept]:
        """These and those that were kept before."""
        return {**self._known.kept, **{asked: self._kept(asked, answer) for asked, answer in answers.items()}}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._write()

    def _kept(self, asked: Asked, answer: Answer) -> Kept:
        mllm_key = asked[0]
        if mllm_key not in self._made_by:  # not before there is an answer: what a runner measures is known by then
            self._made_by[mllm_key] = canonical_json(self._runners[mllm_key].provenance)
        return Kept(answer=answer, made_by=self._made_by[mllm_key])

    def _write(self) -> None:
        if self._cache is not None and self._waiting:
            self._cache.write(self._waiting)
        self._waiting = {}
        self._written_at = time.monotonic()
