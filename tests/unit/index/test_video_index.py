"""One opened index: views, scores and search against brute force."""

from __future__ import annotations

import dataclasses
import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.store_samples import DIM, new_store, put, sample_pts, unit_vectors
from framedex.contracts import Vectors
from framedex.errors import StoreError, UsageError
from framedex.index import Store, VideoIndex
from framedex.index.faiss_file import DTYPES, Dtype


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return new_store(tmp_path / "S")


@pytest.fixture(params=DTYPES)
def dtype(request: pytest.FixtureRequest) -> Dtype:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def index(store: Store, dtype: Dtype) -> VideoIndex:
    return store.open_row(put(store, n=40, dtype=dtype))


def stored(index: VideoIndex) -> Vectors:
    return np.asarray(index.vectors, dtype=np.float32)


def test_length_times_and_timestamps(index: VideoIndex) -> None:
    assert len(index) == 40
    assert index.pts_us.dtype == np.int64
    np.testing.assert_array_equal(index.pts_us, sample_pts(40))
    np.testing.assert_array_equal(index.times_s, np.arange(40.0))


def test_views_cannot_be_written(index: VideoIndex) -> None:
    for array in (index.vectors, index.pts_us):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    with pytest.raises(ValueError, match="cannot set WRITEABLE"):
        index.vectors.setflags(write=True)


def test_vectors_are_a_view_of_the_file(index: VideoIndex) -> None:
    assert not index.vectors.flags.owndata
    assert np.shares_memory(index.vectors, index.vectors)


def test_arrays_outlive_the_index(store: Store, dtype: Dtype) -> None:
    row = put(store, n=6, dtype=dtype)
    with store.open_row(row) as index:
        vectors, pts_us = index.vectors, index.pts_us
        before = np.array(vectors)
    index.close()
    np.testing.assert_array_equal(vectors, before)
    np.testing.assert_array_equal(pts_us, sample_pts(6))
    for use in (
        lambda: index.vectors,
        lambda: index.scores(before[0]),
        lambda: index.search(before[0], 1),
        index.verify,
    ):
        with pytest.raises(UsageError, match="closed"):
            use()


def test_scores_are_inner_products(index: VideoIndex) -> None:
    prompts = unit_vectors(3, seed=9)
    scores = index.scores(prompts)
    assert scores.dtype == np.float32
    assert scores.shape == (3, 40)
    np.testing.assert_allclose(scores, prompts @ stored(index).T, atol=1e-6)
    np.testing.assert_allclose(index.scores(prompts[1]), scores[1:2], atol=1e-6)
    np.testing.assert_allclose(index.scores(prompts.tolist()), scores, atol=1e-6)


@pytest.mark.parametrize("k", [1, 3, 39, 40, 1000])
def test_search_is_the_head_of_the_scores(index: VideoIndex, k: int) -> None:
    prompts = unit_vectors(30, seed=9)  # more than FAISS takes without BLAS
    scores, pts_us = index.search(prompts, k)
    assert scores.dtype == np.float32
    assert pts_us.dtype == np.int64
    assert scores.shape == pts_us.shape == (30, min(k, 40))
    exact = prompts @ stored(index).T
    order = np.argsort(-exact, axis=1, kind="stable")[:, :k]
    np.testing.assert_array_equal(pts_us, index.pts_us[order])
    np.testing.assert_allclose(scores, np.take_along_axis(exact, order, axis=1), atol=1e-5)
    alone = [index.search(prompt, k) for prompt in prompts]
    np.testing.assert_array_equal(np.concatenate([each[0] for each in alone]), scores)


@pytest.mark.parametrize("k", range(1, 13))
def test_of_equal_frames_the_earlier_comes_first(store: Store, dtype: Dtype, k: int) -> None:
    """A still scene: frames 2 to 9 are one picture, and the cut falls in their midst."""
    vectors = unit_vectors(12)
    vectors[2:10] = vectors[2]
    index = store.open_row(put(store, vectors=vectors, dtype=dtype))
    _, pts_us = index.search(vectors[2], k)
    rows = np.searchsorted(index.pts_us, pts_us[0])
    np.testing.assert_array_equal(rows[:8], np.arange(2, 10)[:k])
    assert len(set(rows.tolist())) == k


@settings(max_examples=40)
@given(rows=st.lists(st.integers(0, 3), min_size=1, max_size=30), k=st.integers(1, 35), query=st.integers(0, 3))
def test_ties_anywhere(tmp_path_factory: pytest.TempPathFactory, rows: list[int], k: int, query: int) -> None:
    corners = np.eye(4, DIM, dtype=np.float32)
    store = new_store(tmp_path_factory.mktemp("ties") / "S")
    index = store.open_row(put(store, vectors=corners[rows]))
    _, pts_us = index.search(corners[query], k)
    expected = np.argsort([row != query for row in rows], kind="stable")[:k]
    np.testing.assert_array_equal(pts_us[0], index.pts_us[expected])


def test_threads_do_not_change_the_answer(store: Store, dtype: Dtype) -> None:
    row = put(store, n=300, dtype=dtype)
    prompts = unit_vectors(40, seed=4)
    one, three = (store.open_row(row, threads=threads) for threads in (1, 3))
    np.testing.assert_array_equal(one.search(prompts, 5)[1], three.search(prompts, 5)[1])
    np.testing.assert_allclose(one.scores(prompts), three.scores(prompts), atol=1e-6)


@pytest.mark.parametrize(
    ("prompts", "sentence"),
    [
        (np.ones(DIM + 1), rf"expected prompts \(m, {DIM}\) or \({DIM},\).*got shape \(13,\)"),
        (np.ones((2, 2, DIM)), "got shape"),
        (np.full(DIM, np.nan), "NaN or infinity"),
        (np.full(DIM, np.inf), "NaN or infinity"),
    ],
)
def test_wrong_prompts_are_refused(index: VideoIndex, prompts: np.ndarray, sentence: str) -> None:
    for ask in (index.scores, lambda prompts: index.search(prompts, 2)):
        with pytest.raises(UsageError, match=sentence):
            ask(prompts)


def test_frames_of_an_index_are_prompts_too(index: VideoIndex) -> None:
    """Views of the file: halves, or floats that lie unaligned."""
    scores, pts_us = index.search(index.vectors[3:5], 1)
    np.testing.assert_array_equal(pts_us[:, 0], index.pts_us[3:5])
    np.testing.assert_allclose(index.scores(index.vectors[3:5]).max(axis=1), scores[:, 0], atol=1e-5)


def test_wrong_numbers_are_refused(index: VideoIndex, store: Store) -> None:
    with pytest.raises(UsageError, match="k: expected 1 frame or more, got 0"):
        index.search(np.ones(DIM), 0)
    with pytest.raises(UsageError, match="threads: expected 1 or more, got 0"):
        store.open_row(index.row, threads=0)


def test_a_missing_or_other_file_is_refused(store: Store) -> None:
    row = put(store)
    path = row.place.index_path(store.path)
    data = path.read_bytes()
    path.write_bytes(data + b"\0")
    with pytest.raises(StoreError, match=rf"its row says {row.nbytes} bytes, the file has {row.nbytes + 1}"):
        store.open_row(row)
    path.write_bytes(b"\0" * len(data))
    with pytest.raises(StoreError, match="expected a FAISS index IxMp"):
        store.open_row(row)
    path.unlink()
    with pytest.raises(StoreError, match="the row is there, the index file is not"):
        store.open_row(row)


def test_verify_finds_what_opening_does_not(store: Store, dtype: Dtype) -> None:
    row = put(store, dtype=dtype)
    path = row.place.index_path(store.path)
    whole = path.read_bytes()
    layout = row.layout
    item = layout.item_nbytes

    def damaged(at: int, data: bytes) -> VideoIndex:
        """The index with other bytes, and a row that agrees with them."""
        path.write_bytes(whole[:at] + data + whole[at + len(data) :])
        return store.open_row(dataclasses.replace(row, checksum=hashlib.sha256(path.read_bytes()).hexdigest()))

    damaged(0, b"").verify()
    nan = np.array(np.nan, "<f2" if item == 2 else "<f4").tobytes()
    with pytest.raises(StoreError, match="the vector of frame row 3 is not finite and of length 1"):
        damaged(layout.codes_offset + 3 * DIM * item, nan).verify()
    with pytest.raises(StoreError, match="frame row 2 is not finite"):
        damaged(layout.codes_offset + 2 * DIM * item, bytes(DIM * item)).verify()
    with pytest.raises(StoreError, match="do not increase strictly"):
        damaged(layout.ids_offset + 8, whole[layout.ids_offset : layout.ids_offset + 8]).verify()
    with pytest.raises(StoreError, match="frames from 0 to"):
        damaged(layout.ids_offset, bytes(8)).verify()
    index = damaged(layout.ids_offset, bytes(8))
    index.row = row
    with pytest.raises(StoreError, match="its row says checksum"):
        index.verify()


def test_scores_do_not_need_faiss(store: Store) -> None:
    put(store)
    script = (
        "import sys; sys.modules['faiss'] = None\n"
        "from framedex.index import Store; from framedex.errors import MissingDependency\n"
        "index = Store.open(sys.argv[1])['clip0']\n"
        "print(index.scores([1.0] * 12).shape)\n"
        "try: index.search([1.0] * 12, 1)\n"
        "except MissingDependency as error: print(error.exit_code, error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(store.path)], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[0] == "(1, 5)"
    assert done.stdout.splitlines()[1].startswith("3 the index needs 'faiss'")
