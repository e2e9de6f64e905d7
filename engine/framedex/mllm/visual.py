"""Frames through the vision tower, each once as long as its tokens are kept."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from itertools import groupby

import numpy as np
import torch

from framedex.contracts import Pixels
from framedex.mllm.family import Family
from framedex.mllm.token_cache import TokenCache
from framedex.mllm.token_files import TokenFiles

Pictures = Mapping[str, Pixels]

# Of the tower's time and of files', before one is believed to be shorter.
_PRICED_FRAMES = 32


class VisualTokens:
    """A family's tower and the tokens that it gave.

    Args:
        family: loaded.
        cache: of tokens, by frame key.
        files: of tokens, for other runs; None for none.

    Attributes:
        frames: that have passed the tower.
        frames_read: whose tokens came from files.
        reading_is_slow: whether files have been found slower than the tower; they are read no more then.
    """

    def __init__(self, family: Family, cache: TokenCache, files: TokenFiles | None = None) -> None:
        self._family = family
        self._cache = cache
        self._files = files
        self._unpaid_s: dict[str, float] = {}
        self._tower_s = self._files_s = 0.0
        self.frames = 0
        self.frames_read = 0
        self.reading_is_slow = False

    def of(self, pictures: Pictures, *, to_come: Iterable[tuple[str, Pixels]], at_once: int) -> dict[str, torch.Tensor]:
        """Tokens of frames.

        Args:
            pictures: by frame key, uint8 (H, W, 3) of one size.
            to_come: frames that will be asked for next; they fill up the last batch as far as their tokens can be kept.
            at_once: frames in the tower at a time, >= 1.

        Returns:
            (tokens, hidden) of each, on the CPU.
        """
        found = {key: tokens for key in pictures if (tokens := self._kept(key)) is not None}
        missing = [(key, picture) for key, picture in pictures.items() if key not in found]
        for _, of_one_size in groupby(sorted(missing, key=_size), key=_size):
            alike = list(of_one_size)
            for start in range(0, len(alike), at_once):
                part = alike[start : start + at_once]
                if len(part) < at_once:
                    part += self._fitting(
                        to_come, at_once - len(part), but={key for key, _ in alike}, size=_size(part[0])
                    )
                found.update(self._encoded(part))
        return {key: found[key] for key in pictures}

    def seconds(self, keys: Iterable[str]) -> float:
        """Time that these frames took in the tower, told to the first who asks."""
        return sum(self._unpaid_s.pop(key, 0.0) for key in keys)

    def close(self) -> None:
        """Let go of all tokens."""
        self._cache.clear()

    def _is_kept(self, key: str) -> bool:
        in_file = self._files is not None and not self.reading_is_slow and self._files.path(key).exists()
        return key in self._cache or in_file

    def _kept(self, key: str) -> torch.Tensor | None:
        """Tokens that are there already, in memory or in a file."""
        tokens = self._cache.get(key)
        if tokens is None and self._files is not None and not self.reading_is_slow:
            started = time.perf_counter()
            tokens = self._files.get(key)
            if tokens is not None:
                self._files_s += time.perf_counter() - started
                self.frames_read += 1
                self._cache.put(key, tokens)
                self._compare_prices()
        return tokens

    def _compare_prices(self) -> None:
        """Give up files once enough frames came each way and those from files took longer."""
        if min(self.frames, self.frames_read) >= _PRICED_FRAMES:
            self.reading_is_slow = self._files_s / self.frames_read > self._tower_s / self.frames

    @torch.inference_mode()
    def _encoded(self, frames: list[tuple[str, Pixels]]) -> dict[str, torch.Tensor]:
        started = time.perf_counter()
        tokens = self._family.tower(np.stack([picture for _, picture in frames])).cpu()
        seconds = (time.perf_counter() - started) / len(frames)
        self._tower_s += seconds * len(frames)
        self.frames += len(frames)
        encoded = {}
        for (key, _), each in zip(frames, tokens, strict=True):
            # A copy of its own: a view would keep the whole batch in memory.
            encoded[key] = each.clone()
            self._cache.put(key, encoded[key])
            if self._files is not None:
                self._files.put(key, encoded[key])
            self._unpaid_s[key] = seconds
        return encoded

    def _fitting(
        self, to_come: Iterable[tuple[str, Pixels]], n: int, *, but: set[str], size: tuple[int, ...]
    ) -> list[tuple[str, Pixels]]:
        """The next frames of this size that are not there yet, as many as fill half of what can be kept."""
        known = self._cache.typical_nbytes
        if not known:
            return []
        # The other half is for frames that are in use now; what is older goes first.
        n = min(n, max(0, self._cache.limit_nbytes // known // 2 - len(but)))
        fresh = (
            (key, picture)
            for key, picture in to_come
            if key not in but and picture.shape == size and not self._is_kept(key)
        )
        ahead: dict[str, Pixels] = {}
        for key, picture in fresh:
            if len(ahead) == n:
                break
            ahead[key] = picture
        return list(ahead.items())


def _size(frame: tuple[str, Pixels]) -> tuple[int, ...]:
    return frame[1].shape
