"""A sampler from its name and parameters: `name:key=value,…` on the command line, keyword arguments in Python."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import math
import numbers
import re
import types
import typing
from collections.abc import Container, Mapping
from typing import Final

from framedex.errors import UsageError, did_you_mean
from framedex.select.base import Sampler
from framedex.select.checked import shown

Value = str | int | float | bool | None

#: Up to here every whole number is a float, too.
_WHOLE_MAX: Final = 2**53
_PLUG_IN = re.compile(r"(?P<name>\s*(?P<module>[^\W\d][\w.]*):[^\W\d]\w*\s*)(?::|$)")


def split_spec(text: str, known: Container[str]) -> tuple[str, dict[str, Value]]:
    """Split `name:key=value,key=value` or `module:Class:key=value` into the name and its parameters, still as text.

    Args:
        text: as people write it.
        known: names that are registered; what stands before the colon is a module's where it is none of them.

    Raises:
        UsageError: a part is not `key=value`, or a key stands twice.
    """
    plug_in = _PLUG_IN.match(text)
    end = plug_in.end("name") if plug_in and plug_in["module"] not in known else (text + ":").index(":")
    parameters: dict[str, Value] = {}
    for part in filter(None, text[end + 1 :].split(",")):
        key, equals, value = (each.strip() for each in part.partition("="))
        if not equals or not key or key in parameters:
            raise UsageError(f"sampler {text!r}: expected name:key=value,key=value with each key once, got {part!r}")
        parameters[key] = value
    return text[:end].strip(), parameters


def build(kind: type[Sampler], parameters: Mapping[str, Value], *, name: str) -> Sampler:
    """Make a sampler, each parameter checked against its field's type.

    Args:
        kind: its class.
        parameters: by name.
        name: by which it was asked for.

    Raises:
        UsageError: unknown parameter, a value of another type, or another package's class that is no sampler, or has another
            name than its entry point: records and draws go by the class's.
    """
    check_kind(kind)
    if ":" not in name and kind.name != name:
        raise UsageError(f"sampler {name!r}: expected a class of this name at its entry point, got {kind.name!r}")
    hints = _fields(kind)
    for key in parameters:
        if key not in hints:
            raise UsageError(f"sampler {kind.name!r} has no parameter {key!r}; {did_you_mean(key, list(hints))}")
    return kind(
        **{key: _convert(f"sampler {kind.name!r}, {key}", hints[key], value) for key, value in parameters.items()}
    )


def check_kind(kind: type[Sampler]) -> None:
    """See that a class keeps the contract: other packages' samplers are no more typed than their authors made them.

    Raises:
        UsageError: it does not.
    """
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
        known = list(typing.get_args(target))
        if not isinstance(value, str) or value not in known:
            raise UsageError(
                f"{subject}: expected {'one of ' if len(known) > 1 else ''}{', '.join(known)}, got {shown(value)}"
            )
        return value
    for kind in (int, float):
        if target is kind:
            return _number(subject, kind, value)
    raise UsageError(
        f"{subject}: its type {hint} is none that a parameter may have: int, float, Literal of texts, or one of them or None"
    )


def _number(subject: str, kind: type[int | float], value: Value) -> int | float:
    number = math.nan
    if isinstance(value, str | numbers.Real) and not isinstance(value, bool):
        with contextlib.suppress(ValueError, OverflowError):
            number = float(value)
    expected = "a whole number" if kind is int else "a number"
    if not math.isfinite(number) or (kind is int and not number.is_integer()):
        raise UsageError(f"{subject}: expected {expected}, got {shown(value)}")
    if kind is int and abs(number) > _WHOLE_MAX:
        raise UsageError(f"{subject}: expected {expected} up to {_WHOLE_MAX}, got {shown(value)}")
    return kind(number)
