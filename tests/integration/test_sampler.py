"""`framedex sampler`, and samplers of other packages."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import framedex as library
from cli import framedex, ok
from framedex.select.sample import FRAMES, sample_video
from small_world import SmallWorld
from sweep_folder import write_sweep

PLUGIN = '''
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from framedex.select.base import Input, Request, Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class EveryOther:
    """Every step-th frame, as many as the budget allows.

    Args:
        step: frames from one to the next.

    Source: an example.
    """

    name: ClassVar[str] = "every-other"
    kind: ClassVar[Literal["set"]] = "set"
    needs: ClassVar[tuple[Input, ...]] = ()
    wants: ClassVar[tuple[Input, ...]] = ()
    cost: ClassVar[str] = "k"

    step: int = 2

    def rows(self, request: Request) -> Rows:
        return np.arange(0, request.n, self.step, dtype=np.int64)[: request.budget]


@dataclass(frozen=True, slots=True, kw_only=True)
class Backwards(EveryOther):
    name: ClassVar[str] = "backwards"

    def rows(self, request: Request) -> Rows:
        return np.arange(request.n, dtype=np.int64)[::-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn(EveryOther):
    """Frames that are drawn.

    Source: an example.
    """

    name: ClassVar[str] = "drawn"
    needs: ClassVar[tuple[Input, ...]] = ("seed",)

    def rows(self, request: Request) -> Rows:
        return np.sort(np.argsort(request.draw.uniforms(request.n))[: request.take])


class NoSampler:
    pass
'''

ENTRY_POINTS = """\
[framedex.samplers]
every-other = plugin_of_samplers:EveryOther
backwards = plugin_of_samplers:Backwards
no-sampler = plugin_of_samplers:NoSampler
every-third = plugin_of_samplers:EveryOther
drawn = plugin_of_samplers:Drawn
not-there = plugin_of_samplers:Absent
top = plugin_of_samplers:EveryOther
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder that holds an installed package with entry points."""
    (tmp_path / "plugin_of_samplers.py").write_text(PLUGIN)
    info = tmp_path / "acme_samplers-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-samplers\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    return tmp_path


def with_plugin(site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    code = f"import sys; sys.path.insert(0, {str(site)!r}); from framedex.cli import main; main()"
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)


def test_list_names_every_sampler() -> None:
    listed = ok("sampler", "list", "--json").json()["samplers"]
    assert [each["name"] for each in listed] == list(library.samplers())
    mmr = next(each for each in listed if each["name"] == "mmr")
    assert (mmr["kind"], mmr["needs"], mmr["package"], mmr["problem"]) == (
        "keyframe",
        ["scores", "embeddings"],
        None,
        "",
    )
    out = ok("sampler", "list").out
    assert all(any(line.startswith(f"{name} ") for line in out.splitlines()) for name in library.samplers())


@pytest.mark.parametrize("name", library.samplers())
def test_show_says_what_a_sampler_does_and_takes(name: str) -> None:
    out = ok("sampler", "show", name).out
    shown = ok("sampler", "show", name, "--json").json()
    for word in ("needs", "cost", "source", *(each["name"] for each in shown["parameters"])):
        assert word in out
    picture = out.rstrip("\n").splitlines()[-1].ljust(FRAMES)
    assert [row for row, mark in enumerate(picture) if mark == "▲"] == shown["sample"]["rows"]
    assert all(mark in "▲═" for mark in picture[17:25])  # the evidence


def test_the_picture_takes_parameters_and_a_budget() -> None:
    shown = ok("sampler", "show", "bolt:power=3", "--budget", 3, "--json").json()
    assert shown["sample"]["parameters"] == {"power": 3.0, "strict": None}
    expected = library.select("bolt", sample_video().scores, budget=3, power=3).rows.tolist()
    assert shown["sample"]["rows"] == expected


def test_what_is_not_there() -> None:
    ran = framedex("sampler", "show", "bolr")
    assert ran.code == 2
    assert "unknown sampler 'bolr'" in ran.err
    assert "did you mean 'bolt'?" in ran.err


def test_a_sampler_of_another_package_is_there_by_its_name(site: Path) -> None:
    listed = with_plugin(site, "sampler", "list")
    assert (listed.returncode, listed.stderr) == (0, "")
    lines = {line.split()[0]: line for line in listed.stdout.splitlines()}
    assert lines["every-other"].endswith("(acme-samplers)")
    assert "acme-samplers" not in lines["top"]  # our own names stay ours
    assert "cannot be imported" in lines["not-there"]
    shown = with_plugin(site, "sampler", "show", "every-other:step=9", "--json")
    assert shown.returncode == 0, shown.stderr
    assert '"rows": [0, 9, 18, 27, 36, 45, 54, 63]' in shown.stdout
    assert '"package": "acme-samplers"' in shown.stdout


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("backwards", "sampler 'backwards': expected sorted unique rows"),
        ("no-sampler", "expected a dataclass with name, kind, needs, wants, cost, rows"),
        ("not-there", "sampler 'not-there': plugin_of_samplers:Absent of package acme-samplers cannot be imported"),
        ("every-third", "sampler 'every-third': expected a class of this name at its entry point, got 'every-other'"),
        ("every-othr", "did you mean 'every-other'?"),
        ("plugin_of_samplers:Absent:step=3", "sampler 'plugin_of_samplers:Absent': cannot be imported"),
        ("plugin_of_samplers:EveryOther:stop=3", "sampler 'every-other' has no parameter 'stop'"),
        ("plugin_of_samplers:EveryOther:step", "expected name:key=value"),
        ("every-other:step=x", "sampler 'every-other', step: expected a whole number, got 'x'"),
    ],
)
def test_a_package_that_does_not_keep_the_contract_is_a_sentence(site: Path, name: str, sentence: str) -> None:
    ran = with_plugin(site, "sampler", "show", name)
    assert ran.returncode == 2
    assert sentence in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_class_of_a_module_is_a_sampler_wherever_a_name_is(site: Path, world: SmallWorld) -> None:
    """On the command line, in a sweep and from Python, with parameters and without."""
    write_sweep(site, world, samplers=["uniform", "plugin_of_samplers:EveryOther:step=3"], budgets=[2])
    ask = ("select", str(world.store), str(site / "q.jsonl"), "--budget", "3", "--json")
    flags = ("--sampler", "plugin_of_samplers:EveryOther", "--sampler", "plugin_of_samplers:EveryOther:step=3")
    selected = with_plugin(site, *ask, *flags)
    assert selected.returncode == 0, selected.stderr
    chosen = [(each["sampler"], each["rows"]) for each in json.loads(selected.stdout)["selections"]]
    assert chosen[:2] == [("every-other", [0, 2, 4]), ("every-other", [0, 3, 6])]
    shown = with_plugin(site, "sampler", "show", "plugin_of_samplers:EveryOther:step=9", "--json")
    assert json.loads(shown.stdout)["sample"]["rows"] == [0, 9, 18, 27, 36, 45, 54, 63]
    swept = with_plugin(site, "sweep", str(site / "sweep.yaml"), "-o", str(site / "RUN"), "--dry-run")
    assert swept.returncode == 0, swept.stderr


def test_a_drawn_frame_is_the_same_by_every_route(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Draws go by the class's name, however the class was named."""
    monkeypatch.syspath_prepend(str(site))
    spec, video = "plugin_of_samplers:Drawn", sample_video()
    one = library.select(spec, video.scores, budget=5, seed=3).rows.tolist()
    many = library.select_many([spec], [video.scores[None, :]], budgets=[5], seeds=[3]).rows(0).tolist()
    shown = [
        json.loads(with_plugin(site, "sampler", "show", name, "--budget", "5", "--seed", "3", "--json").stdout)
        for name in (spec, "drawn")
    ]
    assert one == many == shown[0]["sample"]["rows"] == shown[1]["sample"]["rows"]
