"""How much memory is free for what is about to be worked on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch


def free_nbytes(device: torch.device) -> int | None:
    """Free memory of a device: the GPU's and what torch holds in reserve of it, or the machine's; None where it is not told."""
    if device.type == "cpu":
        return free_of_machine()
    free, _ = torch.cuda.mem_get_info(device)
    return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)


def free_of_machine(*, proc: Path = Path("/proc"), groups: Path = Path("/sys/fs/cgroup")) -> int | None:
    """What this process may still take: the machine's available memory, or what its control groups leave if that is less.

    A group's pages of files that nobody used lately count as free, as in the machine's available memory.

    Args:
        proc: where Linux tells of processes.
        groups: where its control groups are.

    Returns:
        Bytes; None where the system does not say, as elsewhere than on Linux.

    Source: proc(5), MemAvailable of `/proc/meminfo`; cgroups(7), and of Linux's own documentation cgroup-v2 (memory.max,
    memory.current, memory.stat) and cgroup-v1/memory (memory.limit_in_bytes, memory.usage_in_bytes).
    """
    told = _fields(proc / "meminfo").get("MemAvailable:")
    if told is None:
        return None
    return max(0, min([told << 10, *_left_by_groups(proc / "self" / "cgroup", groups)]))


def _left_by_groups(own: Path, groups: Path) -> Iterator[int]:
    """What each memory group of this process leaves of its limit: its own, and those that hold it."""
    for line in _lines(own):
        _, controllers, place = line.split(":", 2)
        if controllers == "":
            top, limit, used, idle = groups, "memory.max", "memory.current", "inactive_file"
        elif "memory" in controllers.split(","):
            top = groups / "memory"
            limit, used, idle = "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"
        else:
            continue
        group = top / place.lstrip("/")
        # In a container the place may be told as the host sees it: then only the top is there.
        for folder in (group, *group.parents):
            most, taken = _number(folder / limit), _number(folder / used)
            if most is not None and taken is not None:
                yield most - taken + _fields(folder / "memory.stat").get(idle, 0)
            if folder == top:
                break


def _number(path: Path) -> int | None:
    """A file's number; None where there is no file, or it says "max"."""
    lines = _lines(path)
    return int(lines[0]) if lines and lines[0].isdigit() else None


def _fields(path: Path) -> dict[str, int]:
    """A file's numbers by the word before each."""
    words = (line.split() for line in _lines(path))
    return {line[0]: int(line[1]) for line in words if len(line) > 1 and line[1].isdigit()}


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return []
