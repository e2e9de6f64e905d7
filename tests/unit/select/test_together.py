"""All that is asked of a video at once is what is asked one by one, and what the rules say, however much is shared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest

import plain_samplers
from contracts.sampler_suite import unit_rows
from framedex.errors import UsageError
from framedex.select import DrawKey, Request, make_sampler, parse_spec
from framedex.select.base import Rows, Sampler
from framedex.select.confidence import Top
from framedex.select.likeness import Cosines
from framedex.select.scene import Scene
from framedex.select.together import rows_together, shares

BUDGETS = (1, 3, 8, 17, 32, 60)
SHARING = ("kmeans", "scene", "kfc", "mdp3", "nms", "wfs", "focus", "oracle-evidence")


def requests(name: str, n: int, *, prompts: int = 3, seed: int = 0, kinds: int = 7) -> list[Request]:
    """Of one video: prompts × budgets × seeds, the prompts' scores like cosines."""
    random = np.random.default_rng([seed, n])
    embeddings, texts = unit_rows(n, seed=seed, kinds=kinds), unit_rows(prompts, seed=seed + 1)
    times = np.cumsum(random.integers(1, 5, n)) * 400_000
    evidence = np.array([[times[n // 3], times[n // 2]]])
    return [
        Request(
            pts_us=times,
            budget=budget,
            draw=DrawKey(seed=draw, question=f"q{prompt}", sampler=name),
            scores=scores,
            embeddings=embeddings,
            prompt=texts[prompt],
            evidence_us=evidence,
        )
        for prompt in range(prompts)
        for scores in [np.round((embeddings @ texts[prompt]).astype(np.float64), 3)]
        for budget in BUDGETS
        for draw in (0, 7)
    ]


@pytest.mark.parametrize("n", [1, 2, 13, 40, 90])
@pytest.mark.parametrize("spec", [*SHARING, "mdp3:segment=5,balance=1", "kfc:most=40,candidates=6", "scene:sigmas=0.5"])
def test_together_is_one_by_one(spec: str, n: int) -> None:
    name, parameters = parse_spec(spec)
    sampler, asked = make_sampler(name, **parameters), requests(name, n)
    assert shares(sampler)
    expected = [sampler.rows(request).tolist() for request in asked]
    assert [rows.tolist() for rows in rows_together(sampler, asked)] == expected
    some = [*range(len(asked))[::-5]]  # others beside them, in another order
    assert [rows.tolist() for rows in rows_together(sampler, [asked[at] for at in some])] == [
        expected[at] for at in some
    ]


@pytest.mark.parametrize("name", sorted(plain_samplers.ALL))
def test_they_are_what_the_rule_says(name: str) -> None:
    sampler, plain = make_sampler(name), plain_samplers.ALL[name]
    asked = [each for n in (5, 30, 70) for seed in range(3) for each in requests(name, n, prompts=2, seed=seed)[::3]]
    assert [sampler.rows(each).tolist() for each in asked] == [plain(each) for each in asked]


@pytest.mark.parametrize("name", ["mmr", "kcentre", "kmeans"])
def test_the_look_up_kernel_chooses_what_numpys_product_does(name: str) -> None:
    """No two frames are equal. Where rounding decides (margins near 1e-7) it is one of NumPy's products', and seldom."""
    sampler = make_sampler(name)
    plain = {"mmr": plain_samplers.mmr, "kcentre": plain_samplers.kcentre, "kmeans": plain_samplers.kmeans}[name]
    close = count = 0
    for seed in range(6):
        random = np.random.default_rng(seed)
        embeddings = random.normal(size=(80, 96)).astype(np.float32)
        embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
        for budget in (2, 9, 30):
            asked = replace(
                requests(name, 80)[0], budget=budget, embeddings=embeddings, scores=random.normal(size=80) / 10
            )
            got = sampler.rows(asked).tolist()
            count += 1
            if got != plain(asked, plain_samplers.rounded):
                close += 1
                assert got == plain(asked, plain_samplers.exact)
    assert close <= count // 10


def test_cosines_looked_up_ahead_are_those_of_one_frame_to_the_bit() -> None:
    embeddings = unit_rows(130, seed=3)
    ahead, alone = Cosines(embeddings, wanted=130), Cosines(embeddings, wanted=1)
    for row in (0, 17, 64, 129):
        assert (ahead.to(row) == alone.to(row)).all()
        assert (ahead.to(row, 30, 61) == alone.to(row, 30, 61)).all()
        assert (alone.to(row, 30, 61) == alone.to(row)[30:61]).all()


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstOfScenes(Scene):
    """Somebody's class that extends one which shares, and says `rows` anew."""

    def rows(self, request: Request) -> Rows:
        """The first frames."""
        return np.arange(request.take, dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class TopTogether(Top):
    """Somebody's class that shares, and gives what it is told."""

    gives: tuple[tuple[int, ...], ...] = ()

    def rows_of_video(self, requests: Sequence[Request]) -> list[Rows]:
        """As told."""
        return [np.array(rows, dtype=np.int64) for rows in self.gives]


def test_a_class_that_replaces_rows_alone_runs_by_them() -> None:
    sampler: Sampler = FirstOfScenes()
    assert not shares(sampler)
    assert not shares(Top())
    asked = requests("scene", 20)[:4]
    assert [rows.tolist() for rows in rows_together(sampler, asked)] == [[*range(each.take)] for each in asked]


def test_somebodys_rows_are_looked_at() -> None:
    asked = requests("top", 13)[:3]
    given = TopTogether(gives=((0, 4), (), (12,)))
    assert [rows.tolist() for rows in rows_together(given, asked)] == [[0, 4], [], [12]]
    with pytest.raises(UsageError, match="'top', rows_of_video: expected rows for 3 requests, got 1"):
        rows_together(TopTogether(gives=((0,),)), asked)
    for wrong in ((4, 4), (5, 2), (-1, 3), (3, 13)):
        with pytest.raises(UsageError, match=r"'top': expected sorted unique rows, int64 from 0 to 12, got \["):
            rows_together(TopTogether(gives=((0,), wrong, (1,))), asked)
