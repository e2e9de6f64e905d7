"""`framedex index --explain`: what will be decoded of each file and why, before any work is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from framedex.cli.output import clock, note, print_json, print_table
from framedex.errors import FramedexError, UsageError, VideoError
from framedex.visible import visible

if TYPE_CHECKING:
    from framedex.decode import Grid
    from framedex.decode.explain import Explanation

_GROUPS_SHOWN = 12


def explain_files(paths: Sequence[Path], grids: Sequence[Grid], *, folder_fps: str | None, as_json: bool) -> None:
    """Print the decode plan of every file; those that cannot be used are named, and the exit code is 1."""
    from framedex.decode import identify
    from framedex.decode.explain import explain

    told: list[dict[str, Any]] = []
    failed: list[dict[str, str]] = []
    for path in paths:
        try:
            explanation = explain(identify(path, folder_fps=folder_fps), grids)
        except FramedexError as error:
            if not isinstance(error, VideoError | UsageError):
                raise
            failed.append({"path": str(path), "error": type(error).__name__, "reason": str(error)})
            note(f"error: {error}")
            continue
        if as_json:
            told.append({"path": str(path), **asdict(explanation)})
        else:
            _show(path, explanation)
    if as_json:
        print_json({"plans": told, "failed": failed})
    if failed:
        raise typer.Exit(VideoError.exit_code)


def _show(path: Path, told: Explanation) -> None:
    print(f"{visible(str(path))}: {told.codec} in {told.container}, {told.width}×{told.height}")
    if told.distrust is not None:
        print(f"  packets   not trusted: {told.distrust}")
    else:
        entries = f"decoding can begin at {told.closed_entries + told.open_entries}"
        if told.open_entries and told.unreferenced is not None:  # else the container says so of every key frame
            entries += f" ({told.open_entries} of them with frames before that need earlier ones)"
        unreferenced = "" if told.unreferenced is None else f"; nothing refers to {told.unreferenced}"
        print(f"  packets   {told.packets}; {entries}{unreferenced}")
        print(f"  frames    from {clock(0)} to {clock((told.last_us - told.first_us) / 1e6)}")
    for name, frames in told.grids:
        print(f"  {name:<9} {frames} frames")
    if told.reason is not None:
        print(f"  plan      everything is decoded: {told.reason}")
        return
    share = f"{100 * told.decoded / told.packets:.1f} %"
    print(f"  plan      {told.decoded} of {told.packets} packets are decoded ({share}), in {len(told.groups)} groups")
    rows = [
        [clock((group.start_us - told.first_us) / 1e6), str(group.span), str(group.decoded), str(group.frames)]
        for group in told.groups[:_GROUPS_SHOWN]
    ]
    print_table(["from", "packets", "decoded", "frames"], rows)
    if len(told.groups) > _GROUPS_SHOWN:
        print(f"… and {len(told.groups) - _GROUPS_SHOWN} more groups (all of them with --json)")
