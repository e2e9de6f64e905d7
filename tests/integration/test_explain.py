"""`framedex index --explain`: the plan, without a store or an encoder."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from cli import framedex, ok
from clips import encode, write_images

PAL = Fraction(1, 25)


def test_the_plan_of_every_file_is_printed(tmp_path: Path) -> None:
    encode(tmp_path / "a.mp4", range(100), PAL, codec_options={"x264-params": "keyint=50:scenecut=0:bframes=0"})
    encode(tmp_path / "b.avi", range(50), PAL)
    (tmp_path / "c.mp4").write_text("no video")
    ran = framedex("index", tmp_path, "--fps", "1", "--explain")
    assert ran.code == 1
    assert "52 of 100 packets are decoded (52.0 %), in 2 groups" in ran.out
    assert "b.avi: h264 in avi" in ran.out
    assert "everything is decoded: its packets cannot be trusted" in ran.out
    assert "c.mp4" in ran.err
    assert "Traceback" not in ran.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "b.avi", "c.mp4"], "nothing is written"


def test_the_plan_for_programs(tmp_path: Path) -> None:
    encode(tmp_path / "a.mp4", range(100), PAL)
    (plan,) = ok("index", tmp_path / "a.mp4", "--fps", "1,2", "--count", "3", "--explain", "--json").json()["plans"]
    assert plan["grids"] == [["fps=1", 4], ["fps=2", 8], ["count=3", 3]]
    assert 0 < plan["decoded"] == sum(group["decoded"] for group in plan["groups"]) <= plan["packets"] == 100


def test_without_a_store_there_is_nothing_to_index_into(tmp_path: Path) -> None:
    encode(tmp_path / "a.mp4", range(10), PAL)
    ran = framedex("index", tmp_path / "a.mp4", "--encoder", "micro-siglip")
    assert (ran.code, "--store" in ran.err) == (2, True)


def test_a_folder_of_images_does_not_cost_the_others_their_plans(tmp_path: Path) -> None:
    encode(tmp_path / "a.mp4", range(100), PAL)
    write_images(tmp_path / "frames", 3)
    ran = framedex("index", tmp_path, "--folder-fps", 3, "--explain", "--json")
    assert ran.code == 1
    told = ran.json()
    assert [Path(plan["path"]).name for plan in told["plans"]] == ["a.mp4"]
    assert [(Path(entry["path"]).name, entry["error"]) for entry in told["failed"]] == [("frames", "UsageError")]
