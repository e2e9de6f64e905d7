"""A manifest round-trips; every way to be wrong is one clear error; the key hashes identity and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from framedex.embed.artefact import Artefact
from framedex.embed.manifest import Manifest, read_manifest, validate_manifest
from framedex.errors import ArtefactError, UsageError
from framedex.keys import is_key, json_key
from manifests import manifest_value, write_example


def _with(path: str, new: Any) -> dict[str, Any]:
    """The example with the field at `path` ("image.size.0") set, or removed where `new` is ..."""
    value = manifest_value()
    *parents, last = path.split(".")
    owner: Any = value
    for part in parents:
        owner = owner[int(part)] if isinstance(owner, list) else owner[part]
    key: Any = int(last) if isinstance(owner, list) else last
    if new is ...:
        del owner[key]
    else:
        owner[key] = new
    return value


def test_round_trip(tmp_path: Path) -> None:
    first = read_manifest(write_example(tmp_path))
    assert first.image.size == (48, 32)
    (tmp_path / "manifest.json").write_text(first.to_json())
    assert read_manifest(tmp_path) == first


CROP = manifest_value()["image"] | {"resize": "shortest-edge-crop", "shortest_edge": 48}
SHEET = manifest_value()["image"] | {"resize": "naflex", "patch": 16, "max_patches": 4, "size": [80, 16]}

WRONG = [
    ("dim", 0, "dim: .*greater than or equal to 1, got 0"),
    ("dim", ..., "dim: missing"),
    ("dim", "many", "dim: .*integer.*got 'many'"),
    ("family", "clap", "family: .*'siglip', 'siglip2', 'clip' or 'cris', got 'clap'"),
    ("name", "", "name: .*got ''"),
    ("extra", 1, "extra: .*not permitted"),
    ("image.size", [48], "image.size.1: "),
    ("image.size.0", -1, "image.size.0: .*got -1"),
    ("image.interpolation", "lanczos", "image.interpolation: .*got 'lanczos'"),
    ("image.resize", "fit", "image.resize: .*got 'fit'"),
    (
        "image.antialias",
        False,
        "image: expected antialias true and bicubic or bilinear for squash, got antialias false",
    ),
    ("image.interpolation", "cubic", "image: expected .* for squash, got antialias true and cubic"),
    (
        "image.shortest_edge",
        48,
        "image.shortest_edge: expected with shortest-edge-crop and only there, got 48 with squash",
    ),
    ("image.max_patches", 4, "image.max_patches: expected with naflex and only there, got 4 with squash"),
    ("image", CROP | {"shortest_edge": None}, "image.shortest_edge: expected with shortest-edge-crop .*got None with"),
    ("image", CROP | {"shortest_edge": 47}, "expected 48 or more for a crop of \\[48, 32\\], got 47"),
    (
        "image",
        SHEET | {"size": [256, 256]},
        "image.size: expected \\[80, 16\\] for 4 patches of 16, got \\[256, 256\\]",
    ),
    ("image", SHEET | {"resize": "letterbox"}, "expected antialias false and cubic for letterbox, got antialias true"),
    ("text.bos_id", -1, "text.bos_id: .*got -1"),
    ("text.padding_side", "right", "text.padding_side: .*'left', got 'right'"),
    ("image.std.1", 0.0, "std: expected numbers above 0, got \\[0.5, 0.0, 0.5\\]"),
    ("image.mean.0", float("nan"), "image.mean.0: .*finite number, got nan"),
    ("text.max_length", 0, "text.max_length: .*got 0"),
    ("text.tokenizer_sha256", "00" * 32, "text.tokenizer_sha256: expected that of files, .*, got 0000"),
    ("logit_scale", 0, "logit_scale: .*got 0"),
    ("weights_sha256", "abc", "weights_sha256: .*got 'abc'"),
    ("precision", "fp16", "precision: .*got 'fp16'"),
    ("files", [], "files: .*got a list"),
    ("files.image.onnx", None, "files.image.onnx: "),
    ("towers.image.file", "other.onnx", "files: 'other.onnx' is needed and not listed"),
    ("parity", None, "parity was never measured"),
    ("parity.images", 0, "parity.images: .*got 0"),
    ("parity.image_min_cosine", 7.0, "parity.image_min_cosine: .*got 7.0"),
    ("provenance.opset", ..., "provenance.opset: missing"),
]


@pytest.mark.parametrize(("path", "new", "message"), WRONG, ids=[f"{path}={new!r}"[:40] for path, new, _ in WRONG])
def test_every_wrong_field_is_named(path: str, new: Any, message: str) -> None:
    value = manifest_value()
    if path == "files.image.onnx":
        value["files"]["image.onnx"] = new
    else:
        value = _with(path, new)
    with pytest.raises(ArtefactError, match=message) as caught:
        validate_manifest(value, subject="place/manifest.json")
    assert str(caught.value).startswith("place/manifest.json: ")
    assert str(caught.value).endswith("export it again")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["../up.onnx", "/etc/passwd", "a/b.onnx", "manifest.json", ".hidden", ""])
def test_files_lie_beside_the_manifest(name: str) -> None:
    value = manifest_value()
    value["files"][name] = value["files"]["image.onnx"]
    with pytest.raises(ArtefactError, match="expected plain names"):
        validate_manifest(value, subject="m")


@pytest.mark.parametrize("value", [None, [], {}, {"format": "zip"}, {"format": ["framedex-pair-artefact"]}, "text"])
def test_another_format_is_said(value: Any) -> None:
    with pytest.raises(ArtefactError, match="expected an object with format 'framedex-artefact'"):
        validate_manifest(value, subject="m")


def test_a_pair_scorer_in_an_encoders_place_is_sent_to_its_own() -> None:
    with pytest.raises(ArtefactError, match=r"^m: this is a pair scorer: use it with framedex scores make --scorer$"):
        validate_manifest({"format": "framedex-pair-artefact", "version": 1}, subject="m")


def test_a_newer_version_asks_for_an_upgrade() -> None:
    with pytest.raises(ArtefactError, match="reads version 1, got 2; upgrade framedex"):
        validate_manifest(_with("version", 2), subject="m")


def test_no_folder_is_usage_and_no_manifest_is_no_artefact(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such encoder artefact"):
        read_manifest(tmp_path / "nowhere")
    with pytest.raises(ArtefactError, match=r"manifest.json is missing; make one: framedex-export"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("data", [b"{", b"\xff\xfe", b""])
def test_what_is_not_json_is_said(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "manifest.json").write_bytes(data)
    with pytest.raises(ArtefactError, match="not JSON"):
        read_manifest(tmp_path)


def _key(value: dict[str, Any]) -> str:
    return Manifest.model_validate(value).encoder_key


IDENTITY = [
    ("family", "siglip2"),
    ("image", CROP),
    ("image", SHEET),
    ("text.bos_id", 0),
    ("text.padding_side", "left"),
    ("dim", 9),
    ("weights_sha256", "cd" * 32),
    ("image.size", [32, 32]),
    ("image.interpolation", "bilinear"),
    ("image.rescale", 1 / 256),
    ("image.mean", [0.5, 0.5, 0.4]),
    ("image.std", [0.5, 0.4, 0.5]),
    ("text.max_length", 17),
    ("text.pad_id", 0),
    ("text.eos_id", 2),
]
NO_IDENTITY = [
    ("name", "renamed"),
    ("text.note", "in other words"),
    ("image.note", "the middle only"),
    ("logit_scale", 1.0),
    ("logit_bias", 0.0),
    ("logit_bias", None),
    ("parity.images", 99),
    ("provenance.torch", "9.9"),
    ("provenance.tokenizer", "converted from spiece.model"),
    ("towers.image.output", "emb"),
    ("files.extra.data", {"sha256": "00" * 32, "nbytes": 1}),
]


@pytest.mark.parametrize(("path", "new"), IDENTITY)
def test_every_identity_input_changes_the_key(path: str, new: Any) -> None:
    assert _key(_with(path, new)) != _key(manifest_value())


def test_the_tokenizer_changes_the_key() -> None:
    value = manifest_value()
    value["files"]["tokenizer.json"]["sha256"] = value["text"]["tokenizer_sha256"] = "ef" * 32
    assert _key(value) != _key(manifest_value())


@pytest.mark.parametrize(("path", "new"), NO_IDENTITY)
def test_names_runtimes_and_figures_do_not(path: str, new: Any) -> None:
    value = manifest_value()
    if path == "files.extra.data":
        value["files"]["extra.data"] = new
    else:
        value = _with(path, new)
    assert value != manifest_value()
    assert _key(value) == _key(manifest_value())


def test_what_a_family_does_not_have_is_not_written() -> None:
    text = Manifest.model_validate(_with("logit_bias", None)).to_json()
    for absent in ("logit_bias", "shortest_edge", "max_patches", "bos_id", "null"):
        assert absent not in text


def test_artefacts_of_before_keep_their_key() -> None:
    assert Artefact.open("micro-siglip").manifest.encoder_key == "e9269d8d2804285af47916776fcbfc22"
    assert json_key(
        {
            "family": "siglip",
            "dim": 8,
            "weights_sha256": "ab" * 32,
            "image": manifest_value()["image"],
            "text": {name: value for name, value in manifest_value()["text"].items() if name != "note"},
        }
    ) == _key(manifest_value())


def test_the_key_is_the_key_of_identity() -> None:
    manifest = Manifest.model_validate(manifest_value())
    identity = json.loads(json.dumps(manifest.identity()))
    assert is_key(manifest.encoder_key)
    assert json_key(identity) == manifest.encoder_key
    assert set(identity) == {"family", "dim", "weights_sha256", "image", "text"}
