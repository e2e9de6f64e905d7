"""What callers give, checked at the border: whole numbers, lists, texts and arrays; each way to be wrong is one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from framedex.contracts import Pts, Vectors
from framedex.errors import UsageError, first_line
from framedex.select.base import Intervals, Scores

#: What a column of 32 bits holds: no index has more frames.
ROWS_MAX: Final = 2**31 - 1
_SEED_MAX: Final = 2**63 - 1
_SHOWN: Final = 60
_SHOWN_BITS: Final = 128


def shown(value: object) -> str:
    """A value as messages have it: as Python writes it, of 60 characters at most."""
    if isinstance(value, int) and value.bit_length() > _SHOWN_BITS:
        return f"one of {value.bit_length()} bits"
    text = " ".join(repr(value).split())
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def check_whole(subject: str, value: object, *, first: int, last: int, what: str = "a whole number") -> int:
    """A whole number from `first` to `last`, Python's or NumPy's.

    Raises:
        UsageError: another, or none.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not first <= value <= last:
        raise UsageError(f"{subject}: expected {what} from {first} to {last}, got {shown(value)}")
    return int(value)


def check_budget(budget: object) -> int:
    """The budget itself.

    Raises:
        UsageError: below 1, or more than any index holds.
    """
    return check_whole("budget", budget, first=1, last=ROWS_MAX, what="a whole number of frames")


def check_seed(seed: object) -> int:
    """The seed itself.

    Raises:
        UsageError: no whole number of 64 bits.
    """
    return check_whole("seed", seed, first=-_SEED_MAX - 1, last=_SEED_MAX)


def check_items(subject: str, values: Any, what: str) -> list[Any]:
    """The items of a list, tuple, array or whatever else can be gone through; a text is none of these.

    Raises:
        UsageError: a single value or a text.
    """
    try:
        return list(_no_text(values))
    except TypeError as error:
        raise UsageError(f"{subject}: expected a list of {what}, got {shown(values)}") from error


def check_sequence(subject: str, values: Any, what: str) -> None:
    """See that something has a length and items by number, without looking at them: they may be opened only then.

    Raises:
        UsageError: a single value, a text, or items that come only once.
    """
    try:
        len(_no_text(values))
        good = hasattr(values, "__getitem__")
    except TypeError:
        good = False
    if not good:
        raise UsageError(f"{subject}: expected a list of {what}, got {shown(values)}")


def check_text(subject: str, value: object) -> str:
    """A text.

    Raises:
        UsageError: something else.
    """
    if not isinstance(value, str):
        raise UsageError(f"{subject}: expected a text, got {shown(value)}")
    return value


def check_scores(scores: ArrayLike | None) -> Scores | None:
    """One curve: float64 (n,), finite.

    Raises:
        UsageError: another shape, NaN, or no numbers at all.
    """
    if scores is None:
        return None
    array = _numbers("scores", scores, np.float64)
    if array.ndim != 1:
        raise UsageError(f"scores: expected one score per frame, shape (n,), got {array.shape}")
    bad = np.flatnonzero(~np.isfinite(array))
    if len(bad):
        raise UsageError(f"scores: expected finite numbers, got {array[bad[0]]} at row {bad[0]} ({len(bad)} such rows)")
    return array


def check_times(pts_us: ArrayLike | None, n: int | None) -> Pts:
    """Timestamps: int64 (n,), strictly increasing; the row numbers where none are given.

    Args:
        pts_us: as given, or None where `n` is known.
        n: frames that there are scores of; None where the timestamps say it.

    Raises:
        UsageError: another number of them, fractions, or an order that is none.
    """
    array = np.arange(n or 0) if pts_us is None else _array("pts_us", pts_us)
    if array.ndim != 1 or len(array) == 0 or n not in (None, len(array)):
        wanted = "n" if n is None else n
        raise UsageError(f"pts_us: expected one timestamp per frame, shape ({wanted},) with n >= 1, got {array.shape}")
    if not np.issubdtype(array.dtype, np.integer) or array.max() > np.iinfo(np.int64).max:
        raise UsageError(f"pts_us: expected whole microseconds, int64, got {array.dtype} such as {array[0]}")
    times = array.astype(np.int64)
    if (np.diff(times) <= 0).any():
        raise UsageError("pts_us: expected strictly increasing timestamps")
    return times


def check_embeddings(embeddings: ArrayLike | None, n: int) -> Vectors | None:
    """Vectors of n frames: float32 (n, d), finite.

    Raises:
        UsageError: another shape, NaN, or no numbers at all.
    """
    if embeddings is None:
        return None
    array = _numbers("embeddings", embeddings, np.float32)
    if array.ndim != 2 or len(array) != n:
        raise UsageError(f"embeddings: expected shape ({n}, d), got {array.shape}")
    bad = np.flatnonzero(~np.isfinite(array).all(axis=1))
    if len(bad):
        raise UsageError(f"embeddings: expected finite numbers, got others at row {bad[0]} ({len(bad)} such rows)")
    return array


def check_prompt(prompt: ArrayLike | None, embeddings: Vectors | None) -> Vectors | None:
    """A prompt's vector: float32 (d,), finite, as wide as the frames' where there are any.

    Raises:
        UsageError: another shape, NaN, or no numbers at all.
    """
    if prompt is None:
        return None
    array = _numbers("prompt", prompt, np.float32)
    shape = "(d,)" if embeddings is None else f"({embeddings.shape[1]},)"
    if array.ndim != 1 or (embeddings is not None and array.shape != embeddings.shape[1:]):
        raise UsageError(f"prompt: expected one vector, shape {shape}, got {array.shape}")
    if not np.isfinite(array).all():
        raise UsageError("prompt: expected finite numbers")
    return array


def check_evidence(evidence_us: ArrayLike | None) -> Intervals | None:
    """Intervals: int64 (m, 2), first <= last.

    Raises:
        UsageError: another shape, fractions, or an interval that ends before it begins.
    """
    if evidence_us is None:
        return None
    array = _array("evidence_us", evidence_us)
    whole = np.issubdtype(array.dtype, np.integer)
    if array.ndim != 2 or array.shape[1] != 2 or not whole or (array[:, 0] > array[:, 1]).any():
        raise UsageError(
            f"evidence_us: expected integer microseconds (m, 2), first <= last, got {array.dtype} {array.shape}"
        )
    return array.astype(np.int64)


def _no_text(values: Any) -> Any:
    if isinstance(values, str | bytes | Mapping):
        raise TypeError
    return values


def _array(subject: str, values: ArrayLike) -> NDArray[Any]:
    """Whatever it is as an array of numbers; of objects where NumPy has no type of number for them."""
    try:
        array = np.asarray(values)
    except (TypeError, ValueError, RuntimeError) as error:  # rows of several lengths; a tensor that is on a GPU
        raise UsageError(f"{subject}: expected an array of numbers, got none: {first_line(error)}") from error
    if array.dtype.kind not in "biufO":
        raise UsageError(f"{subject}: expected numbers, got {array.dtype} {shown(values)}")
    return array


def _numbers(subject: str, values: ArrayLike, dtype: DTypeLike) -> NDArray[Any]:
    try:
        return _array(subject, values).astype(dtype, copy=False)
    except (TypeError, ValueError, OverflowError) as error:  # objects that are no numbers
        raise UsageError(f"{subject}: expected numbers, got {shown(values)}") from error
