"""Frames through the vision tower, each once as long as its tokens are kept."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

import numpy as np
import torch

from framedex.contracts import Pixels
from framedex.mllm.family import Family
from framedex.mllm.token_cache import TokenCache
from framedex.mllm.token_files import TokenFiles
from framedex.mllm.token_prices import TokenPrices

Pictures = Mapping[str, Pixels]

# Files that are read to know what reading takes.
_SAMPLE = 8


class VisualTokens:
    """A family's tower and the tokens that it gave.

    Where there are files, reading a few of them and the tower are timed as soon as there is something to time: on the first
    frames that have files, of which one passes the tower twice and now and then a batch once, or else on the first that are
    written. Whichever takes less is used from then on, and what is timed later counts as well.

    Args:
        family: loaded.
        cache: of tokens, by frame key.
        files: of tokens, for other runs; None for none. Written and read while that is not slower than the tower.

    Attributes:
        frames: that have passed the tower, those that were timed alone among them.
        frames_read: whose tokens came from files.
        prices: of the tower and of reading files, as far as they are known.
    """

    def __init__(self, family: Family, cache: TokenCache, files: TokenFiles | None = None) -> None:
        self._family = family
        self._cache = cache
        self._files = files
        self._unpaid_s: dict[str, float] = {}
        self._is_warm = False
        self.frames = 0
        self.frames_read = 0
        self.prices = TokenPrices()

    def of(self, pictures: Pictures, *, to_come: Iterable[tuple[str, Pixels]], at_once: int) -> dict[str, torch.Tensor]:
        """Tokens of frames.

        Args:
            pictures: by frame key, uint8 (H, W, 3) of one size.
            to_come: frames that will be asked for next; they fill up the last batch as far as their tokens can be kept.
            at_once: frames in the tower at a time, >= 1.

        Returns:
            (tokens, hidden) of each, on the CPU.
        """
        found = self._priced(pictures, at_once)
        found |= {key: tokens for key in pictures if key not in found and (tokens := self._kept(key)) is not None}
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

    @property
    def _open_files(self) -> TokenFiles | None:
        """The files, unless the tower is quicker."""
        return None if self.prices.reading_is_slow else self._files

    def _is_kept(self, key: str) -> bool:
        files = self._open_files
        return key in self._cache or (files is not None and files.path(key).exists())

    def _kept(self, key: str) -> torch.Tensor | None:
        """Tokens that are there already, in memory or in a file."""
        tokens, files = self._cache.get(key), self._open_files
        if tokens is None and files is not None:
            started = time.perf_counter()
            tokens = files.get(key)
            if tokens is not None:
                self.prices.reading.add(time.perf_counter() - started)
                self.frames_read += 1
                self._cache.put(key, tokens)
        return tokens

    def _priced(self, pictures: Pictures, at_once: int) -> dict[str, torch.Tensor]:
        """Tokens of the first frames that have files: what reading and the tower take is known from then on."""
        if self._files is None or self.prices.known:
            return {}
        held = [key for key in pictures if key not in self._cache and self._files.path(key).exists()]
        read = self._read_from_disk(self._files, held[:_SAMPLE])
        if read and not self.prices.tower.frames:
            size = pictures[next(iter(read))].shape
            self._price_tower([picture for picture in pictures.values() if picture.shape == size][:at_once])
        for key, tokens in read.items():
            self.frames_read += 1
            self._cache.put(key, tokens)
        return read

    def _read_from_disk(self, files: TokenFiles, keys: Sequence[str]) -> dict[str, torch.Tensor]:
        """Read files past the system's cache, as far as it lets us, and time that; the first of several is to warm up."""
        read: dict[str, torch.Tensor] = {}
        for number, key in enumerate(keys):
            files.evict(key)
            started = time.perf_counter()
            tokens = files.get(key)
            if tokens is not None:
                read[key] = tokens
                if number or len(keys) == 1:
                    self.prices.reading.add(time.perf_counter() - started)
        return read

    def _price_tower(self, alike: Sequence[Pixels]) -> None:
        """Time the tower on frames that need not pass it; no more of them than it takes to tell whether reading is quicker."""
        if not self._is_warm:
            self._passed(alike[:1])
        n, each_s = 1, self._passed(alike[:1])[1]
        # A batch of n takes longer than one frame alone, and less than n alone.
        if each_s / len(alike) < self.prices.reading.each_s < each_s:
            n, each_s = len(alike), self._passed(alike)[1]
        self.prices.tower.add(each_s * n, frames=n)

    @torch.inference_mode()
    def _passed(self, pictures: Sequence[Pixels]) -> tuple[torch.Tensor, float]:
        """Frames of one size through the tower: their tokens, on the CPU, and seconds a frame."""
        started = time.perf_counter()
        tokens = self._family.tower(np.stack(pictures)).cpu()
        seconds = time.perf_counter() - started
        self.frames += len(pictures)
        self._is_warm = True
        return tokens, seconds / len(pictures)

    def _encoded(self, frames: Sequence[tuple[str, Pixels]]) -> dict[str, torch.Tensor]:
        was_warm = self._is_warm
        tokens, seconds = self._passed([picture for _, picture in frames])
        if was_warm:
            self.prices.tower.add(seconds * len(frames), frames=len(frames))
        # A copy of its own: a view would keep the whole batch in memory.
        encoded = {key: each.clone() for (key, _), each in zip(frames, tokens, strict=True)}
        for key, each in encoded.items():
            self._cache.put(key, each)
            self._unpaid_s[key] = seconds
        self._write(encoded)
        return encoded

    def _write(self, encoded: Mapping[str, torch.Tensor]) -> None:
        files = self._open_files
        if files is None:
            return
        for key, tokens in encoded.items():
            files.put(key, tokens)
        if self.prices.tower.frames and not self.prices.reading.frames:
            self._read_from_disk(files, list(encoded)[:_SAMPLE])

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
