"""Building engines, over a stand-in for NVIDIA's library: what it is asked, what is proved, and what is left behind."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from framedex.embed.artefact import Artefact
from framedex.embed.tensorrt_plan import Machine, read_specs, timing_cache_name
from framedex.errors import ArtefactError, DeviceError, StorageError, UsageError
from tensorrt_stand_in import Told, installed

Build = Callable[..., list[Path]]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[Told]:
    with installed(monkeypatch) as told:
        yield told


@pytest.fixture
def build(told: Told, tmp_path: Path) -> Build:
    from framedex_export.tensorrt_build import build_engines

    def build(artefact: Artefact | None = None, **options: Any) -> list[Path]:
        options = {"folder": tmp_path / "engines", "report": lambda _line: None} | options
        return build_engines(artefact or Artefact.open("micro-siglip"), **options)

    return build


def test_what_the_library_is_asked(told: Told, build: Build, tmp_path: Path) -> None:
    import tensorrt as trt

    lines: list[str] = []
    written = build(batches=(1, 5, 16), report=lines.append)
    manifest = Artefact.open("micro-siglip").manifest
    row, length = (*manifest.image.size, 3), manifest.text.max_length
    assert told.of("create_network") == [(1 << trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED,)] * 2
    assert told.of("clear_flag") == [(trt.BuilderFlag.TF32,)] * 2
    assert told.of("builder_optimization_level") == [(5,)] * 2
    assert told.of("set_memory_pool_limit") == [(trt.MemoryPoolType.WORKSPACE, 4 * 2**30)] * 2
    assert told.of("set_shape") == [
        *(("pixels", *[(batch, *row)] * 3) for batch in (1, 5, 16)),
        ("ids", *[(1, length)] * 3),
    ]
    assert [path.parent for path in written] == [tmp_path / "engines"] * 2
    assert [spec.batches for spec in read_specs(tmp_path / "engines")] == [(1, 5, 16), (1,)]
    assert lines[0] == "building the image tower's engine in fp32 for batches of 1, 5, 16"


def test_the_gates_figures_are_in_the_description_and_nothing_else_is_left(build: Build, tmp_path: Path) -> None:
    written = build(precision="fp16-mixed")
    for path in written:
        gate = json.loads(path.with_suffix(".json").read_bytes())["gate"]
        assert 0.999 <= gate["cosine"] <= 1.000001
        assert 0.99 <= gate["ranks"] <= 1.0
    machine = Machine(tensorrt="11.9.0", gpu="NVIDIA H100 80GB HBM3", compute_capability="9.0")
    expected = [*written, *(path.with_suffix(".json") for path in written)]
    assert sorted((tmp_path / "engines").iterdir()) == sorted(
        [*expected, tmp_path / "engines" / timing_cache_name(machine)]
    )


def test_timings_are_kept_for_the_next_build_on_the_same_machine(
    told: Told, build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build()
    assert told.of("create_timing_cache") == [(b"",), (b"timed;",)], "the text tower has the image tower's"
    assert told.of("set_timing_cache") == [(False,)] * 2
    told.asked.clear()
    build(batches=(2,))
    assert told.of("create_timing_cache") == [(b"timed;" * 2,), (b"timed;" * 3,)]
    told.asked.clear()
    monkeypatch.setattr("tensorrt.__version__", "11.10.0")
    build()
    assert told.of("create_timing_cache")[0] == (b"",), "another version's are not taken"
    assert sorted(path.read_bytes() for path in (tmp_path / "engines").glob("timing-*.cache")) == [
        b"timed;" * 2,
        b"timed;" * 4,
    ]


def test_a_timing_cache_that_is_refused_is_done_without(told: Told, build: Build, tmp_path: Path) -> None:
    told.refused = {"create_timing_cache"}
    assert all(path.is_file() for path in build())
    assert told.of("set_timing_cache") == []
    assert list((tmp_path / "engines").glob("timing-*")) == []


def test_the_parsers_errors_are_told(told: Told, build: Build, tmp_path: Path) -> None:
    told.parser_errors = [(7, "no kernel for Attention"), (9, "bad axis")]
    expected = r"onnx: TensorRT 11\.9\.0 cannot read it: operator 7: no kernel for Attention; operator 9: bad axis"
    with pytest.raises(ArtefactError, match=expected):
        build()
    assert not (tmp_path / "engines").exists()


def test_no_plan_is_a_sentence_with_the_librarys_own_words(told: Told, build: Build, tmp_path: Path) -> None:
    told.refused = {"build_serialized_network"}
    with pytest.raises(DeviceError, match=r"TensorRT 11\.9\.0 cannot build it in fp32: no tactic fits$"):
        build()
    assert not (tmp_path / "engines").exists()


def test_a_refused_profile_is_a_sentence(told: Told, build: Build) -> None:
    told.refused = {"add_optimization_profile"}
    with pytest.raises(DeviceError, match="TensorRT refuses a profile of batch 1: TensorRT gave no reason"):
        build()


@pytest.mark.parametrize("batch", [1, 5, 16])
def test_an_engine_that_is_wrong_at_any_batch_leaves_nothing(
    told: Told, build: Build, tmp_path: Path, batch: int
) -> None:
    told.spoiled_batches = {batch}
    with pytest.raises(DeviceError, match="does not give the encoder's vectors in fp32"):
        build(batches=(1, 5, 16))
    assert not (tmp_path / "engines").exists()


def test_an_engine_that_fails_leaves_those_of_before(told: Told, build: Build, tmp_path: Path) -> None:
    build()
    before = {path: path.read_bytes() for path in (tmp_path / "engines").iterdir()}
    told.spoiled_batches = {16}
    for batches in ((1, 16), (16,)):
        with pytest.raises(DeviceError, match="does not give"):
            build(batches=batches)
    assert {path: path.read_bytes() for path in (tmp_path / "engines").iterdir()} == before


def test_ctrl_c_in_the_text_tower_leaves_nothing(told: Told, build: Build, tmp_path: Path) -> None:
    told.interrupted = 2
    with pytest.raises(KeyboardInterrupt):
        build()
    assert len(told.of("create_network")) == 2, "the image tower was built"
    assert list(tmp_path.iterdir()) == []


def test_an_engine_is_built_again_in_its_place(build: Build, tmp_path: Path) -> None:
    first = build()
    first[0].write_bytes(b"broken")
    assert build() == first
    assert first[0].read_bytes() != b"broken"


@pytest.mark.parametrize("stored", ["int8", "bf16", "fp16-mixed"])
def test_graphs_in_another_precision_are_refused(told: Told, build: Build, stored: str) -> None:
    micro = Artefact.open("micro-siglip")
    lowered = dataclasses.replace(micro, manifest=micro.manifest.model_copy(update={"precision": stored}))
    with pytest.raises(ArtefactError, match=f"its graphs are in {stored}, .* export it with --precision fp32"):
        build(lowered)
    assert told.asked == []


def test_a_graph_of_another_opset_than_the_manifests_is_refused(told: Told, build: Build, tmp_path: Path) -> None:
    micro = Artefact.open("micro-siglip")
    other = micro.manifest.provenance.model_copy(update={"opset": 18})
    changed = dataclasses.replace(micro, manifest=micro.manifest.model_copy(update={"provenance": other}))
    with pytest.raises(ArtefactError, match=r"onnx: is in opset 20, the manifest says 18; .* export it again"):
        build(changed)
    assert told.of("create_network") == []
    assert not (tmp_path / "engines").exists()


@pytest.mark.parametrize("precision", ["int8", "bf16"])
def test_a_precision_that_is_not_built_is_refused(told: Told, build: Build, precision: str) -> None:
    with pytest.raises(UsageError, match=f"precision '{precision}' is not built; exists: fp32, fp16-mixed"):
        build(precision=precision)
    assert told.asked == []


def test_batches_that_do_not_increase_leave_nothing(build: Build, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="batches: expected numbers from 1 on that increase"):
        build(batches=(16, 1))
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_a_sentence(build: Build, tmp_path: Path) -> None:
    (tmp_path / "engines").write_text("a file")
    with pytest.raises(StorageError, match="cannot be written"):
        build()
