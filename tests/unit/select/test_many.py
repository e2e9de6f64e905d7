"""Many selections in one call are those of one by one, whatever runs them, in the order that is promised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import framedex
from contracts.sampler_suite import unit_rows
from framedex.errors import UsageError
from framedex.select import parse_spec, registry
from framedex.select.base import Request, Rows
from framedex.select.confidence import Top
from framedex.select.picks import AXES

BUDGETS, SEEDS = (1, 6, 40), (0, 3)
#: Ours; other packages' may be anything.
NAMES = [name for name in framedex.samplers() if registry.package(name) is None]


def videos(shapes: tuple[tuple[int, int], ...] = ((2, 30), (1, 1), (3, 75)), dtype: Any = np.float32) -> dict[str, Any]:
    """Arguments of `select_many` for ragged videos: prompts and frames of each."""
    rng = np.random.default_rng(5)
    times = [np.cumsum(rng.integers(1, 5, n)) * 500_000 for _, n in shapes]
    return {
        "scores": [np.round(rng.random((m, n)), 2).astype(dtype) for m, n in shapes],
        "pts_us": times,
        "embeddings": [unit_rows(n).astype(np.float16) for _, n in shapes],
        "prompts": [unit_rows(m, seed=2) for m, _ in shapes],
        "evidence_us": [
            [np.array([[each[0], each[len(each) // 2]]])] * m for (m, _), each in zip(shapes, times, strict=True)
        ],
        "videos": [f"key{number}" for number in range(len(shapes))],
        "questions": [[f"q{prompt}" for prompt in range(m)] for m, _ in shapes],
        "variants": [["caption"] * m for m, _ in shapes],
    }


def one(spec: str, given: dict[str, Any], video: int, prompt: int, **more: Any) -> list[int]:
    """The same selection by `framedex.select`."""
    name, parameters = parse_spec(spec)
    selection = framedex.select(
        name,
        given["scores"][video][prompt],
        pts_us=given["pts_us"][video],
        embeddings=given["embeddings"][video],
        prompt=given["prompts"][video][prompt],
        evidence_us=given["evidence_us"][video][prompt],
        video=given["videos"][video],
        question=given["questions"][video][prompt],
        variant=given["variants"][video][prompt],
        **more,
        **parameters,
    )
    return [int(row) for row in selection.rows]


@pytest.mark.parametrize(
    "spec", [*NAMES, "mmr:share=0.9", "window-top:length=5", "aks:strict=paper", "wfs:scale=given"]
)
def test_every_sampler_chooses_what_it_does_one_by_one(spec: str) -> None:
    given = videos()
    picks = framedex.select_many([spec], budgets=BUDGETS, seeds=SEEDS, threads=2, **given)
    assert len(picks) == 6 * len(BUDGETS) * len(SEEDS)
    for video, (m, _) in enumerate(picks.shapes.tolist()):
        for prompt in range(m):
            for b, budget in enumerate(BUDGETS):
                for s, seed in enumerate(SEEDS):
                    expected = one(spec, given, video, prompt, budget=budget, seed=seed)
                    assert picks.rows(video, prompt, 0, b, s).tolist() == expected


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_samplers_stand_in_the_order_in_which_they_are_asked_for(threads: int) -> None:
    """Those that the native core knows and those that it does not, mixed; a video's curves may be doubles."""
    specs = ["scene", "top", "nms", "qframe:tau=0.1", "uniform", "focus", "threshold"]
    given = videos(dtype=np.float64)
    picks = framedex.select_many(specs, budgets=BUDGETS, seeds=SEEDS, threads=threads, **given)
    places = picks.positions()
    assert list(places) == list(AXES)
    for number in range(len(picks)):
        video, prompt, sampler, budget, seed = (int(places[axis][number]) for axis in AXES)
        assert picks.number(video, prompt, sampler, budget, seed) == number
        expected = one(specs[sampler], given, video, prompt, budget=BUDGETS[budget], seed=SEEDS[seed])
        assert picks.rows(video, prompt, sampler, budget, seed).tolist() == expected
    assert [sampler.name for sampler in picks.samplers] == [parse_spec(spec)[0] for spec in specs]


def test_what_is_read_from_picks() -> None:
    given = videos()
    picks = framedex.select_many(["top", "threshold"], budgets=BUDGETS, **given)
    assert picks.counts().tolist() == [len(part) for part in np.split(picks.values, picks.offsets[1:-1])]
    times, scores = picks.of_frames(given["pts_us"]), picks.of_scores(given["scores"])
    assert times.dtype == np.int64
    assert scores.dtype == np.float32
    places = picks.positions()
    for number in range(len(picks)):
        part = slice(picks.offsets[number], picks.offsets[number + 1])
        video, prompt = int(places["video"][number]), int(places["prompt"][number])
        assert times[part].tolist() == given["pts_us"][video][picks.values[part]].tolist()
        assert scores[part].tolist() == given["scores"][video][prompt][picks.values[part]].tolist()
    last = picks.video(2)
    assert len(last) == 3 * 2 * len(BUDGETS)
    assert np.shares_memory(last.values, picks.values)
    assert last.rows(0, 2, 1, 1).tolist() == picks.rows(2, 2, 1, 1).tolist()
    for positions in [(3,), (0, 2), (0, 0, 2), (0, 0, 0, 3), (0, 0, 0, 0, 1), (-1,)]:
        with pytest.raises(IndexError, match="expected 0 to"):
            picks.rows(*positions)
    with pytest.raises(IndexError, match="video 3: expected 0 to 2"):
        picks.video(3)


def test_arrow_takes_the_arrays_as_they_are() -> None:
    picks = framedex.select_many(["top", "bottom"], budgets=[2], **videos())
    lists = pa.LargeListArray.from_arrays(pa.array(picks.offsets), pa.array(picks.values))
    assert lists.values.buffers()[1].address == picks.values.ctypes.data
    assert lists.to_pylist()[3] == picks.rows(0, 1, 1).tolist()


def test_samplers_that_need_no_scores() -> None:
    times = [np.arange(9) * 1_000_000, np.arange(4)]
    picks = framedex.select_many(["uniform", "random"], pts_us=times, budgets=[3], questions=[["a", "b"], ["c"]])
    assert picks.shapes.tolist() == [[2, 9], [1, 4]]
    assert picks.rows(0, 1, 0).tolist() == framedex.select("uniform", pts_us=times[0], budget=3).rows.tolist()
    assert len(framedex.select_many(["uniform"], pts_us=times, budgets=[3])) == 2


def test_numbers_of_numpy_are_numbers() -> None:
    given = videos()
    picks = framedex.select_many(
        ["random", "focus"], budgets=np.array(BUDGETS), seeds=np.array(SEEDS), threads=np.int64(2), **given
    )
    plain = framedex.select_many(["random", "focus"], budgets=BUDGETS, seeds=SEEDS, **given)
    assert (picks.budgets, picks.seeds) == (BUDGETS, SEEDS)
    assert picks.values.tolist() == plain.values.tolist()


def test_no_videos_and_no_prompts() -> None:
    assert len(framedex.select_many(["top", "nms"], [], budgets=[3])) == 0
    empty = framedex.select_many(["top", "nms"], [np.zeros((0, 4)), np.ones((1, 4))], budgets=[3])
    assert len(empty) == 2
    assert len(empty.video(0)) == 0
    assert empty.of_scores([np.zeros((0, 4)), np.ones((1, 4))]).tolist() == [1] * 6


@dataclass(frozen=True, slots=True, kw_only=True)
class LastFrame(Top):
    """A class of somebody's own that extends one of ours, by the same name."""

    def rows(self, request: Request) -> Rows:
        """The last frame."""
        return np.array([request.n - 1])


def test_somebodys_own_sampler_runs_by_its_own_rule() -> None:
    picks = framedex.select_many([LastFrame(), "top"], [np.array([[3.0, 1.0, 2.0]])], budgets=[1])
    assert [picks.rows(0, 0, sampler).tolist() for sampler in range(2)] == [[2], [0]]


def with_wrong(subject: str, wrong: Any, video: int = 2) -> dict[str, Any]:
    given = videos()
    given[subject] = [wrong if number == video else each for number, each in enumerate(given[subject])]
    return given


NAN = np.full((3, 75), 0.5, np.float32)
NAN[1, 40] = np.nan


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (with_wrong("scores", NAN), "scores of video 2: expected finite numbers, got nan for prompt 1 at row 40"),
        (
            with_wrong("scores", np.zeros(75)),
            r"scores of video 2: expected an array \(m, n\) with n >= 1, got float64 \(75,\)",
        ),
        (with_wrong("scores", np.zeros((3, 0))), "scores of video 2: expected an array"),
        (with_wrong("scores", [[1.0]]), "got a list"),
        (with_wrong("scores", np.zeros((3, 75), np.int64)), "scores of video 2: expected dtype float32 or float64"),
        (with_wrong("pts_us", np.arange(74)), r"pts_us of video 2: expected .* shape \(75,\), got \(74\)"),
        (with_wrong("pts_us", np.arange(75)[::-1]), "pts_us of video 2: expected strictly increasing"),
        (with_wrong("embeddings", unit_rows(74)), "embeddings of video 2: expected 75 rows, got 74"),
        (with_wrong("embeddings", unit_rows(75) * np.inf), "embeddings of video 2: expected finite numbers"),
        (with_wrong("prompts", unit_rows(2)), r"prompts of video 2: expected float32 \(3, 16\), got float32 \(2, 16\)"),
        (with_wrong("evidence_us", [None] * 3), "sampler 'oracle-evidence' needs evidence"),
        (with_wrong("evidence_us", [np.array([[5, 1]])] * 3), "expected first <= last"),
        (with_wrong("questions", ["a"]), "questions of video 2: expected one for each of 3 prompts, got 1"),
        ({**videos(), "videos": ["a"]}, "videos: expected one for each of 3 videos, got 1"),
        (with_wrong("questions", "abc"), "questions of video 2: expected a list of texts, got 'abc'"),
        (with_wrong("questions", ["a", 2, "c"]), "questions of video 2: expected a text, got 2"),
        (with_wrong("variants", 5), "variants of video 2: expected a list of texts, got 5"),
        (with_wrong("scores", NAN.astype(str)), "scores of video 2: expected"),
        (with_wrong("pts_us", list(range(75))), "pts_us of video 2: expected an array"),
        (with_wrong("pts_us", np.linspace(0, 1, 75)), "pts_us of video 2: expected dtype int64"),
        ({**videos(), "videos": "abc"}, "videos: expected a list of one for each video, got 'abc'"),
        ({**videos(), "videos": ["a", None, "c"]}, r"videos\[1\]: expected a text, got None"),
        ({**videos(), "questions": ["ab", "a", "abc"]}, "questions of video 0: expected a list of texts, got 'ab'"),
        ({**videos(), "scores": 5}, "scores: expected a list of one for each video, got 5"),
        ({**videos(), "scores": iter([NAN])}, "scores: expected a list of one for each video, got <list_iterator"),
        (
            {"samplers": ["uniform"], "pts_us": [1, 2]},
            r"pts_us: expected an array or list for each video, got \[1, 2\]",
        ),
        ({"samplers": ["uniform"], "pts_us": 5}, "pts_us: expected a list of one for each video, got 5"),
        ({**videos(), "threads": 0}, "threads: expected a whole number from 1 to 1024, got 0"),
        ({**videos(), "threads": 1.5}, "threads: expected a whole number from 1 to 1024, got 1.5"),
        ({**videos(), "threads": 10**12}, "threads: expected a whole number from 1 to 1024, got 1000000000000"),
        ({**videos(), "budgets": 2}, "budgets: expected a list of whole numbers, got 2"),
        ({**videos(), "budgets": "28"}, "budgets: expected a list of whole numbers, got '28'"),
        ({**videos(), "budgets": np.array([1.5])}, "budget: expected a whole number of frames .*, got np.float64"),
        ({**videos(), "budgets": np.array(2)}, r"budgets: expected a list of whole numbers, got array\(2\)"),
        ({**videos(), "seeds": 3}, "seeds: expected a list of whole numbers, got 3"),
        ({**videos(), "seeds": ["3"]}, "seed: expected a whole number from .*, got '3'"),
        ({**videos(), "samplers": "top"}, "samplers: expected a list of samplers, got 'top'"),
        ({**videos(), "samplers": [3]}, "expected a dataclass with name, kind"),
        ({**videos(), "samplers": [Top]}, "expected a dataclass with name, kind"),
        ({**videos(), "budgets": [2, 0]}, "budget: expected a whole number of frames from 1"),
        ({**videos(), "budgets": []}, "expected a sampler, a budget and a seed or more, got 4, 0, 1"),
        ({**videos(), "scores": None}, "sampler 'mmr' needs scores"),
        ({**videos(), "embeddings": None}, "sampler 'mmr' needs the frames' embeddings"),
        ({**videos(), "prompts": None}, "sampler 'mdp3' needs the prompt's vector"),
        ({"samplers": ["uniform"]}, "give scores, or pts_us"),
        ({**videos(), "samplers": ["tip"]}, "unknown sampler 'tip'; .*did you mean 'top'"),
        ({**videos(), "samplers": ["mmr:share=2"]}, "sampler 'mmr', share: expected 0 to 1"),
    ],
)
def test_what_does_not_fit_is_one_sentence(given: dict[str, Any], message: str) -> None:
    asked = {"samplers": ["mmr", "qframe", "mdp3", "oracle-evidence"], "budgets": [2], **given}
    with pytest.raises(UsageError, match=message) as caught:
        framedex.select_many(**asked)
    assert "\n" not in str(caught.value)
