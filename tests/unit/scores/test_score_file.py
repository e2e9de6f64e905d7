"""The file of one curve: it comes back whole, other libraries read it, and no other byte passes."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load, save

from framedex.errors import StoreError
from framedex.scores.place import Subject
from framedex.scores.score_file import ScoreFile
from score_samples import prompt, question, score_file

DATA = score_file().to_bytes()


def content(file: ScoreFile) -> tuple[Any, ...]:
    arrays = (file.pts_us.tolist(), file.scores.tolist())
    return file.set_key, file.grid, file.video_key, file.subject, dict(file.provenance), *arrays


def subjects() -> st.SearchStrategy[Subject]:
    texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40).filter(str.strip)
    return st.builds(Subject, about=st.sampled_from(["prompt", "question"]), text=texts)


@given(
    subject=subjects(),
    frames=st.dictionaries(
        st.integers(-(2**63), 2**63 - 1), st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1
    ),
    provenance=st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"]))
    ),
)
def test_a_curve_comes_back_from_its_file(
    subject: Subject, frames: dict[int, float], provenance: dict[str, str]
) -> None:
    pts_us = np.array(sorted(frames), np.int64)
    scores = np.array([frames[time] for time in sorted(frames)], np.float32)
    if len(pts_us) > 1 and (np.diff(pts_us) <= 0).any():  # times so far apart that their distance overflows
        return
    file = score_file(subject=subject, pts_us=pts_us, scores=scores, provenance=provenance)
    data = file.to_bytes()
    read = ScoreFile.from_bytes("x", data)
    assert content(read) == content(file)
    assert read.to_bytes() == data
    assert read.matrix.prompts == (subject.text,)
    assert read.matrix.scores.shape == (1, len(frames))


def test_the_library_for_the_format_reads_it() -> None:
    tensors = load(DATA)
    assert set(tensors) == {"pts_us", "scores"}
    np.testing.assert_array_equal(tensors["pts_us"], score_file().pts_us)
    np.testing.assert_array_equal(tensors["scores"], score_file().scores)
    assert tensors["scores"].dtype == np.float32


def test_arrays_are_aligned() -> None:
    for text in ("a", "ab", "abc", "äöü", "a" * 100):
        (nbytes,) = struct.unpack_from("<Q", score_file(subject=prompt(text)).to_bytes())
        assert nbytes % 8 == 0


@given(at=st.integers(0, len(DATA) - 1), value=st.integers(0, 255))
def test_any_changed_byte_is_a_store_error(at: int, value: int) -> None:
    changed = bytearray(DATA)
    changed[at] = value
    if bytes(changed) == DATA:
        return
    with pytest.raises(StoreError, match=r"^x: "):
        ScoreFile.from_bytes("x", bytes(changed))


@given(data=st.binary(max_size=200) | st.binary(max_size=40).map(lambda tail: DATA[:-20] + tail))
def test_any_bytes_are_a_store_error(data: bytes) -> None:
    if data == DATA:
        return
    with pytest.raises(StoreError, match=r"^x: "):
        ScoreFile.from_bytes("x", data)


@given(start=st.integers(0, len(DATA)), cut=st.integers(1, 64), into=st.integers(0, len(DATA)))
def test_moved_and_missing_parts_are_a_store_error(start: int, cut: int, into: int) -> None:
    piece, rest = DATA[start : start + cut], DATA[:start] + DATA[start + cut :]
    for changed in (rest, rest[:into] + piece + rest[into:]):
        if changed != DATA:
            with pytest.raises(StoreError, match=r"^x: "):
                ScoreFile.from_bytes("x", changed)


def test_what_another_writer_makes_of_the_same_content_is_refused() -> None:
    """The same tensors and texts, but a header in another order and without our checksum's place."""
    (nbytes,) = struct.unpack_from("<Q", DATA)
    metadata = json.loads(DATA[8 : 8 + nbytes])["__metadata__"]
    file = score_file()
    other = save({"pts_us": np.array(file.pts_us), "scores": np.array(file.scores)}, metadata=metadata)
    np.testing.assert_array_equal(load(other)["scores"], file.scores)
    with pytest.raises(StoreError, match="its checksum or header differs"):
        ScoreFile.from_bytes("x", other)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"pts_us": np.array([1, 1], np.int64), "scores": np.zeros(2, np.float32)}, "strictly increasing"),
        ({"pts_us": np.array([2**63 - 1, -(2**63)]), "scores": np.zeros(2, np.float32)}, "strictly increasing"),
        ({"pts_us": np.zeros(0, np.int64), "scores": np.zeros(0, np.float32)}, "one frame or more, got none"),
        ({"scores": np.zeros(4, np.float32)}, r"expected scores float32 \(1, 5\)"),
        ({"scores": np.array([0, 1, np.nan, 2, 3], np.float32)}, "NaN or infinity"),
        ({"scores": np.zeros(5)}, "expected scores float32"),
        ({"set_key": "x"}, "set: expected 32"),
        ({"grid": "../x"}, "grid: expected a name"),
        ({"video_key": "0" * 33}, "video_key: expected 32"),
    ],
)
def test_a_curve_is_checked_when_it_is_made(changed: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        score_file(**changed)


@pytest.mark.parametrize("text", ["", "  \n", "\ud800"])
def test_a_subject_is_checked(text: str) -> None:
    with pytest.raises(ValueError, match="text: expected"):
        prompt(text)


def test_prompt_and_question_of_the_same_text_are_two() -> None:
    assert prompt("7").key != question("7").key
