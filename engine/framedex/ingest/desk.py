"""What becomes of each input: from the crew's events to rows on disk, quarantine entries, and outcomes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from framedex import errors
from framedex.decode import GridSample, TimesGrid, VideoSource
from framedex.embed.base import Embedder
from framedex.errors import DecodeFailed, FramedexError, OutsideVideo, VideoError
from framedex.index.quarantine import QuarantineEntry
from framedex.index.row import Row
from framedex.index.store import Store
from framedex.ingest import events
from framedex.ingest.assembly import Assembly, stored_path
from framedex.ingest.batches import Batches
from framedex.ingest.budget import Budget
from framedex.ingest.docket import Decision
from framedex.ingest.events import Event, Task
from framedex.ingest.outcomes import Indexed, IngestSettings, Outcome, Quarantined, Skipped
from framedex.ingest.request import request_of
from framedex.ingest.tally import Tally
from framedex.keys import KEY_LENGTH, sha256_parts
from framedex.visible import visible

#: Called with a path and how many of its frames have come.
FramesDone = Callable[[Path, int], None]


@dataclass(slots=True, kw_only=True)
class _File:
    """What is known of one input.

    Attributes:
        task: the input.
        source: what it is, once that is known.
        assembly: the pass that is under way.
        ended: passes whose last vectors are under way.
        done: the crew is done with it.
        outcomes: what became of it.
        copies: inputs with the same bytes, which wait for that.
    """

    task: Task
    source: VideoSource | None = None
    assembly: Assembly | None = None
    ended: list[Assembly] = field(default_factory=list)
    done: bool = False
    outcomes: list[Outcome] = field(default_factory=list)
    copies: list[Task] = field(default_factory=list)

    @property
    def settled(self) -> bool:
        """Whether all that becomes of it has become of it."""
        return self.done and not self.ended

    def begin(self, assembly: Assembly | None) -> None:
        """A pass begins, and the one that was under way is void."""
        if self.assembly is not None:
            self.assembly.close()
        self.assembly = assembly


class Desk:
    """Takes events and gives outcomes, each as soon as it is on disk.

    Args:
        store: where rows go.
        embedder: whose rows they are.
        settings: what is asked for.
        budget: threads that there are.
        tally: where counts and times go.
        frames_done: called inside a video.
    """

    def __init__(
        self,
        store: Store,
        embedder: Embedder,
        settings: IngestSettings,
        budget: Budget,
        tally: Tally,
        *,
        frames_done: FramesDone | None = None,
    ) -> None:
        self._store = store
        self._embedder = embedder
        self._settings = settings
        self._request = request_of(settings, embedder)
        self._budget = budget
        self._tally = tally
        self._frames_done = frames_done
        self._batches = Batches(embedder, tally)
        self._files: dict[int, _File] = {}
        self._ending: list[_File] = []

    def take(self, event: Event) -> Iterator[Outcome]:
        """Take one event, and give what is settled by it.

        Raises:
            StorageError: the store cannot be written.
            DeviceError: the embedder's runtime failed.
        """
        file = self._files.setdefault(event.task.number, _File(task=event.task))
        match event:
            case events.Decided():
                file.source = event.source
                yield from self._decided(file, event.decision)
            case events.Begun():
                file.begin(self._assembly(file, event))
            case events.Frames():
                self._add(file, event)
                yield from self._commit()
            case events.Ended():
                assert file.assembly is not None
                file.assembly.end(event.info, event.summary)
                file.ended.append(file.assembly)
                file.assembly = None
                self._ending.append(file)
                self._tally.video_frames += event.summary.frames
                self._tally.decoded_frames += event.summary.decoded_frames
                yield from self._commit()
            case events.Voided():
                file.begin(None)
            case events.Done():
                file.done = True
                yield from self._settle(file)
            case events.Failed():
                file.begin(None)
                file.done = True
                yield self._failed(file, event.error, event.reason)
                yield from self._settle(file)

    def finish(self) -> Iterator[Outcome]:
        """No event comes any more: embed the frames that fill no batch, and give what is settled by that.

        Raises:
            StorageError: the store cannot be written.
            DeviceError: the embedder's runtime failed.
        """
        self._batches.flush()
        yield from self._commit()
        assert all(file.settled for file in self._files.values())

    def close(self) -> None:
        """Let go of what is under way; safe to call twice."""
        for file in self._files.values():
            file.begin(None)
            while file.ended:
                file.ended.pop().close()

    def _assembly(self, file: _File, event: events.Begun) -> Assembly:
        assert file.source is not None
        return Assembly(
            file.source,
            event.timing,
            group=event.group,
            store=self._store,
            embedder=self._embedder,
            settings=self._settings,
            budget=self._budget,
        )

    def _add(self, file: _File, event: events.Frames) -> None:
        assert file.assembly is not None
        try:
            file.assembly.add(event, self._batches, self._tally)
        finally:
            event.release()
        if self._frames_done is not None:
            self._frames_done(file.task.path, len(file.assembly))

    def _commit(self) -> Iterator[Outcome]:
        """Write the rows whose vectors are all there."""
        ending, self._ending = self._ending, []
        for file in ending:
            while file.ended and file.ended[0].complete:
                for sample in file.ended[0].samples:
                    outcome = self._made(file, file.ended[0], sample)
                    if outcome is not None:
                        file.outcomes.append(outcome)
                        yield outcome
                file.ended.pop(0).close()
            if file.ended:
                self._ending.append(file)
            else:
                yield from self._settle(file)

    def _made(self, file: _File, assembly: Assembly, sample: GridSample) -> Outcome | None:
        path, grid = file.task.path, sample.grid.name
        if any(isinstance(outcome, Indexed) and outcome.row.grid == grid for outcome in file.outcomes):
            return None  # its worker died behind its last frame, and it was decoded twice
        if sample.beyond:
            return self._quarantine(file, OutsideVideo.__name__, _outside(path, sample, assembly))
        if not len(sample.pts_us):
            return self._quarantine(
                file, DecodeFailed.__name__, f"{path}: no frame of it is on {grid}; use another grid"
            )
        with self._tally.writing():
            row = assembly.commit(sample)
            if not any(isinstance(outcome, Quarantined) for outcome in file.outcomes):
                self._forgive(path, row)
        self._tally.rows += 1
        return Indexed(path=path, row=row)

    def _decided(self, file: _File, decision: Decision) -> Iterator[Outcome]:
        path = file.task.path
        if decision.same_as is not None:
            self._files[decision.same_as].copies.append(file.task)
            yield from self._settle(self._files[decision.same_as])
        for row in decision.rows:
            self._forgive(path, row)
            file.outcomes.append(Skipped(path=path, row=row))
            yield file.outcomes[-1]
        if decision.held is not None:
            file.outcomes.append(_as_before(path, decision.held))
            yield file.outcomes[-1]

    def _settle(self, file: _File) -> Iterator[Outcome]:
        """Where all that becomes of an input is known, that holds for its copies too."""
        while file.settled and file.copies:
            copy = file.copies.pop(0)
            for outcome in file.outcomes:
                if isinstance(outcome, Quarantined) and file.source is not None:
                    self._store.quarantine.met_at(key=file.source.key, path=stored_path(copy.path))
                yield _also(copy.path, outcome)

    def _failed(self, file: _File, error: str, reason: str) -> Outcome:
        kind = getattr(errors, error, None)
        if isinstance(kind, type) and issubclass(kind, FramedexError) and not issubclass(kind, VideoError):
            raise kind(reason)  # it is not the video's fault
        outcome = self._quarantine(file, error, reason)
        file.outcomes.append(outcome)
        return outcome

    def _quarantine(self, file: _File, error: str, reason: str) -> Quarantined:
        path, reason = file.task.path, visible(reason)
        self._store.quarantine.add(
            key=file.source.key if file.source is not None else _path_key(path),
            path=stored_path(path),
            error=error,
            reason=reason,
            request=self._request,
        )
        return Quarantined(path=path, error=error, reason=reason)

    def _forgive(self, path: Path, row: Row) -> None:
        """Forget earlier failures of a video that is in the store now, under its key or its path."""
        self._store.quarantine.forgive(key=row.video_key, path=stored_path(path))


def _outside(path: Path, sample: GridSample, assembly: Assembly) -> str:
    """The sentence for times that a video does not have."""
    end_s = assembly.length_us / 1e6
    first = ""
    if isinstance(sample.grid, TimesGrid):
        first = f" ({float(sample.grid.times_s[-sample.beyond]):g} s is the first)"
    return (
        f"{path}: {sample.beyond} of the times asked for{first} lie past its last frame, at {end_s:.3f} s; leave it out, or name "
        "times within it"
    )


def _path_key(path: Path) -> str:
    """What an input is known by whose content could not be read, so that it has no video key."""
    return sha256_parts([b"path", os.fsencode(stored_path(path))])[:KEY_LENGTH]


def _as_before(path: Path, entry: QuarantineEntry) -> Quarantined:
    """A video that is not tried, for it failed before and nothing has changed."""
    where = "" if str(path) in entry.reason else f"{path}: "
    return Quarantined(path=path, error=entry.error, reason=visible(f"{where}as before: {entry.reason}"), held=True)


def _also(path: Path, first: Outcome) -> Outcome:
    """The same bytes under a second path: what became of the first holds for it too."""
    if isinstance(first, Quarantined):
        reason = f"{path}: the same bytes as {first.path}, which was quarantined"
        return Quarantined(path=path, error=first.error, reason=visible(reason), held=first.held)
    return Skipped(path=path, row=first.row)
