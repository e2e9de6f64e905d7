"""What of a video's asks an earlier run has answered, and what is left to ask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from framedex.keys import canonical_json
from framedex.mllm.base import Answer
from framedex.sweep.answer_cache import Kept
from framedex.sweep.answer_key import Asked, answer_keys
from framedex.sweep.asks import AskKey
from framedex.sweep.choose import Choice
from framedex.sweep.opened import OpenSweep
from framedex.sweep.plan import PlannedVideo


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

    def with_new(self, answers: Mapping[Asked, Answer], opened: OpenSweep) -> dict[Asked, Kept]:
        """All answers, those that were just given kept for later runs."""
        made_by = {runner.key: canonical_json(runner.provenance) for runner in opened.runners}
        new = {asked: Kept(answer=answer, made_by=made_by[asked[0]]) for asked, answer in answers.items()}
        if opened.answer_cache is not None:
            opened.answer_cache.write({self.keys[asked]: kept for asked, kept in new.items()})
        return {**self.kept, **new}
