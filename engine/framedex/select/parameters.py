"""A sampler from its name and parameters: `name:key=value,…` on the command line, keyword arguments in Python."""

from __future__ import annotations

import dataclasses
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
        UsageError: unknown parameter, or a value of another type.
    """
    hints = typing.get_type_hints(kind)
    fields = [field.name for field in dataclasses.fields(kind)]  # type: ignore[arg-type]
    for key in parameters:
        if key not in fields:
            raise UsageError(f"sampler {kind.name!r} has no parameter {key!r}; {did_you_mean(key, fields)}")
    return kind(
        **{key: _convert(f"sampler {kind.name!r}, {key}", hints[key], value) for key, value in parameters.items()}
    )


def _convert(subject: str, hint: object, value: Value) -> Value:
    if typing.get_origin(hint) is typing.Literal:
        choices = [str(choice) for choice in typing.get_args(hint)]
        if str(value) not in choices:
            raise UsageError(f"{subject}: expected one of {', '.join(choices)}, got {value!r}")
        return value
    optional = isinstance(hint, types.UnionType) and type(None) in typing.get_args(hint)
    if optional and value is None:
        return None
    target = next(t for t in typing.get_args(hint) if t is not type(None)) if optional else hint
    for kind in (int, float):
        if target is kind:
            return _number(subject, kind, value)
    raise AssertionError(f"{subject}: no rule to read a parameter of type {hint}")


def _number(subject: str, kind: type[int | float], value: Value) -> int | float:
    expected = "a whole number" if kind is int else "a number"
    try:
        number = math.nan if isinstance(value, bool) or value is None else float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or (kind is int and not number.is_integer()):
        raise UsageError(f"{subject}: expected {expected}, got {value!r}")
    return kind(number)
