"""How much a runner works on at a time: as it was told, or as memory lets; halved where that was too much all the same."""

from __future__ import annotations

from collections.abc import Callable

import torch

from framedex.errors import DeviceError, first_line
from framedex.mllm.device import Place, is_out_of_memory
from framedex.mllm.free_memory import free_nbytes
from framedex.mllm.measured import Costs, Measured
from framedex.mllm.options import Limits


class Pace:
    """Limits that are measured when they are first needed, and go down.

    Args:
        place: where the model is, and what was told of limits.
        name: of the runner, for messages.
        measure: what the model takes of memory; called once at most, and let go of by `close`.
    """

    def __init__(self, place: Place, *, name: str, measure: Callable[[], Costs]) -> None:
        self._place = place
        self._name = name
        self._measure: Callable[[], Costs] | None = measure
        self._measured: Measured | None = None
        self._began = place.limits if place.told else None
        self._now: Limits | None = None

    @property
    def began(self) -> Limits:
        """To begin with.

        Raises:
            ValueError: they are to be measured, and the model is let go of.
            DeviceError: torch failed for another reason than memory.
        """
        if self._began is None:
            self._began = self._fitting()
        return self._began

    @property
    def now(self) -> Limits:
        """By now; raises as `began`."""
        return self._now or self.began

    @property
    def provenance(self) -> dict[str, str]:
        """The limits to begin with and what they came from; nothing until they are known."""
        if self._began is None:
            return {}
        by = "told" if self._place.told else "usual" if self._measured is None else "by memory"
        return {"frames_at_once": str(self._began.frames), "tokens_at_once": str(self._began.tokens), "limits": by}

    @property
    def trouble(self) -> str:
        """That memory is or was short; "" where it was not, as far as is known."""
        told = [] if self._measured is None else [self._measured.trouble]
        if self._now is not None:
            told.append(
                f"memory was short; went on with {self._now.frames} frames and {self._now.tokens} tokens at a time "
                f"instead of {self.began.frames} and {self.began.tokens}"
            )
        return "; ".join(filter(None, told))

    def take_less(self, error: RuntimeError | MemoryError) -> None:
        """Halve the limits after an error of torch's or NumPy's.

        Raises:
            DeviceError: the error is not about memory, or nothing is left to halve.
        """
        halved = self.now.halved() if is_out_of_memory(error) else None
        if halved is None:
            raise self._failed(error, self.now) from error
        self._now = halved

    def tidy(self) -> None:
        """Give back what a failed attempt held on a GPU, in pieces of its sizes; once its error is gone."""
        if self._place.device.type == "cuda":
            torch.cuda.empty_cache()

    def close(self) -> None:
        """Let go of the model."""
        self._measure = None

    def _fitting(self) -> Limits:
        most = self._place.limits
        free = free_nbytes(self._place.device)
        if free is None:
            return most
        if self._measure is None:
            raise ValueError(f"[runner] {self._name!r} is closed")
        costs = None
        try:
            costs = self._measure()
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise self._failed(error, Limits(frames=1, tokens=1)) from error
        self.tidy()
        self._measured = Measured.fitting(costs, most=most, free_nbytes=free, device=self._place.device)
        return self._measured.limits

    def _failed(self, error: RuntimeError | MemoryError, limits: Limits) -> DeviceError:
        return DeviceError(
            f"{self._name}: torch failed on {self._place.label} with {limits.frames} frames and {limits.tokens} "
            f"tokens at a time ({first_line(error)}); where memory is short, show fewer frames or take a smaller model"
        )
