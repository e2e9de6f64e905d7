"""The setting of an answer: the model and index it belongs to, and the rule that chose its frames."""

from __future__ import annotations

import json
from dataclasses import dataclass

from framedex.errors import StoreError


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Context:
    """What stays the same within a comparison.

    Attributes:
        mllm: name of the model, without the folders it lies in; with the first 8 digits of its key where one name stands
            for several.
        scoring: "option", "letter" or "generate".
        encoder: likewise, or the digits alone where there is no run.json; "" for answers without video.
        grid: of the index; "" for answers without video.
        transform: of the scores; "" for answers without video.
    """

    mllm: str
    scoring: str
    encoder: str
    grid: str
    transform: str

    def __str__(self) -> str:
        index = f", encoder {self.encoder} at {self.grid}" if self.encoder else ""
        return f"{self.mllm}, {self.scoring} scoring{index}"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Setting:
    """One cell of a sweep: answers that differ only in question, option order, seed and window.

    Attributes:
        arm: "select", "window", "drop" or "no-video".
        sampler: registered name; "" for windows and no video.
        params: canonical JSON of the parameters of the sampler, window or drop rule.
        budget: frames asked for; 0 for no video.
        variant: prompt variant that the frames were chosen by; "" where no score was used.
    """

    context: Context
    arm: str
    sampler: str
    params: str
    budget: int
    variant: str

    @property
    def label(self) -> str:
        """The rule as the command line writes it: `window-top:length=8,stride=4`; parameters left open are not shown."""
        name = self.sampler or self.arm
        given = [f"{key}={value}" for key, value in self._parameters().items() if value is not None]
        return f"{name}:{','.join(given)}" if given else name

    def whole_number(self, name: str) -> int:
        """A parameter that must be a whole number.

        Raises:
            StoreError: it is absent or something else.
        """
        value = self._parameters().get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        raise self._lacks(name, "a whole number")

    def number(self, name: str) -> float:
        """A parameter that must be a number.

        Raises:
            StoreError: it is absent or something else.
        """
        value = self._parameters().get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        raise self._lacks(name, "a number")

    def word(self, name: str) -> str:
        """A parameter that must be text.

        Raises:
            StoreError: it is absent or something else.
        """
        value = self._parameters().get(name)
        if isinstance(value, str):
            return value
        raise self._lacks(name, "text")

    def _lacks(self, name: str, expected: str) -> StoreError:
        return StoreError(f"records of the arm {self.arm!r}: expected {name} ({expected}) in params, got {self.params}")

    def _parameters(self) -> dict[str, object]:
        try:
            parameters = json.loads(self.params or "{}")
        except json.JSONDecodeError as error:
            raise StoreError(f"records of the arm {self.arm!r}: params is no JSON: {self.params!r}") from error
        if not isinstance(parameters, dict):
            raise StoreError(f"records of the arm {self.arm!r}: expected an object in params, got {self.params}")
        return parameters
