"""Several prompts that choose frames together: their curves become one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from framedex.errors import UsageError
from framedex.scores.transform import Combination


@dataclass(frozen=True, slots=True, kw_only=True)
class CombinedPrompt:
    """Texts in place of one, and how their curves are combined.

    Attributes:
        texts: two or more, not empty.
        combination: with a weight for each text, or without weights.

    Raises:
        UsageError: fewer than two texts, or not as many weights as texts.
    """

    texts: tuple[str, ...]
    combination: Combination = field(default_factory=Combination)

    def __post_init__(self) -> None:
        if len(self.texts) < 2:
            raise UsageError(f"prompts: expected two texts or more to combine, got {len(self.texts)}")
        self.combination.check(len(self.texts))

    def content(self) -> Mapping[str, Any]:
        """As a manifest has it, for keys."""
        weights = self.combination.weights
        return {
            "prompts": list(self.texts),
            "combine": self.combination.how,
            "weights": None if weights is None else list(weights),
        }


#: What frames are chosen by: one text, or several.
PromptTexts = str | CombinedPrompt


def texts_of(prompt: PromptTexts) -> tuple[str, ...]:
    """The texts, one or more."""
    return (prompt,) if isinstance(prompt, str) else prompt.texts


def combination_of(prompt: PromptTexts) -> Combination:
    """How the texts' curves become one; a single text's is left as it is."""
    return Combination() if isinstance(prompt, str) else prompt.combination
