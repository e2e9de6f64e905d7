"""Where a cache file may lie; what it does is tested by those that keep something in one."""

from __future__ import annotations

from pathlib import Path

import pytest

from framedex.cache_file import file_system

MOUNTS = """\
24 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 24 0:26 / /data rw - nfs4 server:/data rw
31 30 254:1 / /data/local rw - xfs /dev/vdb rw
32 24 0:27 / /with\\040space rw master:2 - fuse.sshfs host: rw
33 24 0:28 / /data/local rw - tmpfs tmpfs rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/me/S", "ext4"),
        ("/data/S", "nfs4"),
        ("/data", "nfs4"),
        ("/database/S", "ext4"),
        ("/data/local/S", "tmpfs"),
        ("/with space/S", "fuse.sshfs"),
    ],
)
def test_the_file_system_of_a_path_is_that_of_its_last_mount(path: str, kind: str, tmp_path: Path) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS)
    assert file_system(Path(path), mounts=mounts) == kind
    assert file_system(Path(path), mounts=tmp_path / "none") == ""
