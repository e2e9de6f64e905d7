"""One video's vectors: a read-only memory map of its `.faiss` file, searched by FAISS and scored by our own kernel."""

from __future__ import annotations

import hashlib
import mmap
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from framedex.contracts import Pts, Vectors
from framedex.errors import StoreError, UsageError
from framedex.index.faiss_file import load_faiss, parse_header
from framedex.index.row import Row
from framedex.index.whole_file import storage_error

#: Largest deviation of a stored vector's length from 1; rounding to halves moves it by less than 0.0005.
UNIT_TOLERANCE = 2e-3

# FAISS multiplies 20 queries or more through BLAS, whose sums depend on the batch: fewer keep a score free of its neighbours.
_QUERIES_PER_CALL = 16
_ROWS_PER_CHECK = 4096


class VideoIndex:
    """The index of one (video, encoder, grid), opened; size and header are checked, `verify` checks the rest.

    Arrays that were taken from it stay valid after `close`.

    Args:
        path: the `.faiss` file.
        row: its row.
        threads: most threads that `search` and `scores` use.

    Raises:
        StoreError: the file is missing, or differs from its row or from docs/format.md.
        StorageError: the file cannot be read.
    """

    def __init__(self, path: Path, row: Row, *, threads: int = 1) -> None:
        if threads < 1:
            raise UsageError(f"threads: expected 1 or more, got {threads}")
        self.path = path
        self.row = row
        self._threads = threads
        self._bytes: NDArray[np.uint8] | None = _map(path, row)
        layout = parse_header(str(path), self._bytes.data)
        if layout != row.layout:
            raise StoreError(f"{path}: its row says {row.layout}, the file holds {layout}; run: framedex verify")
        shape = (layout.count, layout.dim)
        dtype = np.dtype("<f2" if layout.dtype == "f16" else "<f4")
        codes = self._bytes[layout.codes_offset : layout.ids_offset - 8]
        self._vectors: NDArray[Any] = codes.view(dtype).reshape(shape)
        self._pts_us: Pts = self._bytes[layout.ids_offset :].view("<i8").astype(np.int64)  # a copy, aligned
        self._pts_us.setflags(write=False)
        self._faiss_index: Any = None

    def __len__(self) -> int:
        """Number of frames."""
        return self.row.count

    @property
    def pts_us(self) -> Pts:
        """Timestamps of the frames: int64 (n,), microseconds, strictly increasing, read-only."""
        return self._pts_us

    @property
    def times_s(self) -> NDArray[np.float64]:
        """Seconds from the video's first frame: float64 (n,)."""
        return (self._pts_us - self.row.time_origin_us) / 1e6

    @property
    def vectors(self) -> NDArray[np.float16] | NDArray[np.float32]:
        """Unit vectors (n, d), float16 or float32 as stored: a read-only view of the file, nothing is copied.

        Raises:
            UsageError: the index is closed.
        """
        self._open_bytes()
        return self._vectors

    def scores(self, Q: ArrayLike) -> Vectors:
        """Inner products of prompts with every frame; cosines where the prompts are unit vectors.

        Args:
            Q: (m, d) or (d,), converted to float32.

        Returns:
            float32 (m, n), frames in order of time.

        Raises:
            UsageError: another dimension, NaN or infinity in Q, or the index is closed.
        """
        from framedex import _native

        queries = self._queries(Q)
        flat, *_ = _native.look_up([queries], [self._vectors], threads=self._threads)
        assert flat is not None
        scores: Vectors = flat.reshape(len(queries), len(self))
        self._check_finite(scores)
        return scores

    def search(self, Q: ArrayLike, k: int) -> tuple[Vectors, Pts]:
        """The k best frames for each prompt, by FAISS; best first, of equal scores the earlier frame first.

        Args:
            Q: (m, d) or (d,), converted to float32.
            k: frames wanted, >= 1; cut to the number of frames.

        Returns:
            scores float32 (m, min(k, n)) and timestamps int64 (m, min(k, n)).

        Raises:
            UsageError: k below 1, another dimension, NaN or infinity in Q, or the index is closed.
            MissingDependency: FAISS is not installed.
        """
        if k < 1:
            raise UsageError(f"k: expected 1 frame or more, got {k}")
        queries = self._queries(Q)
        kept = min(k, len(self))
        # One more than asked: where it scores like the last one kept, FAISS may have kept the later frame of the two.
        scores, ids = self._nearest(queries, min(kept + 1, len(self)))
        top_scores, top_ids = scores[:, :kept].copy(), ids[:, :kept].copy()
        for i in np.flatnonzero(scores[:, kept - 1] == scores[:, -1]) if kept < len(self) else ():
            every_score, every_id = _sorted(*self._nearest(queries[i : i + 1], len(self)))
            top_scores[i], top_ids[i] = every_score[0, :kept], every_id[0, :kept]
        # FAISS gives id -1 where a score is not a number.
        self._check_finite(np.where(top_ids < self.row.first_pts_us, np.nan, top_scores))
        return _sorted(top_scores, top_ids)

    def _check_finite(self, scores: Vectors) -> None:
        if not np.isfinite(scores).all():
            raise StoreError(
                f"{self.path}: holds vectors that are no numbers; delete its row and index the video again"
            )

    def verify(self) -> None:
        """Prove the whole file: checksum, timestamps and vectors.

        Raises:
            StoreError: the first thing that does not hold.
        """
        checksum = hashlib.sha256(self._open_bytes().data).hexdigest()
        if checksum != self.row.checksum:
            raise StoreError(f"{self.path}: its row says checksum {self.row.checksum}, the file has {checksum}")
        if not bool((self._pts_us[1:] > self._pts_us[:-1]).all()):
            raise StoreError(f"{self.path}: the ids (pts_us) do not increase strictly")
        first, last = int(self._pts_us[0]), int(self._pts_us[-1])
        if first < self.row.first_pts_us or last > self.row.last_pts_us:
            raise StoreError(
                f"{self.path}: frames from {first} to {last} µs, but the row says that the video runs "
                f"from {self.row.first_pts_us} to {self.row.last_pts_us}"
            )
        for start in range(0, len(self), _ROWS_PER_CHECK):
            vectors = self._vectors[start : start + _ROWS_PER_CHECK].astype(np.float64)
            wrong = ~(np.abs(np.sqrt((vectors * vectors).sum(axis=1)) - 1.0) <= UNIT_TOLERANCE)
            if wrong.any():
                raise StoreError(
                    f"{self.path}: the vector of frame row {start + int(wrong.argmax())} is not finite and of length 1"
                )

    def close(self) -> None:
        """Let go of the map; safe to call twice. Arrays taken before keep it alive."""
        self._faiss_index = None
        self._bytes = None
        self._vectors = np.empty((0, self.row.dim), self._vectors.dtype)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        row = self.row
        return f"VideoIndex({row.source.path!r}, {row.count} frames, {row.grid}, d={row.dim} {row.dtype})"

    def _open_bytes(self) -> NDArray[np.uint8]:
        if self._bytes is None:
            raise UsageError(f"{self.path}: the index is closed; open it again from its store")
        return self._bytes

    def _queries(self, Q: ArrayLike) -> Vectors:
        self._open_bytes()
        queries = np.require(np.atleast_2d(np.asarray(Q)), np.float32, ["C", "A"])
        if queries.ndim != 2 or queries.shape[1] != self.row.dim:
            raise UsageError(
                f"Q: expected prompts (m, {self.row.dim}) or ({self.row.dim},) for {self.path.name}, got shape {np.shape(Q)}; "
                "embed them with the encoder of the store"
            )
        if not np.isfinite(queries).all():
            raise UsageError("Q: expected finite prompts, got NaN or infinity")
        return queries

    def _nearest(self, queries: Vectors, k: int) -> tuple[Vectors, Pts]:
        faiss = load_faiss()
        if self._faiss_index is None:
            self._faiss_index = self._as_faiss(faiss)
        scores = np.empty((len(queries), k), np.float32)
        ids = np.empty((len(queries), k), np.int64)
        threads = faiss.omp_get_max_threads()
        faiss.omp_set_num_threads(self._threads)
        try:
            for start in range(0, len(queries), _QUERIES_PER_CALL):
                part = slice(start, start + _QUERIES_PER_CALL)
                scores[part], ids[part] = self._faiss_index.search(queries[part], k)
        finally:
            faiss.omp_set_num_threads(threads)
        return scores, ids

    def _as_faiss(self, faiss: Any) -> Any:
        """FAISS over the bytes that were checked, not over a file that may have been replaced since."""
        data = self._open_bytes()
        if (
            self.row.dtype == "f32"
        ):  # its numbers lie unaligned in the file, which FAISS does not promise to read in place
            return faiss.deserialize_index(data)
        return faiss.read_index(faiss.ZeroCopyIOReader(faiss.swig_ptr(data), data.size))


def _map(path: Path, row: Row) -> NDArray[np.uint8]:
    try:
        with path.open("rb") as file:
            nbytes = file.seek(0, 2)
            if nbytes != row.nbytes:
                raise StoreError(
                    f"{path}: its row says {row.nbytes} bytes, the file has {nbytes}; run: framedex verify"
                )
            return np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), np.uint8)
    except FileNotFoundError as error:
        raise StoreError(
            f"{path}: the row is there, the index file is not; delete the row and index the video again"
        ) from error
    except OSError as error:
        raise storage_error("read", path, error) from error


def _sorted(scores: Vectors, ids: Pts) -> tuple[Vectors, Pts]:
    order = np.lexsort((ids, -scores), axis=-1)
    return np.take_along_axis(scores, order, axis=1), np.take_along_axis(ids, order, axis=1)
