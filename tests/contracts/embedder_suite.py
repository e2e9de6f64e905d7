"""What every embedder owes; a back end inherits `EmbedderSuite` and gives the `embedder` fixture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from framedex.contracts import FrameBatch, TowerBatch
from framedex.embed.base import Embedder
from framedex.embed.tower import to_tower
from framedex.errors import UsageError

TEXTS = ["a red dog", "two cats run on the beach", "the kitchen knife cuts a tomato"]

# Runtimes may block a product by the batch's size; more than rounding it must not change.
TOLERANCE = 2e-6


def random_tower(embedder: Embedder, n: int, *, seed: int = 0) -> TowerBatch:
    """n seeded noise frames as the tower takes them."""
    image = embedder.manifest.image
    height, width = (90, 160) if image.resize == "naflex" else image.size
    frames = np.random.default_rng(seed).integers(0, 256, (n, height, width, 3), np.uint8)
    return to_tower(FrameBatch(pts_us=np.arange(n, dtype=np.int64) * 40_000, frames=frames), image)


def part(batch: TowerBatch, rows: Sequence[int]) -> TowerBatch:
    """Some rows of a batch, with new timestamps so that any order is allowed."""
    return TowerBatch(pts_us=np.arange(len(rows), dtype=np.int64), pixels=batch.pixels[list(rows)])


class EmbedderSuite:
    """Inherit, and define a fixture `embedder` that gives an open one."""

    def test_image_vectors_are_unit_rows_with_the_frames_times(self, embedder: Embedder) -> None:
        batch = random_tower(embedder, 3)
        block = embedder.embed_images(batch)
        assert block.vectors.shape == (3, embedder.manifest.dim)
        assert block.vectors.dtype == np.float32
        assert np.abs(np.linalg.norm(block.vectors, axis=1) - 1).max() < 1e-5
        assert np.array_equal(block.pts_us, batch.pts_us)

    @pytest.mark.parametrize("n", [1, 15, 16, 17, 33])
    def test_a_frame_has_one_vector_in_any_batch(self, embedder: Embedder, n: int) -> None:
        batch = random_tower(embedder, 33)
        whole = embedder.embed_images(batch).vectors
        some = embedder.embed_images(part(batch, range(33 - n, 33))).vectors
        assert np.abs(some - whole[33 - n :]).max() < TOLERANCE

    def test_rows_keep_their_order(self, embedder: Embedder) -> None:
        batch = random_tower(embedder, 5)
        forth = embedder.embed_images(batch).vectors
        back = embedder.embed_images(part(batch, range(4, -1, -1))).vectors
        assert np.abs(back[::-1] - forth).max() < TOLERANCE
        # Else any order would do.
        assert min(np.abs(forth[i] - forth[j]).max() for i in range(5) for j in range(i)) > 100 * TOLERANCE

    def test_the_same_call_gives_the_same_bits(self, embedder: Embedder) -> None:
        batch = random_tower(embedder, 4)
        assert np.array_equal(embedder.embed_images(batch).vectors, embedder.embed_images(batch).vectors)
        assert np.array_equal(embedder.embed_texts(TEXTS), embedder.embed_texts(TEXTS))

    def test_no_frames_give_an_empty_block(self, embedder: Embedder) -> None:
        block = embedder.embed_images(random_tower(embedder, 0))
        assert block.vectors.shape == (0, embedder.manifest.dim)

    @pytest.mark.parametrize(("more_height", "more_width"), [(1, 0), (0, 1)])
    def test_another_size_is_refused(self, embedder: Embedder, more_height: int, more_width: int) -> None:
        height, width = embedder.manifest.image.size
        pixels = np.zeros((1, height + more_height, width + more_width, 3), np.uint8)
        with pytest.raises(ValueError, match=rf"expected pixels \(n, {height}, {width}, 3\)"):
            embedder.embed_images(TowerBatch(pts_us=np.zeros(1, np.int64), pixels=pixels))

    def test_text_vectors_are_unit_rows_in_order(self, embedder: Embedder) -> None:
        vectors = embedder.embed_texts(TEXTS)
        assert vectors.shape == (len(TEXTS), embedder.manifest.dim)
        assert vectors.dtype == np.float32
        assert np.abs(np.linalg.norm(vectors, axis=1) - 1).max() < 1e-5
        assert np.abs(embedder.embed_texts(TEXTS[::-1])[::-1] - vectors).max() < TOLERANCE
        assert np.abs(vectors[0] - vectors[1]).max() > 100 * TOLERANCE

    def test_a_text_has_one_vector_in_any_company(self, embedder: Embedder) -> None:
        alone = embedder.embed_texts([TEXTS[1]])[0]
        together = embedder.embed_texts([*TEXTS * 7, TEXTS[1]])
        assert np.abs(together[[1, 4, -1]] - alone).max() < TOLERANCE

    @pytest.mark.parametrize("texts", [["a dog", ""], ["   "], ["\n\t"], []])
    def test_nothing_to_embed_is_refused(self, embedder: Embedder, texts: list[str]) -> None:
        with pytest.raises(UsageError):
            embedder.embed_texts(texts)

    def test_one_string_in_place_of_a_list_is_refused(self, embedder: Embedder) -> None:
        with pytest.raises(UsageError, match="list"):
            embedder.embed_texts("a dog")

    def test_long_texts_are_cut_and_said(self, embedder: Embedder) -> None:
        limit = embedder.manifest.text.max_length
        long = " ".join(["dog"] * 2 * limit)
        assert embedder.truncated_texts(["a dog", long, "a"]) == (long,)
        cut = embedder.embed_texts([long, long + " and more"])
        assert np.abs(cut[0] - cut[1]).max() < TOLERANCE

    def test_provenance_names_the_runtime(self, embedder: Embedder) -> None:
        assert {"runtime", "runtime_version", "device", "precision"} <= set(embedder.provenance)
        assert all(isinstance(value, str) and value for value in embedder.provenance.values())

    def test_it_says_where_it_came_from(self, embedder: Embedder) -> None:
        assert embedder.origin

    def test_closing_twice_is_safe_and_a_closed_one_refuses(self, embedder: Embedder) -> None:
        batch = random_tower(embedder, 1)
        embedder.embed_images(batch)
        embedder.close()
        embedder.close()
        with pytest.raises(ValueError, match="closed"):
            embedder.embed_images(batch)
        with pytest.raises(ValueError, match="closed"):
            embedder.embed_texts(TEXTS)
