"""Processes, as /proc lists them: to prove that none is left."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path


def children(of: int | None = None) -> set[int]:
    """Live children of a process, by default this one; those that only wait to be reaped are none."""
    parent = os.getpid() if of is None else of
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == parent and fields[0] != "Z":
            found.add(int(stat.parent.name))
    return found


def open_files() -> int:
    """How many descriptors this process has."""
    return len(list(Path("/proc/self/fd").iterdir()))


def alive(process: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def eventually(condition: Callable[[], bool], *, within_s: float = 20.0) -> bool:
    """Whether a condition comes to hold; generous, so that a loaded machine does not matter."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return condition()
