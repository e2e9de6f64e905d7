"""How much memory a step of torch's takes at its worst: counted, not sampled, so the same step always gives the same number."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol, TypeVar

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

T = TypeVar("T")


class PeakMemory(Protocol):
    """Counts bytes that a step works with, a model's weights left out."""

    def of(self, step: Callable[[], T]) -> tuple[T, int]:
        """What a step gives, and the most bytes that were there at a time: what it reads, what it makes."""
        ...


def peak_memory(device: torch.device) -> PeakMemory:
    """The counter of a device. On a GPU what is there by now counts as nothing."""
    return _OfCuda(device) if device.type == "cuda" else _OfCpu()


class _OfCuda:
    """The allocator's own figure. A first turn makes what is made once and stays, such as work space of the libraries."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._before = torch.cuda.memory_allocated(device)

    def of(self, step: Callable[[], T]) -> tuple[T, int]:
        there = torch.cuda.memory_allocated(self._device)
        step()
        self._before += torch.cuda.memory_allocated(self._device) - there
        torch.cuda.reset_peak_memory_stats(self._device)
        made = step()
        return made, torch.cuda.max_memory_allocated(self._device) - self._before


class _OfCpu:
    """Storages that operators read or make, from then on until they are gone.

    What a kernel takes for itself and gives back is not seen; those of this project's models take a few hundred KiB.
    """

    def of(self, step: Callable[[], T]) -> tuple[T, int]:
        with _Storages() as storages:
            made = step()
        return made, storages.most_nbytes


class _Storages(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch's own lacks types
    """Counts the bytes of storages while it is entered; each once, whatever looks into it."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._nbytes: dict[int, int] = {}  # by address
        self._weights: set[int] = set()
        self._there = 0
        self.most_nbytes = 0

    def __torch_dispatch__(
        self,
        func: Any,
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        named = dict(kwargs or {})
        self._take((args, named))
        with self:  # an operator that is made of others is looked into
            made = func.decompose(*args, **named)
        if made is NotImplemented:
            made = func(*args, **named)
        self._take(made)
        return made

    def _take(self, values: Any) -> None:
        for value in tree_leaves(values):
            if not isinstance(value, torch.Tensor):
                continue
            storage = value.untyped_storage()
            address = storage.data_ptr()
            if isinstance(value, torch.nn.Parameter):
                self._weights.add(address)
            elif storage.nbytes() and address not in self._weights and address not in self._nbytes:
                self._nbytes[address] = storage.nbytes()
                self._there += storage.nbytes()
                self.most_nbytes = max(self.most_nbytes, self._there)
                weakref.finalize(storage, self._leave, address).atexit = False

    def _leave(self, address: int) -> None:
        self._there -= self._nbytes.pop(address)
