from collections import Counter
from itertools import pairwise

import pytest

from framedex.datasets import read_questions
from framedex.microworld.draw import draw_clip
from framedex.microworld.evidence import evidence
from framedex.microworld.make import make_world
from framedex.microworld.world_questions import world_questions


@pytest.fixture(scope="module")
def clips():
    return [draw_clip(31, index) for index in range(11)]


@pytest.fixture(scope="module")
def rows(clips):
    return world_questions(clips, [evidence(spec) for spec in clips])


@pytest.mark.parametrize("n_clips", [1, 2, 5, 11])
def test_every_position_is_right_equally_often(clips, n_clips):
    some = clips[:n_clips]
    counts = Counter(row["answer"] for row in world_questions(some, [evidence(spec) for spec in some]))
    assert max(counts[position] for position in range(4)) - min(counts[position] for position in range(4)) <= 1


def test_more_clips_leave_the_first_ones_questions_as_they_are(clips, rows):
    first = world_questions(clips[:4], [evidence(spec) for spec in clips[:4]])
    assert rows[: len(first)] == first


def test_each_category_has_two_questions_a_clip_at_most(rows):
    counts = Counter((row["video"], row["category"]) for row in rows)
    assert set(counts.values()) <= {1, 2}
    assert {category for _, category in counts} == {"attribute", "existence"}
    assert len(counts) >= 20  # some clip shows too many colours and textures to ask which appears


def test_evidence_is_when_a_thing_that_answers_is_seen(clips, rows):
    checked = Counter()
    for row in rows:
        spec = clips[int(row["video"].split("clip-")[1][:4])]
        gold = row["options"][row["answer"]]
        spans = {
            interval
            for track, intervals in zip(spec.tracks, evidence(spec), strict=True)
            for interval in intervals
            if gold in (track.thing.colour, track.thing.texture)
            and (
                row["category"] == "existence"
                or any(w in row["question"].split() for w in (track.thing.colour, track.thing.texture))
            )
        }
        bounds = [tuple(interval) for interval in row["evidence"]]
        assert bounds == sorted(bounds)
        assert all(end < start for (_, end), (start, _) in pairwise(bounds))
        for start_s, end_s in spans:
            assert any(low <= start_s and end_s <= high for low, high in bounds)
        assert {bound for interval in bounds for bound in interval} <= {
            bound for interval in spans for bound in interval
        }
        checked[row["category"]] += 1
    assert min(checked.values()) > 10


def test_a_made_world_has_a_manifest_that_can_be_read(tmp_path):
    world = make_world(tmp_path, clips=1, seed=31)
    questions = read_questions(world.questions)
    assert len(questions) == world.n_questions > 2
    for question in questions:
        assert len(question.options) == 4
        assert question.answer is not None
        assert question.evidence
        assert question.dataset == "micro-world"
        assert dict(question.variants).keys() == {"declarative"}
        assert (tmp_path / question.video).is_file()
