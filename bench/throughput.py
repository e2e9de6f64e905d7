"""How fast is each stage on this machine, and how far from what the machine allows?

    python bench/throughput.py                                         synthetic 720p video, the bundled encoder
    python bench/throughput.py clips/*.mp4 --encoder ARTEFACT --fps 1  your own files and artefact
    python bench/throughput.py --decoder dali --embedder torch --scorer faiss       other back ends
    python bench/throughput.py --quick

Each stage is timed alone, on the same frames, in memory where it can be; medians. Shares are of one pass over the videos given,
with 16 prompts and one question. Frames are compared with a plain decode and scores with NumPy before anything is timed.

    stage       timed                                          ceiling, measured in the same run
    decode      the video's frames; the grid's come as RGB     the needed packets, from memory, through the decoder alone
    preprocess  frames resized for the tower                   reading the frames' bytes at memory speed
    embed       frames through the image tower                 the tower's FLOP at this machine's matrix product rate
    write       index files and rows, flushed to disk          the same bytes in as many plain files, flushed
    lookup      scores of 16 prompts against every frame       the slower of reading the store's bytes and the FLOP
    select      a question set from the store to a file        reading the curves once for each selection, and the file
    answer      questions of 4 options on up to 8 frames       products with the weights at the matrix product rate

Then all of it at once, as `framedex index` does it: the pipeline's wall time, and how long each stage of it worked and waited.

Write and lookup work on 64 videos: the vectors of the ones given, over and over under new keys. Of the frames, at most 1 GiB of
pixels is kept for the stages after decoding.

Select is what `framedex select -o` does once a manifest is read: 16 questions about each of 1,000 synthetic videos (50 in a
quick run) of 180 random vectors, 10 samplers, budgets of 4, 8, 16 and 32: names are resolved, index files opened and looked up,
640,000 selections made, and a Parquet file written. `select.sweep` is how long a sweep takes for the same choices, each with the
key of its frame set, before it decodes anything; timed once. The first selections are compared with `framedex.select`.

Any registered decoder, runtime and scorer may be named; a family's name ("dali", "torch", "onnxruntime", "faiss") means its
member for the GPU where that works here, else the one for the CPU, and the JSON line says which it became. A decoder that resizes
by itself is timed with that, and there is no stage preprocess; its frames are compared within its tolerance. Ceilings are those
of the CPU, whatever runs a stage.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from answer_stage import time_answer
from chosen import chosen_decoder, chosen_embedder, chosen_scorer
from framedex.cli.output import default_threads, print_table
from framedex.decode import TOWER_DECODERS, FpsGrid, find_videos, identify
from framedex.embed import AUTO as AUTO_EMBEDDER
from framedex.embed import load_embedder
from framedex.embed.artefact import Artefact
from framedex.index import Store
from framedex.ingest.towers import require_towers
from framedex.score import AUTO as AUTO_SCORER
from framedex.score import load_scorer
from harness import Measured, copy_bytes_per_s, gemm_flop_per_s, report, run_bench
from pipeline import Run, measured, time_pipeline
from select_stage import BUDGETS, SAMPLERS, time_select
from stages import (
    PROMPTS,
    Machine,
    Stage,
    embed_video,
    full_size,
    keep_frames,
    same_frames,
    same_towers,
    store_videos,
    time_decode,
    time_embed,
    time_lookup,
    time_preprocess,
    time_write,
)
from synthetic import write_pan

#: Clips that are made where none is named.
SYNTHETIC = 4
#: Synthetic videos whose frames are selected.
SELECTED, SELECTED_QUICK = 1000, 50


def run(options: argparse.Namespace, folder: Path) -> bool:
    """Time every stage, print the table and the JSON line; tells whether the answers were equal."""
    options.decoder = chosen_decoder(options.decoder)
    options.embedder = chosen_embedder(options.embedder, options.encoder)
    options.scorer = chosen_scorer(options.scorer)
    threads = default_threads()
    repeats = 3 if options.quick else 5
    grid = FpsGrid.parse(options.fps)
    paths = list(find_videos(options.paths).paths) if options.paths else synthetic_clips(options, folder)
    sources = [identify(path, folder_fps=None) for path in paths]
    artefact = Artefact.open(options.encoder)
    require_towers(options.decoder, artefact.manifest.image)
    machine = Machine(copy_bytes_per_s=copy_bytes_per_s(threads), gemm_flop_per_s=gemm_flop_per_s())
    videos = keep_frames(sources, grid, threads, decoder=full_size(options.decoder))
    equal = all(same_frames(video) for video in videos if video.summary.timing == "container")
    store = Store.open(folder / "store", create=True)
    with load_embedder(options.encoder, runtime=options.embedder, threads=threads) as embedder:
        resizes = options.decoder in TOWER_DECODERS
        equal &= not resizes or all(
            same_towers(video, grid, threads, decoder=options.decoder, embedder=embedder) for video in videos
        )
        stages = [
            time_decode(sources, videos, grid, threads, repeats, decoder=options.decoder, embedder=embedder),
            *([] if resizes else [time_preprocess(videos, embedder, machine, repeats)]),
            time_embed(videos, embedder, artefact, machine, repeats),
        ]
        blocks = [embed_video(video, embedder) for video in videos]
        stages.append(
            time_write(lambda: store_videos(store, videos, blocks, embedder, grid), folder, len(videos), repeats)
        )
        selected, select_rows, selections_equal = time_select(
            folder,
            embedder,
            machine,
            n_videos=SELECTED_QUICK if options.quick else SELECTED,
            given=len(videos),
            repeats=repeats,
        )
    with load_scorer(options.scorer, threads=threads) as scorer:
        lookup, scores_equal = time_lookup(store, scorer, machine, len(videos), repeats)
    stages += [lookup, selected]
    answer, answers_equal = time_answer(videos[0], options.mllm, machine, threads=threads, repeats=repeats)
    stages.append(answer)
    pipeline = time_pipeline(
        paths,
        grid,
        folder,
        encoder=options.encoder,
        decoder=options.decoder,
        runtime=options.embedder,
        threads=threads,
        repeats=repeats,
    )
    equal = equal and scores_equal and selections_equal and answers_equal
    print_results(stages)
    print_pipeline(pipeline)
    conclude(options, stages, pipeline, machine, select_rows, threads=threads, equal=equal)
    return equal


def synthetic_clips(options: argparse.Namespace, folder: Path) -> list[Path]:
    """Clips that are made where none is named, in a codec that the decoder reads."""
    codec = codec_for(options.decoder)
    seconds = 20 if not options.quick else 4 if codec == "H.264" else 2  # VP9 takes longer to make
    return [
        write_pan(folder / f"pan-{seed}.mp4", width=1280, height=720, seconds=seconds, seed=seed, codec=codec)
        for seed in range(SYNTHETIC)
    ]


def codec_for(decoder: str) -> str:
    """DALI decodes no H.264 on the CPU."""
    return "VP9" if decoder == "dali-cpu" else "H.264"


def asked(options: argparse.Namespace) -> list[str]:
    """The options that are not the default ones, as they were resolved."""
    defaults = {"decoder": "pyav", "embedder": AUTO_EMBEDDER, "scorer": AUTO_SCORER}
    others = [f"--{name} {got}" for name, default in defaults.items() if (got := getattr(options, name)) != default]
    return [*others, *(["--quick"] if options.quick else [])]


def shares_of_time(stages: list[Stage]) -> dict[str, float]:
    """Each stage's share of one pass over the videos."""
    total_s = sum(stage.seconds / stage.rounds for stage in stages)
    return {stage.name: stage.seconds / stage.rounds / total_s for stage in stages}


def print_results(stages: list[Stage]) -> None:
    """The table."""
    shares = shares_of_time(stages)
    print_table(
        ["stage", "rate", "unit", "share of time", "fraction of ceiling"],
        [
            [
                stage.name,
                f"{stage.items / stage.seconds:,.1f}",
                stage.unit,
                f"{100 * shares[stage.name]:.1f} %",
                f"{stage.ceiling_s / stage.seconds:.3f}",
            ]
            for stage in stages
        ],
    )


def print_pipeline(run: Run) -> None:
    """The overlapped stages."""
    print()
    print_table(
        ["pipeline", "lanes × threads", "rate while busy", "unit", "busy", "waiting"],
        [
            [
                stage.stage,
                stage.lanes,
                f"{stage.rate or 0.0:,.1f}",
                f"{stage.unit}/s",
                f"{100 * stage.busy:.0f} %",
                f"{100 * stage.waiting:.0f} %",
            ]
            for stage in run.stages
        ],
    )
    print(f"{run.wall_s:.2f} s in all; {run.lanes}")


def conclude(
    options: argparse.Namespace,
    stages: list[Stage],
    pipeline: Run,
    machine: Machine,
    beside: list[Measured],
    *,
    threads: int,
    equal: bool,
) -> None:
    """The JSON line."""
    shares = shares_of_time(stages)
    rows = [
        Measured(name="copy", value=machine.copy_bytes_per_s / 1e9, unit="GB/s"),
        Measured(name="gemm", value=machine.gemm_flop_per_s / 1e9, unit="GFLOP/s"),
    ]
    for stage in stages:
        rows.append(Measured(name=f"{stage.name}.rate", value=stage.items / stage.seconds, unit=stage.unit))
        rows.append(Measured(name=f"{stage.name}.share", value=shares[stage.name], unit="of one pass over the videos"))
    rows += beside
    rows += measured(pipeline)
    report(
        "throughput",
        threads=threads,
        config={
            "command": " ".join(["python bench/throughput.py", *asked(options)]),
            "what": f"{len(options.paths)} files"
            if options.paths
            else f"{SYNTHETIC} synthetic 1280×720 {codec_for(options.decoder)} clips",
            "decoder": options.decoder,
            "embedder": options.embedder,
            "scorer": options.scorer,
            "encoder": Path(options.encoder).name,
            "mllm": Path(options.mllm).name,
            "fps": options.fps,
            "prompts": PROMPTS,
            "budgets": list(BUDGETS),
            "samplers": list(SAMPLERS),
            "quick": options.quick,
            "stages": [stage.name for stage in stages],
        },
        equal=equal,
        rows=rows,
        ratios={f"fraction_of_ceiling.{stage.name}": stage.ceiling_s / stage.seconds for stage in stages},
        out=options.out,
    )


def add_options(parser: argparse.ArgumentParser) -> None:
    """This bench's own options."""
    parser.add_argument("paths", nargs="*", metavar="VIDEO", help="your own files; synthetic ones where none is given")
    parser.add_argument("--encoder", default="micro-siglip", metavar="ARTEFACT", help="artefact folder or bundled name")
    parser.add_argument(
        "--mllm", default="micro-smolvlm", metavar="CHECKPOINT", help="checkpoint folder or bundled name"
    )
    parser.add_argument("--decoder", default="pyav", metavar="NAME", help="a registered decoder, or dali")
    parser.add_argument(
        "--embedder", default="auto", metavar="NAME", help="a registered runtime, or torch, onnxruntime"
    )
    parser.add_argument("--scorer", default="auto", metavar="NAME", help="a registered scorer, or torch, faiss")
    parser.add_argument("--fps", default="1", metavar="RATE", help="frames taken per second of video")


if __name__ == "__main__":
    assert __doc__ is not None
    sys.exit(run_bench(__doc__, add_options, run))
