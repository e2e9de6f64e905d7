"""One decode worker, seen from its parent: its process, the way to talk to it, its slots, and what it is at."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass

from framedex.ingest import messages
from framedex.ingest.channel import Channel
from framedex.ingest.events import Task
from framedex.ingest.slots import Ring, anonymous_file
from framedex.ingest.watch import Limits, Watch, memory_nbytes

_DEATH_LIMIT_S = 10
_LAST_NBYTES = 4096
#: One library's threads in every process would be one process's threads per core.
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


@dataclass(slots=True)
class Assignment:
    """What a worker is at.

    Attributes:
        task: the input.
        watch: on its decode.
        began_s: when it was given, on the steady clock.
        waited_s: what the worker had waited for slots until then.
    """

    task: Task
    watch: Watch
    began_s: float
    waited_s: float


class Member:
    """Starts a worker; for the crew's thread, but for `release`, which any thread may call.

    Args:
        setup: what the worker is to know.

    Raises:
        OSError: the process cannot be started.
        StorageError: it may not have the memory that it would share.
    """

    def __init__(self, setup: messages.Setup) -> None:
        self.ready = False
        self.fresh = True
        self.started_s = time.monotonic()
        self.assignment: Assignment | None = None
        self._held: set[int] = set()
        self._holding = threading.Lock()
        self._slots = setup.layout.slots
        memory = anonymous_file(setup.layout.nbytes)
        self._stderr: int | None = anonymous_file(0)
        ours, theirs = socket.socketpair()
        try:
            self.ring = Ring(memory, setup.layout)
            self._process = subprocess.Popen(  # noqa: S603
                [
                    sys.executable,
                    "-P",
                    "-m",
                    "framedex.ingest.worker",
                    *map(str, (theirs.fileno(), memory, os.getpid())),
                ],
                pass_fds=(theirs.fileno(), memory),
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=self._stderr,
                stderr=self._stderr,
                process_group=0,
            )
        except BaseException:
            ours.close()
            os.close(self._stderr)
            raise
        finally:
            theirs.close()
            os.close(memory)
        self.channel = Channel(ours)
        self.tell(setup)

    def tell(self, message: object) -> None:
        """Send a message; where the worker is gone, that is noticed elsewhere."""
        try:
            self.channel.send(message)
        except OSError:
            self._kill()

    def assign(self, task: Task, *, threads: int, limits: Limits) -> None:
        """Give it an input."""
        now_s = time.monotonic()
        watch = Watch(limits, now_s=now_s, progress=self.ring.progress)
        self.assignment = Assignment(task=task, watch=watch, began_s=now_s, waited_s=self.ring.waited_s)
        self.tell(messages.Job(path=task.path, threads=threads))

    def hold(self, slot: int) -> None:
        """A slot has come from the worker."""
        with self._holding:
            self._held.add(slot)

    def release(self, slot: int) -> None:
        """Give a slot back to the worker."""
        with self._holding:
            if slot not in self._held:
                return
            self._held.discard(slot)
        self.tell(messages.Release(slot=slot))

    def verdict(self) -> str | None:
        """Why what it is at has to be ended, or None."""
        assert self.assignment is not None
        with self._holding:
            waiting = len(self._held) == self._slots
        return self.assignment.watch.verdict(
            now_s=time.monotonic(), progress=self.ring.progress, waiting=waiting, nbytes=self.memory_nbytes
        )

    @property
    def memory_nbytes(self) -> int:
        """Memory of the process."""
        return memory_nbytes(self._process.pid)

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def end(self) -> None:
        """End the process at once, whatever it is at, and free all that belongs to it; safe to call twice."""
        self._kill()
        # One that the kernel holds, in a read from a dead disk, goes when that ends.
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=_DEATH_LIMIT_S)
        if self._stderr is not None:
            os.close(self._stderr)
            self._stderr = None
        self.channel.close()

    def last_words(self) -> str:
        """How the process died, and the last line that it wrote; to be asked before `end`."""
        try:
            code = self._process.wait(timeout=_DEATH_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._kill()
            code = None
        line = self._last_line()
        return f"{_manner(code)}{f'; its last words: {line}' if line else ''}"

    def _kill(self) -> None:
        """End the process, and those that it has started."""
        if self._process.returncode is None:  # else its number may be another's by now
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _last_line(self) -> str:
        assert self._stderr is not None, "asked after its end"
        size = os.fstat(self._stderr).st_size
        text = os.pread(self._stderr, _LAST_NBYTES, max(0, size - _LAST_NBYTES)).decode(errors="replace")
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return lines[-1] if lines else ""


def _environment() -> dict[str, str]:
    """The worker's environment: it imports from where this process does, and not from the folder it happens to run in."""
    path = os.pathsep.join(entry for entry in sys.path if isinstance(entry, str))
    return {**os.environ, **_ONE_THREAD, "PYTHONPATH": path}


def _manner(code: int | None) -> str:
    if code is None:
        return "stopped answering"
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"was killed by {name}{', perhaps for want of memory' if name == 'SIGKILL' else ''}"
