"""`framedex doctor` names every back end, what `auto` means, and what an absent one needs."""

from __future__ import annotations

import importlib.util

import pytest

from framedex.cli import backends
from framedex.cli.doctor import _show, examine
from framedex.decode import decoders
from framedex.embed import AUTO, embedders
from framedex.errors import DeviceError
from framedex.pair import AUTO as AUTO_PAIR_SCORER
from framedex.pair import pair_scorers
from framedex.score import AUTO as AUTO_SCORER
from framedex.score import scorers


def test_every_back_end_is_named_and_auto_is_resolved() -> None:
    report = examine()
    assert report["problems"] == []
    assert set(report["decoders"]) == {"auto", *decoders.names()}
    assert report["decoders"]["auto"] == "pyav"
    assert report["decoders"]["pyav"] == "available"
    assert report["ffmpeg"]["codecs"]["h264"]
    assert set(report["embedders"]) == {"auto", *embedders.names()}
    assert set(report["scorers"]) == {"auto", *scorers.names()}
    assert (report["embedders"]["auto"], report["scorers"]["auto"]) == (AUTO, AUTO_SCORER)
    assert report["embedders"][AUTO] == report["scorers"][AUTO_SCORER] == "available"
    assert report["embedders"]["torch-cpu"] == "available"
    assert set(report["pair scorers"]) == {"auto", *pair_scorers.names()}
    assert report["pair scorers"][report["pair scorers"]["auto"]] == "available"


@pytest.mark.skipif(importlib.util.find_spec("tensorrt") is not None, reason="TensorRT is there")
def test_an_absent_one_is_no_problem_and_says_what_it_needs(capsys: pytest.CaptureFixture[str]) -> None:
    report = examine()
    assert report["embedders"]["tensorrt"].endswith("run: pip install 'framedex[gpu]'")
    _show(report)
    shown = capsys.readouterr().out
    assert f"embed     {AUTO} (auto): available\n" in shown
    assert "embed     tensorrt: embedder 'tensorrt' needs 'tensorrt'" in shown
    assert "decode    pyav (auto): available\n" in shown
    assert f"pairs     {AUTO_PAIR_SCORER} (auto): available\n" in shown
    assert "never run decoder dali-gpu, embedder onnxruntime-cuda" in shown
    assert shown.endswith("ready\n")


def test_what_auto_means_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("framedex.cli.doctor.scorer_states", lambda: {AUTO_SCORER: "needs a wheel"})
    report = examine()
    assert report["problems"] == ["needs a wheel"]


def test_pair_scorers_are_no_condition_of_being_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("framedex.cli.doctor.pair_scorer_states", lambda: {AUTO_PAIR_SCORER: "needs a wheel"})
    report = examine()
    assert (report["problems"], report["pair scorers"][AUTO_PAIR_SCORER]) == ([], "needs a wheel")


@pytest.mark.parametrize(
    ("error", "said"), [(DeviceError("no GPU"), "no GPU"), (OSError("libx.so"), "broken: OSError: libx.so")]
)
def test_a_broken_one_shows_its_own_error(error: Exception, said: str) -> None:
    def make(_: str) -> backends._Closeable:
        raise error

    assert backends._states(["a"], make) == {"a": said}
