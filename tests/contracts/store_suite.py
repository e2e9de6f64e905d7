"""What a store has to do, whatever it keeps its vectors in; a kind of store inherits the suite and names its dtype."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from contracts.store_samples import DIM, encoder_entry, new_store, put, sample_pts, unit_vectors, video_key
from framedex.errors import FramedexError, StorageError, StoreError, UsageError
from framedex.index import Row, Store
from framedex.index.faiss_file import Dtype
from framedex.index.verify import verify

_TESTS = Path(__file__).parents[1]
_WRITER = Path(__file__).with_name("store_writer.py")


class StoreSuite:
    """Conformance of a store."""

    dtype: Dtype

    def put(self, store: Store, number: int = 0, *, n: int = 5) -> Row:
        return put(store, number, n=n, dtype=self.dtype)

    def stored(self, number: int, n: int = 5) -> np.ndarray:
        """The vectors as they come back: rounded to the store's dtype."""
        return unit_vectors(n, seed=number).astype("<f2" if self.dtype == "f16" else "<f4")

    # --- round trip

    def test_what_was_put_comes_back(self, tmp_path: Path) -> None:
        row = self.put(new_store(tmp_path / "S"))
        store = Store.open(tmp_path / "S")
        assert store.videos() == [row]
        assert store.row(row.video_key, encoder_key=row.encoder_key, grid="fps=1") == row
        with store[row.video_key] as index:
            assert index.row == row
            np.testing.assert_array_equal(index.pts_us, sample_pts(5))
            np.testing.assert_array_equal(index.vectors, self.stored(0))
            assert index.vectors.dtype == self.stored(0).dtype

    def test_the_whole_store_verifies(self, tmp_path: Path) -> None:
        store = new_store(tmp_path / "S")
        rows = [self.put(store, number, n=number + 1) for number in range(4)]
        report = verify(store)
        assert report.ok
        assert (report.rows, report.whole, report.frames) == (4, 4, 1 + 2 + 3 + 4)
        assert report.nbytes == sum(row.nbytes for row in rows)
        assert not report.unfinished + report.leftovers + report.foreign

    def test_faiss_alone_reads_the_file(self, tmp_path: Path) -> None:
        store = new_store(tmp_path / "S")
        path = self.put(store).place.index_path(store.path)
        script = (
            "import sys, faiss, numpy as np\n"
            "index = faiss.read_index(sys.argv[1])\n"
            "scores, ids = index.search(np.load(sys.argv[2]), 1)\n"
            "assert not any(name.startswith('framedex') for name in sys.modules)\n"
            "print(index.ntotal, index.d, index.metric_type == faiss.METRIC_INNER_PRODUCT, *ids[:, 0], scores.min() > 0.999)\n"
        )
        np.save(tmp_path / "queries.npy", unit_vectors(5, seed=0))
        done = subprocess.run(
            [sys.executable, "-c", script, str(path), str(tmp_path / "queries.npy")],
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.split() == ["5", str(DIM), "True", *map(str, sample_pts(5)), "True"]

    # --- finding

    def test_a_video_is_found_by_key_path_end_of_path_and_stem(self, tmp_path: Path) -> None:
        store = new_store(tmp_path / "S")
        for number in range(3):
            self.put(store, number)
        for name in (
            video_key(1),
            "/videos/clip1.mp4",
            Path("/videos/clip1.mp4"),
            "videos/clip1.mp4",
            "clip1.mp4",
            "clip1",
        ):
            assert store[name].row.video_key == video_key(1)

    def test_an_unknown_video_is_refused_with_the_nearest(self, tmp_path: Path) -> None:
        store = new_store(tmp_path / "S")
        self.put(store, 7)
        with pytest.raises(UsageError, match=r"no video 'clip8'.*holds 1: clip7\.mp4.*did you mean 'clip7'"):
            store["clip8"]
        with pytest.raises(UsageError, match="no video"):
            store[video_key(8)]

    def test_listing_is_in_a_stable_order_and_opens_no_index_file(self, tmp_path: Path) -> None:
        store = new_store(tmp_path / "S")
        rows = [self.put(store, number) for number in (3, 1, 2)]
        for row in rows:
            row.place.index_path(store.path).unlink()
        assert [row.source.path for row in Store.open(store.path).videos()] == [
            f"/videos/clip{i}.mp4" for i in (1, 2, 3)
        ]
        assert store.keys("sample", "fps=1") == {video_key(number) for number in (1, 2, 3)}

    # --- many writers, dying writers

    def test_killed_writers_leave_only_whole_indexes(self, tmp_path: Path) -> None:
        moments = random.Random(11)
        for seed in range(6):
            with _writer(tmp_path / "S", seed, videos=6, rounds=1_000_000) as writer:
                time.sleep(moments.uniform(0.0, 0.2))
                writer.kill()
            store = Store.open(tmp_path / "S")
            for row in store.videos():
                with store.open_row(row) as index:
                    assert index.vectors.shape == (50, DIM)
            report = verify(store)
            assert report.ok, report.problems
            assert not report.foreign

    def test_two_writers_of_the_same_videos_end_whole(self, tmp_path: Path) -> None:
        with (
            _writer(tmp_path / "S", 1, videos=5, rounds=8) as one,
            _writer(tmp_path / "S", 2, videos=5, rounds=8) as two,
        ):
            assert (one.wait(), two.wait()) == (0, 0)
        report = verify(Store.open(tmp_path / "S"))
        assert report.ok, report.problems
        assert report.whole == 5
        assert not report.unfinished + report.leftovers

    def test_a_reader_keeps_its_data_while_the_file_is_replaced(self, tmp_path: Path) -> None:
        store = new_store(tmp_path / "S")
        self.put(store)
        index = store["clip0"]
        put(store, 0, vectors=unit_vectors(5, seed=99), dtype=self.dtype)
        np.testing.assert_array_equal(index.vectors, self.stored(0))
        index.verify()
        np.testing.assert_array_equal(store["clip0"].vectors, self.stored(99))

    def test_an_index_without_a_row_is_unseen_and_counted(self, tmp_path: Path) -> None:
        store = new_store(tmp_path / "S")
        row = self.put(store)
        row.place.row_path(store.path).unlink()
        assert store.videos() == []
        report = verify(store)
        assert report.ok
        assert report.unfinished == (row.place.index_path(store.path),)

    # --- refusals

    def test_a_read_only_store_is_read_and_refuses_writes(self, tmp_path: Path) -> None:
        store = new_store(tmp_path / "S")
        self.put(store)
        script = (
            "import sys; from pathlib import Path\n"
            "from contracts.store_samples import put; from framedex.errors import StorageError\n"
            "from framedex.index import Store; from framedex.index.verify import verify\n"
            "store = Store.open(sys.argv[1])\n"
            "assert store['clip0'].scores([1.0] * 12).shape == (1, 5) and verify(store).ok\n"
            "for number in (0, 1):\n"
            "    try: put(store, number)\n"
            "    except StorageError as error: print(error.exit_code, error)\n"
        )
        folders = [Path(folder) for folder, _, _ in os.walk(tmp_path / "S")]
        for folder in folders:
            folder.chmod(0o555)
        try:
            done = subprocess.run(
                [*_without_root(), sys.executable, "-c", script, str(store.path)],
                env=_environment(), capture_output=True, text=True, check=False,
            )  # fmt: skip
        finally:
            for folder in folders:
                folder.chmod(0o755)
        assert done.returncode == 0, done.stderr
        lines = done.stdout.splitlines()
        assert len(lines) == 2
        assert all(line.startswith("6 ") and "Permission denied" in line and "permissions" in line for line in lines)
        assert verify(store).ok

    def test_a_full_disk_leaves_the_store_as_it_was(self, tmp_path: Path) -> None:
        store = new_store(tmp_path / "S")
        self.put(store)
        script = (  # a limit on file size makes the kernel refuse part-way through a write, as a full disk does
            "import resource, signal, sys\n"
            "from contracts.store_samples import put; from framedex.errors import StorageError\n"
            "from framedex.index import Store\n"
            "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
            "store = Store.open(sys.argv[1])\n"
            "put(store, 1, n=2)\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))\n"
            "for number in (0, 2):\n"
            "    try: put(store, number, n=500)\n"
            "    except StorageError as error: print(error.exit_code, error)\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", script, str(store.path)],
            env=_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert [line[:2] for line in done.stdout.splitlines()] == ["6 ", "6 "]
        report = verify(store)
        assert report.ok
        assert (report.rows, report.frames) == (2, 5 + 2)
        assert not report.unfinished + report.leftovers

    @pytest.mark.parametrize(
        ("marker", "error", "sentence"),
        [
            (
                '{"format": "framedex-store", "version": 2}',
                StoreError,
                "format version 2, this framedex reads version 1",
            ),
            ('{"format": "other", "version": 1}', StoreError, "expected format 'framedex-store', got 'other'"),
            ('{"format": "framedex-store"}', StoreError, "version missing"),
            ("", StoreError, "expected JSON"),
            (None, UsageError, "it has no store.json"),
        ],
    )
    def test_other_folders_are_refused(
        self, tmp_path: Path, marker: str | None, error: type[FramedexError], sentence: str
    ) -> None:
        if marker is not None:
            (tmp_path / "store.json").write_text(marker)
        with pytest.raises(error, match=sentence):
            Store.open(tmp_path)

    def test_a_missing_store_says_how_to_make_one(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match=r"no store there; make one with: framedex index VIDEOS --store"):
            Store.open(tmp_path / "S")

    def test_a_folder_with_other_files_is_not_made_a_store(self, tmp_path: Path) -> None:
        (tmp_path / "notes.txt").touch()
        with pytest.raises(UsageError, match="not empty"):
            Store.open(tmp_path, create=True)
        with pytest.raises(StorageError, match=r"notes\.txt"):
            Store.open(tmp_path / "notes.txt" / "S", create=True)

    # --- damage

    def test_every_damaged_byte_is_refused_or_harmless(self, tmp_path: Path) -> None:
        """Bytes of both files are changed, cut and added at random: never another exception, never a wrong answer unnoticed."""
        store = new_store(tmp_path / "S")
        row = self.put(store)
        chance = random.Random(5)
        refused = 0
        for path in (row.place.index_path(store.path), row.place.row_path(store.path)):
            whole = path.read_bytes()
            for _ in range(200):
                damaged = _damage(whole, chance)
                path.write_bytes(damaged)
                try:
                    with Store.open(store.path)["clip0"] as index:
                        assert index.vectors.shape == (5, DIM)
                        index.verify()
                        index.search(unit_vectors(1), 3)
                        assert path.suffix == ".json" or damaged == whole
                except (StoreError, UsageError):  # UsageError: the damaged row gives another path
                    refused += 1
            path.write_bytes(whole)
        assert refused > 200
        assert verify(store).ok

    def test_a_store_moves_as_a_whole(self, tmp_path: Path) -> None:
        self.put(new_store(tmp_path / "S"))
        (tmp_path / "S").rename(tmp_path / "elsewhere")
        assert verify(Store.open(tmp_path / "elsewhere")).ok

    def test_put_needs_its_encoder(self, tmp_path: Path) -> None:
        store = Store.open(tmp_path / "S", create=True)
        with pytest.raises(UsageError, match="add_encoder"):
            self.put(store)
        store.add_encoder(encoder_entry())
        with pytest.raises(UsageError, match="has d=12, the vectors have d=7"):
            put(store, vectors=unit_vectors(3, 7), dtype=self.dtype)
        assert store.videos() == []


def _damage(whole: bytes, chance: random.Random) -> bytes:
    data = bytearray(whole)
    match chance.choice(["change", "change", "change", "cut", "add"]):
        case "change":
            at = chance.randrange(min(len(data), 400))
            data[at] = chance.choice(
                [0, 1, 0x7F, 0x80, 0xFF, data[at] ^ (1 << chance.randrange(8)), ord("9"), ord('"')]
            )
        case "cut":
            del data[chance.randrange(len(data)) :]
        case "add":
            at = chance.randrange(len(data) + 1)
            data[at:at] = chance.randbytes(chance.randrange(1, 9))
    return bytes(data)


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(_TESTS), "OMP_NUM_THREADS": "1"}


def _without_root() -> list[str]:
    """What takes root's right to pass over permissions from a command."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"]


class _writer:  # noqa: N801 - used as a function
    """A writing process that has begun to write; killed on the way out."""

    def __init__(self, path: Path, seed: int, *, videos: int, rounds: int) -> None:
        command = [sys.executable, str(_WRITER), str(path), str(seed), str(videos), str(rounds)]
        self._process = subprocess.Popen(command, env=_environment(), stdout=subprocess.PIPE)

    def __enter__(self) -> subprocess.Popen[bytes]:
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"
        return self._process

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
