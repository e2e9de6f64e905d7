"""Samplers as the native core takes them: a rule's name and its parameters; others run as they are written in Python."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from framedex.keys import canonical_json
from framedex.select.aks import Aks
from framedex.select.base import Sampler
from framedex.select.bolt import Bolt
from framedex.select.confidence import Bottom, Top
from framedex.select.drop import Drop
from framedex.select.kcentre import KCentre
from framedex.select.mmr import Mmr
from framedex.select.qframe import QFrame
from framedex.select.threshold import Threshold
from framedex.select.uniform import Random, Uniform, UniformEnds
from framedex.select.windows import WindowBottom, WindowTop

_KNOWN = frozenset(
    (
        Uniform,
        UniformEnds,
        Random,
        Top,
        Bottom,
        Threshold,
        WindowTop,
        WindowBottom,
        Drop,
        Aks,
        Bolt,
        QFrame,
        Mmr,
        KCentre,
    )
)
# The native core multiplies a rate's parts by a number of frames, below 2^31, in 64 bits.
_RATE_PARTS_MAX = 2**32 - 1


class NativeRules:
    """The rules of those samplers that the native core knows, and what they draw.

    Attributes:
        positions: of the samplers that it knows, among all.
        rules: of these, as `_native.select_many` takes them.
        draws: names of the draws that the rules speak of, as JSON.
    """

    def __init__(self, samplers: Sequence[Sampler]) -> None:
        self.positions: list[int] = []
        self.rules: list[dict[str, Any]] = []
        self._draws: list[str] = []
        for position, sampler in enumerate(samplers):
            rule = self._rule(sampler)
            if rule is not None:
                self.positions.append(position)
                self.rules.append(rule)

    @property
    def draws(self) -> list[str]:
        """The names of samplers that draws are made for."""
        return [canonical_json(name) for name in self._draws]

    def _draw(self, name: str) -> int:
        if name not in self._draws:
            self._draws.append(name)
        return self._draws.index(name)

    def _rule(self, sampler: Sampler) -> dict[str, Any] | None:
        if type(sampler) not in _KNOWN:  # a class of somebody's own that extends one of these has a rule of its own
            return None
        match sampler:
            case Uniform() | UniformEnds() | Top() | Bottom():
                return {"rule": sampler.name}
            case Random():
                return {"rule": "random", "draw": self._draw(sampler.name)}
            case Threshold():
                return {"rule": "threshold"} | ({} if sampler.tau is None else {"tau": float(sampler.tau)})
            case WindowTop() | WindowBottom():
                return {
                    "rule": sampler.name,
                    "length": sampler.length or 0,
                    "stride": sampler.stride,
                    "statistic": sampler.statistic,
                }
            case Drop():
                return self._drop(sampler)
            case Aks():
                return {
                    "rule": "aks",
                    "t1": float(sampler.t1),
                    "t2": float(sampler.t2),
                    "depth": sampler.depth,
                    "strict": sampler.strict is not None,
                }
            case Bolt():
                return {"rule": "bolt", "power": float(sampler.power), "strict": sampler.strict is not None}
            case QFrame():
                return {"rule": "qframe", "tau": float(sampler.tau), "draw": self._draw(sampler.name)}
            case Mmr():
                return {"rule": "mmr", "share": float(sampler.share)}
            case KCentre():  # what is least like any frame taken is what is most relevant where scores count for nothing
                return {"rule": "mmr", "share": 0.0}
            case _:
                return None

    def _drop(self, sampler: Drop) -> dict[str, Any] | None:
        rate = Fraction(str(sampler.rate))
        if rate.denominator > _RATE_PARTS_MAX:
            return None
        return {
            "rule": "drop",
            "base": sampler.base,
            "by": sampler.by,
            "numerator": rate.numerator,
            "denominator": rate.denominator,
            "base_draw": self._draw(sampler.base) if sampler.base == "random" else 0,
            "by_draw": self._draw(sampler.name) if sampler.by == "random" else 0,
        }


def reads_scores(rule: dict[str, Any]) -> bool:
    """Whether a rule cannot do without scores."""
    if rule["rule"] == "drop":
        return rule["by"] != "random" or rule["base"] in ("top", "bottom")
    return rule["rule"] not in ("uniform", "uniform-ends", "random")
