"""`framedex sweep`: the whole matrix of a sweep.yaml."""

from __future__ import annotations

import math
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from framedex.cli import options
from framedex.cli.output import Progress, clock, default_threads, note, print_json, print_table
from framedex.errors import VideoError

if TYPE_CHECKING:
    from framedex.mllm.work import Work
    from framedex.sweep.answer_cache import AnswerCache
    from framedex.sweep.counts import Counts
    from framedex.sweep.estimate import Estimate
    from framedex.sweep.opened import OpenSweep
    from framedex.sweep.plan import PlannedVideo
    from framedex.sweep.work import Outcome


#: How counts are told that need more words.
_NOMINAL = {"forwards": "forwards, roughly", "read_frames": "frames with a file of visual tokens"}


def sweep(
    config: Annotated[Path, typer.Argument(metavar="SWEEP.YAML", help="What to sweep.", show_default=False)],
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            parser=options.a_path,
            metavar="RUN",
            help="Folder of the run; made where it is not there.",
        ),
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Count everything, measure a few answers, write nothing.")
    ] = False,
    threads: options.ThreadsOption = None,
    device: Annotated[
        str, typer.Option(help="Where the MLLMs run: auto (CUDA where torch finds a GPU), cpu or cuda.")
    ] = "auto",
    dtype: Annotated[
        str,
        typer.Option(
            help="Their numbers: auto (bfloat16 on CUDA, else float32), float32, bfloat16 or float16. Part of an MLLM's key."
        ),
    ] = "auto",
    token_folder: Annotated[
        Path | None,
        typer.Option(
            parser=options.a_path,
            metavar="FOLDER",
            help="Keep what the MLLMs' vision towers make of frames here, for other runs; large.",
        ),
    ] = None,
    token_memory: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1 << 20,
            metavar="GIB",
            help="Memory for them, per MLLM; where a video's are more, frames may pass the tower again. [default: 1]",
            show_default=False,
        ),
    ] = None,
    fetch: Annotated[
        bool, typer.Option("--fetch", help="Fetch MLLMs of the Hugging Face hub that are not in its local cache.")
    ] = False,
    answer_cache: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER|off",
            help="Where answers are kept for other runs, on a disk of this machine. [default: beside the store's other caches]",
            show_default=False,
        ),
    ] = None,
    reuse: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="RUN", help="Take the answers in an earlier run's records into the cache first; may be repeated."
        ),
    ] = None,
    json: options.JsonOption = False,
) -> None:
    """Answer every question with every choice of frames, and keep the records.

    Questions × prompt variants × samplers × budgets, the sliding-window oracle, the drop curve and the arm without video,
    as sweep.yaml says; what is equal is asked once. Paths in it are relative to its folder. Among its encoders may stand
    {scores: NAME}, for scores of `framedex scores list`.

    A video's records are written when all its questions are answered, so the same command goes on where it stopped.
    A video that can no longer be read is reported, the others go on, and the exit code is 1.

    What a model was asked before, by any run on the same store, is not asked again: the same frames, question, order of options,
    way of scoring and model. A sweep with one more sampler pays for the frame sets that are new.

    \b
    A small sweep.yaml:
      version: 1
      store: S
      questions: [questions.jsonl]
      mllms: [micro-smolvlm]
      variants: [question, answer]
      samplers: [uniform, top, bottom]
      budgets: [4, 8]
      windows: [{length: 4, stride: 2}]
      no_video: true

    \b
    Examples:
      framedex sweep sweep.yaml -o RUN --dry-run
      framedex sweep sweep.yaml -o RUN
      framedex sweep more-samplers.yaml -o RUN2 --reuse RUN
    """
    from framedex.index.whole_file import check_folder
    from framedex.mllm.options import DeviceChoice, DtypeChoice, RunnerOptions
    from framedex.scores.index_curves import IndexCurves
    from framedex.sweep.config import read_config
    from framedex.sweep.estimate import estimate
    from framedex.sweep.opened import open_sweep
    from framedex.sweep.recorded import take_recorded
    from framedex.sweep.run import check_run, pending

    if token_folder is not None:
        check_folder(token_folder, subject="token folder", otherwise="none")
    mllm_options = RunnerOptions(
        device=cast(DeviceChoice, device),
        dtype=cast(DtypeChoice, dtype),
        cache_nbytes=None if token_memory is None else _nbytes(token_memory),
        token_folder=None if dry_run else token_folder,
        fetch=fetch,
    )
    swept = read_config(config)
    answers = _answer_cache(swept.store, answer_cache, in_memory=bool(reuse), writes=not dry_run)
    with open_sweep(
        swept,
        threads=threads or default_threads(),
        keeps_prompts=not dry_run,
        mllm_options=mllm_options,
        answer_cache=answers,
    ) as opened:
        plan = opened.plan
        if plan.truncated_prompts:
            note(
                f"note: {plan.truncated_prompts} prompts are longer than their encoder reads; their ends choose no frame"
            )
        check_run(output, plan)
        for run in reuse or []:
            assert answers is not None, "in memory at least"
            note(f"{take_recorded(run, answers)} different answers in the records of {run}")
        left = pending(output, plan)
        if dry_run:
            _show_estimate(
                estimate(left, opened, token_folder=token_folder),
                opened,
                videos_done=len(plan.videos) - len(left),
                in_files=token_folder is not None,
                json=json,
            )
            failed = False
        else:
            failed = _sweep(output, opened, left, json=json)
        for source in opened.sources:
            if isinstance(source, IndexCurves) and source.trouble:
                note(f"note: {source.trouble}")
        for runner in opened.runners:
            if runner.trouble:
                note(f"note: {runner.trouble}")
    if answers is not None and answers.trouble:
        note(f"note: {answers.trouble}")
    if failed:
        raise typer.Exit(VideoError.exit_code)


def _nbytes(gib: float) -> int:
    if math.isnan(gib):  # which no range of click's refuses
        raise typer.BadParameter("expected a number of GiB, got nan", param_hint="--token-memory")
    return round(gib * (1 << 30))


def _answer_cache(store: Path, where: str | None, *, in_memory: bool, writes: bool) -> AnswerCache | None:
    """The answers of earlier runs; where they are switched off none, or such as last as long as this one."""
    from framedex.sweep.answer_cache import AnswerCache, cache_path

    if where == "off":
        return AnswerCache(None) if in_memory else None
    return AnswerCache(cache_path(store, None if where is None else options.a_path(where)), writes=writes)


def _sweep(output: Path, opened: OpenSweep, left: tuple[PlannedVideo, ...], *, json: bool) -> bool:
    """Run it, say what came of it, and tell whether a video failed."""
    from framedex.mllm.work import Work
    from framedex.sweep.counts import Counts
    from framedex.sweep.run import run_sweep
    from framedex.sweep.work import Failed, Swept

    counts, work = Counts(), Work()
    statuses: Counter[str] = Counter()
    failed: list[Failed] = []
    started = time.monotonic()
    with Progress("video", total=len(left)) as progress:
        # Videos differ in how much is asked of them: what is left is counted in questions.
        asked, all_asked = 0, sum(len(video.questions) for video in left)

        def left_s(questions: float) -> str:
            return f"about {(time.monotonic() - started) / questions * (all_asked - questions):.0f} s left"

        def inside(video: PlannedVideo, done: int, total: int) -> None:
            so_far = asked + len(video.questions) * done / total
            progress.detail(f"{Path(video.path).name}: {done} of {total} answers; {left_s(so_far)}")

        for outcome in run_sweep(output, opened, answers_done=inside):
            asked += len(outcome.video.questions)
            if isinstance(outcome, Swept):
                counts += outcome.counts
                work += outcome.work
                statuses.update(record.status for record in outcome.records)
            else:
                failed.append(outcome)
            progress.advance(f"{_line(outcome)}; {left_s(asked)}")
    result: dict[str, Any] = {
        "run": str(output),
        "key": opened.plan.key,
        "videos_done_before": len(opened.plan.videos) - len(left),
        **_counts(counts),
        "work": asdict(work),
        "statuses": dict(sorted(statuses.items())),
        "truncated_prompts": opened.plan.truncated_prompts,
        "failed": [{"video": each.video.key, "path": each.video.path, "reason": each.reason} for each in failed],
        "seconds": round(time.monotonic() - started, 3),
    }
    if json:
        print_json(result)
    else:
        _table(counts, videos_done=result["videos_done_before"])
        print(
            f"\nthe models read {work.tower_frames} frames and {work.prefills} sets of them, and {work.suffix_tokens} tokens of "
            f"questions and options, in {work.forwards} forwards"
        )
        for status, n in statuses.items():
            if status != "ok":
                print(f"{n} records are {status}")
        for each in failed:
            print(f"failed: {each.reason}")
        print(f"\n{result['seconds']:.0f} s. Next: framedex analyze {output}")
    return bool(failed)


def _show_estimate(estimated: Estimate, opened: OpenSweep, *, videos_done: int, in_files: bool, json: bool) -> None:
    planned, naive = (_planned(work, in_files=in_files) for work in (estimated.cost.planned, estimated.cost.naive))
    if json:
        print_json(
            {
                "key": opened.plan.key,
                "videos_done_before": videos_done,
                **_counts(estimated.counts),
                "planned": planned,
                "naive": naive,
                "truncated_prompts": opened.plan.truncated_prompts,
                "estimated_s": None if estimated.seconds is None else round(estimated.seconds, 3),
                "measured_asks": estimated.measured_asks,
                "measured_video": estimated.measured_video,
            }
        )
        return
    _table(estimated.counts, videos_done=videos_done)
    print()
    print_table(
        ["what the models do", "here", "each ask alone"],
        [[_NOMINAL.get(name, name.replace("_", " ")), str(planned[name]), str(naive[name])] for name in planned],
    )
    print(
        "short sets share forwards, many questions about a set take more; written answers count as long as those measured"
    )
    print(
        "where --token-memory does not hold a video's tokens, frames pass the tower again; what is refused is counted, too"
    )
    if estimated.seconds == 0 and estimated.measured_video is None:
        print("\nevery answer is in the cache; only records are to be written")
        return
    if estimated.seconds is None:
        print(
            "\nnothing is left to do"
            if not estimated.counts.videos
            else "\nno video could be decoded to measure the cost"
        )
        return
    print(
        f"\nabout {clock(estimated.seconds)}, from decoding {Path(str(estimated.measured_video)).name} and "
        f"{estimated.measured_asks} of its answers; other videos may differ. Nothing was written."
    )


def _counts(counts: Counts) -> dict[str, int]:
    return {
        "videos": counts.videos,
        "questions": counts.questions,
        "selections": counts.selections,
        "frame_sets": counts.frame_sets,
        "frames": counts.frames,
        "asks": counts.asks,
        "answers_from_cache": counts.cached,
        "records": counts.records,
        "reused_answers": counts.reused,
    }


def _planned(work: Work, *, in_files: bool) -> dict[str, int]:
    """The counts that are known beforehand, those of frames in files among them where there may be some."""
    read = {"read_frames": work.read_frames} if in_files else {}
    return {"tower_frames": work.tower_frames, **read, "prefills": work.prefills, "forwards": work.forwards}


def _table(counts: Counts, *, videos_done: int) -> None:
    rows = [["videos done before", str(videos_done)]]
    rows += [[name.replace("_", " "), str(n)] for name, n in _counts(counts).items()]
    print_table(["", "count"], rows)


def _line(outcome: Outcome) -> str:
    from framedex.sweep.work import Swept

    if isinstance(outcome, Swept):
        return f"{outcome.video.path}: {outcome.counts.asks} answers, {outcome.counts.records} records"
    return f"failed {outcome.video.path}: {outcome.reason}"
