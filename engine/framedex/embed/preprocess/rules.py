"""What a resizer has to know, without what checks manifests: decode processes start sooner without it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from framedex.embed.manifest import ImageRules

#: A manifest's rules, or a plain copy of them.
PictureRules: TypeAlias = "ImageRules | ResizeRules"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResizeRules:
    """A plain copy of checked `ImageRules`, where each is described, for another process."""

    size: tuple[int, int]
    resize: str
    interpolation: str
    rescale: float
    mean: tuple[float, float, float]
    shortest_edge: int | None
    patch: int | None
    max_patches: int | None

    @classmethod
    def of(cls, rules: ImageRules) -> ResizeRules:
        """The copy."""
        return cls(**{name: getattr(rules, name) for name in cls.__slots__})
