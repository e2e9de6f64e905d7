"""Optional back ends in tests: one that is not there skips its tests, unless REQUIRE_BACKENDS names it."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from framedex.decode import decoders
from framedex.embed import embedders
from framedex.errors import DeviceError, MissingDependency, did_you_mean
from framedex.pair import pair_scorers
from framedex.registry import Registry
from framedex.score import scorers

T = TypeVar("T")

#: Every registry whose names REQUIRE_BACKENDS may hold, and the conformance tests that run over all of its names.
REGISTRIES: dict[str, Registry[Any]] = {
    "test_decoders.py": decoders,
    "test_embedders.py": embedders,
    "test_scorers.py": scorers,
    "test_pair_scorers.py": pair_scorers,
}

#: Names of what is in no registry, and tests ask for.
OTHERS = ("transformers-serve",)


def required() -> frozenset[str]:
    """The back ends that have to be there: the names in REQUIRE_BACKENDS, separated by commas.

    Raises:
        pytest.UsageError: a name that is no back end's; it would ask for nothing.
    """
    names = frozenset(filter(None, os.environ.get("REQUIRE_BACKENDS", "").split(",")))
    known = {*OTHERS, *(name for registry in REGISTRIES.values() for name in registry.names())}
    for name in sorted(names - known):
        raise pytest.UsageError(f"REQUIRE_BACKENDS: unknown back end {name!r}; {did_you_mean(name, known)}")
    return names


def require_backend(name: str, module: str) -> None:
    """Skip the test module that asks where `module` cannot be imported; REQUIRE_BACKENDS=torchcodec,… makes that an error."""
    try:
        importlib.import_module(module)
    except (ImportError, RuntimeError, OSError, MissingDependency) as error:  # each says so in its own way
        if name in required():
            raise
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        pytest.skip(f"{name} is not usable here: {reason}", allow_module_level=True)


def usable(name: str, make: Callable[[], T]) -> T:
    """What `make` opens of a back end; skip the test where it is not there, unless REQUIRE_BACKENDS names it."""
    try:
        return make()
    except (MissingDependency, DeviceError) as error:
        if name in required():
            raise
        pytest.skip(str(error))
