"""What is to be asked of the models: each (frame set, question, option order) once, whatever arms chose those frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from framedex.sweep.choose import Choice
from framedex.sweep.config import OptionOrders

Order = tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AskKey:
    """What an answer depends on, model and scoring aside.

    Attributes:
        frame_set_id: "" for no frames.
        question_id: of the question.
        order: position as listed → index in the manifest.
    """

    frame_set_id: str
    question_id: str
    order: Order


def option_orders(n: int, orders: OptionOrders) -> tuple[Order, ...]:
    """The orders in which n options are listed: as given, or all n rotations, the given one first."""
    rotations = n if orders == "cyclic" else 1
    return tuple(tuple((first + position) % n for position in range(n)) for first in range(rotations))


def orders_of(choice: Choice, orders: OptionOrders) -> tuple[Order, ...]:
    """The orders in which the options of a choice's question are listed."""
    return option_orders(len(choice.question.asked.options), orders)


def ask_key(choice: Choice, order: Order) -> AskKey:
    """The key of what is asked for a choice."""
    return AskKey(frame_set_id=choice.frame_set_id, question_id=choice.question.asked.id, order=order)


def distinct_asks(choices: Sequence[Choice], orders: OptionOrders) -> dict[AskKey, Choice]:
    """Every key with the first choice that needs it; equal frame sets side by side, in the order of their first frames.

    Sets that begin at a frame come one after the other, smaller ones first: what overlaps comes while its frames are still known.
    """
    found: dict[AskKey, Choice] = {}
    for choice in choices:
        for order in orders_of(choice, orders):
            found.setdefault(ask_key(choice, order), choice)
    # Stable: questions stay in order.
    return dict(sorted(found.items(), key=lambda item: _place(item[1].rows)))


def _place(rows: tuple[int, ...]) -> tuple[tuple[int, ...], int, tuple[int, ...]]:
    return rows[:1], len(rows), rows
