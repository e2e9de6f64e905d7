"""What a quarantine entry keeps of a run gives the run back."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import pytest

from framedex.decode import CountGrid, EveryGrid, FpsGrid, SceneGrid, TimesGrid
from framedex.index.quarantine import QuarantineEntry
from framedex.ingest import IngestSettings, Limits
from framedex.ingest.request import holds, request_of, settings_of

SETTINGS = IngestSettings(
    grids=(
        FpsGrid.parse("30000/1001"),
        FpsGrid.parse("0.5"),
        EveryGrid.parse("30"),
        CountGrid.parse("64"),
        SceneGrid.parse("0.3"),
        TimesGrid(times_s=(Fraction(1, 3), Fraction(25, 2))),
    ),
    threads=3,
    dtype="f32",
    decoder="package.module:Decoder",
    folder_fps="30000/1001",
    dedupe_tolerance=2,
    limits=Limits(time_s=1234.5, stall_s=7, memory_gib=0.25),
    retry=True,
)


def test_there_and_back() -> None:
    assert settings_of(request_of(SETTINGS), threads=3) == SETTINGS
    plain = IngestSettings(grids=(FpsGrid.parse("1"),), threads=1)
    assert settings_of(request_of(plain), threads=1) == dataclasses.replace(plain, retry=True)


def test_other_limits() -> None:
    settings = settings_of(request_of(SETTINGS), threads=3, time_s=99)
    assert settings.limits == Limits(time_s=99, stall_s=7, memory_gib=0.25)


@pytest.mark.parametrize(
    ("change", "held"),
    [
        ({}, True),
        ({"threads": 9, "dtype": None, "dedupe_tolerance": 0, "retry": False}, True),
        ({"grids": (FpsGrid.parse("1"),)}, False),
        ({"decoder": "pyav"}, False),
        ({"folder_fps": "1"}, False),
        ({"limits": Limits(time_s=1234.5, stall_s=8, memory_gib=0.25)}, False),
    ],
)
def test_an_entry_holds_while_nothing_changes_that_its_decode_depends_on(change: dict[str, object], held: bool) -> None:
    other = dataclasses.replace(SETTINGS, **change)  # type: ignore[arg-type]
    assert holds(entry(request_of(SETTINGS)), request_of(other)) == held


def test_versions_count() -> None:
    now = request_of(SETTINGS)
    for name in ("framedex", "decoder_version"):
        assert not holds(entry(now | {name: "0.0.0"}), now)
    assert not holds(entry({}), now)


def entry(request: dict[str, str]) -> QuarantineEntry:
    at = "2026-01-31T12:00:00Z"
    return QuarantineEntry(
        key="0" * 32, paths=("/a",), error="E", reason="r", attempts=1, first_at=at, last_at=at, request=request
    )


@pytest.mark.parametrize(
    "change",
    [{"grids": "moon=1"}, {"grids": "times=abc"}, {"dtype": "f8"}, {"time_limit": "long"}, {"stall_limit": "-1"}],
)
def test_a_request_that_no_version_wrote(change: dict[str, str]) -> None:
    request = {name: value for name, value in request_of(SETTINGS).items() if name != "times"} | change
    with pytest.raises((KeyError, ValueError)):
        settings_of(request, threads=1)
