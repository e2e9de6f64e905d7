"""`framedex sampler`: what samplers there are, and what each of them does."""

from __future__ import annotations

import dataclasses
import re
import textwrap
from typing import TYPE_CHECKING, Annotated, Any

import typer

from framedex.cli import options
from framedex.cli.output import print_json, print_table
from framedex.errors import FramedexError

if TYPE_CHECKING:
    from framedex.select.base import Rows, Scores
    from framedex.select.describe import Description

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]})

_WIDTH = 96
_HEIGHT = 6
_BARS = " ▁▂▃▄▅▆▇█"


@app.callback()
def _root() -> None:
    """The rules that choose frames: what there are, and what each of them does."""


@app.command("list")
def list_samplers(json: options.JsonOption = False) -> None:
    """Name every sampler, with what it needs.

    A keyframe sampler takes as many frames as the budget says, or all where there are no more; a set sampler what its rule says.

    \b
    Examples:
      framedex sampler list
      framedex sampler list --json
    """
    from framedex.select import registry, samplers

    found = [(name, *_described(name)) for name in samplers()]
    if json:
        print_json(
            {
                "samplers": [
                    {"name": name, "package": registry.package(name), "problem": problem, **_plain(described)}
                    for name, described, problem in found
                ]
            }
        )
        return
    rows = []
    for name, described, problem in found:
        package = registry.package(name)
        short = problem if described is None else textwrap.shorten(described.summary, 72, placeholder=" …")
        kind, needs = ("", "") if described is None else (described.kind, _reads(described))
        rows.append([name, kind, needs, f"{short} ({package})" if package else short])
    print_table(["sampler", "kind", "needs", "takes"], rows)


@app.command("show")
def show(
    name: Annotated[
        str, typer.Argument(metavar="NAME[:KEY=VALUE,…]", help="A sampler, with parameters for the picture.")
    ],
    budget: Annotated[int, typer.Option("--budget", metavar="N", help="Frames that it takes in the picture.")] = 8,
    seed: options.SeedOption = 0,
    json: options.JsonOption = False,
) -> None:
    """Say what a sampler does, needs and costs, where it comes from, and what it takes of a sample curve.

    \b
    Examples:
      framedex sampler show aks
      framedex sampler show bolt:power=3 --budget 16
    """
    from framedex.select import check_budget, make_sampler, parse_spec, registry, run
    from framedex.select.describe import describe
    from framedex.select.sample import sample_video

    plain, parameters = parse_spec(name)
    sampler, video = make_sampler(plain, **parameters), sample_video()
    described = describe(type(sampler))
    request = video.request(check_budget(budget), sampler.name, seed=seed)
    rows = run(sampler, request).rows
    package = registry.package(plain)
    if json:
        used = dataclasses.asdict(sampler)  # type: ignore[call-overload]
        sample = {
            "scores": video.scores.tolist(),
            "budget": budget,
            "seed": seed,
            "parameters": used,
            "rows": rows.tolist(),
        }
        print_json({"name": plain, "package": package, **_plain(described), "sample": sample})
        return
    print(f"{described.name}: {described.kind} sampler" + (f" of package {package}" if package else ""))
    for paragraph in filter(None, (described.summary, *described.rule.split("\n\n"))):
        print()
        for item in re.split(r"\n(?=\d\. )", paragraph):  # a numbered list has a line per item
            _paragraph(item, indent="   " if item[:1].isdigit() else "")
    print(f"\nneeds   {_reads(described)}\ncost    {described.cost}")
    _paragraph(described.source, first="source  ", indent="        ")
    if described.parameters:
        print("\nparameters")
    for parameter in described.parameters:
        about = f"{parameter.name} = {parameter.default} ({parameter.type}): {parameter.meaning}"
        _paragraph(about, first="  ", indent="      ")
    print(f"\n{len(rows)} of {request.n} frames of a sample curve, budget {budget}; evidence under ═\n")
    print(picture(video.scores, rows, _inside(request.pts_us, video.evidence_us)))


def picture(scores: Scores, rows: Rows, inside: Rows) -> str:
    """A curve as columns of blocks, one per frame, with marks below the frames that are taken and lines below the evidence."""
    low, high = float(scores.min()), float(scores.max())
    steps = len(_BARS) - 1
    heights = [round((score - low) / ((high - low) or 1) * (_HEIGHT * steps - 1)) + 1 for score in scores.tolist()]
    lines = [
        "".join(_BARS[min(max(height - level * steps, 0), steps)] for height in heights)
        for level in reversed(range(_HEIGHT))
    ]
    taken, seen = set(rows.tolist()), set(inside.tolist())
    lines.append("".join("▲" if row in taken else "═" if row in seen else " " for row in range(len(scores))))
    return "\n".join(line.rstrip() for line in lines)


def _inside(pts_us: Any, evidence_us: Any) -> Rows:
    import numpy as np

    return np.flatnonzero(((pts_us >= evidence_us[:, :1]) & (pts_us <= evidence_us[:, 1:])).any(axis=0))


def _described(name: str) -> tuple[Description | None, str]:
    """What a sampler says of itself, or why it cannot be used here."""
    from framedex.select import make_sampler
    from framedex.select.describe import describe

    try:
        return describe(type(make_sampler(name))), ""
    except FramedexError as error:
        return None, str(error)


def _plain(described: Description | None) -> dict[str, Any]:
    if described is None:
        return {}
    return {key: value for key, value in dataclasses.asdict(described).items() if key != "name"}


def _reads(described: Description) -> str:
    optional = [f"{name}?" for name in described.wants]
    return ", ".join([*described.needs, *optional]) or "nothing"


def _paragraph(text: str, *, first: str = "", indent: str = "") -> None:
    print(textwrap.fill(" ".join(text.split()), _WIDTH, initial_indent=first, subsequent_indent=indent))
