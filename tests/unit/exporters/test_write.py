"""An artefact comes into its place whole or not at all."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pytest

from framedex.embed.manifest import FileEntry
from framedex.embed.tensorrt_plan import FOLDER, EngineSpec, Machine, read_specs, write_engine
from framedex.errors import StorageError, UsageError
from framedex_export.write import is_occupied, list_files, publish, staging


def _stage(target: Path, data: bytes, *, graphs: Collection[str] = ()) -> None:
    with staging(target) as folder:
        assert folder.parent == target.parent
        (folder / "weights").write_bytes(data)
        (folder / "weights").chmod(0o600)  # as onnx writes them
        publish(folder, target, "{}", graphs=graphs)


def test_published_whole_and_nothing_left_beside(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "artefact"
    _stage(target, b"one")
    assert sorted(path.name for path in target.iterdir()) == ["manifest.json", "weights"]
    assert [path.name for path in target.parent.iterdir()] == ["artefact"]
    assert {path.stat().st_mode & 0o777 for path in target.iterdir()} == {0o644}, "everybody may read it"


def test_an_artefact_is_replaced(tmp_path: Path) -> None:
    target = tmp_path / "artefact"
    _stage(target, b"one")
    _stage(target, b"two")
    assert (target / "weights").read_bytes() == b"two"
    assert [path.name for path in tmp_path.iterdir()] == ["artefact"]


def test_engines_of_the_same_graphs_stay_when_an_artefact_is_replaced(tmp_path: Path) -> None:
    target = tmp_path / "artefact"
    _stage(target, b"one")
    machine = Machine(tensorrt="11.4.1", gpu="NVIDIA L4", compute_capability="8.9")
    spec = EngineSpec(kind="image", machine=machine, onnx_sha256="ab" * 32, precision="fp32", batches=(1,))
    engine = write_engine(target / FOLDER, spec, b"plan")
    _stage(target, b"two", graphs={spec.onnx_sha256})
    assert engine.read_bytes() == b"plan"
    assert read_specs(target / FOLDER) == [spec]
    _stage(target, b"three", graphs={"cd" * 32})
    assert sorted(path.name for path in target.iterdir()) == ["manifest.json", "weights"]
    assert [path.name for path in tmp_path.iterdir()] == ["artefact"]


def _interrupted(target: Path, fault: type[BaseException]) -> None:
    with staging(target) as folder:
        (folder / "weights").write_bytes(b"half")
        raise fault


@pytest.mark.parametrize("fault", [KeyboardInterrupt, ValueError])
def test_interrupted_leaves_nothing(tmp_path: Path, fault: type[BaseException]) -> None:
    with pytest.raises(fault):
        _interrupted(tmp_path / "artefact", fault)
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_artefact_is_never_replaced(tmp_path: Path) -> None:
    folder, file = tmp_path / "folder", tmp_path / "file"
    folder.mkdir()
    (folder / "thesis.tex").write_text("precious")
    file.write_text("precious")
    for target in (folder, file):
        with pytest.raises(UsageError, match="is no encoder artefact"):
            _stage(target, b"one")
    assert (folder / "thesis.tex").read_text() == file.read_text() == "precious"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    target = tmp_path / "artefact"
    target.mkdir()
    assert not is_occupied(target)
    _stage(target, b"one")
    assert (target / "weights").read_bytes() == b"one"


def test_a_place_that_cannot_be_made_is_storage(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match="cannot be written"), staging(tmp_path / "file" / "artefact"):
        pytest.fail("the folder cannot be there")


def test_files_are_listed_with_size_and_hash(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert list_files(tmp_path) == {"empty": FileEntry(sha256=empty, nbytes=0)}
