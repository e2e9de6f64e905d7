import json
import subprocess
import sys

import pytest

from framedex.errors import UsageError
from framedex.microworld.draw import draw_clip
from framedex.microworld.evidence import evidence
from framedex.microworld.make import make_world


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("world")


@pytest.fixture(scope="module")
def world(folder):
    return make_world(folder, clips=2, seed=21)


def snapshot(folder):
    return {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in (folder / "clips").iterdir()}


def test_captions_say_what_is_seen_where_and_when(world):
    lines = [json.loads(line) for line in world.captions.read_text().splitlines()]
    assert len(lines) == world.n_pairs == sum(len(spec.tracks) for spec in world.specs)
    assert len({line["id"] for line in lines}) == len(lines)
    expected = [
        (track.thing.caption, [list(interval) for interval in intervals])
        for index in range(2)
        for track, intervals in zip(draw_clip(21, index).tracks, evidence(draw_clip(21, index)), strict=True)
    ]
    assert [(line["question"], line["evidence"]) for line in lines] == expected
    for line in lines:
        assert set(line) == {"id", "video", "question", "evidence", "category"}
        assert (world.captions.parent / line["video"]).is_file()
        assert line["category"] == "search"


def test_the_plan_is_written_out(world):
    plan = json.loads((world.folder / "world.json").read_text())
    assert plan["seed"] == 21
    assert [clip["file"] for clip in plan["clips"]] == ["clips/clip-0000.mp4", "clips/clip-0001.mp4"]
    assert [clip["n_frames"] for clip in plan["clips"]] == [spec.n_frames for spec in world.specs]


def test_making_again_keeps_whole_clips_and_makes_what_is_missing(world, folder):
    captions = world.captions.read_bytes()
    before = snapshot(folder)
    (folder / "clips" / "clip-0001.mp4").unlink()
    world.captions.unlink()
    seen = []
    again = make_world(folder, clips=2, seed=21, progress=lambda done, total: seen.append((done, total)))
    assert (again.n_kept, again.n_written) == (1, 1)
    assert seen == [(1, 2), (2, 2)]
    after = snapshot(folder)
    assert after["clip-0000.mp4"] == before["clip-0000.mp4"]
    assert after.keys() == before.keys()
    assert again.captions.read_bytes() == captions


def test_another_seed_leaves_nothing_of_the_old_world(tmp_path):
    make_world(tmp_path, clips=2, seed=21)
    before = snapshot(tmp_path)
    other = make_world(tmp_path, clips=1, seed=22)
    assert (other.n_kept, other.n_written) == (0, 1)
    after = snapshot(tmp_path)
    assert after.keys() == {"clip-0000.mp4"}
    assert after["clip-0000.mp4"][1] != before["clip-0000.mp4"][1]


def test_numbers_out_of_range_and_foreign_plans_are_refused(tmp_path):
    with pytest.raises(UsageError, match="clips=0"):
        make_world(tmp_path, clips=0, seed=1)
    (tmp_path / "world.json").write_text('{"continents": 7}')
    with pytest.raises(UsageError, match="not a micro-world's plan"):
        make_world(tmp_path, clips=1, seed=1)


def test_making_needs_no_torch():
    code = "import sys, framedex.microworld.make; print(sorted({'torch', 'transformers', 'scipy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
