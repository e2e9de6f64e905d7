"""A registry of named back ends whose modules are imported only when one is asked for."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from framedex.errors import UsageError, did_you_mean
from framedex.optional import import_optional

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

T = TypeVar("T")


class Registry(Generic[T]):
    """Names of one kind, each mapped to `"package.module:attribute"` and the extra that it needs.

    Args:
        kind: what is registered, for messages: "sampler", "decoder".
        group: of the entry points by which other installed packages add names; none where None. Our own names stay ours.
    """

    def __init__(self, kind: str, *, group: str | None = None) -> None:
        self.kind = kind
        self.group = group
        self._targets: dict[str, tuple[str, str | None]] = {}
        self._points: dict[str, EntryPoint] | None = None

    def add(self, name: str, target: str, *, extra: str | None = None) -> None:
        """Register `target` under `name`; `extra` is the optional dependency group that its module imports."""
        assert name not in self._targets, f"{self.kind} {name!r} is registered twice"
        self._targets[name] = (target, extra)

    def names(self) -> tuple[str, ...]:
        """All registered names in order of registration, then those of other packages, sorted."""
        return (*self._targets, *sorted(self._entry_points()))

    def __contains__(self, name: object) -> bool:
        """Whether a name is one of `names()`."""
        return name in self._targets or name in self._entry_points()

    def package(self, name: str) -> str | None:
        """The installed package whose entry point a name is; None for our own."""
        point = self._entry_points().get(name)
        return None if point is None else _package(point)

    def load(self, name: str) -> T:
        """Import and return what is registered under `name`, or what "package.module:attribute" names.

        Raises:
            UsageError: unknown name, or nothing there to import.
            MissingDependency: its library is not installed; one that is there but broken shows its own error.
        """
        if name not in self._targets and ":" in name:
            return self._plug_in(name)
        if name not in self._targets:
            return self._of_package(name)
        target, extra = self._targets[name]
        module_name, attribute = target.split(":")
        module = import_optional(module_name, extra=extra, needed_by=f"{self.kind} {name!r}")
        return cast(T, getattr(module, attribute))

    def _entry_points(self) -> dict[str, EntryPoint]:
        """Of other packages, read once: every installed package's list is looked through."""
        if self._points is None:
            from importlib.metadata import entry_points

            found = () if self.group is None else entry_points(group=self.group)
            self._points = {point.name: point for point in found if point.name not in self._targets}
        return self._points

    def _of_package(self, name: str) -> T:
        point = self._entry_points().get(name)
        if point is None:
            raise UsageError(f"unknown {self.kind} {name!r}; {did_you_mean(name, self.names())}")
        try:
            return cast(T, point.load())
        except (ImportError, AttributeError) as error:
            raise UsageError(
                f"{self.kind} {name!r}: {point.value} of package {_package(point)} cannot be imported ({error})"
            ) from error

    def _plug_in(self, name: str) -> T:
        module_name, _, attribute = name.partition(":")
        try:
            return cast(T, getattr(importlib.import_module(module_name), attribute))
        except (ImportError, AttributeError, ValueError) as error:
            raise UsageError(
                f"{self.kind} {name!r}: cannot be imported ({error}); expected package.module:attribute on Python's path"
            ) from error


def _package(point: EntryPoint) -> str:
    return "unknown" if point.dist is None else point.dist.name
