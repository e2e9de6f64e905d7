"""Every sampler takes of six committed curves what it took when they were looked at."""

from __future__ import annotations

import json

import pytest

from sampler_golden import BUDGETS, CURVES, NAMES, PAGE, PICKS, PICTURES, SPECS, page, picked, read_curves

FROZEN = json.loads(PICKS.read_text())
READ = read_curves()


def test_all_of_them_are_frozen() -> None:
    assert set(FROZEN) == set(READ) == set(json.loads(CURVES.read_text()))
    assert len(READ) == 6
    for of in FROZEN.values():
        assert set(of) == set(SPECS) >= set(NAMES)
        assert all(set(rows) == {str(budget) for budget in BUDGETS} for rows in of.values())


@pytest.mark.parametrize("curve", sorted(FROZEN))
@pytest.mark.parametrize("spec", SPECS)
def test_picks_are_the_frozen_ones(curve: str, spec: str) -> None:
    got = {str(budget): picked(READ[curve], spec, budget) for budget in BUDGETS}
    assert got == FROZEN[curve][spec], "run python tests/sampler_golden.py and look at the pictures it changes"


def test_the_page_is_as_it_would_be_written() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert page(text) == text, "run python tests/sampler_golden.py"
    for name in READ:
        picture = PICTURES / f"{name.replace(' ', '-')}.png"
        assert picture.is_file()
        assert f"(samplers/{picture.name})" in text
