"""`framedex quarantine`: the videos that could not be indexed, and another try."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from framedex.cli import options
from framedex.cli.output import Progress, default_threads, note, print_json, print_table
from framedex.errors import FramedexError, StoreError, UsageError, VideoError

if TYPE_CHECKING:
    from framedex.embed.base import Embedder
    from framedex.index import Store
    from framedex.index.quarantine import QuarantineEntry
    from framedex.ingest import IngestSettings


def quarantine(
    store: options.StoreArgument,
    retry: Annotated[bool, typer.Option("--retry", help="Try them again, as they were asked for.")] = False,
    encoder: options.StoreEncoderOption = None,
    threads: options.ThreadsOption = None,
    time_limit: options.TimeLimitOption = None,
    stall_limit: options.StallLimitOption = None,
    memory_limit: options.MemoryLimitOption = None,
    json: options.JsonOption = False,
) -> None:
    """List the videos that could not be indexed, or try them again.

    --retry runs each as it was asked for when it failed: the same encoder on the same runtime, grids, decoder and
    limits. Limits that are given here count in place of those. What succeeds, or is no longer there, leaves the
    quarantine; the exit code is 1 where something fails again.

    \b
    Examples:
      framedex quarantine S
      framedex quarantine S --json
      framedex quarantine S --retry --time-limit 7200
    """
    from framedex.index import Store

    opened = Store.open(store)
    entries, damaged = _entries(opened)
    if retry:
        given = {"time_s": time_limit, "stall_s": stall_limit, "memory_gib": memory_limit}
        _retry(opened, entries, encoder=encoder, threads=threads or default_threads(), limits=given, json=json)
        return
    if json:
        print_json({"entries": [asdict(entry) for entry in entries], "damaged": damaged})
        return
    _show(entries, damaged, store)


def _entries(store: Store) -> tuple[list[QuarantineEntry], list[str]]:
    """The entries, and what is wrong with those that cannot be read."""
    entries, damaged = [], []
    for key in store.quarantine.video_keys():
        try:
            entry = store.quarantine.get(key)
        except StoreError as error:
            damaged.append(str(error))
            continue
        if entry is not None:
            entries.append(entry)
    return sorted(entries, key=lambda entry: (entry.error, entry.paths)), damaged


def _show(entries: list[QuarantineEntry], damaged: list[str], store: Path) -> None:
    from framedex.cli.ingested import advice

    if entries:
        print_table(
            ["error", "attempts", "last", "path", "reason"],
            [
                [entry.error, str(entry.attempts), entry.last_at, path, entry.reason.removeprefix(f"{path}: ")]
                for entry in entries
                for path in entry.paths
            ],
        )
        print()
    by_error: dict[str, int] = defaultdict(int)
    for entry in entries:
        by_error[entry.error] += 1
    for error, number in sorted(by_error.items(), key=lambda pair: (-pair[1], pair[0])):
        print(f"{error}, {number}: {advice(error)}")
    for problem in damaged:
        note(f"note: {problem}")
    print(f"{len(entries)} in quarantine{f'; framedex quarantine {store} --retry tries them again' if entries else ''}")


def _retry(
    store: Store,
    entries: list[QuarantineEntry],
    *,
    encoder: str | None,
    threads: int,
    limits: dict[str, float | None],
    json: bool,
) -> None:
    from framedex.cli.ingested import Ingested
    from framedex.ingest import Budget

    groups: dict[tuple[tuple[str, str], ...], list[Path]] = defaultdict(list)
    unknown = gone = 0
    for entry in entries:
        there = [Path(path) for path in entry.paths if Path(path).exists()]
        if not there:
            store.quarantine.remove(entry.key)
            gone += 1
        elif entry.request:
            groups[tuple(sorted(entry.request.items()))].append(there[0])
        else:
            unknown += 1
    asked = [
        (dict(items), _settings(dict(items), threads=threads, limits=limits), paths) for items, paths in groups.items()
    ]
    ingested = Ingested()
    with Progress("video", total=sum(map(len, groups.values()))) as progress:
        for request, settings, paths in asked:
            budget = Budget.split(threads, videos=len(paths))
            with _embedder(store, request, encoder, threads=budget.embedder_threads) as embedder:
                ingested.run(paths, store=store, embedder=embedder, settings=settings, progress=progress)
    if unknown:
        note(f"note: {unknown} entries do not say what was asked for; run framedex index on their files, with --retry")
    if gone:
        note(f"note: entries of files that are no longer there, dropped: {gone}")
    if json:
        print_json({**ingested.as_json(), "not_retried": unknown, "gone": gone})
    else:
        ingested.show(store.path)
    if ingested.quarantined:
        raise typer.Exit(VideoError.exit_code)


def _settings(request: dict[str, str], *, threads: int, limits: dict[str, float | None]) -> IngestSettings:
    from framedex.ingest.request import settings_of

    try:
        return settings_of(request, threads=threads, **limits)
    except (KeyError, ValueError, FramedexError) as error:
        raise UsageError(
            f"quarantine: an entry's request cannot be run again by this framedex ({error}); run framedex index on its file, "
            "with --retry"
        ) from error


def _embedder(store: Store, request: dict[str, str], encoder: str | None, *, threads: int) -> Embedder:
    from framedex.embed import load_embedder
    from framedex.embed.of_store import find_embedder

    runtime, precision = request.get("runtime", "auto"), request.get("precision")
    if encoder is not None:
        return load_embedder(encoder, threads=threads, runtime=runtime, precision=precision)
    entry = store.encoder(request["encoder"])
    return find_embedder(store, entry, threads=threads, runtime=runtime, precision=precision)
