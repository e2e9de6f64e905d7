"""Samplers by name, and the one call that runs them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from framedex.contracts import Selection
from framedex.errors import UsageError
from framedex.registry import Registry
from framedex.select.base import DrawKey, Request, Rows, Sampler
from framedex.select.checked import (
    check_budget,
    check_embeddings,
    check_evidence,
    check_prompt,
    check_scores,
    check_seed,
    check_text,
    check_times,
)
from framedex.select.parameters import Value, build, split_spec
from framedex.select.together import check_rows

#: Other packages add samplers as entry points of this group (docs/samplers.md).
GROUP = "framedex.samplers"

registry: Registry[type[Sampler]] = Registry("sampler", group=GROUP)
registry.add("uniform", "framedex.select.uniform:Uniform")
registry.add("uniform-ends", "framedex.select.uniform:UniformEnds")
registry.add("random", "framedex.select.uniform:Random")
registry.add("top", "framedex.select.confidence:Top")
registry.add("bottom", "framedex.select.confidence:Bottom")
registry.add("threshold", "framedex.select.threshold:Threshold")
registry.add("window-top", "framedex.select.windows:WindowTop")
registry.add("window-bottom", "framedex.select.windows:WindowBottom")
registry.add("drop", "framedex.select.drop:Drop")
registry.add("nms", "framedex.select.nms:Nms")
registry.add("aks", "framedex.select.aks:Aks")
registry.add("bolt", "framedex.select.bolt:Bolt")
registry.add("qframe", "framedex.select.qframe:QFrame")
registry.add("mdp3", "framedex.select.mdp3:Mdp3")
registry.add("mmr", "framedex.select.mmr:Mmr")
registry.add("kfc", "framedex.select.kfc:Kfc")
registry.add("wfs", "framedex.select.wfs:Wfs", extra="analysis")
registry.add("focus", "framedex.select.focus:Focus")
registry.add("kcentre", "framedex.select.kcentre:KCentre")
registry.add("kmeans", "framedex.select.kmeans:KMeans")
registry.add("scene", "framedex.select.scene:Scene")
registry.add("oracle-evidence", "framedex.select.oracle:OracleEvidence")

__all__ = [
    "DrawKey",
    "Request",
    "Sampler",
    "check_budget",
    "make_sampler",
    "parse_spec",
    "read_sampler",
    "rows_of",
    "run",
    "samplers",
    "select",
]


def samplers() -> tuple[str, ...]:
    """Names of the registered samplers."""
    return registry.names()


def parse_spec(text: str) -> tuple[str, dict[str, Value]]:
    """Split `name:key=value,key=value` into the name and its parameters, still as text.

    A name is one of `samplers()`, or `package.module:Class`, as in `package.module:Class:key=value`.

    Raises:
        UsageError: a part is not `key=value`, or a key stands twice.
    """
    return split_spec(text, registry)


def make_sampler(name: str, /, **parameters: Value) -> Sampler:
    """A sampler by name, or by `package.module:Class`, with its parameters.

    Raises:
        UsageError: unknown sampler or parameter (what exists, did you mean), or a value out of range.
    """
    return build(registry.load(check_text("sampler", name)), parameters, name=name)


def read_sampler(text: str) -> Sampler:
    """A sampler as it is written on the command line: "top", "mmr:share=0.7", "package.module:Class".

    Raises:
        UsageError: as `parse_spec` and `make_sampler`.
    """
    name, parameters = parse_spec(text)
    return make_sampler(name, **parameters)


def run(sampler: Sampler, request: Request) -> Selection:
    """Apply a sampler and give the rows their timestamps and scores.

    Raises:
        UsageError: it needs what the request does not have, or, of another package, gives what are no sorted unique rows.
    """
    rows = rows_of(sampler, request)
    scores = None if request.scores is None else request.scores[rows].astype(np.float32)
    return Selection(sampler=sampler.name, rows=rows, pts_us=request.pts_us[rows], scores=scores)


def rows_of(sampler: Sampler, request: Request) -> Rows:
    """The rows that a sampler gives.

    Raises:
        UsageError: as `run`.
    """
    rows = np.asarray(sampler.rows(request))
    check_rows(sampler, rows, request.n)
    return rows


def select(
    name: str,
    scores: ArrayLike | None = None,
    *,
    budget: int,
    pts_us: ArrayLike | None = None,
    embeddings: ArrayLike | None = None,
    prompt: ArrayLike | None = None,
    evidence_us: ArrayLike | None = None,
    seed: int = 0,
    video: str = "",
    question: str = "",
    variant: str = "",
    **parameters: Value,
) -> Selection:
    """Choose frames of one video for one prompt.

    Args:
        name: a sampler of `samplers()`, or "package.module:Class".
        scores: (n,) a finite score per frame; samplers that look at none need only `pts_us`.
        budget: frames wanted, >= 1.
        pts_us: (n,) integer microseconds, strictly increasing; the row numbers where not given.
        embeddings: (n, d) unit vectors, for samplers that compare frames.
        prompt: (d,) unit vector, for samplers that read the prompt itself.
        evidence_us: (m, 2) first and last timestamp of each interval in which the answer can be seen, for "oracle-evidence".
        seed: of the samplers that draw.
        video: with `question` and `variant` part of the draw, so that each (video, question, variant) draws on its own.
        question: question id.
        variant: prompt variant.
        **parameters: of the sampler.

    Returns:
        Selection with unique sorted rows: min(budget, n) of them from a keyframe sampler.

    Raises:
        UsageError: unknown sampler or parameter, budget below 1, NaN, fractions of microseconds, or lengths that do not agree.
    """
    sampler = make_sampler(name, **parameters)
    draw = DrawKey(
        seed=check_seed(seed),
        video=check_text("video", video),
        question=check_text("question", question),
        variant=check_text("variant", variant),
        sampler=sampler.name,
    )
    curve = check_scores(scores)
    if curve is None and pts_us is None:
        raise UsageError("select: give scores, or pts_us for a sampler that needs none")
    times = check_times(pts_us, None if curve is None else len(curve))
    vectors = check_embeddings(embeddings, len(times))
    return run(
        sampler,
        Request(
            pts_us=times,
            budget=check_budget(budget),
            draw=draw,
            scores=curve,
            embeddings=vectors,
            prompt=check_prompt(prompt, vectors),
            evidence_us=check_evidence(evidence_us),
        ),
    )
