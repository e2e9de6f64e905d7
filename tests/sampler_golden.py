"""What every sampler takes of six committed curves: the golden files, and the pictures and tables of docs/samplers.md.

python tests/sampler_golden.py            write picks, pictures and tables; curves only where there are none
python tests/sampler_golden.py --curves   make the curves anew, too

A changed pick is a changed sampler: look at the pictures before committing one.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

import framedex
from framedex.select import make_sampler, parse_spec, registry
from framedex.select.describe import describe

ROOT = Path(__file__).resolve().parent.parent
CURVES = ROOT / "tests" / "golden" / "sampler_curves.json"
PICKS = ROOT / "tests" / "golden" / "sampler_picks.json"
PAGE = ROOT / "docs" / "samplers.md"
PICTURES = ROOT / "docs" / "samplers"

#: Our own samplers as they are by default; other packages' are not ours to freeze.
NAMES = tuple(name for name in framedex.samplers() if registry.package(name) is None)
SPECS = (*NAMES, "aks:strict=paper", "bolt:strict=paper", "bolt:power=3", "qframe:tau=0.02", "mmr:share=0.9")
BUDGETS = (1, 4, 8, 32)
DRAWN = 8  # budget of the pictures


def made_curves() -> dict[str, Any]:
    """Six videos, one frame a second but the last; scores like cosines, vectors of five scenes."""
    random = np.random.default_rng(20250913)
    n = 120
    at = np.arange(n)

    def bump(centre: float, width: float, height: float) -> np.ndarray:
        return np.asarray(height * np.exp(-(((at - centre) / width) ** 2)))

    unrest = random.normal(scale=0.01, size=(6, n))
    curves = {
        "one event": 0.05 + bump(40, 4, 0.2) + unrest[0],
        "two events": 0.05 + bump(30, 3, 0.2) + bump(85, 8, 0.12) + unrest[1],
        "a long stretch": np.where((at >= 25) & (at < 95), 0.18, 0.04) + unrest[2],
        "flat": np.full(n, 0.1),
        "unrest": 0.1 + 3 * unrest[4],
        "short and uneven": np.round(0.1 + 0.05 * np.sin(at[:20] / 2), 2),  # with ties
    }
    evidence = {"one event": [[36, 44]], "two events": [[28, 32], [80, 90]], "a long stretch": [[25, 95]]}
    made = {}
    for name, scores in curves.items():
        k = len(scores)
        times = at[:k].astype(float) if k == n else np.cumsum(random.integers(1, 12, k) * 0.25)
        pictures = random.normal(size=(5, 6))
        vectors = pictures[np.searchsorted([0.2, 0.35, 0.6, 0.8], np.arange(k) / k, side="right")]
        vectors = vectors + random.normal(scale=0.15, size=vectors.shape)
        made[name] = {
            "pts_us": np.rint(times * 1e6).astype(int).tolist(),
            "scores": np.round(scores, 6).tolist(),
            "embeddings": np.round(vectors, 3).tolist(),
            "prompt": np.round(vectors[int(np.argmax(scores))], 3).tolist(),
            "evidence_us": (np.array(evidence.get(name, [[3, 5]])) * 1_000_000).tolist(),
        }
    return made


def read_curves() -> dict[str, Any]:
    """The committed curves, vectors of length 1."""
    curves: dict[str, Any] = json.loads(CURVES.read_text())
    for curve in curves.values():
        for name in ("embeddings", "prompt"):
            rows = np.array(curve[name])
            curve[name] = (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)
    return curves


def picked(curve: dict[str, Any], spec: str, budget: int) -> list[int]:
    """Rows that a sampler takes of a curve."""
    name, parameters = parse_spec(spec)
    given: dict[str, Any] = {**curve, **parameters}
    return [int(row) for row in framedex.select(name, budget=budget, **given).rows]


def picks(curves: dict[str, Any]) -> dict[str, dict[str, dict[str, list[int]]]]:
    """By curve, sampler and budget."""
    return {
        name: {spec: {str(budget): picked(curve, spec, budget) for budget in BUDGETS} for spec in SPECS}
        for name, curve in curves.items()
    }


def table() -> str:
    """The table of docs/samplers.md."""
    lines = ["| sampler | kind | needs | takes |", "| --- | --- | --- | --- |"]
    for name in NAMES:
        told = describe(type(make_sampler(name)))
        needs = ", ".join([*told.needs, *(f"{each}?" for each in told.wants)]) or "nothing"
        lines.append(f"| `{name}` | {told.kind} | {needs} | {told.summary.replace('|', chr(92) + '|')} |")
    return "\n".join(lines)


def sections() -> str:
    """Rule, parameters and source of every sampler, as its docstring has them."""
    parts = []
    for name in NAMES:
        told = describe(type(make_sampler(name)))
        parts += [f"### {name}", "", told.summary, ""]
        parts += [told.rule, ""] if told.rule else []
        parts += [f"- `{each.name}={each.default}` ({each.type}): {each.meaning}" for each in told.parameters]
        parts += [""] if told.parameters else []
        parts += [f"Cost: {told.cost}. Source: {told.source}", ""]
    return "\n".join(parts).rstrip()


def page(text: str) -> str:
    """docs/samplers.md with what is generated between its markers."""
    for marker, made in (("table", table()), ("each", sections())):
        before, _, rest = text.partition(f"<!-- {marker} -->\n")
        _, _, after = rest.partition(f"<!-- end {marker} -->")
        text = f"{before}<!-- {marker} -->\n{made}\n<!-- end {marker} -->{after}"
    return text


def draw(name: str, curve: dict[str, Any], of: dict[str, dict[str, list[int]]]) -> None:
    """A picture: the curve with its evidence, and a line of marks per sampler."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    seconds = np.array(curve["pts_us"]) / 1e6
    shape = {"height_ratios": [1, 3]}
    figure, (above, below) = plt.subplots(2, 1, figsize=(9, 7.5), sharex=True, gridspec_kw=shape)
    for first, last in np.array(curve["evidence_us"]) / 1e6:
        above.axvspan(first, last, color="#f2d16b", alpha=0.5, linewidth=0)
        below.axvspan(first, last, color="#f2d16b", alpha=0.25, linewidth=0)
    above.plot(seconds, curve["scores"], color="#305c8a", linewidth=1.2)
    above.set_ylabel("score")
    above.set_title(f"{name}: {DRAWN} frames")
    for line, spec in enumerate(SPECS):
        rows = of[spec][str(DRAWN)]
        below.plot(seconds[rows], np.full(len(rows), line), "|", color="#222222", markersize=8, markeredgewidth=1.4)
    below.set_yticks(range(len(SPECS)), SPECS, fontsize=7)
    below.set_ylim(len(SPECS) - 0.5, -0.5)
    below.grid(axis="y", color="#dddddd", linewidth=0.5)
    below.set_xlabel("seconds")
    figure.tight_layout()
    PICTURES.mkdir(exist_ok=True)
    figure.savefig(PICTURES / f"{name.replace(' ', '-')}.png", dpi=80, metadata={"Software": None})
    plt.close(figure)


def main() -> None:
    """Write everything."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--curves", action="store_true", help="make the curves anew")
    if parser.parse_args().curves or not CURVES.exists():
        CURVES.write_text(json.dumps(made_curves(), separators=(",", ":")) + "\n")
    curves = read_curves()
    found = picks(curves)
    lines = [
        f"{json.dumps(name)}: {{\n"
        + ",\n".join(f"  {json.dumps(spec)}: {json.dumps(rows)}" for spec, rows in of.items())
        + "\n}"
        for name, of in found.items()
    ]
    PICKS.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    for name, curve in curves.items():
        draw(name, curve, found[name])
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
