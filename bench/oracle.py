"""What does a sliding-window oracle cost, against a loop that puts every question to a Hugging Face model by itself?

    python bench/oracle.py            SmolVLM2-256M's shape, 32 frames of 512 px, windows of 8; about ten minutes
    python bench/oracle.py --quick    a small shape under the same names
    python bench/oracle.py --device cuda --dtype bfloat16 --shape 7b
                                      LLaVA-OneVision 7B's shape on a GPU; 2b is that of SmolVLM2-2.2B

Timed is everything from the video file to the last answer; models are loaded, and what ours takes of memory is measured, before.
Weights are random (nothing is downloaded).
Every window is asked 4 multiple-choice questions, answered by the logits of the options' letters.

    row                        what runs
    peer.naive                 per window and question: decode, process, one forward of the plain model from pixel values
    peer.naive_decoded         the same with decoded frames kept
    ours.stride4               framedex's engine, windows of 8 frames 4 apart
    ours.stride1               1 apart
    ours.stride4_orders        4 apart, each question with its options in all 4 orders
    ideal.<each>               each frame, window and question once, at the prices of the plain model's own parts
    unit.<part>                those prices: tower per frame, prefill per window, question
    micro-smolvlm.<each>       the same on the bundled model

The naive loop is timed on five windows spread over the clip and scaled by the number of questions. Before that its logits are
compared with ours for the same windows and questions, put to ours all at once. `speedup_vs_naive` is at stride 4 against the
loop with frames decoded anew; `fraction_of_ideal_speedup` the worst of stride 4 and stride 1, against the parts' medians, which
hold neither decoding nor resizing.

Logits of both are computed on the device, in the dtype: equal means 1e-4 of the largest in float32. In bfloat16 products of
another batch round otherwise in the third digit, in every layer; there is no bar that others set, and ours is 5 % of the largest.

On a GPU times are taken once it has done its work. Both models are on it side by side, which takes twice the weights (7b in
bfloat16 32 GB, in float32 64 GB), and the checkpoint is written to the folder for temporary files (7b: 16 GB; TMPDIR says
where). All of this but the calls of CUDA has run on the CPU, on small shapes; it has never run on a GPU.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from framedex.cli.output import default_threads, note, print_table
from framedex.mllm import load_runner
from framedex.mllm.base import Ask
from framedex.mllm.checkpoint import Checkpoint
from framedex.mllm.engine import TransformersRunner
from framedex.mllm.options import Dtype, RunnerOptions
from framedex.torch_device import device_label, require_device
from harness import Measured, report, run_bench
from oracle_shapes import SHAPES
from oracle_ways import (
    NaiveLoop,
    NaiveTook,
    OursTook,
    Parts,
    Question,
    UnitCosts,
    decode,
    ours,
    prepare,
    questions,
    window_starts,
    write_clip,
)

BUNDLED = "micro-smolvlm"
TOLERANCES = {"float32": 1e-4, "bfloat16": 0.05}
NAIVE_WINDOWS = 5
# Of the parts before ours; one more after each of ours, so that both meet the machine in the same moods.
TURNS = 3
STRIDES = {"stride4": (4, False), "stride1": (1, False), "stride4_orders": (4, True)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What is asked of a checkpoint, and where it runs: windows of `length` of `frames` frames, `prompts` questions each."""

    checkpoint: Path
    frames: int
    device: torch.device
    dtype: Dtype
    length: int = 8
    prompts: int = 4

    @property
    def runner(self) -> RunnerOptions:
        """For ours."""
        return RunnerOptions(device="cpu" if self.device.type == "cpu" else "cuda", dtype=self.dtype)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Of one checkpoint.

    Attributes:
        naive: one per window that was timed.
        units: the parts' prices.
        took: ours, by stride.
        difference: of logits, relative to the largest in magnitude.
    """

    naive: tuple[NaiveTook, ...]
    units: UnitCosts
    took: Mapping[str, OursTook]
    difference: float

    def naive_s(self, stride: str, *, decoded: bool) -> float:
        """The loop over all questions of a stride, scaled from those that were timed."""
        per_ask = statistics.median(
            (0.0 if decoded else each.decode_s) + each.process_s + each.forward_s for each in self.naive
        )
        return per_ask * self.took[stride].asks

    def ideal_s(self, stride: str, frames: int) -> float:
        """By the parts' prices."""
        took = self.took[stride]
        return self.units.ideal_s(frames=frames, windows=took.windows, asks=took.asks)

    def rows(self, prefix: str, frames: int) -> list[Measured]:
        """For the JSON line."""
        rows = [
            Measured(name=f"{prefix}unit.tower_per_frame", value=self.units.tower_s, unit="s"),
            Measured(name=f"{prefix}unit.prefill_per_window", value=self.units.prefill_s, unit="s"),
            Measured(name=f"{prefix}unit.question", value=self.units.suffix_s, unit="s"),
        ]
        for stride, took in self.took.items():
            rows += [
                Measured(name=f"{prefix}peer.naive.{stride}", value=self.naive_s(stride, decoded=False), unit="s"),
                Measured(
                    name=f"{prefix}peer.naive_decoded.{stride}", value=self.naive_s(stride, decoded=True), unit="s"
                ),
                Measured(name=f"{prefix}ideal.{stride}", value=self.ideal_s(stride, frames), unit="s"),
                Measured(name=f"{prefix}ours.{stride}", value=took.seconds, unit="s"),
                Measured(
                    name=f"{prefix}ours.{stride}.windows_per_second", value=took.windows / took.seconds, unit="1/s"
                ),
                Measured(name=f"{prefix}ours.{stride}.forwards", value=took.work.forwards, unit="forwards"),
                Measured(name=f"{prefix}ours.{stride}.suffix_tokens", value=took.work.suffix_tokens, unit="tokens"),
            ]
        return rows


def main() -> int:
    """Run the bench."""
    return run_bench(__doc__ or "", add_options, run)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Its own options."""
    parser.add_argument("--threads", type=int, default=default_threads(), metavar="N", help="of every way")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="where models run [default: cpu]")
    parser.add_argument("--dtype", choices=tuple(TOLERANCES), default="float32", help="of every way [default: float32]")
    parser.add_argument("--shape", choices=tuple(SHAPES), default="256m", help="of the random weights [default: 256m]")


def run(options: argparse.Namespace, folder: Path) -> bool:
    """Measure; whether logits agreed."""
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    torch.set_num_threads(options.threads)
    device = require_device(options.device, needed_by="bench/oracle.py --device cuda")
    shape = SHAPES[options.shape]
    make = shape.small if options.quick else shape.whole
    setting = Setting(
        checkpoint=make(folder / "model", device=options.device),
        frames=16 if options.quick else 32,
        device=device,
        dtype=options.dtype,
    )
    clip = write_clip(folder / "clip.mp4", seconds=setting.frames, width=640, height=360)
    result = measure(setting, clip, threads=options.threads)
    bundled = measure(replace(setting, checkpoint=Checkpoint.open(BUNDLED).folder), clip, threads=options.threads)
    rows = [*result.rows("", setting.frames), *bundled.rows(f"{BUNDLED}.", setting.frames)]
    print_table(["", "seconds"], [[row.name, f"{row.value:.3f}"] for row in rows if row.unit == "s"])
    difference = max(result.difference, bundled.difference)
    equal = difference <= TOLERANCES[options.dtype]
    report(
        "oracle",
        threads=options.threads,
        config={
            "shape": f"small, in place of {shape.name}" if options.quick else shape.name,
            "device": device_label(device),
            "frames": setting.frames,
            "window": setting.length,
            "prompts": setting.prompts,
            "options": 4,
            "scoring": "letter",
            "dtype": options.dtype,
            "tolerance": TOLERANCES[options.dtype],
            "naive": f"timed on {len(result.naive)} windows, scaled",
            "quick": options.quick,
            "torch": torch.__version__,
        },
        equal=equal,
        rows=rows,
        ratios=ratios(result, setting.frames, difference),
        out=options.out,
    )
    return equal


def ratios(result: Result, frames: int, difference: float) -> dict[str, float]:
    """The fixed names."""
    took = result.took
    return {
        "speedup_vs_naive": result.naive_s("stride4", decoded=False) / took["stride4"].seconds,
        "fraction_of_ideal_speedup": min(
            result.ideal_s(stride, frames) / took[stride].seconds for stride in ("stride4", "stride1")
        ),
        "tower_runs_per_distinct_frame": max(each.work.tower_frames / frames for each in took.values()),
        "prefills_per_frame_set": max(each.work.prefills / each.windows for each in took.values()),
        "max_relative_logit_difference": difference,
    }


def measure(setting: Setting, clip: Path, *, threads: int) -> Result:
    """Compare, then time."""
    loop = NaiveLoop(setting.checkpoint, device=setting.device, dtype=setting.dtype)
    asked = questions(setting.prompts, orders=False)
    note("the naive loop")
    starts = window_starts(setting.frames, setting.length, 1)
    picked = np.linspace(0, len(starts) - 1, NAIVE_WINDOWS).round().astype(int).tolist()
    windows = [range(start, start + setting.length) for start in picked]
    put = [asked[number % len(asked)] for number in range(len(windows))]
    naive = tuple(loop.ask(clip, setting.frames, rows, question) for rows, question in zip(windows, put, strict=True))
    note("the parts' prices")
    pictures = decode(clip, setting.length).frames
    parts = Parts(loop, pictures, asked[0])
    parts.time(TURNS)
    with load_runner(setting.checkpoint, threads=threads, options=setting.runner) as runner:
        assert isinstance(runner, TransformersRunner)
        difference = compared(runner, clip, setting, windows, put, naive)
        took = {}
        for stride, (apart, orders) in STRIDES.items():
            note(f"ours, {stride}")
            asked = questions(setting.prompts, orders=orders)
            took[stride] = ours(runner, clip, setting.frames, setting.length, apart, asked, clock=loop.clock)
            parts.time(1)
    return Result(naive=naive, units=parts.costs(), took=took, difference=difference)


def compared(
    runner: TransformersRunner,
    clip: Path,
    setting: Setting,
    windows: list[range],
    put: list[Question],
    naive: tuple[NaiveTook, ...],
) -> float:
    """The largest difference of logits, relative to the largest logit of the same question."""
    video = prepare(runner, clip, setting.frames, source="compared")
    asks = [
        Ask(frames=video.take(np.array(rows)), question=question.text, options=question.options, scoring="letter")
        for rows, question in zip(windows, put, strict=True)
    ]
    mine = runner.next_logits(asks)
    return max(
        float(np.abs(each - took.logits).max() / np.abs(took.logits).max())
        for each, took in zip(mine, naive, strict=True)
    )


if __name__ == "__main__":
    sys.exit(main())
