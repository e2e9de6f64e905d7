"""What is shown in a page is escaped."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

from framedex.report.curve import Curve, curve_svg
from framedex.report.page import jpeg_data_uri, render

HOSTILE = '<script>alert("x")</script>&\'"'


def page(**changes: object) -> str:
    values = {
        "finding": "f", "rows": [], "examples": [], "recall": 0.5, "chance": 0.1, "questions": 1, "budget": 4,
        "videos": 1, "frames": 3, "grid": "fps=1", "encoder": "e", "seed": 0, "version": "0",
        "findings": {}, "figures": dict.fromkeys(("accuracy", "oracle", "confidence", "drop"), ()),
        "resampling": {"draws": 1, "seed": 0},
    }  # fmt: skip
    return render("demo.html", **{**values, **changes})


def test_hostile_prompts_and_file_names_stay_text() -> None:
    example = {"prompt": HOSTILE, "video": HOSTILE, "curve": "", "strips": [{"sampler": HOSTILE, "thumbnails": []}]}
    text = page(finding=HOSTILE, encoder=HOSTILE, rows=[{"name": HOSTILE, "share": 0.5}], examples=[example])
    assert "<script>" not in text
    assert text.count("&lt;script&gt;") == 6


def test_names_in_the_curve_are_escaped_and_points_stay_inside() -> None:
    curve = Curve(
        times_s=np.array([0.0, 1.0, 2.0]),
        scores=np.array([0.1, 0.5, 0.2], np.float32),
        evidence=[(0.5, 9.0)],
        taken={HOSTILE: np.array([0, 2])},
    )
    svg = curve_svg(curve)
    assert "<script>" not in svg
    assert 'points="84.0,216.0 460.0,14.0 836.0,165.5"' in svg
    assert svg.count("<circle") == 2


def test_one_flat_point_can_be_drawn() -> None:
    flat = Curve(times_s=np.zeros(1), scores=np.full(1, 0.3, np.float32), evidence=[], taken={})
    assert "nan" not in curve_svg(flat)


def test_a_frame_becomes_a_small_jpeg() -> None:
    frame = np.zeros((100, 200, 3), np.uint8)
    frame[:, 100:] = (255, 0, 0)
    kind, _, data = jpeg_data_uri(frame, width=50).partition(",")
    assert kind == "data:image/jpeg;base64"
    picture = Image.open(io.BytesIO(base64.b64decode(data)))
    assert picture.size == (50, 25)
    assert picture.getpixel((40, 12))[0] > 200  # type: ignore[index]
