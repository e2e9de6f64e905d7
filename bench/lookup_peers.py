"""What bench/lookup.py is compared with: FAISS in three ways, NumPy and torch, each over the same videos and prompts.

Each is called without arguments and gives the best `top` scores and rows of every video, (V, m, top), or all scores where it is
told so. Everything that a real caller would prepare once (indexes opened, vectors widened and joined) is prepared before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import faiss
import numpy as np
import torch
from numpy.typing import NDArray

from framedex.contracts import Vectors
from framedex.score.base import View

Best = tuple[Vectors, NDArray[np.int64]]


class FaissPerVideo:
    """The store's own files, one index per video, mapped by FAISS; videos are shared by threads, or each search is.

    Ids are timestamps; they are divided by a second to give rows.
    """

    def __init__(self, paths: Sequence[Path], prompts: Vectors, top: int, *, threads: int, pooled: bool) -> None:
        self._indexes = [faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC) for path in paths]
        self._prompts, self._top = prompts, top
        self._pool = ThreadPoolExecutor(threads) if pooled else None
        self._omp_threads = 1 if pooled else threads

    def __call__(self) -> Best:
        """Search every index."""
        # The number belongs to the calling thread: each thread of a pool sets its own.
        if self._pool is None:
            faiss.omp_set_num_threads(self._omp_threads)
            found = [self._search(number) for number in range(len(self._indexes))]
        else:
            found = list(self._pool.map(self._pooled, range(len(self._indexes))))
        scores, ids = zip(*found, strict=True)
        return np.stack(scores), np.stack(ids) // 1_000_000

    def _pooled(self, number: int) -> Best:
        faiss.omp_set_num_threads(self._omp_threads)
        return self._search(number)

    def _search(self, number: int) -> Best:
        found: Best = self._indexes[number].search(self._prompts[number], self._top)
        return found


class FaissFlat:
    """A flat float32 index per video: twice the bytes, FAISS's own best form."""

    def __init__(self, frames: Vectors, prompts: Vectors, top: int, *, threads: int) -> None:
        self._indexes = []
        for video in frames:
            index = faiss.IndexFlatIP(video.shape[1])
            index.add(video)
            self._indexes.append(index)
        self._prompts, self._top, self._threads = prompts, top, threads

    def __call__(self) -> Best:
        """Search every index."""
        faiss.omp_set_num_threads(self._threads)
        found = [index.search(prompts, self._top) for index, prompts in zip(self._indexes, self._prompts, strict=True)]
        scores, ids = zip(*found, strict=True)
        return np.stack(scores), np.stack(ids)


def numpy_per_video(frames: Vectors, prompts: Vectors, top: int) -> Callable[[], Best]:
    """A float32 product per video and `argpartition`."""

    def work() -> Best:
        found = []
        for video, asked in zip(frames, prompts, strict=True):
            scores = asked @ video.T
            best = np.argpartition(scores, -top, axis=1)[:, -top:]
            best = np.take_along_axis(best, np.argsort(-np.take_along_axis(scores, best, axis=1), axis=1), axis=1)
            found.append((np.take_along_axis(scores, best, axis=1), best))
        scores, rows = zip(*found, strict=True)
        return np.stack(scores), np.stack(rows)

    return work


def torch_bmm(frames: Vectors, prompts: Vectors, threads: int) -> Callable[[], Vectors]:
    """One batched float32 product of all videos, which must be equally long: every score, no best ones."""
    stacked, asked = torch.from_numpy(frames).transpose(1, 2), torch.from_numpy(prompts)

    def work() -> Vectors:
        torch.set_num_threads(threads)
        with torch.inference_mode():
            scores: Vectors = torch.bmm(asked, stacked).numpy()
        return scores

    return work


def widened(views: Sequence[View]) -> Vectors:
    """Equally long videos as one float32 array (V, n, d)."""
    return np.stack([np.asarray(view, np.float32) for view in views])
