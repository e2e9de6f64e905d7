"""The decode workers, and the thread that minds them: hands out inputs, passes on what comes back, replaces who dies or hangs."""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from multiprocessing.connection import wait
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from framedex.decode import VideoSource
from framedex.errors import DecodeFailed, DeviceError, OverBudget, WorkerLost
from framedex.ingest import events, messages
from framedex.ingest.budget import Budget
from framedex.ingest.docket import Decision
from framedex.ingest.events import Event, Task
from framedex.ingest.member import Member
from framedex.ingest.tally import Tally
from framedex.ingest.watch import Limits

_POLL_S = 0.05
_START_LIMIT_S = 120.0
_START_ATTEMPTS = 3
#: A worker whose memory has grown to this share of the limit is replaced between two videos, so that none pays for others.
_WORN = 0.5


class Decide(Protocol):
    """Decides what to do with an input, once it is known what it is."""

    def __call__(self, number: int, source: VideoSource) -> Decision:
        """Called in the crew's thread, with the input's number; once more where its worker died."""
        ...


class Crew:
    """Decodes inputs in worker processes; no process, thread or descriptor is left when the `with` block is left.

    Args:
        paths: the inputs.
        setup: what every worker is to know.
        budget: how many workers, and with how many threads.
        limits: what one input may cost.
        decide: says what to do with an input.
        tally: where times are counted.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        *,
        setup: messages.Setup,
        budget: Budget,
        limits: Limits,
        decide: Decide,
        tally: Tally,
    ) -> None:
        self._setup = setup
        self._budget = budget
        self._limits = limits
        self._decide = decide
        self._tally = tally
        self._new = deque(Task(number=number, path=path) for number, path in enumerate(paths))
        self._again: deque[Task] = deque()  # their worker died: they are tried once more, in a fresh process
        self._died: set[int] = set()
        self._keys: dict[int, str] = {}
        self._members: list[Member] = []
        self._failed_starts = 0
        self._stopping = threading.Event()
        self._events: queue.SimpleQueue[Event | BaseException | None] = queue.SimpleQueue()
        # Workers die with the thread that started them, so one thread starts them all and outlives them.
        self._thread = threading.Thread(target=self._run, name="framedex-crew", daemon=True)

    def listen(self) -> Iterator[Event]:
        """All that comes of the inputs, as it comes; ends when nothing more can.

        Raises:
            DeviceError: no worker can be started.
            FramedexError: what `decide` raised.
        """
        while True:
            with self._tally.waiting():
                event = self._events.get()
            if event is None:
                return
            if isinstance(event, BaseException):
                raise event
            yield event

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._stopping.is_set() and self._outstanding:
                self._staff()
                self._hand_out()
                heard = set(wait([member.channel.fileno() for member in self._members], timeout=_POLL_S))
                for member in list(self._members):
                    if member.channel.fileno() in heard:
                        self._hear(member)
                    elif not member.alive:
                        self._lost(member)
                    if member in self._members:  # talkative or not
                        self._check(member)
            self._events.put(None)
        except BaseException as error:  # noqa: BLE001  # carried over, and raised in the consumer
            self._events.put(error)
        finally:
            for member in self._members:
                self._clock_out(member)
                member.end()

    @property
    def _outstanding(self) -> int:
        at_work = sum(member.assignment is not None for member in self._members)
        return len(self._new) + len(self._again) + at_work

    def _staff(self) -> None:
        """Start workers, as many as there is work for; and one for a second attempt, which only a fresh one may make."""
        wanted = min(self._budget.workers, self._outstanding)
        idle = [member for member in self._members if member.assignment is None and not member.fresh]
        if self._again and len(self._members) >= wanted and idle and not self._new:
            self._dismiss(idle[0])
        while len(self._members) < wanted:
            try:
                self._members.append(Member(self._setup))
            except OSError as error:
                raise DeviceError(
                    f"decoding: no process can be started for it ({error.strerror or error}); free memory, or use fewer threads"
                ) from error

    def _hand_out(self) -> None:
        for member in self._members:
            if not member.ready or member.assignment is not None:
                continue
            tasks = self._again if self._again and member.fresh else self._new
            if tasks:
                task = tasks.popleft()
                threads = self._budget.threads_of(last=not self._new and not self._again)
                member.assign(task, threads=threads, limits=self._limits)
                member.fresh = False

    def _hear(self, member: Member) -> None:
        try:
            for message in member.channel.arrived():
                self._take(member, message)
        except EOFError:
            self._lost(member)

    def _take(self, member: Member, message: object) -> None:
        if isinstance(message, messages.Ready):
            member.ready = True
            self._failed_starts = 0
            return
        assignment = member.assignment
        assert assignment is not None, message
        task = assignment.task
        match message:
            case messages.Identified():
                self._identified(member, task, message.source)
            case messages.Begun():
                self._events.put(events.Begun(task=task, group=message.group, timing=message.timing))
            case messages.Frames():
                self._events.put(self._frames(member, task, message))
            case messages.Ended():
                self._events.put(events.Ended(task=task, info=message.info, summary=message.summary))
            case messages.Done():
                self._finish(member, events.Done(task=task))
            case messages.Failed():
                self._finish(member, events.Failed(task=task, error=message.error, reason=message.reason))
            case _:
                raise AssertionError(message)

    def _identified(self, member: Member, task: Task, source: VideoSource) -> None:
        first = task.number not in self._keys
        if self._keys.setdefault(task.number, source.key) != source.key:
            self._dismiss(member)
            reason = f"{task.path}: it changed while it was being read; run the same command again"
            self._events.put(events.Failed(task=task, error=DecodeFailed.__name__, reason=reason))
            return
        decision = self._decide(task.number, source)
        if first:
            self._events.put(events.Decided(task=task, source=source, decision=decision))
        member.tell(messages.Decode(groups=decision.groups))

    def _frames(self, member: Member, task: Task, message: messages.Frames) -> events.Frames:
        slot = message.slot
        n_new = int((message.repeats == messages.NEW).sum())
        if slot is not None:
            member.hold(slot)

        def release() -> None:
            if slot is not None:
                member.release(slot)

        return events.Frames(
            task=task,
            pixels=member.ring.frames(slot or 0)[:n_new],
            pts_us=message.pts_us,
            repeats=message.repeats,
            release=release,
        )

    def _check(self, member: Member) -> None:
        """End a worker that costs more than it may."""
        assignment = member.assignment
        if assignment is None:
            if not member.ready and time.monotonic() - member.started_s > _START_LIMIT_S:
                self._lost(member)
            return
        verdict = member.verdict()
        if verdict is not None:
            task = assignment.task
            self._dismiss(member)
            self._events.put(events.Failed(task=task, error=OverBudget.__name__, reason=f"{task.path}: {verdict}"))

    def _lost(self, member: Member) -> None:
        """A worker died by itself."""
        words = member.last_words()
        assignment = member.assignment
        self._dismiss(member)
        if assignment is None:
            self._failed_starts += not member.ready
            if self._failed_starts == _START_ATTEMPTS:
                raise DeviceError(
                    f"decoding: no process can be started for it, {_START_ATTEMPTS} times one {words}; check the installation "
                    "and the memory: framedex doctor"
                )
            return
        task = assignment.task
        if task.number in self._died:
            self._events.put(
                events.Failed(
                    task=task,
                    error=WorkerLost.__name__,
                    reason=f"{task.path}: the process that decoded it died twice: it {words}; convert the file",
                )
            )
            return
        self._died.add(task.number)
        self._again.append(task)
        self._events.put(events.Voided(task=task))

    def _finish(self, member: Member, event: events.Done | events.Failed) -> None:
        self._clock_out(member)
        self._events.put(event)
        if member.memory_nbytes > _WORN * self._limits.memory_gib * 2**30:
            self._dismiss(member)

    def _dismiss(self, member: Member) -> None:
        self._clock_out(member)
        self._members.remove(member)
        member.end()

    def _clock_out(self, member: Member) -> None:
        """Count the time of what a worker was at."""
        if member.assignment is not None:
            waited_s = member.ring.waited_s - member.assignment.waited_s
            self._tally.decode_wait_s += waited_s
            self._tally.decode_busy_s += max(time.monotonic() - member.assignment.began_s - waited_s, 0.0)
            member.assignment = None
