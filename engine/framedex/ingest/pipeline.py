"""From paths to rows of a store. Videos are decoded in processes of their own while the encoder works on what they gave.

Work is content-addressed and idempotent: a video whose rows are there is passed over, one that cannot be used is quarantined, and
the others go on.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path

from framedex.embed.base import Embedder
from framedex.embed.preprocess.rules import ResizeRules
from framedex.index.store import Store
from framedex.ingest import messages
from framedex.ingest.assembly import encoder_entry
from framedex.ingest.budget import Budget
from framedex.ingest.crew import Crew
from framedex.ingest.desk import Desk, FramesDone
from framedex.ingest.docket import Docket
from framedex.ingest.outcomes import IngestSettings, Outcome
from framedex.ingest.slots import SlotLayout
from framedex.ingest.tally import Tally
from framedex.ingest.towers import require_towers


def ingest(
    paths: Sequence[Path | str],
    *,
    store: Store,
    embedder: Embedder,
    settings: IngestSettings,
    frames_done: FramesDone | None = None,
    tally: Tally | None = None,
) -> Generator[Outcome, None, None]:
    """Index videos; each outcome is given as soon as it is on disk, in the order in which they get there.

    For a video that can be used there is one outcome per grid, in the settings' order of those made and of those that were there.
    Closing the iterator, or an error out of it, ends the processes that it has started.

    Args:
        paths: files and frame folders.
        store: where rows go.
        embedder: of the encoder whose rows they are.
        settings: grids, threads and the rest.
        frames_done: called with (path, frames so far) inside a video.
        tally: counts and times are added to it.

    Raises:
        UsageError: unknown decoder, or one that cannot resize for this encoder.
        MissingDependency: a library of the decoder is not installed.
        StorageError: the store cannot be written; what was indexed before stays.
        DeviceError: the embedder's runtime failed, the decoder's device is not there, or no process can be started.
    """
    inputs = [Path(path) for path in paths]
    require_towers(settings.decoder, embedder.manifest.image)
    store.add_encoder(encoder_entry(embedder))
    tally = tally or Tally()
    budget = Budget.split(settings.threads, videos=len(inputs))
    tally.begin(budget)
    setup = messages.Setup(
        layout=SlotLayout.fitting(size=embedder.manifest.image.size, workers=budget.workers),
        image=ResizeRules.of(embedder.manifest.image),
        grids=settings.grids,
        decoder=settings.decoder,
        folder_fps=settings.folder_fps,
        tolerance=settings.dedupe_tolerance,
    )
    docket = Docket(store, embedder.manifest.encoder_key, settings)
    desk = Desk(store, embedder, settings, budget, tally, frames_done=frames_done)
    crew = Crew(inputs, setup=setup, budget=budget, limits=settings.limits, decide=docket.decide, tally=tally)
    try:
        with crew:
            for event in crew.listen():
                yield from desk.take(event)
        yield from desk.finish()
    finally:
        desk.close()
        tally.end()
