"""A small world of clips and its store, made once."""

from __future__ import annotations

import pytest

from cli import ok
from framedex.microworld.make import make_world
from small_world import SmallWorld


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> SmallWorld:
    folder = tmp_path_factory.mktemp("world")
    made = make_world(folder, clips=8, seed=11)
    store = tmp_path_factory.mktemp("store") / "S"
    ok("index", folder / "clips", "--store", store, "--encoder", "micro-siglip")
    return SmallWorld(folder=folder, captions=made.captions, store=store)


@pytest.fixture(autouse=True)
def no_kept_answers(request: pytest.FixtureRequest) -> None:
    """Each test asks its models anew: what another test's sweep kept in the shared store is taken away."""
    if "world" in request.fixturenames:
        world: SmallWorld = request.getfixturevalue("world")
        (world.store / "cache" / "answers.sqlite").unlink(missing_ok=True)
