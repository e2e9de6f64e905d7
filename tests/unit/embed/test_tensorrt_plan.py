"""What TensorRT engine files are called, which one is taken, and why another one is not: no TensorRT needed."""

from __future__ import annotations

import dataclasses
import errno
import json
from pathlib import Path
from typing import Any

import pytest

from framedex.embed import load_embedder
from framedex.embed.gate import Figures
from framedex.embed.tensorrt_plan import (
    EngineSpec,
    Machine,
    batch_for,
    find_engine,
    keep_engines,
    profile_shapes,
    read_specs,
    timing_cache_name,
    write_engine,
    write_whole,
)
from framedex.errors import ArtefactError, MissingDependency, StorageError, UsageError

MACHINE = Machine(tensorrt="11.4.1", gpu="NVIDIA H100 80GB HBM3", compute_capability="9.0")
SPEC = EngineSpec(kind="image", machine=MACHINE, onnx_sha256="ab" * 32, precision="fp16-mixed", batches=(1, 16))
WANTED = dataclasses.replace(SPEC, batches=(16,))

OTHERS: dict[str, dict[str, Any]] = {
    "TensorRT 11.3.0, this is 11.4.1": {"machine": dataclasses.replace(MACHINE, tensorrt="11.3.0")},
    "GPU NVIDIA L4, this is NVIDIA H100 80GB HBM3": {"machine": dataclasses.replace(MACHINE, gpu="NVIDIA L4")},
    "compute capability 8.9, this is 9.0": {"machine": dataclasses.replace(MACHINE, compute_capability="8.9")},
    "graph cdcdcdcdcdcd, this is abababababab": {"onnx_sha256": "cd" * 32},
    "precision fp32, this is fp16-mixed": {"precision": "fp32"},
    "preparation 0, this is 1": {"preparation": 0},
    "batches of 8 at most, 16 wanted": {"batches": (1, 8)},
}


def test_an_engine_is_found_by_what_it_was_built_for(tmp_path: Path) -> None:
    path = write_engine(tmp_path / "engines", SPEC, b"plan")
    assert find_engine(tmp_path / "engines", WANTED) == (path, SPEC)
    assert path.read_bytes() == b"plan"
    assert path.name.startswith("image-fp16-mixed-")


@pytest.mark.parametrize("difference", OTHERS)
def test_any_other_engine_is_refused_with_what_differs(tmp_path: Path, difference: str) -> None:
    path = write_engine(tmp_path, dataclasses.replace(SPEC, **OTHERS[difference]), b"plan")
    with pytest.raises(ArtefactError) as caught:
        find_engine(tmp_path, WANTED)
    assert str(caught.value).startswith(f"{path}: was built for {difference}")
    assert str(caught.value).endswith("build one: framedex-export tensorrt ARTEFACT")


def test_every_input_changes_the_key() -> None:
    keys = {dataclasses.replace(SPEC, **changes).key for changes in OTHERS.values()}
    keys |= {SPEC.key, dataclasses.replace(SPEC, kind="text").key}
    assert len(keys) == len(OTHERS) + 2


def test_engines_of_several_machines_lie_side_by_side(tmp_path: Path) -> None:
    for changes in OTHERS.values():
        write_engine(tmp_path, dataclasses.replace(SPEC, **changes), b"other")
    path = write_engine(tmp_path, SPEC, b"plan")
    assert len(read_specs(tmp_path)) == len(OTHERS) + 1
    assert find_engine(tmp_path, WANTED)[0] == path


def test_no_engine_and_no_folder_are_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="holds no TensorRT engine of the image tower; build one"):
        find_engine(tmp_path / "absent", WANTED)
    write_engine(tmp_path, dataclasses.replace(SPEC, kind="text"), b"plan")
    with pytest.raises(ArtefactError, match="holds no TensorRT engine of the image tower"):
        find_engine(tmp_path, WANTED)


def test_a_description_without_its_engine_is_refused(tmp_path: Path) -> None:
    write_engine(tmp_path, SPEC, b"plan").unlink()
    with pytest.raises(ArtefactError, match="or its file is missing"):
        find_engine(tmp_path, WANTED)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"machine": {}}', "null", '{"machine": {"tensorrt": "11"}, "batches": [1]}']
)
def test_a_broken_description_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "image.json").write_text(text)
    with pytest.raises(ArtefactError, match=r"image\.json: describes no TensorRT engine"):
        find_engine(tmp_path, WANTED)


def test_a_description_of_another_engine_is_refused(tmp_path: Path) -> None:
    path = write_engine(tmp_path, SPEC, b"plan").with_suffix(".json")
    value = json.loads(path.read_text())
    value["machine"]["gpu"] = "NVIDIA L4"
    path.write_text(json.dumps(value))
    with pytest.raises(ArtefactError, match=rf"{path.name}: describes image-fp16-mixed-"):
        find_engine(tmp_path, WANTED)


@pytest.mark.parametrize("batches", [(), (0, 1), (16, 1), (4, 4)])
def test_batches_increase_from_one_on(batches: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match="batches: expected numbers from 1 on that increase"):
        dataclasses.replace(SPEC, batches=batches)


@pytest.mark.parametrize(("n", "batch"), [(1, 1), (2, 4), (4, 4), (5, 16), (16, 16)])
def test_rows_go_to_the_smallest_batch_that_holds_them(n: int, batch: int) -> None:
    assert batch_for(n, (1, 4, 16)) == batch


def test_a_profile_is_static() -> None:
    assert profile_shapes(16, (224, 224, 3)) == ((16, 224, 224, 3),) * 3


def test_the_timing_cache_is_of_one_version_and_gpu() -> None:
    others = [dataclasses.replace(MACHINE, **{name: "other"}) for name in ("tensorrt", "gpu", "compute_capability")]
    assert len({timing_cache_name(machine) for machine in (MACHINE, *others)}) == 4


def test_a_file_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_whole(tmp_path / "a", b"old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StorageError, match="a: cannot be written"):
        write_whole(tmp_path / "a", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == b"old"


def test_a_missing_tensorrt_names_its_extra() -> None:
    try:
        import tensorrt  # noqa: F401
    except ImportError:
        with pytest.raises(MissingDependency, match=r"embedder 'tensorrt' needs 'tensorrt', .*framedex\[gpu\]"):
            load_embedder("micro-siglip", runtime="tensorrt")
    else:
        pytest.skip("TensorRT is there")


def test_figures_of_the_proof_are_no_part_of_what_is_looked_for(tmp_path: Path) -> None:
    path = write_engine(tmp_path, SPEC, b"plan")
    proved = SPEC.to_json(Figures(cosine=0.9995, ranks=1.0))
    path.with_suffix(".json").write_text(proved)
    assert json.loads(proved)["gate"] == {"cosine": 0.9995, "ranks": 1.0}
    assert find_engine(tmp_path, WANTED) == (path, SPEC)


@pytest.mark.parametrize(
    ("batch", "largest", "taken"), [(1, True, 3), (1, False, 0), (8, False, 1), (9, False, 2), (33, False, 3)]
)
def test_of_engines_that_fit_one_is_taken(tmp_path: Path, batch: int, largest: bool, taken: int) -> None:
    specs = [dataclasses.replace(SPEC, batches=batches) for batches in ((1, 4), (2, 8), (16, 32), (64,))]
    for spec in specs:
        write_engine(tmp_path, spec, b"plan")
    wanted = dataclasses.replace(WANTED, batches=(batch,))
    assert find_engine(tmp_path, wanted, largest=largest)[1] == specs[taken]


def test_engines_of_a_graph_move_whatever_machine_they_are_of(tmp_path: Path) -> None:
    elsewhere = dataclasses.replace(SPEC, machine=dataclasses.replace(MACHINE, gpu="NVIDIA L4"))
    source, target = tmp_path / "old", tmp_path / "new"
    kept = [write_engine(source, spec, b"plan").name for spec in (SPEC, elsewhere)]
    write_engine(source, dataclasses.replace(SPEC, onnx_sha256="cd" * 32), b"of another graph")
    without = write_engine(source, dataclasses.replace(SPEC, precision="fp32"), b"lost")
    without.unlink()
    (source / "broken.json").write_text("{}")
    timing = timing_cache_name(MACHINE)
    write_whole(source / timing, b"timed")
    left = {path.name for path in source.iterdir()}
    keep_engines(source, target, graphs={SPEC.onnx_sha256})
    moved = {path.name for path in target.iterdir()}
    assert moved == {*kept, *(name.replace(".engine", ".json") for name in kept), timing}
    assert read_specs(target) == sorted((SPEC, elsewhere), key=lambda spec: spec.name)
    assert {path.name for path in source.iterdir()} == left - moved


def test_where_no_engine_is_none_is_kept(tmp_path: Path) -> None:
    keep_engines(tmp_path / "absent", tmp_path / "new", graphs={SPEC.onnx_sha256})
    assert list(tmp_path.iterdir()) == []
