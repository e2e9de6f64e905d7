"""How texts go through a text tower: cut where nothing behind counts, each distinct one once, in bounded runs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from family_checkpoints import family_artefact
from framedex.embed import load_embedder
from framedex.embed.artefact import Artefact
from framedex.embed.onnxruntime import OnnxRuntimeEmbedder
from framedex.embed.text import TextEncoder
from framedex.embed.torch import TorchEmbedder
from framedex.embed.tower_embedder import TowerEmbedder

LONG = "a kitchen knife cuts a tomato while two cats run on the beach and a red dog looks at them"
TEXTS = [
    "a red dog",
    LONG,
    "cats",
    "two cats run on the beach",
    "a <|endoftext|> in the middle",
    " ".join(["dog"] * 200),
]


@pytest.fixture(scope="module")
def clip() -> Artefact:
    return Artefact.open(family_artefact("clip"))


@pytest.fixture(params=[OnnxRuntimeEmbedder, TorchEmbedder])
def embedder(request: pytest.FixtureRequest, clip: Artefact) -> Iterator[TowerEmbedder]:
    with request.param(clip, threads=1) as opened:
        yield opened


def padded(embedder: TowerEmbedder, clip: Artefact) -> np.ndarray:
    """The texts' vectors with nothing cut."""
    ids = TextEncoder(clip.tokenizer, clip.manifest.text).encode(TEXTS).ids
    embedder.FILLS_TEXTS = True
    vectors = embedder._ids(embedder._tower("text"), ids)
    embedder.FILLS_TEXTS = False
    return vectors


def test_clips_texts_are_cut_at_their_ends_exactly(embedder: TowerEmbedder, clip: Artefact) -> None:
    assert clip.manifest.towers.text.any_length
    whole, cut = padded(embedder, clip), embedder.embed_texts(TEXTS)
    assert np.abs(whole - cut).max() < 5e-7
    embedder.TEXTS_PER_RUN = 3
    embedder._towers.clear()
    assert np.abs(embedder.embed_texts(TEXTS) - cut).max() < 5e-7
    if isinstance(embedder, OnnxRuntimeEmbedder):
        alone = np.concatenate([embedder.embed_texts([text]) for text in TEXTS])
        assert np.array_equal(alone, cut), "a text has the same bits in any company"


def test_only_what_stands_before_the_end_is_run(clip: Artefact, monkeypatch: pytest.MonkeyPatch) -> None:
    lengths: list[int] = []

    def run_bound(*arguments: object, **keywords: object) -> np.ndarray:
        lengths.append(np.asarray(arguments[2]).shape[1])
        return original(*arguments, **keywords)  # type: ignore[arg-type]

    from framedex.embed import onnxruntime

    original = onnxruntime.run_bound
    monkeypatch.setattr(onnxruntime, "run_bound", run_bound)
    with OnnxRuntimeEmbedder(clip, threads=1) as embedder:
        embedder.prove()
        lengths.clear()  # of the reference set
        embedder.embed_texts(TEXTS)
    ends = TextEncoder(clip.tokenizer, clip.manifest.text).encode(TEXTS).ids == clip.manifest.text.eos_id
    assert sorted(lengths) == sorted((ends.argmax(axis=1) + 1).tolist())
    assert max(lengths) == clip.manifest.text.max_length > 2 * min(lengths)


def test_siglip_reads_every_position() -> None:
    assert Artefact.open("micro-siglip").manifest.towers.text.any_length is None


def test_texts_that_are_the_same_to_the_tower_are_run_once(clip: Artefact) -> None:
    with OnnxRuntimeEmbedder(clip, threads=1) as embedder:
        tower = embedder._tower("text")
        rows: list[int] = []
        embedder._towers["text"] = lambda ids: rows.append(len(ids)) or tower(ids)  # type: ignore[func-returns-value]
        texts = [*TEXTS, *(text.upper() for text in TEXTS[:4]), *TEXTS]
        vectors = embedder.embed_texts(texts)
        assert sum(rows) == len(TEXTS)
        assert np.array_equal(vectors[:6], vectors[-6:])
        assert np.array_equal(vectors[:4], vectors[6:10]), "CLIP's tokenizer lower-cases"
        embedder.TEXTS_PER_RUN = 4
        rows.clear()
        assert np.array_equal(embedder.embed_texts(texts), vectors)
        assert rows == [4, 2]


def test_runs_that_are_filled_have_one_shape() -> None:
    """What runtimes on a GPU do, here on the CPU."""
    with load_embedder("micro-siglip", runtime="torch-cpu") as embedder:
        assert isinstance(embedder, TowerEmbedder)
        expected = embedder.embed_texts(TEXTS)
        embedder.TEXTS_PER_RUN, embedder.FILLS_TEXTS = 4, True
        embedder._towers.clear()
        tower = embedder._tower("text")
        shapes: list[tuple[int, ...]] = []
        embedder._towers["text"] = lambda ids: shapes.append(ids.shape) or tower(ids)  # type: ignore[func-returns-value]
        assert np.abs(embedder.embed_texts(TEXTS) - expected).max() < 2e-6
        assert np.abs(embedder.embed_texts(TEXTS[:1]) - expected[:1]).max() < 2e-6
        assert set(shapes) == {(4, embedder.manifest.text.max_length)}
