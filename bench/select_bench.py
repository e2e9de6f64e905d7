"""The bench of bench/select.py, which says what it asks and what is timed."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import framedex
import select_peers
from framedex import _native
from framedex.cli.output import default_threads, note, print_table
from framedex.keys import canonical_json
from framedex.select.picks import Picks
from harness import Measured, medians_s, report, run_bench
from select_peers import Found
from stored_videos import ragged, unit_rows

FRAMES, DIM, PROMPTS = 180, 768, 20
BUDGETS = (4, 8, 16, 32, 64)
TAU = 0.02
#: Videos whose curves NumPy works on at once: their doubles stay in the second cache.
PART = 16
#: Curves that are compared with `framedex.select` one by one.
CHECKED = 40
SPECS = {
    "uniform": "uniform",
    "top": "top",
    "bottom": "bottom",
    "window-top": "window-top",
    "window-bottom": "window-bottom",
    "drop": "drop",
    "aks": "aks",
    "bolt": "bolt",
    "qframe": f"qframe:tau={TAU}",
    "mmr": "mmr",
}
MOST_DIFFERENT = 1e-4


def main(doc: str) -> int:
    """Run the bench; doc is its own."""
    return run_bench(doc, add_options, run)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Its own options."""
    parser.add_argument("--threads", type=int, default=default_threads(), metavar="N", help="of every way")


def run(options: argparse.Namespace, _: Path) -> bool:
    """Measure; whether all answers agreed."""
    threads, quick = options.threads, options.quick
    n_videos, repeats = (100, 5) if quick else (1000, 9)
    world = World(n_videos, threads)
    ours = {name: world.ours(name) for name in SPECS}
    peers = {name: world.peer(name) for name in SPECS}
    note("comparing answers")
    equal = agree(world, ours, peers)
    counts = ragged(n_videos, FRAMES // 2, 3 * FRAMES // 2)
    pieces = [curves(n, seed=number) for number, n in enumerate(counts)]
    works: dict[str, Callable[[], object]] = {
        **{f"ours.{name}": work for name, work in ours.items()},
        **{f"numpy.{name}": work for name, work in peers.items()},
        "ours.all": world.ours(*SPECS),
        "ours.ragged": lambda: framedex.select_many(
            [SPECS[name] for name in SPECS if name != "mmr"],
            pieces,
            budgets=BUDGETS,
            videos=world.keys,
            questions=world.questions,
            threads=threads,
        ),
    }
    rows_in_all = len(world.ours(*SPECS)().values)
    works["floor.write"] = writing(rows_in_all, threads)
    works["floor.uniform"] = writing(n_videos * PROMPTS * sum(BUDGETS), threads)
    note("timing")
    took_s = medians_s(works, repeats=repeats)
    selections = n_videos * PROMPTS * len(BUDGETS)
    speedups = {name: took_s[f"numpy.{name}"] / took_s[f"ours.{name}"] for name in SPECS}
    rates = {name: selections / took_s[f"ours.{name}"] for name in SPECS}
    rates["all"] = selections * len(SPECS) / took_s["ours.all"]
    rows = [
        *(Measured(name=name, value=value, unit="s") for name, value in took_s.items()),
        Measured(
            name="ours.ragged_over_equal",
            value=took_s["ours.ragged"] / sum(took_s[f"ours.{name}"] for name in SPECS if name != "mmr"),
            unit="ratio",
        ),
    ]
    print_table(
        ["sampler", "ours: ns a selection", "NumPy: ns a selection", "speed-up"],
        [
            [
                name,
                f"{1e9 * took_s[f'ours.{name}'] / selections:.0f}",
                f"{1e9 * took_s[f'numpy.{name}'] / selections:.0f}",
                f"{speedups[name]:.1f}",
            ]
            for name in SPECS
        ],
    )
    report(
        "select",
        threads=threads,
        config={
            "videos": n_videos,
            "frames": FRAMES,
            "dim": DIM,
            "prompts": PROMPTS,
            "budgets": list(BUDGETS),
            "samplers": list(SPECS.values()),
            "repeats": repeats,
            "quick": quick,
            "simd": _native.simd_level(),
            "numpy": np.__version__,
        },
        equal=equal,
        rows=rows,
        ratios={
            **{f"speedup_vs_numpy.{name}": value for name, value in speedups.items()},
            "min_native_speedup_vs_numpy": min(speedups.values()),
            **{f"selections_per_second.{name}": value for name, value in rates.items()},
        },
        out=options.out,
    )
    return equal


class World:
    """Videos of one length with their curves, and every sampler over all of them by us and by NumPy."""

    def __init__(self, n_videos: int, threads: int) -> None:
        self.threads = threads
        self.scores = np.stack([curves(FRAMES, seed=number) for number in range(n_videos)])
        self.keys = [f"{number:032x}" for number in range(n_videos)]
        self.questions = [[f"q{prompt}" for prompt in range(PROMPTS)] for _ in range(n_videos)]
        self.views = list(unit_rows(n_videos * FRAMES, DIM, seed=5).astype(np.float16).reshape(n_videos, FRAMES, DIM))
        self._pool = ThreadPoolExecutor(threads)
        self._parts = range(0, n_videos, PART)
        self._texts = [
            canonical_json([0, key, question, "", "qframe"]).encode()
            for key, questions in zip(self.keys, self.questions, strict=True)
            for question in questions
        ]
        self._widened = np.stack(self.views).astype(np.float32)

    def ours(self, *names: str) -> Callable[[], Picks]:
        """One call for these samplers."""
        specs = [SPECS[name] for name in names]
        pts_us = [np.arange(FRAMES, dtype=np.int64) * 1_000_000] * len(self.keys)
        given: dict[str, Any] = {"scores": list(self.scores)}
        if names == ("uniform",):
            given = {"pts_us": pts_us, "questions": self.questions}
        if "qframe" in names:
            given |= {"videos": self.keys, "questions": self.questions}
        if "mmr" in names:
            given |= {"embeddings": self.views}
        return lambda: framedex.select_many(specs, budgets=BUDGETS, threads=self.threads, **given)

    def peer(self, name: str) -> Callable[[], list[Found]]:
        """The parts' answers, in order."""
        if name == "mmr":
            return self._mmr
        if name == "uniform":  # nothing has to stay in the cache: as many curves at once as there are for each thread
            videos = [len(part) for part in np.array_split(np.arange(len(self.keys)), self.threads)]
            return lambda: list(
                self._pool.map(lambda count: select_peers.uniform(count * PROMPTS, FRAMES, BUDGETS), videos)
            )
        works: dict[str, Callable[[int], Found]] = {
            "qframe": lambda first: select_peers.qframe(
                self._flat(first), BUDGETS, self._texts[first * PROMPTS : (first + PART) * PROMPTS], tau=TAU
            ),
        }
        rule: Callable[..., Found] = getattr(select_peers, name.replace("-", "_"))
        work = works.get(name, lambda first: rule(self._flat(first), BUDGETS))
        return lambda: list(self._pool.map(work, self._parts))

    def _flat(self, first: int) -> NDArray[np.float32]:
        return self.scores[first : first + PART].reshape(-1, FRAMES)

    def _mmr(self) -> list[Found]:
        found: list[Found] = []
        group = PART * self.threads
        for begin in range(0, len(self.keys), group):  # the product by all threads, then the searches
            cosines = select_peers.cosines_of(self._widened[begin : begin + group])

            def search(first: int, begin: int = begin, cosines: NDArray[np.float64] = cosines) -> Found:
                own = cosines[first - begin : first - begin + PART]
                return select_peers.mmr(self.scores[first : first + PART], own, BUDGETS)

            found += self._pool.map(search, range(begin, min(begin + group, len(self.keys)), PART))
        return found


def curves(n: int, *, seed: int) -> NDArray[np.float32]:
    """One video's: float32 (PROMPTS, n), like cosines of a small encoder."""
    random = np.random.Generator(np.random.Philox(key=seed))
    at = np.arange(n)
    made = 0.05 + 0.01 * random.standard_normal((PROMPTS, n))
    for _ in range(3):
        centre, width, height = random.random((3, PROMPTS, 1)) * np.array([n, 20, 0.2])[:, None, None]
        made += height * np.exp(-(((at - centre) / (width + 3)) ** 2))
    return made.astype(np.float32)


def agree(world: World, ours: dict[str, Callable[[], Picks]], peers: dict[str, Callable[[], list[Found]]]) -> bool:
    """Whether everybody chooses the same frames; every difference is noted."""
    good = True
    for name in SPECS:
        picks = ours[name]()
        own = by_budget(picks)
        if not one_by_one(world, name, picks):
            note(f"not equal: {name} and framedex.select")
            good = False
        theirs = [np.concatenate(parts) for parts in zip(*peers[name](), strict=True)]
        different = sum(int((a != b).any(axis=1).sum()) for a, b in zip(own, theirs, strict=True))
        if different:
            note(f"{name}: {different} of {len(picks)} selections of NumPy's differ")
        if different > MOST_DIFFERENT * len(picks):
            note(f"not equal: {name} and NumPy")
            good = False
    return good


def by_budget(picks: Picks) -> list[NDArray[np.int32]]:
    """The rows of one sampler over curves of one length: (curves, k) for each budget."""
    sizes = picks.counts()[: len(picks.budgets)]
    flat = picks.values.reshape(-1, sizes.sum())
    return np.split(flat, np.cumsum(sizes)[:-1], axis=1)


def one_by_one(world: World, name: str, picks: Picks) -> bool:
    """Whether some curves' selections are those of `framedex.select`."""
    spec, _, parameters = SPECS[name].partition(":")
    given = {key: float(value) for key, _, value in (part.partition("=") for part in parameters.split(",") if part)}
    for curve in np.linspace(0, world.scores.shape[0] * PROMPTS - 1, CHECKED).astype(int).tolist():
        video, prompt = divmod(curve, PROMPTS)
        for position, budget in enumerate(BUDGETS):
            one = framedex.select(
                spec,
                world.scores[video, prompt],
                budget=budget,
                embeddings=world.views[video],
                video=world.keys[video],
                question=world.questions[video][prompt],
                **given,  # type: ignore[arg-type]
            )
            if one.rows.tolist() != picks.rows(video, prompt, 0, position).tolist():
                return False
    return True


def writing(count: int, threads: int) -> Callable[[], object]:
    """Writes so many rows to fresh memory."""
    pool = ThreadPoolExecutor(threads)

    def work() -> None:
        to = np.empty(count, np.int32)
        list(pool.map(lambda part: part.fill(1), np.array_split(to, threads)))

    return work
