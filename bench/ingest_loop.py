"""What bench/ingest.py compares an ingest with: decoding alone, and the loop of the closest public projects; and its clocks."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

import av
import numpy as np

from framedex.contracts import Pixels, TowerBatch, Vectors
from framedex.decode import Grid, VideoSource, identify, open_video, passes
from framedex.embed.base import Embedder
from framedex.embed.manifest import ImageRules
from framedex.embed.tower import to_tower
from framedex.errors import VideoError
from framedex.index import Store

BATCH = 32
MIN_COSINE = 0.999
SAMPLE_S = 0.05

#: Does the work; gives the processor time that it took, in seconds.
Way = Callable[[], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Took:
    """Medians of one way: wall time and processor time, in seconds."""

    wall_s: float
    cpu_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodeJob:
    """One video to decode and resize.

    Attributes:
        source: the video.
        grid: which frames.
        image: the encoder's rules.
        threads: of the decoder.
    """

    source: VideoSource
    grid: Grid
    image: ImageRules
    threads: int


def decode_alone(job: DecodeJob) -> float:
    """Do a job; processor time of this process, in seconds."""
    return own_s(lambda: tower_frames(job))


def tower_frames(job: DecodeJob) -> list[TowerBatch]:
    """The frames of a job."""
    batches: list[TowerBatch] = []
    with open_video(job.source, threads=job.threads) as reader:
        for item in passes(reader, job.grid):
            if isinstance(item, str):
                batches = []
            else:
                batches.append(to_tower(item, job.image))
    return batches


class Decoders:
    """Processes that decode one video each, with one thread; started beforehand, so that their start is in no figure."""

    def __init__(self, processes: int) -> None:
        self._pool = ProcessPoolExecutor(processes, mp_context=get_context("spawn"))
        list(self._pool.map(time.sleep, [0.5] * processes))  # as many tasks as processes, so that each is started

    def decode(self, jobs: Sequence[DecodeJob]) -> float:
        """Do jobs, largest file first; seconds of processor time."""
        largest_first = sorted(jobs, key=lambda job: -job.source.nbytes)
        return sum(self._pool.map(decode_alone, largest_first))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown()


class PublicLoop:
    """Embedding videos as public projects for frame selection do it, in our own words.

    For each video every frame is decoded and converted, every k-th is kept, the checkpoint's own processor and the Hugging
    Face model take them 32 at a time, and the unit vectors are saved as one array.

    Args:
        checkpoint: of a SigLIP model.
        fps: frames kept per second.
        threads: of the decoder and of torch.
    """

    def __init__(self, checkpoint: Path, *, fps: int, threads: int) -> None:
        import torch
        from transformers import SiglipImageProcessorPil, SiglipModel

        torch.set_num_threads(threads)
        self._fps = fps
        self._threads = threads
        self._model: Any = SiglipModel.from_pretrained(checkpoint, dtype=torch.float32).eval()
        self._processor: Any = SiglipImageProcessorPil.from_pretrained(checkpoint)

    def run(self, videos: Sequence[Path], folder: Path) -> float:
        """Write `<stem>.npy` and, for the comparison, `<stem>.pts.npy` for each video; processor time in seconds."""
        folder.mkdir(parents=True, exist_ok=True)
        began_s = time.process_time()
        for video in videos:
            times_us, pictures = self._frames(video)
            vectors = [self._embed(pictures[start : start + BATCH]) for start in range(0, len(pictures), BATCH)]
            np.save(folder / f"{video.stem}.npy", np.concatenate(vectors))
            np.save(folder / f"{video.stem}.pts.npy", np.array(times_us))
        return time.process_time() - began_s

    def _frames(self, video: Path) -> tuple[list[int], list[Pixels]]:
        times_us: list[int] = []
        pictures: list[Pixels] = []
        with av.open(str(video)) as container:
            stream = container.streams.video[0]
            stream.thread_type, stream.thread_count = "AUTO", self._threads
            assert stream.average_rate is not None
            every = round(stream.average_rate / self._fps)
            for number, frame in enumerate(container.decode(stream)):
                picture = frame.to_ndarray(format="rgb24")
                if number % every == 0:
                    assert frame.time is not None
                    times_us.append(round(frame.time * 1_000_000))
                    pictures.append(cast(Pixels, picture))
        return times_us, pictures

    def _embed(self, pictures: list[Pixels]) -> Vectors:
        import torch

        with torch.inference_mode():
            inputs = self._processor(images=pictures, return_tensors="pt")
            features = self._model.get_image_features(**inputs).pooler_output
            unit = features / features.norm(dim=-1, keepdim=True)
        vectors: Vectors = unit.numpy()
        return vectors


def least_cosine(store: Store, folder: Path, videos: Sequence[Path]) -> float:
    """The least cosine between a store's vectors and the loop's, over all frames.

    Raises:
        VideoError: a video is not in the store, or its frames are at other times than the loop's.
    """
    rows = {Path(row.source.path).stem: row for row in store.videos()}
    least = 1.0
    for video in videos:
        if video.stem not in rows:
            raise VideoError(f"{video}: is not in the store")
        times_us, loop = np.load(folder / f"{video.stem}.pts.npy"), np.load(folder / f"{video.stem}.npy")
        with store.open_row(rows[video.stem]) as index:
            if index.pts_us.tolist() != times_us.tolist():
                raise VideoError(f"{video}: the store has {index.pts_us.tolist()}, the loop {times_us.tolist()}")
            ours = np.array(index.vectors, dtype=np.float32)
        norms = np.linalg.norm(ours, axis=1) * np.linalg.norm(loop, axis=1)
        least = min(least, float(((ours * loop).sum(axis=1) / norms).min()))
    return least


def alone(
    videos: Sequence[Path], grid: Grid, embedder: Embedder, decoders: Decoders, *, threads: int
) -> dict[str, Way]:
    """Each stage of an ingest by itself."""
    image = embedder.manifest.image
    sources = [identify(video, folder_fps=None) for video in videos]
    jobs = [DecodeJob(source=source, grid=grid, image=image, threads=1) for source in sources]
    threaded_jobs = [replace(job, threads=threads) for job in jobs]
    pixels = np.concatenate([batch.pixels for job in jobs for batch in tower_frames(job)])
    frames = TowerBatch(pts_us=np.arange(len(pixels)), pixels=pixels)
    return {
        "decode.processes": lambda: decoders.decode(jobs),
        "decode.threads": lambda: sum(map(decode_alone, threaded_jobs)),
        "embed": lambda: own_s(lambda: embedder.embed_images(frames)),
    }


def index_command(videos: Sequence[Path], store: Path, *, encoder: str, fps: int, threads: int) -> list[str]:
    """The command that indexes some videos."""
    options = ["--store", str(store), "--encoder", encoder, "--fps", str(fps), "--threads", str(threads)]
    return [sys.executable, "-c", "from framedex.cli import main; main()", "index", *map(str, videos), *options]


def interleaved(ways: Mapping[str, Way], *, repeats: int) -> dict[str, Took]:
    """Medians of every way, the ways taking turns; each was run before."""
    walls_s: dict[str, list[float]] = {name: [] for name in ways}
    cpus_s: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeats):
        for name, way in ways.items():
            began_s = time.perf_counter()
            cpus_s[name].append(way())
            walls_s[name].append(time.perf_counter() - began_s)
    return {name: Took(wall_s=statistics.median(walls_s[name]), cpu_s=statistics.median(cpus_s[name])) for name in ways}


def own_s(work: Callable[[], object]) -> float:
    """Processor time of this process for some work."""
    began_s = time.process_time()
    work()
    return time.process_time() - began_s


def spent_s() -> float:
    """Processor time of this process and of those that it started and that have ended."""
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


def watched(command: Sequence[str]) -> int:
    """Run a command; the largest sizes that its processes had, added up, in bytes.

    Raises:
        CalledProcessError: the command failed.
    """
    peaks: dict[int, int] = {}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            for member in family(process.pid):
                peaks[member] = peak_nbytes(member) or peaks.get(member, 0)
            time.sleep(SAMPLE_S)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return sum(peaks.values())


def family(process: int) -> list[int]:
    """A process and all that come from it."""
    children: dict[int, list[int]] = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                parent = int(Path(entry.path, "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:  # it has ended
                continue
            children.setdefault(parent, []).append(int(entry.name))
    found = [process]
    for member in found:
        found += children.get(member, [])
    return found


def peak_nbytes(process: int) -> int:
    """The largest resident size that a process has had (VmHWM); 0 where it has ended."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) * 1024
