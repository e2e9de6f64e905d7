"""Free memory is the machine's, or what control groups leave of their limits."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from framedex.mllm.free_memory import free_nbytes, free_of_machine

GIB = 1 << 30


def machine(
    folder: Path, *, groups: str, files: dict[str, int | str], available_kib: int | None = 8 << 20
) -> int | None:
    """What is free on a machine of 8 GiB whose control groups hold these files."""
    (folder / "proc" / "self").mkdir(parents=True)
    told = "" if available_kib is None else f"MemAvailable:   {available_kib} kB\n"
    (folder / "proc" / "meminfo").write_text(f"MemTotal:       16777216 kB\n{told}HugePages_Total:       0\n")
    (folder / "proc" / "self" / "cgroup").write_text(groups)
    for name, value in files.items():
        path = folder / "cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{value}\n")
    return free_of_machine(proc=folder / "proc", groups=folder / "cgroup")


def test_without_limits_it_is_what_the_machine_has(tmp_path: Path) -> None:
    assert machine(tmp_path, groups="0::/\n", files={}) == 8 * GIB


def test_a_groups_limit_counts_less_what_is_used_but_not_idle_files(tmp_path: Path) -> None:
    files = {
        "box/job/memory.max": 4 * GIB,
        "box/job/memory.current": 3 * GIB,
        "box/job/memory.stat": f"anon {2 * GIB}\ninactive_file {GIB // 2}\nactive_file 7",
    }
    assert machine(tmp_path, groups="0::/box/job\n", files=files) == GIB * 3 // 2


def test_the_groups_that_hold_it_count_too(tmp_path: Path) -> None:
    files: dict[str, int | str] = {
        "box/job/memory.max": "max",
        "box/job/memory.current": GIB,
        "box/memory.max": 2 * GIB,
        "box/memory.current": GIB,
    }
    assert machine(tmp_path, groups="0::/box/job\n", files=files) == GIB


def test_a_container_that_is_told_a_place_of_its_host_looks_at_the_top(tmp_path: Path) -> None:
    files = {"memory.max": 3 * GIB, "memory.current": GIB}
    assert machine(tmp_path, groups="0::/host/made/this\n", files=files) == 2 * GIB


def test_groups_of_the_first_version_are_read_as_well(tmp_path: Path) -> None:
    files: dict[str, int | str] = {
        "memory/job/memory.limit_in_bytes": 2 * GIB,
        "memory/job/memory.usage_in_bytes": GIB,
        "memory/job/memory.stat": f"total_inactive_file {GIB // 4}",
        "memory/memory.limit_in_bytes": 9223372036854771712,
        "memory/memory.usage_in_bytes": 5 * GIB,
    }
    groups = "9:name=systemd:/x\n4:cpu,memory:/job\n1:cpu:/y:z\n0::/\n"
    assert machine(tmp_path, groups=groups, files=files) == GIB * 5 // 4


def test_a_group_over_its_limit_leaves_nothing(tmp_path: Path) -> None:
    files = {"memory.max": GIB, "memory.current": 2 * GIB}
    assert machine(tmp_path, groups="0::/\n", files=files) == 0


def test_where_the_system_does_not_say_it_is_not_guessed(tmp_path: Path) -> None:
    assert free_of_machine(proc=tmp_path / "none", groups=tmp_path) is None
    assert machine(tmp_path, groups="", files={}, available_kib=None) is None


@pytest.mark.skipif(not Path("/proc/meminfo").exists(), reason="no Linux")
def test_here_it_is_less_than_all_there_is() -> None:
    import os

    free = free_nbytes(torch.device("cpu"))
    assert free is not None
    assert 0 < free < os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
