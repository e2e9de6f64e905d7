"""`framedex verify`: proves every row of a store against its file."""

from __future__ import annotations

import typer

from framedex.cli import options
from framedex.cli.output import Progress, print_json
from framedex.errors import StoreError


def verify(store: options.StoreArgument, json: options.JsonOption = False) -> None:
    """Check a store: checksums, headers, timestamps, vectors, stored scores, and files that do not belong.

    Nothing is changed. The exit code is 4 where anything does not hold.

    \b
    Examples:
      framedex verify S
      framedex verify S --json
    """
    from framedex.index import Store
    from framedex.index.verify import verify as verify_store
    from framedex.scores.verify import verify_scores

    opened = Store.open(store)
    with Progress("video") as progress:
        report = verify_store(opened, progress.show)
    with Progress("curve") as progress:
        scores = verify_scores(opened, progress.show)
    problems = (*report.problems, *scores.problems)
    remarks = {
        "unfinished": (
            "index files without a row, left by a writer that was stopped; the next index run replaces them",
            report.unfinished,
        ),
        "unindexed": (
            "stored curves of videos that are not indexed at their grid; they are passed over",
            scores.unindexed,
        ),
        "leftovers": ("temporary files of writers; safe to delete once none runs", report.leftovers + scores.leftovers),
        "foreign": ("files that are no part of a store", report.foreign + scores.foreign),
    }
    if json:
        print_json(
            {
                "videos": report.rows,
                "whole": report.whole,
                "frames": report.frames,
                "bytes": report.nbytes,
                "curves": scores.curves,
                "whole_curves": scores.whole,
                "scored_frames": scores.scored,
                "problems": list(problems),
                **{name: [str(path) for path in paths] for name, (_, paths) in remarks.items()},
            }
        )
    else:
        for problem in problems:
            print(f"problem: {problem}")
        for meaning, paths in remarks.values():
            if paths:
                print(f"note: {len(paths)} {meaning}: {paths[0]}{', …' if len(paths) > 1 else ''}")
        curves = f", {scores.curves} curves of {scores.sets} sets of scores" if scores.sets or scores.curves else ""
        print(
            f"{report.rows} indexes, {report.frames} frames, {report.nbytes / 1e6:.1f} MB{curves} checked: "
            f"{len(problems)} problems"
        )
    if problems:
        raise typer.Exit(StoreError.exit_code)
