"""A sampler from its name and parameters: `name:key=value,…` on the command line, keyword arguments in Python."""

from __future__ import annotations

import dataclasses
import functools
import math
import types
import typing
from collections.abc import Mapping

from framedex.errors import UsageError, did_you_mean
from framedex.select.base import Sampler

Value = str | int | float | bool | None


def parse_spec(text: str) -> tuple[str, dict[str, Value]]:
    """Split `name:key=value,key=value` into the name and its parameters, still as text.

    Raises:
        UsageError: a part is not `key=value`, or a key stands twice.
    """
    name, _, rest = text.partition(":")
    parameters: dict[str, Value] = {}
    for part in filter(None, rest.split(",")):
        key, equals, value = part.partition("=")
        if not equals or not key or key in parameters:
            raise UsageError(f"sampler {text!r}: expected name:key=value,key=value with each key once, got {part!r}")
        parameters[key.strip()] = value.strip()
    return name.strip(), parameters


def build(kind: type[Sampler], parameters: Mapping[str, Value]) -> Sampler:
    """Make a sampler, each parameter checked against its field's type.

    Raises:
        UsageError: unknown parameter, a value of another type, or another package's class that is no sampler.
    """
    _check(kind)
    hints = _fields(kind)
    for key in parameters:
        if key not in hints:
            raise UsageError(f"sampler {kind.name!r} has no parameter {key!r}; {did_you_mean(key, list(hints))}")
    return kind(
        **{key: _convert(f"sampler {kind.name!r}, {key}", hints[key], value) for key, value in parameters.items()}
    )


def _check(kind: type[Sampler]) -> None:
    """Other packages' samplers are no more typed than their authors made them."""
    owed = ("name", "kind", "needs", "wants", "cost", "rows")
    lacks = [name for name in owed if not hasattr(kind, name)]
    if not isinstance(kind, type) or not dataclasses.is_dataclass(kind) or lacks:
        without = f" without {', '.join(lacks)}" if lacks else ""
        raise UsageError(
            f"sampler {kind!r}: expected a dataclass with {', '.join(owed)} (framedex.select.base.Sampler), got one{without}"
        )


@functools.cache  # types are read from source text, which takes longer than a selection
def _fields(kind: type[Sampler]) -> dict[str, object]:
    """The types of a sampler's fields, in order."""
    hints = typing.get_type_hints(kind)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}  # type: ignore[arg-type]


def _convert(subject: str, hint: object, value: Value) -> Value:
    choices = [hint]
    if typing.get_origin(hint) in (types.UnionType, typing.Union):  # a Literal | None is of the second kind
        choices = [choice for choice in typing.get_args(hint) if choice is not type(None)]
        if value is None and len(choices) < len(typing.get_args(hint)):
            return None
    target = choices[0]
    if typing.get_origin(target) is typing.Literal:
        known = [str(choice) for choice in typing.get_args(target)]
        if str(value) not in known:
            raise UsageError(
                f"{subject}: expected {'one of ' if len(known) > 1 else ''}{', '.join(known)}, got {value!r}"
            )
        return value
    for kind in (int, float):
        if target is kind:
            return _number(subject, kind, value)
    raise UsageError(
        f"{subject}: its type {hint} is none that a parameter may have: int, float, Literal of texts, or one of them or None"
    )


def _number(subject: str, kind: type[int | float], value: Value) -> int | float:
    expected = "a whole number" if kind is int else "a number"
    try:
        number = math.nan if isinstance(value, bool) or value is None else float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or (kind is int and not number.is_integer()):
        raise UsageError(f"{subject}: expected {expected}, got {value!r}")
    return kind(number)
