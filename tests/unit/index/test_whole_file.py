"""Files that are there whole or not at all."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from framedex.errors import StorageError
from framedex.index.whole_file import StagedFile, delete, make_folder, read_whole, storage_error, write_whole


def test_writing_replaces(tmp_path: Path) -> None:
    write_whole(tmp_path / "a", b"one")
    write_whole(tmp_path / "a", memoryview(b"two"))
    assert read_whole(tmp_path / "a") == b"two"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_refused_write_leaves_what_was_there(tmp_path: Path) -> None:
    """In a process of its own: the limit on the size of files would also stop pytest from writing its report to one."""
    code = """
import resource, sys
from pathlib import Path
from framedex.errors import StorageError
from framedex.index.whole_file import write_whole
path = Path(sys.argv[1])
write_whole(path, b"old")
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_whole(path, bytes(1001))
except StorageError as error:
    print(error)
"""
    run = subprocess.run([sys.executable, "-c", code, str(tmp_path / "a")], capture_output=True, text=True, check=True)
    assert "a: cannot write: File too large; the file would pass the size limit" in run.stdout
    assert read_whole(tmp_path / "a") == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_staged_file_is_unseen_until_published(tmp_path: Path) -> None:
    with StagedFile(tmp_path / "a", b"one") as staged:
        assert not (tmp_path / "a").exists()
        assert all(path.name.startswith(".") for path in tmp_path.iterdir())
        staged.publish()
        assert read_whole(tmp_path / "a") == b"one"
    with StagedFile(tmp_path / "b", b"one"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_folders_are_made_with_their_parents(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b" / "c")
    make_folder(tmp_path / "a" / "b" / "c")
    assert (tmp_path / "a" / "b" / "c").is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot create the folder: "):
        make_folder(tmp_path / "file" / "b")


def test_deleting_says_whether_there_was_a_file(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    assert delete(tmp_path / "a")
    assert not delete(tmp_path / "a")
    (tmp_path / "folder").mkdir()
    with pytest.raises(StorageError, match="folder: cannot delete"):
        delete(tmp_path / "folder")


def test_reading_a_folder_is_a_storage_error_and_a_missing_file_is_not(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot read: Is a directory"):
        read_whole(tmp_path)
    with pytest.raises(FileNotFoundError):
        read_whole(tmp_path / "a")


@pytest.mark.parametrize(
    ("number", "advice"),
    [(errno.ENOSPC, "free space"), (errno.EROFS, "read-only"), (errno.EACCES, "permissions"), (errno.EINVAL, "check")],
)
def test_the_sentence_says_what_to_do(number: int, advice: str) -> None:
    error = storage_error("write", "S/x", OSError(number, "No"))
    assert str(error).startswith("S/x: cannot write: No; ")
    assert advice in str(error)
    assert error.exit_code == 6
