"""Making a world: a folder of clips with their captions, questions and known evidence."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from framedex.errors import StorageError, UsageError
from framedex.keys import json_key
from framedex.microworld.clips import clip_file_name, write_clip
from framedex.microworld.draw import draw_clip
from framedex.microworld.evidence import Interval, evidence
from framedex.microworld.spec import ClipSpec
from framedex.microworld.world_questions import world_questions

# Raised whenever the same seed begins to give other pictures, so that old clips are made anew.
GENERATOR_VERSION = 1

_PLAN_NAME, _CLIPS_FOLDER = "world.json", "clips"
_CAPTIONS_NAME, _QUESTIONS_NAME = "captions.jsonl", "questions.jsonl"

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A made world.

    Attributes:
        folder: holds `clips/`, `captions.jsonl`, `questions.jsonl` and `world.json`.
        captions: the manifest of prompts to search for, one line per (clip, track).
        questions: the manifest of multiple-choice questions.
        specs: the clips' plans, in order.
        n_pairs: lines of `captions`.
        n_questions: lines of `questions`.
        n_written: clips rendered by this call.
        n_kept: clips that were there already.
    """

    folder: Path
    captions: Path
    questions: Path
    specs: tuple[ClipSpec, ...]
    n_pairs: int
    n_questions: int
    n_written: int
    n_kept: int


def make_world(out: Path, *, clips: int, seed: int, progress: Progress | None = None) -> World:
    """Write the first `clips` clips of world `seed` into `out`, with captions and questions; clips already there are kept.

    Args:
        out: folder, made if absent.
        clips: how many, at least 1.
        seed: non-negative.
        progress: called with (clips done, clips in all) after each clip.

    Raises:
        UsageError: a number out of range, or `out` holds something else's world.json.
        StorageError: the folder cannot be written.
    """
    if clips < 1 or seed < 0:
        raise UsageError(f"micro-world: got clips={clips}, seed={seed}; expected clips >= 1 and seed >= 0")
    specs = tuple(draw_clip(seed, index) for index in range(clips))
    folder = out / _CLIPS_FOLDER
    plan = {"generator_version": GENERATOR_VERSION, "seed": seed, "clips": [_summary(spec) for spec in specs]}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _remove_outdated(out, plan)
        # The plan comes before the clips: whatever clip stands in the folder then belongs to it.
        _write_whole(out / _PLAN_NAME, json.dumps(plan, indent=1) + "\n")
        n_kept = sum((folder / clip_file_name(spec)).exists() for spec in specs)
        for done, spec in enumerate(specs, start=1):
            if not (folder / clip_file_name(spec)).exists():
                write_clip(spec, folder)
            if progress is not None:
                progress(done, clips)
        evidence_of = [evidence(spec) for spec in specs]
        captions = [line for spec, spans in zip(specs, evidence_of, strict=True) for line in _captions(spec, spans)]
        questions = world_questions(specs, evidence_of)
        for name, lines in ((_CAPTIONS_NAME, captions), (_QUESTIONS_NAME, questions)):
            _write_whole(out / name, "".join(json.dumps(line) + "\n" for line in lines))
    except OSError as error:
        raise StorageError(f"micro-world {out}: {error}; free space or choose another folder") from error
    return World(
        folder=out,
        captions=out / _CAPTIONS_NAME,
        questions=out / _QUESTIONS_NAME,
        specs=specs,
        n_pairs=len(captions),
        n_questions=len(questions),
        n_written=clips - n_kept,
        n_kept=n_kept,
    )


def _summary(spec: ClipSpec) -> dict[str, Any]:
    """Describe a clip in JSON; its key covers the whole plan and the generator's version."""
    plan = asdict(spec) | {"fps": str(spec.fps), "generator_version": GENERATOR_VERSION}
    return {
        "file": f"{_CLIPS_FOLDER}/{clip_file_name(spec)}",
        "key": json_key(plan),
        "format": spec.format_name,
        "width": spec.width,
        "height": spec.height,
        "fps": str(spec.fps),
        "n_frames": spec.n_frames,
        "things": [track.thing.caption for track in spec.tracks],
    }


def _captions(spec: ClipSpec, spans: tuple[tuple[Interval, ...], ...]) -> list[dict[str, Any]]:
    return [
        {
            "id": f"{spec.name}-{number}",
            "video": f"{_CLIPS_FOLDER}/{clip_file_name(spec)}",
            "question": track.thing.caption,
            "evidence": [list(interval) for interval in intervals],
            "category": "search",
        }
        for number, (track, intervals) in enumerate(zip(spec.tracks, spans, strict=True))
    ]


def _remove_outdated(out: Path, plan: dict[str, Any]) -> None:
    """Remove the clips of an earlier plan that the new plan has otherwise."""
    path = out / _PLAN_NAME
    if not path.exists():
        return
    try:
        old = {clip["file"]: clip["key"] for clip in json.loads(path.read_text(encoding="utf-8"))["clips"]}
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"micro-world {out}: {path.name} is not a micro-world's plan; choose another folder"
        ) from error
    new = {clip["file"]: clip["key"] for clip in plan["clips"]}
    for name in (_CAPTIONS_NAME, _QUESTIONS_NAME):
        (out / name).unlink(missing_ok=True)
    for name, key in old.items():
        if new.get(name) != key:
            # The name comes from a file: take only its last part, so that nothing outside the folder can be meant.
            (out / _CLIPS_FOLDER / Path(name).name).unlink(missing_ok=True)


def _write_whole(path: Path, text: str) -> None:
    unfinished = path.with_name(f".{path.name}.part")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)
