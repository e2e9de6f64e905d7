"""Kept prompt vectors: the same bits, for as long as everything is the same; and no result without them is worse."""

from __future__ import annotations

import dataclasses
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from framedex import cache_file
from framedex.cache_file import store_cache_file
from framedex.embed import load_embedder, prompt_cache
from framedex.embed.artefact import Artefact
from framedex.embed.onnxruntime import OnnxRuntimeEmbedder
from framedex.embed.prompt_cache import PromptCache
from framedex.embed.prompt_vectors import PromptVectors
from framedex.errors import UsageError

TEXTS = ["a red striped thing", "a blue dotted thing", "a thing that is not there", "a red striped thing"]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    folder = tmp_path / "a store? 100 % #1"
    folder.mkdir()
    return folder


def test_a_later_run_embeds_nothing_and_gets_the_same_bits(store: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(Artefact.open("micro-siglip").folder, tmp_path / "artefact")
    with OnnxRuntimeEmbedder(Artefact.open(folder), threads=1) as embedder:
        plain = embedder.embed_texts(TEXTS)
        first = PromptVectors(embedder, PromptCache(store))
        assert np.array_equal(first.of(TEXTS), plain)
        assert (first.embedded, first.trouble) == (3, None)
        assert np.array_equal(first.of(TEXTS[1:2]), plain[1:2])
        assert first.embedded == 3, "what was asked for before is remembered"
    with OnnxRuntimeEmbedder(Artefact.open(folder), threads=1) as embedder:
        (folder / "text.onnx").unlink()
        later = PromptVectors(embedder, PromptCache(store))
        assert np.array_equal(later.of(TEXTS), plain)
        assert (later.embedded, later.trouble) == (0, None)
    assert [path.name for path in (store / "cache").iterdir()] == ["prompts.sqlite"]


def test_new_texts_are_added_to_those_that_are_there(store: Path) -> None:
    with load_embedder("micro-siglip") as embedder:
        PromptVectors(embedder, PromptCache(store)).of(TEXTS[:2])
        vectors = PromptVectors(embedder, PromptCache(store))
        assert np.array_equal(vectors.of(TEXTS), embedder.embed_texts(TEXTS))
        assert vectors.embedded == 1
        many = [f"a thing number {number}" for number in range(1100)]
        assert np.array_equal(PromptVectors(embedder, PromptCache(store)).of(many), embedder.embed_texts(many))
        again = PromptVectors(embedder, PromptCache(store))
        again.of([*many, *TEXTS])
        assert again.embedded == 0


def test_a_text_that_says_nothing_is_refused_as_without_a_cache(store: Path) -> None:
    with load_embedder("micro-siglip") as embedder:
        for text in ("", "  ", "\ud800"):
            with pytest.raises(UsageError):
                PromptVectors(embedder, PromptCache(store)).of([TEXTS[0], text])


def test_whatever_a_vector_depends_on_is_in_its_key(store: Path) -> None:
    vector = np.array([0.6, 0.8], np.float32)
    made_by = {"encoder": "0" * 32, "runtime": "r", "runtime_version": "1", "device": "cpu", "precision": "fp32"}
    cache = PromptCache(store)
    cache.write(made_by, {"a dog": vector})
    assert np.array_equal(cache.read(made_by, ["a dog"], dim=2)["a dog"], vector)
    assert cache.read(made_by, ["a Dog", "a dog ", "dog"], dim=2) == {}
    assert cache.read(made_by, ["a dog"], dim=3) == {}
    for name in made_by:
        assert cache.read({**made_by, name: "other"}, ["a dog"], dim=2) == {}
    assert cache.read({**made_by, "execution": "compiled"}, ["a dog"], dim=2) == {}


def test_another_precision_or_number_of_threads_is_another_vector(store: Path) -> None:
    with load_embedder("micro-siglip", threads=1) as embedder:
        PromptVectors(embedder, PromptCache(store)).of(TEXTS)
    for runtime, threads, precision in (("onnxruntime-cpu", 2, None), ("torch-cpu", 1, None), ("torch-cpu", 1, "bf16")):
        with load_embedder("micro-siglip", runtime=runtime, threads=threads, precision=precision) as embedder:
            vectors = PromptVectors(embedder, PromptCache(store))
            assert np.array_equal(vectors.of(TEXTS), embedder.embed_texts(TEXTS))
            assert vectors.embedded == 3


@pytest.mark.parametrize("data", [b"\0" * 8, b"", np.full(2, np.nan, np.float32).tobytes(), np.ones(2).tobytes()])
def test_a_vector_that_is_none_is_not_there(store: Path, data: bytes) -> None:
    cache = PromptCache(store)
    cache.write("x", {"a dog": np.array([0.6, 0.8], np.float32)})
    with sqlite3.connect(cache.path) as database:
        database.execute("UPDATE vectors SET vector = ?", [data])
    assert cache.read("x", ["a dog"], dim=2) == {}
    assert cache.trouble is None


def _garbage(path: Path) -> None:
    path.write_bytes(b"no database " * 1000)


def _cut(path: Path) -> None:
    PromptCache(path.parents[1]).write("x", {str(n): np.array([0.6, 0.8], np.float32) for n in range(1000)})
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2 + 100])


def _other_program(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE vectors (key, vector)")


def _folder(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize("spoil", [_garbage, _cut, _other_program, _folder])
def test_a_file_that_cannot_be_used_is_said_and_worked_without(store: Path, spoil: object) -> None:
    path = store / "cache" / "prompts.sqlite"
    path.parent.mkdir()
    assert callable(spoil)
    spoil(path)
    with load_embedder("micro-siglip") as embedder:
        vectors = PromptVectors(embedder, PromptCache(store))
        assert np.array_equal(vectors.of(TEXTS), embedder.embed_texts(TEXTS))
        assert vectors.trouble is not None
        assert str(path) in vectors.trouble
        assert "they are computed, delete the file if this goes on" in vectors.trouble


def test_a_place_that_cannot_be_written_is_said_and_worked_without(store: Path) -> None:
    (store / "cache").write_text("in the way")
    with load_embedder("micro-siglip") as embedder:
        vectors = PromptVectors(embedder, PromptCache(store))
        assert np.array_equal(vectors.of(TEXTS), embedder.embed_texts(TEXTS))
        assert "cannot be written" in str(vectors.trouble)


def test_a_locked_file_is_waited_for_and_then_worked_without(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hurried = dataclasses.replace(prompt_cache._KIND, wait_s=0.05)
    monkeypatch.setattr(prompt_cache, "_KIND", hurried)
    cache = PromptCache(store)
    cache.write("x", {"a dog": np.array([0.6, 0.8], np.float32)})
    other = sqlite3.connect(cache.path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with load_embedder("micro-siglip") as embedder:
        vectors = PromptVectors(embedder, PromptCache(store))
        assert np.array_equal(vectors.of(TEXTS), embedder.embed_texts(TEXTS))
        assert "locked" in str(vectors.trouble)
    other.close()
    assert list(PromptCache(store).read("x", ["a dog"], dim=2)) == ["a dog"]


def test_where_nothing_is_to_be_written_nothing_is(store: Path) -> None:
    with load_embedder("micro-siglip") as embedder:
        PromptVectors(embedder, PromptCache(store, writes=False)).of(TEXTS)
    assert list(store.iterdir()) == []


_WRITER = """
import sys; import numpy as np; from pathlib import Path
from framedex.embed.prompt_cache import PromptCache
cache = PromptCache(Path(sys.argv[1]))
for n in range(40):
    cache.write("x", {f"{n % 30} of {sys.argv[2] if n % 2 else 'all'}": np.array([0.6, 0.8], np.float32)})
sys.exit(cache.trouble)
"""


def test_several_processes_may_write_at_once(store: Path) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", _WRITER, str(store), str(number)]) for number in range(4)]
    assert [writer.wait() for writer in writers] == [0, 0, 0, 0]
    texts = [f"{n} of {who}" for n in range(30) for who in ("all", 0, 1, 2, 3) if (n % 2 == 0) == (who == "all")]
    assert len(PromptCache(store).read("x", texts, dim=2)) == len(texts)


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "lustre", "fuse.s3fs"])
def test_on_a_network_file_system_the_cache_is_the_users_own(
    kind: str, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "own"))
    assert store_cache_file(store, "prompts.sqlite") == store / "cache" / "prompts.sqlite"
    monkeypatch.setattr(cache_file, "file_system", lambda _path: kind)
    assert store_cache_file(store, "prompts.sqlite").is_relative_to(tmp_path / "own" / "framedex")
    assert store_cache_file(store, "prompts.sqlite") != store_cache_file(tmp_path, "prompts.sqlite")
    with load_embedder("micro-siglip") as embedder:
        PromptVectors(embedder, PromptCache(store)).of(TEXTS)
    assert list(store.iterdir()) == []
    assert store_cache_file(store, "prompts.sqlite").is_file()
