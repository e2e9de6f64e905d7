"""A registry of named back ends whose modules are imported only when one is asked for."""

from __future__ import annotations

import importlib
from typing import Generic, TypeVar, cast

from framedex.errors import UsageError, did_you_mean
from framedex.optional import import_optional

T = TypeVar("T")


class Registry(Generic[T]):
    """Names of one kind, each mapped to `"package.module:attribute"` and the extra that it needs.

    Args:
        kind: what is registered, for messages: "sampler", "decoder".
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._targets: dict[str, tuple[str, str | None]] = {}

    def add(self, name: str, target: str, *, extra: str | None = None) -> None:
        """Register `target` under `name`; `extra` is the optional dependency group that its module imports."""
        assert name not in self._targets, f"{self.kind} {name!r} is registered twice"
        self._targets[name] = (target, extra)

    def names(self) -> tuple[str, ...]:
        """All registered names, in order of registration."""
        return tuple(self._targets)

    def load(self, name: str) -> T:
        """Import and return what is registered under `name`, or what "package.module:attribute" names.

        Raises:
            UsageError: unknown name, or nothing there to import.
            MissingDependency: its library is not installed; one that is there but broken shows its own error.
        """
        if name not in self._targets and ":" in name:
            return self._plug_in(name)
        if name not in self._targets:
            raise UsageError(f"unknown {self.kind} {name!r}; {did_you_mean(name, self._targets)}")
        target, extra = self._targets[name]
        module_name, attribute = target.split(":")
        module = import_optional(module_name, extra=extra, needed_by=f"{self.kind} {name!r}")
        return cast(T, getattr(module, attribute))

    def _plug_in(self, name: str) -> T:
        module_name, _, attribute = name.partition(":")
        try:
            return cast(T, getattr(importlib.import_module(module_name), attribute))
        except (ImportError, AttributeError, ValueError) as error:
            raise UsageError(
                f"{self.kind} {name!r}: cannot be imported ({error}); expected package.module:attribute on Python's path"
            ) from error
