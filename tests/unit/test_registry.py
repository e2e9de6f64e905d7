"""Back ends by name: lazy, and plain about what is missing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from framedex.errors import MissingDependency, UsageError
from framedex.registry import Registry


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry[object]:
    (tmp_path / "needs_absent.py").write_text("import a_library_that_is_not_there\n")
    (tmp_path / "broken_backend.py").write_text("raise ImportError('symbol not found')\n")
    (tmp_path / "good_backend.py").write_text("THING = 3\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    registry: Registry[object] = Registry("decoder")
    registry.add("good", "good_backend:THING")
    registry.add("absent", "needs_absent:THING", extra="gpu")
    registry.add("broken", "broken_backend:THING", extra="gpu")
    return registry


def test_nothing_is_imported_before_it_is_asked_for(registry: Registry[object]) -> None:
    assert registry.names() == ("good", "absent", "broken")
    assert "good_backend" not in sys.modules
    assert registry.load("good") == 3


def test_a_missing_library_names_its_extra(registry: Registry[object]) -> None:
    with pytest.raises(
        MissingDependency, match=r"decoder 'absent' needs 'a_library_that_is_not_there'.*framedex\[gpu\]"
    ):
        registry.load("absent")


def test_a_broken_library_shows_its_own_error(registry: Registry[object]) -> None:
    with pytest.raises(ImportError, match="symbol not found"):
        registry.load("broken")


def test_an_unknown_name_says_what_exists(registry: Registry[object]) -> None:
    with pytest.raises(UsageError, match="unknown decoder 'godo'; exists: absent, broken, good; did you mean 'good'"):
        registry.load("godo")


def test_a_plug_in_is_named_by_module_and_attribute(registry: Registry[object]) -> None:
    assert registry.load("good_backend:THING") == 3


@pytest.mark.parametrize("name", ["not_there:THING", "good_backend:NOTHING", ":THING", "broken_backend:THING"])
def test_a_plug_in_that_is_not_there(registry: Registry[object], name: str) -> None:
    with pytest.raises(UsageError, match=r"decoder .* cannot be imported .*; expected package\.module:attribute"):
        registry.load(name)
