"""Runs `framedex index` as a user would, in a process of its own, and finds every process that came of it."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

#: Every process of a run inherits this variable, wherever it moves: workers, and what they start.
_MARK = "FRAMEDEX_STRESS_RUN"
FRAMEDEX = [sys.executable, "-c", "from framedex.cli import main; main()"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What came of a command: exit code (None where it was ended for want of time), both outputs, and the wall time."""

    code: int | None
    out: str
    err: str
    seconds: float

    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def tracebacks(self) -> list[str]:
        """The end of what was printed from the first traceback on, as a problem; none where there is none."""
        at = self.err.find("Traceback")
        return [f"a traceback, ending in {self.err[at:][-1500:]!r}"] if at >= 0 else []


class IndexRun:
    """A `framedex` command under way; leaving the `with` block ends whatever is left of it.

    Args:
        arguments: of `framedex`.
        work: folder for its outputs and its temporary files.
        python_path: where it finds decoders that are no part of framedex.
    """

    def __init__(self, *arguments: object, work: Path, python_path: Path | None = None) -> None:
        self._mark = secrets.token_hex(8)
        self._out, self._err = (work / f"{name}-{self._mark}" for name in ("out", "err"))
        temporary = work / "tmp"
        temporary.mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, _MARK: self._mark, "TMPDIR": str(temporary)}
        if python_path is not None:
            environment["PYTHONPATH"] = str(python_path)
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self._process = subprocess.Popen(
                [*FRAMEDEX, *map(str, arguments)], stdout=out, stderr=err, env=environment, start_new_session=True
            )
        self._started = time.monotonic()

    @property
    def age_s(self) -> float:
        """Seconds since it was started."""
        return time.monotonic() - self._started

    def signal(self, number: signal.Signals) -> bool:
        """Send a signal to the first process only, as a user or a scheduler does; False where it has ended."""
        if self._process.poll() is not None:
            return False
        self._process.send_signal(number)
        return True

    def kill_one_below(self, rng: np.random.Generator) -> bool:
        """Kill one of the processes that the first one started; False where there is none."""
        below = sorted(self.processes().keys() - {self._process.pid})
        if below:
            with contextlib.suppress(ProcessLookupError):
                os.kill(below[int(rng.integers(len(below)))], signal.SIGKILL)
        return bool(below)

    def wait(self, timeout_s: float = 600) -> Ran:
        """Wait for the first process; after `timeout_s` everything is ended, and the code is None."""
        try:
            code: int | None = self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            code = None
            self.end()
        return Ran(code=code, out=_text(self._out), err=_text(self._err), seconds=self.age_s)

    def processes(self) -> dict[int, str]:
        """Number and command line of every process that came of this run and is alive."""
        mark = f"{_MARK}={self._mark}".encode()
        found = {}
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit():
                with contextlib.suppress(OSError):  # it has ended meanwhile, or is another user's
                    if mark in (folder / "environ").read_bytes().split(b"\0"):
                        line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
                        found[int(folder.name)] = line or (folder / "comm").read_text().strip()
        return found

    def shared_memory(self) -> set[str]:
        """Files of /dev/shm that its processes have mapped now."""
        names = set()
        for pid in self.processes():
            with contextlib.suppress(OSError):
                maps = Path(f"/proc/{pid}/maps").read_text(errors="replace").splitlines()
                names |= {line[line.index("/dev/shm/") :] for line in maps if "/dev/shm/" in line}
        return {name for name in names if not name.endswith("(deleted)")}

    def left_after(self, seconds: float) -> list[str]:
        """Command lines of the processes that are still there after so long; none as soon as there is none."""
        wait_until(lambda: not self.processes(), seconds)
        return list(self.processes().values())

    def end(self) -> None:
        """Kill every process that is left."""
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()


def framedex(*arguments: object, work: Path, timeout_s: float = 600) -> Ran:
    """Run a command to its end."""
    with IndexRun(*arguments, work=work) as run:
        return run.wait(timeout_s)


def wait_until(holds: Callable[[], bool], seconds: float) -> bool:
    """Ask again and again until something holds, for so long at most."""
    until = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="backslashreplace")
