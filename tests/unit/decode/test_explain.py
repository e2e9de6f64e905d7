from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from clips import encode, write_images
from framedex.decode import identify
from framedex.decode.explain import explain
from framedex.decode.grids import asked_grids
from framedex.errors import UsageError

PAL = Fraction(1, 25)


def test_a_plan_is_told_in_numbers(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    encode(path, range(100), PAL, codec_options={"x264-params": "keyint=50:scenecut=0:bframes=0"})
    told = explain(identify(path, folder_fps=None), asked_grids(fps="1", count="2"))
    assert (told.codec, told.packets, told.closed_entries, told.open_entries, told.unreferenced) == (
        "h264",
        100,
        2,
        0,
        0,
    )
    assert told.grids == (("fps=1", 4), ("count=2", 2))
    assert (told.first_us, told.last_us) == (0, 3_960_000)
    assert [(group.start_us, group.span, group.decoded, group.frames) for group in told.groups] == [
        (0, 26, 26, 3),
        (2_000_000, 26, 26, 3),
    ]
    assert (told.decoded, told.reason, told.distrust) == (52, None, None)


@pytest.mark.parametrize(
    ("suffix", "options", "reason"),
    [
        ("avi", {"fps": "1"}, "cannot be trusted"),
        ("mp4", {"scene": "0.3"}, "scene=0.3 looks at every frame"),
        ("mp4", {"fps": "25"}, "fps=25 takes nearly every frame"),
        ("mp4", {"fps": "20"}, "nearly all packets"),
    ],
)
def test_why_everything_is_decoded(tmp_path: Path, suffix: str, options: dict[str, str], reason: str) -> None:
    path = tmp_path / f"clip.{suffix}"
    encode(path, range(50), PAL)
    told = explain(identify(path, folder_fps=None), asked_grids(**options))  # type: ignore[arg-type]
    assert reason in (told.reason or "")
    assert told.groups == ()
    assert (told.distrust is not None) == (suffix == "avi")


def test_a_folder_has_no_plan(tmp_path: Path) -> None:
    write_images(tmp_path / "frames", 3)
    with pytest.raises(UsageError, match="no plan"):
        explain(identify(tmp_path / "frames", folder_fps="1"), asked_grids())
