"""`framedex-export tensorrt` and `--to tensorrt`: up to TensorRT itself, and over a stand-in for it."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from checkpoints import tiny_artefact, tiny_checkpoint
from framedex.cli.run import run
from framedex.embed.artefact import Artefact
from framedex.errors import ArtefactError, MissingDependency, UsageError
from framedex_export.cli import app
from framedex_export.tensorrt_cli import tensorrt
from tensorrt_stand_in import Told, installed

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[Told]:
    tiny_artefact()  # torch's tracer looks at torch.cuda when it is first imported
    with installed(monkeypatch) as told:
        yield told


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["framedex-export", *map(str, arguments)])
        code = run(app)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.mark.skipif(importlib.util.find_spec("tensorrt") is not None, reason="TensorRT is there")
def test_a_missing_tensorrt_names_the_extra() -> None:
    with pytest.raises(MissingDependency, match=r"framedex-export tensorrt needs 'tensorrt', .*framedex\[gpu\]"):
        tensorrt("micro-siglip")


@pytest.mark.parametrize("batches", ["", "a", "1;16", "1,"])
def test_batches_are_numbers(batches: str) -> None:
    with pytest.raises(UsageError, match="--batch: expected numbers such as 1,16"):
        tensorrt("micro-siglip", batches=batches)


def test_an_artefact_without_reference_is_refused_before_anything_is_built(tmp_path: Path) -> None:
    folder = shutil.copytree(Artefact.open("micro-siglip").folder, tmp_path / "artefact")
    value = json.loads((folder / "manifest.json").read_text())
    del value["files"]["reference.npz"]
    (folder / "manifest.json").write_text(json.dumps(value))
    with pytest.raises(ArtefactError, match="has no reference vectors"):
        tensorrt(str(folder))


def test_no_artefact_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        tensorrt(str(tmp_path / "absent"))


@pytest.mark.slow
def test_an_export_ends_in_engines(told: Told, call: Call, tmp_path: Path) -> None:
    target = tmp_path / "artefact"
    code, out, err = call(
        "siglip", tiny_checkpoint(), "-o", target, "--to", "tensorrt", "--precision", "fp16-mixed", "--json"
    )
    assert code == 0, err
    engines = json.loads(out)["engines"]
    assert json.loads(out)["precision"] == "fp32", "of the graphs, which every engine begins with"
    assert sorted(engines) == sorted(str(path) for path in (target / "tensorrt").glob("*-fp16-mixed-*.engine"))
    assert len(engines) == 2
    assert "proving the engines" in err
    code, _, err = call("siglip", tiny_checkpoint(), "-o", target, "--force")
    assert code == 0, err
    assert all(Path(engine).is_file() for engine in engines), "the same graphs: their engines stay"


def test_engines_of_an_artefact_that_is_there_are_printed(told: Told, call: Call, tmp_path: Path) -> None:
    target = shutil.copytree(tiny_artefact(), tmp_path / "artefact")
    code, out, err = call("siglip", tiny_checkpoint(), "-o", target, "--to", "tensorrt")
    assert code == 0, err
    first, *engines = out.splitlines()
    assert first.endswith("left alone")
    assert sorted(engines) == sorted(str(path) for path in (target / "tensorrt").glob("*.engine"))
    assert len(engines) == 2


def test_the_command_prints_its_engines(told: Told, call: Call, tmp_path: Path) -> None:
    code, out, err = call("tensorrt", tiny_artefact(), "--batch", "1,3", "-o", tmp_path)
    assert code == 0, err
    assert sorted(out.splitlines()) == sorted(str(path) for path in tmp_path.glob("*.engine"))
    assert "batches of 1, 3" in err


@pytest.mark.parametrize("precision", ["int8", "bf16"])
def test_a_precision_that_is_not_built_is_refused_before_the_export(call: Call, tmp_path: Path, precision: str) -> None:
    for arguments in (
        ("siglip", tiny_checkpoint(), "-o", tmp_path / "artefact", "--to", "tensorrt"),
        ("tensorrt", tiny_artefact()),
    ):
        code, out, err = call(*arguments, "--precision", precision)
        assert (code, out) == (2, "")
        assert err == f"error: TensorRT: precision '{precision}' is not built; exists: fp32, fp16-mixed\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("cuda", "code", "expected"),
    [
        (None, 3, "framedex-export siglip --to tensorrt needs torch built for CUDA"),
        ("13.0", 5, "framedex-export siglip --to tensorrt: torch"),
    ],
)
def test_a_missing_gpu_is_told_before_the_export(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cuda: str | None, code: int, expected: str
) -> None:
    monkeypatch.setattr(torch.version, "cuda", cuda)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with installed(monkeypatch, gpu=False) as told:
        got, out, err = call("siglip", tiny_checkpoint(), "-o", tmp_path / "artefact", "--to", "tensorrt")
    assert (got, out) == (code, "")
    assert err.startswith(f"error: {expected}")
    assert len(err.splitlines()) == 1
    assert told.asked == []
    assert list(tmp_path.iterdir()) == []
