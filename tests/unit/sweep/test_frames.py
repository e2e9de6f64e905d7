"""Frames for the models are those of the index, or the video is refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from framedex.decode import FpsGrid, identify, open_video
from framedex.embed import load_embedder
from framedex.errors import NotAVideo, VideoError
from framedex.index import Row, Store
from framedex.ingest import Indexed, IngestSettings, ingest
from framedex.microworld.make import make_world
from framedex.mllm import load_runner
from framedex.mllm.base import Runner
from framedex.sweep.frames import frames_key, prepared_frames
from smolvlm_checkpoints import tiny_smolvlm


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    with load_runner(tiny_smolvlm(), threads=1) as opened:
        yield opened


@pytest.fixture(scope="module")
def row(tmp_path_factory: pytest.TempPathFactory) -> Row:
    folder = tmp_path_factory.mktemp("frames")
    (clip,) = (make_world(folder, clips=1, seed=3).folder / "clips").iterdir()
    settings = IngestSettings(grids=(FpsGrid.parse("2"),), threads=1)
    with load_embedder("micro-siglip", threads=1) as embedder:
        (outcome,) = ingest([clip], store=Store.open(folder / "S", create=True), embedder=embedder, settings=settings)
    assert isinstance(outcome, Indexed)
    return outcome.row


def test_rows_are_the_frames_of_a_whole_decode(row: Row, runner: Runner) -> None:
    rows = np.array([0, 3, row.count - 1], dtype=np.int64)
    with open_video(identify(Path(row.source.path), folder_fps=None), threads=1) as reader:
        (batch,) = list(reader.frames(FpsGrid.parse(row.grid.removeprefix("fps="))))
    whole = runner.prepare(batch, origin_us=row.first_pts_us, last_us=row.last_pts_us)
    first, second = prepared_frames(row, batch.pts_us[rows], [runner, runner], threads=1)
    for prepared in (first, second):
        assert prepared.pts_us.tolist() == batch.pts_us[rows].tolist()
        np.testing.assert_array_equal(np.stack(prepared.pixels), np.stack(whole.pixels)[rows])
        assert prepared.source == frames_key(row)
        np.testing.assert_array_equal(prepared.times_s, whole.times_s[rows])
        assert prepared.duration_s == whole.duration_s == (row.last_pts_us - row.first_pts_us) / 1e6


def test_frames_are_known_by_their_bytes_timing_and_decoder(row: Row, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [
        frames_key(row),
        frames_key(dataclasses.replace(row, video_key="0" * 32)),
        frames_key(dataclasses.replace(row, timing="reconstructed")),
        frames_key(dataclasses.replace(row, source=dataclasses.replace(row.source, folder_fps=2))),
    ]
    with monkeypatch.context() as changed:
        changed.setattr("framedex.sweep.frames.version", lambda package: f"another {package}")
        keys.append(frames_key(row))
    assert len(set(keys)) == 5
    moved = dataclasses.replace(row, source=dataclasses.replace(row.source, path="/elsewhere/clip.mp4"))
    assert frames_key(moved) == keys[0]


def test_other_timestamps_than_were_indexed(row: Row, runner: Runner) -> None:
    with pytest.raises(VideoError, match="decoded others"):
        prepared_frames(row, np.array([row.first_pts_us + 1]), [runner], threads=1)


def test_a_row_of_another_video(row: Row, runner: Runner) -> None:
    other = dataclasses.replace(row, video_key="0" * 32)
    with pytest.raises(VideoError, match=f"expected the bytes that were indexed .key {'0' * 32}.*index it again"):
        prepared_frames(other, np.array([row.first_pts_us]), [runner], threads=1)


def test_a_video_that_moved(row: Row, runner: Runner) -> None:
    moved = dataclasses.replace(row, source=dataclasses.replace(row.source, path="/nowhere/clip.mp4"))
    with pytest.raises(NotAVideo, match="does not exist"):
        prepared_frames(moved, np.array([row.first_pts_us]), [runner], threads=1)
