"""Visual tokens of frames, or what else there is of them, kept in memory up to a number of bytes; used longest ago goes first."""

from __future__ import annotations

from collections import OrderedDict

import torch


class TokenCache:
    """Frame key → (tokens, hidden) on the CPU, or another tensor.

    Args:
        limit_nbytes: of all together; 0 keeps nothing.
    """

    def __init__(self, limit_nbytes: int) -> None:
        self._limit_nbytes = limit_nbytes
        self._nbytes = 0
        self._kept: OrderedDict[str, torch.Tensor] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def __contains__(self, key: str) -> bool:
        return key in self._kept

    @property
    def nbytes(self) -> int:
        """What is kept."""
        return self._nbytes

    @property
    def limit_nbytes(self) -> int:
        """What may be kept."""
        return self._limit_nbytes

    @property
    def typical_nbytes(self) -> int:
        """Of one frame's tokens, on average; 0 where none is kept."""
        return self._nbytes // len(self._kept) if self._kept else 0

    def get(self, key: str) -> torch.Tensor | None:
        """The tokens of a frame, which counts as a use; None where they are not kept."""
        tokens = self._kept.get(key)
        if tokens is not None:
            self._kept.move_to_end(key)
        return tokens

    def put(self, key: str, tokens: torch.Tensor) -> None:
        """Keep a frame's tokens; tokens that alone pass the limit are not kept."""
        if tokens.nbytes > self._limit_nbytes:
            return
        before = self._kept.pop(key, None)
        self._nbytes += tokens.nbytes - (0 if before is None else before.nbytes)
        self._kept[key] = tokens
        while self._nbytes > self._limit_nbytes:
            self._nbytes -= self._kept.popitem(last=False)[1].nbytes

    def clear(self) -> None:
        """Let go of everything."""
        self._kept.clear()
        self._nbytes = 0
