"""What every bench shares: timing, the machine, the ceilings, and the JSON line at the end."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from framedex.errors import FramedexError

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One figure: a name, a value and its unit."""

    name: str
    value: float
    unit: str


def median_s(work: Callable[[], object], *, repeats: int) -> float:
    """Median wall time of `repeats` runs after one that is not counted."""
    work()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def medians_s(works: Mapping[str, Callable[[], object]], *, repeats: int) -> dict[str, float]:
    """Median wall time of each work, the works taking turns, after one turn that is not counted."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(repeats + 1):
        for name, work in works.items():
            started = time.perf_counter()
            work()
            if turn:
                times[name].append(time.perf_counter() - started)
    return {name: statistics.median(each) for name, each in times.items()}


def commit() -> str:
    """Short hash of the commit, with "+" where the tree differs from it; "unknown" outside a checkout."""
    try:
        head = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
        )
        status = subprocess.run(
            ["git", "status", "--porcelain", "--", "engine", "exporters", "bench/*.py", "CMakeLists.txt"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return head.stdout.strip() + ("+" if status.stdout.strip() else "")


def machine(threads: int) -> str:
    """Processor and threads, in words."""
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{models[0] if models else name}, {threads} of {os.cpu_count()} cores"


def copy_bytes_per_s(threads: int) -> float:
    """Bytes read per second by a plain copy of 256 MiB, cut among `threads` threads: what memory gives them."""
    source = np.ones((threads, (256 << 20) // threads), np.uint8)
    target = np.empty_like(source)
    with ThreadPoolExecutor(threads) as pool:
        # np.copyto works without the interpreter's lock
        return source.nbytes / median_s(lambda: list(pool.map(np.copyto, target, source)), repeats=5)


def gemm_flop_per_s() -> float:
    """Float32 operations per second of a square matrix product in NumPy's own library."""
    n = 2048
    a = np.random.default_rng(0).standard_normal((n, n), dtype=np.float32)
    out = np.empty_like(a)
    return 2 * n**3 / median_s(lambda: np.matmul(a, a, out=out), repeats=5)


def torch_gemm_flop_per_s(threads: int) -> float:
    """The same in torch's library, on so many threads."""
    import torch

    n = 2048
    a = torch.rand(n, n)
    out = torch.empty_like(a)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        return 2 * n**3 / median_s(lambda: torch.mm(a, a, out=out), repeats=5)
    finally:
        torch.set_num_threads(before)


def arguments(doc: str, add: Callable[[argparse.ArgumentParser], None]) -> argparse.Namespace:
    """Parse a bench's command line: its own options and those that all benches have."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    add(parser)
    parser.add_argument(
        "--quick", action="store_true", help="smaller inputs, under a minute; a sanity figure, not the quoted one"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="also write the JSON line to a file")
    return parser.parse_args()


def run_bench(
    doc: str,
    add: Callable[[argparse.ArgumentParser], None],
    run: Callable[[argparse.Namespace, Path], bool],
) -> int:
    """Run a bench in a folder of its own; the exit code: 0, 1 where answers were not equal, or that of an input's error.

    Args:
        doc: of the bench.
        add: its own options.
        run: the bench; tells whether the answers were equal.
    """
    options = arguments(doc, add)
    try:
        with tempfile.TemporaryDirectory() as folder:
            return 0 if run(options, Path(folder)) else 1
    except FramedexError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code


def report(
    bench: str,
    *,
    threads: int,
    config: dict[str, Any],
    equal: bool,
    rows: Sequence[Measured],
    ratios: dict[str, float],
    out: Path | None,
) -> None:
    """Print the JSON line, and write it to `out`."""
    result = {
        "bench": bench,
        "commit": commit(),
        "machine": machine(threads),
        "config": config,
        "equal": equal,
        "rows": [{"name": row.name, "value": row.value, "unit": row.unit} for row in rows],
        "ratios": ratios,
    }
    line = json.dumps(result)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(line + "\n", encoding="utf-8")
    print(line)
