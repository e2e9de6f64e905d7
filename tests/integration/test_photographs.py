"""Photographs as panning clips, in every codec and container: indexed by the command, and found again by their own pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cli import ok
from framedex import Store, load_encoder
from framedex.contracts import FrameBatch
from framedex.embed.tower import to_tower
from framedex.index.search import search
from photo_clips import FORMS, PhotoClip, make_photo_clips

FPS = 5
STEP = 25 // FPS


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[PhotoClip]:
    return make_photo_clips(tmp_path_factory.mktemp("photos"))


@pytest.fixture(scope="module")
def store(clips: list[PhotoClip], tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("store") / "S"
    result = ok(
        "index", clips[0].path.parent, "--store", folder, "--encoder", "micro-siglip", "--fps", FPS, "--json"
    ).json()
    assert len(result["indexed"]) == len(FORMS)
    assert not result["quarantined"]
    ok("verify", folder)
    return Store.open(folder)


def test_every_codec_is_indexed_whole(clips: list[PhotoClip], store: Store) -> None:
    for clip in clips:
        row = store[clip.path].row
        assert (row.video.codec, row.timing, row.count) == (clip.form.codec, clip.form.timing, 10), clip.path


def test_a_picture_finds_its_photograph_and_its_moment(clips: list[PhotoClip], store: Store) -> None:
    """The query is the embedding of a picture before it was encoded, so that a search in photographs has a known answer."""
    photo_of = {str(clip.path): clip.photo for clip in clips}
    with load_encoder("micro-siglip") as encoder:
        for clip in clips:
            sources = clip.pictures()[::STEP]
            pts_us = np.arange(len(sources), dtype=np.int64)
            tower = to_tower(FrameBatch(pts_us=pts_us, frames=sources), encoder.manifest.image)
            vectors = encoder.embed_images(tower).vectors
            index = store[clip.path]
            own = np.diag(index.scores(vectors))
            assert own.min() > 0.97, clip.path  # the codec's loss is all that lies between the two
            assert np.abs(index.scores(vectors).argmax(axis=1) - np.arange(len(sources))).max() <= 1, clip.path
            hits = search((store.open_row(row) for row in store.videos()), vectors[5], k=1)
            assert photo_of[hits[0].path] == clip.photo
            assert abs(hits[0].time_s - 1.0) <= 1 / FPS


def test_a_text_search_ranks_frames_of_every_clip(clips: list[PhotoClip], store: Store) -> None:
    hits = ok("search", store.path, "a red thing", "-k", 10 * len(clips), "--json").json()["hits"]
    assert {hit["path"] for hit in hits} == {str(clip.path) for clip in clips}
    scores = [hit["score"] for hit in hits]
    assert scores == sorted(scores, reverse=True)


def test_parquet_of_selections_covers_every_codec(clips: list[PhotoClip], store: Store, tmp_path: Path) -> None:
    manifest = tmp_path / "q.jsonl"
    manifest.write_text(
        "".join(f'{{"id": "{i}", "video": "{clip.path}", "question": "a red thing"}}\n' for i, clip in enumerate(clips))
    )
    records = ok("select", store.path, manifest, "--sampler", "top", "--budget", 3, "--json").json()["selections"]
    assert [len(record["rows"]) for record in records] == [3] * len(clips)
