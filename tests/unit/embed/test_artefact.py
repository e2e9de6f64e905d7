"""An artefact is found by name or path, and every file of it is proved."""

from __future__ import annotations

from pathlib import Path

import pytest

from framedex.embed.artefact import Artefact
from framedex.embed.bundled import BUNDLED
from framedex.errors import ArtefactError, UsageError
from manifests import FILES, write_example


def test_a_folder_opens_by_string_and_by_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_example(tmp_path / "example")
    for encoder in (folder, str(folder)):
        artefact = Artefact.open(encoder)
        assert artefact.folder == folder
        assert artefact.origin == str(folder)
        assert artefact.image_graph.read_bytes() == FILES["image.onnx"]
        assert artefact.tokenizer.name == "tokenizer.json"
    monkeypatch.chdir(tmp_path)
    assert Artefact.open("example").origin == str(folder)


@pytest.mark.parametrize("name", sorted(FILES))
def test_one_flipped_bit_in_any_file_is_found(tmp_path: Path, name: str) -> None:
    folder = write_example(tmp_path)
    data = bytearray((folder / name).read_bytes())
    data[-1] ^= 1
    (folder / name).write_bytes(data)
    with pytest.raises(ArtefactError, match=f"{name}: expected SHA-256 [0-9a-f]+, got [0-9a-f]+; .*export it again"):
        Artefact.open(folder)


def test_a_cut_file_is_found_by_its_size(tmp_path: Path) -> None:
    folder = write_example(tmp_path)
    (folder / "text.onnx").write_bytes(FILES["text.onnx"][:-1])
    with pytest.raises(ArtefactError, match=r"text.onnx: expected 12 bytes, got 11; export it again"):
        Artefact.open(folder)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    folder = write_example(tmp_path)
    (folder / "image.onnx").unlink()
    with pytest.raises(ArtefactError, match=r"image.onnx: listed in the manifest and missing"):
        Artefact.open(folder)


def test_no_encoder_says_what_is_bundled_and_how_to_export() -> None:
    with pytest.raises(UsageError, match=r"no encoder was named \(bundled: micro-siglip\).*framedex-export siglip"):
        Artefact.open(None)


def test_an_unknown_name_gets_a_suggestion() -> None:
    with pytest.raises(
        UsageError, match=r"unknown encoder 'micro-siglib'; .*did you mean 'micro-siglip'.*framedex-export"
    ):
        Artefact.open("micro-siglib")


def test_a_path_that_is_not_there_or_no_folder_is_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        Artefact.open(tmp_path / "nowhere")
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError, match="expected an artefact's folder, got a file"):
        Artefact.open(tmp_path / "file")


@pytest.mark.parametrize("name", sorted(BUNDLED))
def test_bundled_encoders_hold_and_know_their_name(name: str) -> None:
    artefact = Artefact.open(name)
    assert artefact.manifest.name == name
    assert artefact.origin == name
