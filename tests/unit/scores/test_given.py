"""Files of the user's own scores: three kinds, and a sentence for each way to be wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framedex.errors import UsageError
from framedex.scores.given import GivenCurve, read_curves

CURVE: dict[str, Any] = {"video": "park.mp4", "prompt": "a dog", "pts_us": [0, 1_000_000], "scores": [0.25, -1]}


def lines(path: Path, *curves: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(curve) + "\n" for curve in curves))
    return path


def one(path: Path) -> GivenCurve:
    (curve,) = read_curves(path)
    return curve


def test_a_line_is_a_curve(tmp_path: Path) -> None:
    curve = one(lines(tmp_path / "s.jsonl", CURVE))
    assert (curve.where, curve.folder, curve.video) == (f"{tmp_path}/s.jsonl, line 1", tmp_path, "park.mp4")
    assert str(curve.subject) == "prompt 'a dog'"
    assert curve.pts_us is not None
    assert curve.times_s is None
    assert (curve.pts_us.dtype, curve.pts_us.tolist()) == (np.int64, [0, 1_000_000])
    assert (curve.scores.dtype, curve.scores.tolist()) == (np.float32, [0.25, -1.0])


@pytest.mark.parametrize("question_id", [7, "7"])
def test_a_curve_of_a_question_with_seconds(tmp_path: Path, question_id: object) -> None:
    values = {"video": "v", "question_id": question_id, "times_s": [0, 1.5], "scores": [1, 2]}
    curve = one(lines(tmp_path / "s.jsonl", values))
    assert str(curve.subject) == "question '7'"
    assert curve.times_s is not None
    assert (curve.times_s.dtype, curve.times_s.tolist()) == (np.float64, [0.0, 1.5])
    assert curve.pts_us is None


def test_blank_lines_and_a_byte_order_mark_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(CURVE).encode() + b"\n\n  \n" + json.dumps(CURVE).encode())
    assert [curve.where for curve in read_curves(path)] == [f"{path}, line 1", f"{path}, line 4"]


@pytest.mark.parametrize("kind", [pa.float32(), pa.float64()])
def test_parquet_holds_the_same(tmp_path: Path, kind: pa.DataType) -> None:
    curves = [CURVE, {**CURVE, "video": "b", "prompt": None, "question_id": "7"}]
    schema = pa.schema(
        {
            "video": pa.string(),
            "prompt": pa.string(),
            "question_id": pa.string(),
            "pts_us": pa.list_(pa.int64()),
            "scores": pa.list_(kind),
        }
    )
    pq.write_table(pa.Table.from_pylist(curves, schema=schema), tmp_path / "s.parquet")
    first, second = read_curves(tmp_path / "s.parquet")
    assert first.where == f"{tmp_path}/s.parquet, row 0"
    assert (str(first.subject), str(second.subject)) == ("prompt 'a dog'", "question '7'")
    for curve in (first, second):
        assert curve.pts_us is not None
        assert curve.pts_us.tolist() == [0, 1_000_000]
        assert curve.scores.tolist() == [0.25, -1.0]


def npz(path: Path, **changed: Any) -> Path:
    arrays = {
        "video": np.array(["a.mp4", "b"]),
        "prompt": np.array(["a dog", "ein Hund läuft"]),
        "lengths": np.array([2, 1]),
        "times_s": np.array([0.0, 1.0, 0.5]),
        "scores": np.array([1, 2, 3], np.float16),
    }
    np.savez_compressed(path, **{name: value for name, value in {**arrays, **changed}.items() if value is not None})
    return path


def test_npz_holds_curves_one_after_another(tmp_path: Path) -> None:
    first, second = read_curves(npz(tmp_path / "s.npz"))
    assert (first.where, first.video, second.video) == (f"{tmp_path}/s.npz, curve 0", "a.mp4", "b")
    assert str(second.subject) == "prompt 'ein Hund läuft'"
    assert first.times_s is not None
    assert second.times_s is not None
    assert (first.times_s.tolist(), second.times_s.tolist()) == ([0.0, 1.0], [0.5])
    assert (first.scores.tolist(), second.scores.tolist()) == ([1.0, 2.0], [3.0])
    ids = np.array([7, 8])
    first, second = read_curves(npz(tmp_path / "s.npz", prompt=None, question_id=ids))
    assert str(second.subject) == "question '8'"


MISSING = object()


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"video": MISSING}, "video is missing"),
        ({"video": ""}, "video: expected a text that is not empty, got ''"),
        ({"video": 3}, "video: expected a text that is not empty, got 3"),
        ({"prompt": MISSING}, "expected either prompt or question_id, got neither"),
        ({"question_id": "7"}, "expected either prompt or question_id, got both"),
        ({"prompt": " "}, "prompt: expected a text"),
        ({"prompt": 7}, "prompt: expected a text that is not empty, got 7"),
        ({"prompt": "\ud800"}, "prompt: expected Unicode text, got half a character"),
        ({"pts_us": MISSING}, "expected either pts_us or times_s, got neither"),
        ({"times_s": [0, 1]}, "expected either pts_us or times_s, got both"),
        ({"scores": MISSING}, "scores is missing"),
        ({"score": [1]}, "unknown field 'score'; exists: .*did you mean 'scores'"),
        ({"scores": [1]}, "one score for each time, got 2 pts_us and 1 scores"),
        ({"pts_us": [], "scores": []}, "holds no frame; leave out curves without any"),
        ({"scores": [1, float("nan")]}, "scores: expected finite numbers, got nan at position 1; leave out frames"),
        ({"scores": [float("inf"), 1]}, "scores: expected finite numbers, got inf at position 0"),
        ({"scores": [1, None]}, "scores: expected a list of numbers"),
        ({"scores": [1, True]}, "scores: expected a list of numbers"),
        ({"scores": ["1", "2"]}, "scores: expected a list of numbers"),
        ({"scores": [[1], [2]]}, "scores: expected a list of numbers"),
        ({"scores": 3}, "scores: expected a list of numbers, got 3"),
        ({"scores": [1, 1e39]}, r"scores: expected numbers that 32 bits can hold, got 1e\+39"),
        ({"scores": [1, 10**400]}, "scores: expected numbers of at most 63 bits, got 1000000000"),
        ({"pts_us": [0.5, 1]}, "pts_us: expected a list of whole microseconds, got 0.5"),
        (
            {"pts_us": [0.0, 1.0]},
            "pts_us: expected a list of whole microseconds, got 0.0, which is written as a fraction",
        ),
        ({"pts_us": [0, 2**63]}, "pts_us: expected whole microseconds of at most 63 bits, got 9223372036854775808"),
        ({"pts_us": [0, -(2**64)]}, "pts_us: expected whole microseconds of at most 63 bits"),
        ({"pts_us": {"0": 1}}, "pts_us: expected a list of whole microseconds"),
        ({"pts_us": MISSING, "times_s": [0, 1e10]}, "times_s: expected seconds from the first frame, got 1e"),
        ({"pts_us": MISSING, "times_s": [0, float("nan")]}, "times_s: expected finite numbers, got nan"),
    ],
)
def test_each_way_to_be_wrong_has_its_sentence(tmp_path: Path, changed: dict[str, Any], sentence: str) -> None:
    values = {name: value for name, value in {**CURVE, **changed}.items() if value is not MISSING}
    path = lines(tmp_path / "s.jsonl", CURVE, values)
    with pytest.raises(UsageError, match=rf"^{path}, line 2: .*{sentence}"):
        list(read_curves(path))


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"lengths": None}, "lengths is missing; it needs"),
        ({"scores": None}, "scores is missing"),
        ({"video": None}, "video is missing"),
        ({"lengths": np.array([2, 2])}, "lengths: expected whole numbers that add up to the 3 scores"),
        ({"lengths": np.array([4, -1])}, "lengths: expected whole numbers"),
        ({"lengths": np.array([2.0, 1.0])}, "lengths: expected whole numbers"),
        ({"lengths": np.array([3])}, "video: expected one for each of 1 curves, got 2"),
        ({"times_s": np.zeros(2)}, "times_s: expected one for each of 3 scores, got 2"),
        ({"scores": np.zeros((3, 1))}, r"scores: expected one dimension, got shape \(3, 1\)"),
        ({"video": np.array([b"a", b"b"])}, "curve 0: video: expected a text"),
        (
            {"scores": np.array([1, 2, 3j])},
            "curve 0: scores: expected a list of numbers, got values of the type complex",
        ),
        ({"scores": np.array([True, False, True])}, "scores: expected a list of numbers, got values of the type bool"),
        (
            {"times_s": None, "pts_us": np.array([0, 1, 2**63], np.uint64)},
            "curve 1: pts_us: expected whole microseconds of at most 63 bits, got 9223372036854775808",
        ),
        ({"prompt": None}, "curve 0: expected either prompt or question_id, got neither"),
        ({"times": np.zeros(3)}, "unknown field 'times'"),
        ({"prompt": np.array(["a", None], dtype=object)}, "without Python objects"),
    ],
)
def test_arrays_that_do_not_fit(tmp_path: Path, changed: dict[str, Any], sentence: str) -> None:
    path = npz(tmp_path / "s.npz", **changed)
    with pytest.raises(UsageError, match=rf"^{path}.*{sentence}"):
        list(read_curves(path))


def test_an_npz_without_curves(tmp_path: Path) -> None:
    empty = {"video": np.array([], "U1"), "prompt": np.array([], "U1"), "lengths": np.zeros(0, np.int64)}
    path = npz(tmp_path / "s.npz", **empty, times_s=np.zeros(0), scores=np.zeros(0))
    with pytest.raises(UsageError, match="holds no curve"):
        list(read_curves(path))


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("s.jsonl", b"", "holds no curve"),
        ("s.jsonl", b"{", "line 1: expected a JSON object, got"),
        ("s.jsonl", b"[1]", "line 1: expected a JSON object, got list"),
        ("s.jsonl", b'"\xff"', "line 1: expected a JSON object, got"),
        ("s.jsonl", b"[" * 100_000, "line 1: expected a JSON object, got"),
        ("s.parquet", b"PAR1", "expected a Parquet file, got"),
        ("s.npz", b"PK\x03\x04", "expected a NumPy .npz file without Python objects, got"),
        ("s.npz", b"\x93NUMPY\x01\x00", "expected a NumPy .npz file without Python objects, got"),
        ("s.csv", b"a,b", "expected a name that ends in .jsonl, .parquet or .npz"),
    ],
)
def test_files_that_are_no_scores(tmp_path: Path, name: str, data: bytes, sentence: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(UsageError, match=sentence):
        list(read_curves(tmp_path / name))


def test_one_array_is_no_archive(tmp_path: Path) -> None:
    np.save(tmp_path / "s.npy", np.zeros(3))
    (tmp_path / "s.npy").rename(tmp_path / "s.npz")
    with pytest.raises(UsageError, match="without Python objects, got a single array"):
        list(read_curves(tmp_path / "s.npz"))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file of scores"):
        list(read_curves(tmp_path / "s.jsonl"))


@pytest.fixture(scope="module")
def whole_npz(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return npz(tmp_path_factory.mktemp("npz") / "s.npz")


@given(at=st.integers(min_value=0), value=st.integers(0, 255), keep=st.integers(min_value=0))
def test_a_damaged_npz_is_a_sentence_or_holds(whole_npz: Path, at: int, value: int, keep: int) -> None:
    data = bytearray(whole_npz.read_bytes())
    data[at % len(data)] = value
    path = whole_npz.with_name("damaged.npz")
    path.write_bytes(data[: max(keep % (2 * len(data)), 1)])
    assert path.name in outcome(path)


def outcome(path: Path) -> str:
    """The sentence of a refusal; the file's name where its curves hold."""
    try:
        curves = list(read_curves(path))
    except UsageError as error:
        return str(error)
    return path.name if all(np.isfinite(curve.scores).all() for curve in curves) else "scores that are no numbers"
