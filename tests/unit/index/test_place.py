"""Names of grids and places of files."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framedex.index.place import Place, is_grid_name


@pytest.mark.parametrize("name", ["fps=1", "fps=0.5", "fps=30000_1001", "every=30", "times=0f5c", "scene=1e-3"])
def test_grid_names(name: str) -> None:
    assert is_grid_name(name)


@pytest.mark.parametrize(
    "name",
    ["", "fps", "fps=", "=1", "fps=1/2", "fps=..\\x", "fps=1\n", "../fps=1", ".fps=1", "fps=é", "fps=" + "1" * 97],
)
def test_what_is_no_grid_name(name: str) -> None:
    assert not is_grid_name(name)


@given(st.text())
def test_a_grid_name_is_one_plain_folder(name: str) -> None:
    if is_grid_name(name):
        assert Path(name).parts == (name,)
        assert not name.startswith(".")


def test_paths() -> None:
    place = Place(encoder_key="e" * 32, grid="fps=1", video_key="ab" + "0" * 30)
    folder = Path("S/index", "e" * 32, "fps=1", "ab")
    assert place.index_path(Path("S")) == folder / f"{place.video_key}.faiss"
    assert place.row_path(Path("S")) == folder / f"{place.video_key}.json"
