"""Operators that move values, and those on small integers that only say shapes and positions.

Such integers are Python's own (an int, or a list of them), so that a GPU is never asked for a shape.
Each function takes the step's attributes and its inputs, None where one is left out, and gives one value or a tuple.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any, Final

import torch
import torch.nn.functional as F  # noqa: N812  # torch's own name for it
from torch import Tensor

Attributes = dict[str, Any]
Op = Callable[..., Any]

#: ONNX's numbers of types.
TYPES: Final = {
    1: torch.float32,
    2: torch.uint8,
    3: torch.int8,
    6: torch.int32,
    7: torch.int64,
    9: torch.bool,
    10: torch.float16,
    11: torch.float64,
    16: torch.bfloat16,
}


def ints(value: Any) -> list[int]:
    """A shape or list of axes."""
    if isinstance(value, Tensor):
        value = value.tolist()
    return [value] if isinstance(value, int) else [int(each) for each in value]


def tensor(value: Any, like: Tensor) -> Tensor:
    """A tensor, made of Python's integers where it is none yet."""
    return value if isinstance(value, Tensor) else torch.tensor(value, dtype=torch.int64, device=like.device)


def pairwise(on_tensors: Callable[[Any, Any], Any]) -> Op:
    """An operator on two values that widen to each other."""

    def run(_: Attributes, a: Any, b: Any) -> Any:
        if isinstance(a, Tensor) or isinstance(b, Tensor):
            return on_tensors(tensor(a, b), tensor(b, a))
        if isinstance(a, list) or isinstance(b, list):
            return [on_tensors(x, y) for x, y in zip(*widened(a, b), strict=True)]
        return on_tensors(a, b)

    return run


def extreme(on_tensors: Callable[[Tensor, Tensor], Tensor], on_numbers: Callable[[Any, Any], Any]) -> Op:
    """The largest or the smallest of any number of values that widen to each other."""
    pair = pairwise(lambda a, b: (on_tensors if isinstance(a, Tensor) else on_numbers)(a, b))

    def run(at: Attributes, *values: Any) -> Any:
        return reduce(lambda a, b: pair(at, a, b), values)

    return run


def widened(*values: Any) -> list[list[Any]]:
    """Integers and lists of them as lists of one length."""
    lists = [value if isinstance(value, list) else [value] for value in values]
    length = max(map(len, lists))
    return [each * length if len(each) == 1 else each for each in lists]


def divide(a: Any, b: Any) -> Any:
    """Integers are cut towards zero, as ONNX has it (shapes are never negative)."""
    if isinstance(a, Tensor) and not a.is_floating_point():
        return torch.div(a, b, rounding_mode="trunc")
    return a / b if isinstance(a, Tensor) else a // b


def gather(at: Attributes, data: Any, index: Any) -> Any:
    """Rows of `data` along `axis`; negative places count from the end."""
    axis = at.get("axis", 0)
    if isinstance(data, list):
        return data[index] if isinstance(index, int) else [data[each] for each in ints(index)]
    if isinstance(index, int):
        return data.select(axis, index)
    rows = tensor(index, data)
    axis %= data.ndim
    rows = torch.where(rows < 0, rows + data.shape[axis], rows)
    if axis == 0 and data.ndim == 2:
        return F.embedding(rows, data)
    picked = data.index_select(axis, rows.reshape(-1))
    return picked.reshape(*data.shape[:axis], *rows.shape, *data.shape[axis + 1 :])


def reshape(at: Attributes, data: Any, shape: Any) -> Any:
    """-1 takes what is left; 0 keeps the size, unless allowzero."""
    if isinstance(data, (list, int)):
        return ints(data) if ints(shape) else ints(data)[0]
    sizes = ints(shape)
    if not at.get("allowzero", 0):
        sizes = [data.shape[axis] if size == 0 else size for axis, size in enumerate(sizes)]
    return data.reshape(sizes)


def unsqueeze(_: Attributes, data: Any, axes: Any) -> Any:
    """New axes of size 1, at places of the result."""
    places = ints(axes)
    if isinstance(data, list) and places != [0]:
        return [[each] for each in data]
    if not isinstance(data, Tensor):
        return [data]
    rank = data.ndim + len(places)
    for axis in sorted(place % rank for place in places):
        data = data.unsqueeze(axis)
    return data


def squeeze(_: Attributes, data: Any, axes: Any = None) -> Any:
    """Without axes of size 1: those named, or all."""
    if isinstance(data, list):
        return data[0]
    places = [axis for axis, size in enumerate(data.shape) if size == 1] if axes is None else ints(axes)
    return data.squeeze(tuple(places))


def cut(_: Attributes, data: Any, starts: Any, ends: Any, axes: Any = None, steps: Any = None) -> Any:
    """Slice: from `starts` to `ends` along `axes`, forwards."""
    begins, stops = ints(starts), ints(ends)
    if isinstance(data, list):
        return data[begins[0] : stops[0] : ints(steps)[0] if steps is not None else 1]
    for axis, start, stop, step in zip(
        ints(axes) if axes is not None else range(len(begins)),
        begins,
        stops,
        ints(steps) if steps is not None else [1] * len(begins),
        strict=True,
    ):
        size = data.shape[axis]
        if step < 0:
            raise NotImplementedError("Slice with a negative step")
        first, last = (max(0, place + size) if place < 0 else min(place, size) for place in (start, stop))
        data = data.narrow(axis, first, max(0, last - first))
        if step != 1:
            data = data[(slice(None),) * (axis % data.ndim) + (slice(None, None, step),)]
    return data


def concat(at: Attributes, *parts: Any) -> Any:
    """One behind the other along `axis`."""
    tensors = [part for part in parts if isinstance(part, Tensor)]
    if not tensors:
        return [each for part in parts for each in ints(part)]
    return torch.cat([tensor(part, tensors[0]) for part in parts], dim=at["axis"])


def split(at: Attributes, data: Tensor, sizes: Any = None) -> tuple[Tensor, ...]:
    """Parts along `axis`, of given sizes or of equal ones."""
    axis = at.get("axis", 0)
    if sizes is None:
        return torch.chunk(data, at["num_outputs"], dim=axis)
    return torch.split(data, ints(sizes), dim=axis)


def expand(_: Attributes, data: Tensor, shape: Any) -> Tensor:
    """Widened both ways: a size of 1 in `shape` keeps the size that is there."""
    wanted = ints(shape)
    rank = max(len(wanted), data.ndim)
    sizes = [1] * (rank - data.ndim) + list(data.shape)
    wanted = [1] * (rank - len(wanted)) + wanted
    return data.expand([size if want == 1 else want for size, want in zip(sizes, wanted, strict=True)])


def where(_: Attributes, condition: Any, a: Any, b: Any) -> Any:
    """`a` where the condition holds, else `b`."""
    if isinstance(condition, Tensor):
        return torch.where(condition, tensor(a, condition), tensor(b, condition))
    if any(isinstance(each, list) for each in (condition, a, b)):
        return [x if yes else y for yes, x, y in zip(*widened(condition, a, b), strict=True)]
    return a if condition else b


def cast(at: Attributes, data: Any) -> Any:
    """To another type; Python integers stay what they are."""
    return data.to(TYPES[at["to"]]) if isinstance(data, Tensor) else data


def gather_elements(at: Attributes, data: Tensor, index: Tensor) -> Tensor:
    """One element for each place of `index`."""
    return data.gather(at.get("axis", 0), index)


def gather_nd(at: Attributes, data: Tensor, index: Tensor) -> Tensor:
    """Elements at coordinates, which are the last axis of `index`."""
    if at.get("batch_dims", 0):
        raise NotImplementedError("GatherND over batches")
    return data[tuple(index.unbind(-1))]


def full(at: Attributes, shape: Any) -> Any:
    """One value in a shape; integers in one axis stay in Python."""
    value = at.get("value")
    if value is not None and value.dtype.kind in "iu" and len(ints(shape)) == 1:
        return [int(value.item())] * ints(shape)[0]
    return torch.full(ints(shape), 0.0 if value is None else value.item())


def shape(at: Attributes, data: Any) -> list[int]:
    """Sizes, in Python."""
    sizes = list(data.shape) if isinstance(data, Tensor) else [len(data)]
    return sizes[at.get("start", 0) : at.get("end")]


def counted(_: Attributes, start: Any, limit: Any, delta: Any) -> list[int]:
    """Range, of integers."""
    return list(range(start, limit, delta))
