"""What `run.json` says of a run: names of the encoders, and how much was planned."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from framedex.errors import StoreError


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A run against its plan.

    Attributes:
        run: its folder.
        videos: planned.
        done: with records.
        encoders: key → name.
    """

    run: Path
    videos: int
    done: int
    encoders: Mapping[str, str]


def read_planned(run: Path, *, done: int) -> Planned | None:
    """Read `RUN/run.json`; None where there is none, as where records were copied alone.

    Raises:
        StoreError: it is there and does not hold.
    """
    path = run / "run.json"
    try:
        value = json.loads(path.read_bytes())
        encoders = {each["key"]: each["name"] for each in value["encoders"]}
        return Planned(run=run, videos=int(value["videos"]), done=done, encoders=encoders)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"{path}: expected JSON with videos and encoders as `framedex sweep` writes it, got {error!r}; run the sweep again"
        ) from error
