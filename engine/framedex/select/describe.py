"""What a sampler says of itself: its docstring and fields, taken apart for people and programs."""

from __future__ import annotations

import dataclasses
import inspect
import re
import types
import typing
from dataclasses import dataclass

from framedex.select.base import Input, Sampler


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter of a sampler.

    Attributes:
        name: as it is written in `name:key=value`.
        type: in words: "number", "whole number", "paper", "lowest | highest | random"; "or none" where it may be left open.
        default: as it would be written; "none" where left open.
        meaning: one sentence or more.
    """

    name: str
    type: str
    default: str
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """A sampler in words.

    Attributes:
        name: as registered.
        kind: "keyframe" or "set".
        needs: what it cannot do without.
        wants: what else it reads.
        cost: of one call.
        summary: the docstring's first sentence or sentences.
        rule: its other paragraphs.
        parameters: in order.
        source: where the rule comes from, and what of it is ours.
    """

    name: str
    kind: str
    needs: tuple[Input, ...]
    wants: tuple[Input, ...]
    cost: str
    summary: str
    rule: str
    parameters: tuple[Parameter, ...]
    source: str


def describe(kind: type[Sampler]) -> Description:
    """Take a sampler's docstring and fields apart."""
    text = inspect.getdoc(kind) or ""
    body, _, source = text.partition("\nSource: ")
    body, _, listed = body.partition("\nArgs:")
    summary, _, rule = body.strip().partition("\n\n")
    return Description(
        name=kind.name,
        kind=kind.kind,
        needs=kind.needs,
        wants=kind.wants,
        cost=kind.cost,
        summary=_line(summary),
        rule=rule.strip(),
        parameters=tuple(_parameters(kind, _meanings(listed))),
        source=_line(source),
    )


def _line(text: str) -> str:
    return " ".join(text.split())


def _meanings(listed: str) -> dict[str, str]:
    """By parameter, of an Args section."""
    found = re.split(r"^ {4}(\w+): ", listed, flags=re.MULTILINE)
    return {name: _line(meaning) for name, meaning in zip(found[1::2], found[2::2], strict=True)}


def _parameters(kind: type[Sampler], meanings: dict[str, str]) -> list[Parameter]:
    hints = typing.get_type_hints(kind)
    return [
        Parameter(
            name=field.name,
            type=_type(hints[field.name]),
            default="none" if field.default is None else str(field.default),
            meaning=meanings.get(field.name, ""),
        )
        for field in dataclasses.fields(kind)  # type: ignore[arg-type]
    ]


def _type(hint: object) -> str:
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        named = [_type(choice) for choice in typing.get_args(hint) if choice is not type(None)]
        return f"{' | '.join(named)} or none"
    if typing.get_origin(hint) is typing.Literal:
        return " | ".join(map(str, typing.get_args(hint)))
    return {int: "whole number", float: "number"}.get(hint, str(hint))  # type: ignore[call-overload, no-any-return]
