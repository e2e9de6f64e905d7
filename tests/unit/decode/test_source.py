from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from clips import write_images
from framedex.decode.source import find_videos, identify
from framedex.errors import NoFrameRate, NotAVideo, UsageError
from framedex.keys import is_key


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def names(root: Path, paths: tuple[Path, ...]) -> list[str]:
    return [path.relative_to(root).as_posix() for path in paths]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    touch(
        *(
            tmp_path / name
            for name in ("b.mp4", "a.MKV", "notes.txt", ".hidden.mp4", "sub/deep/c.webm", "sub/cover.jpg")
        ),
        *(tmp_path / "frames" / name for name in ("1.png", "2.png", ".DS_Store")),
    )
    return tmp_path


def test_a_folder_is_searched_by_name_and_the_rest_counted(tree: Path) -> None:
    found = find_videos([tree])
    assert names(tree, found.paths) == ["a.MKV", "b.mp4", "frames", "sub/deep/c.webm"]
    assert found.ignored == 3  # notes.txt, .hidden.mp4, sub/cover.jpg


def test_a_frame_folder_may_be_named_itself(tree: Path) -> None:
    assert names(tree, find_videos([tree / "frames"]).paths) == ["frames"]


def test_a_named_file_is_taken_whatever_its_suffix(tree: Path) -> None:
    assert names(tree, find_videos([str(tree / "notes.txt")]).paths) == ["notes.txt"]


def test_a_pattern_stands_for_its_matches(tree: Path) -> None:
    assert names(tree, find_videos([f"{tree}/**/*.webm", f"{tree}/*.mp4"]).paths) == ["sub/deep/c.webm", "b.mp4"]


def test_a_name_that_looks_like_a_pattern_is_a_name(tmp_path: Path) -> None:
    touch(tmp_path / "take[1].mp4")
    assert names(tmp_path, find_videos([tmp_path / "take[1].mp4"]).paths) == ["take[1].mp4"]


def test_the_same_file_is_listed_once(tree: Path) -> None:
    (tree / "again.mp4").symlink_to(tree / "b.mp4")
    found = find_videos([tree / "b.mp4", tree / "sub" / ".." / "b.mp4", f"{tree}/*.mp4", tree])
    assert names(tree, found.paths) == ["b.mp4", "a.MKV", "frames", "sub/deep/c.webm"]


def test_a_link_to_a_folder_above_is_no_endless_search(tree: Path) -> None:
    (tree / "sub" / "up").symlink_to(tree)
    assert names(tree, find_videos([tree]).paths) == ["a.MKV", "b.mp4", "frames", "sub/deep/c.webm"]


def test_a_missing_path_names_its_neighbour(tree: Path) -> None:
    with pytest.raises(UsageError, match=r"'b.mp5' does not exist in .*did you mean 'b.mp4'\?"):
        find_videos([tree / "b.mp5"])
    with pytest.raises(UsageError, match=r"'subs' does not exist in .*did you mean 'sub'\?"):
        find_videos([tree / "subs" / "deep" / "c.webm"])
    with pytest.raises(UsageError, match="nothing there has a similar name"):
        find_videos([tree / "zzzzzzzz"])


def test_what_comes_to_no_video_is_refused(tmp_path: Path) -> None:
    touch(tmp_path / "mixed" / "1.png", tmp_path / "mixed" / "labels.json")
    with pytest.raises(UsageError, match=r"no video found there; .*images and nothing else"):
        find_videos([tmp_path / "mixed"])
    with pytest.raises(UsageError, match="the pattern matches nothing"):
        find_videos([f"{tmp_path}/*.mp4"])


def test_the_key_of_a_file_is_its_content(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"some bytes")
    (tmp_path / "b.bin").write_bytes(b"some bytes")
    source = identify(tmp_path / "a.mp4", folder_fps="3")
    assert source.key == hashlib.sha256(b"some bytes").hexdigest()[:32]
    assert source.key == identify(tmp_path / "b.bin", folder_fps=None).key
    assert (source.nbytes, source.folder_fps) == (10, None)


def test_the_key_of_a_folder_is_its_names_bytes_and_rate(tmp_path: Path) -> None:
    for name in ("a", "b", "renamed", "other"):
        write_images(tmp_path / name, 2)
    (tmp_path / "b" / ".DS_Store").write_bytes(b"x")
    (tmp_path / "renamed" / "0001.png").rename(tmp_path / "renamed" / "0007.png")
    (tmp_path / "other" / "0001.png").write_bytes((tmp_path / "other" / "0000.png").read_bytes())
    key = identify(tmp_path / "a", folder_fps="2").key
    assert is_key(key)
    assert identify(tmp_path / "b", folder_fps="2.0").key == key
    others = {identify(tmp_path / name, folder_fps="2").key for name in ("renamed", "other")}
    others.add(identify(tmp_path / "a", folder_fps="3").key)
    assert len(others - {key}) == 3
    assert identify(tmp_path / "a", folder_fps="2").nbytes == sum(
        image.stat().st_size for image in (tmp_path / "a").iterdir()
    )


def test_a_frame_folder_needs_a_rate(tmp_path: Path) -> None:
    write_images(tmp_path / "frames", 2)
    with pytest.raises(NoFrameRate, match="a folder of 2 images has no frame rate; add --folder-fps"):
        identify(tmp_path / "frames", folder_fps=None)
    with pytest.raises(UsageError, match="--folder-fps: expected a positive number"):
        identify(tmp_path / "frames", folder_fps="0")


def test_an_empty_file_is_no_video(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    with pytest.raises(NotAVideo, match=r"empty.mp4: the file is empty \(0 bytes\); copy or download it again"):
        identify(tmp_path / "empty.mp4", folder_fps=None)


def test_a_pipe_is_no_video_and_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(NotAVideo, match="neither a file nor a folder"):
        identify(tmp_path / "pipe.mp4", folder_fps=None)


def test_a_link_to_nothing_is_no_video(tmp_path: Path) -> None:
    (tmp_path / "gone.mp4").symlink_to(tmp_path / "nowhere.mp4")
    assert names(tmp_path, find_videos([tmp_path]).paths) == ["gone.mp4"]
    with pytest.raises(NotAVideo, match=r"gone.mp4: does not exist, or is a link to nothing"):
        identify(tmp_path / "gone.mp4", folder_fps=None)


@pytest.fixture
def unreadable(tmp_path: Path) -> Iterator[Path]:
    """A file that this process may not read; the superuser steps down for the time, for permissions do not bind them."""
    path = tmp_path / "secret.mp4"
    touch(path)
    path.chmod(0)
    superuser = os.geteuid() == 0
    if superuser:
        os.seteuid(65_534)
    yield path
    if superuser:
        os.seteuid(0)


def test_a_file_that_may_not_be_read_is_named(unreadable: Path) -> None:
    with pytest.raises(NotAVideo, match=r"secret.mp4: cannot be read \(Permission denied\)"):
        identify(unreadable, folder_fps=None)
