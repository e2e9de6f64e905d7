"""What every MLLM runner owes; a runner inherits `RunnerSuite` and gives the `runner` fixture."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from framedex.contracts import FrameBatch
from framedex.errors import UsageError
from framedex.keys import is_key
from framedex.mllm.base import Answer, Ask, PreparedFrames, Runner, Scoring
from framedex.mllm.parse import chosen_option

QUESTION = "What colour is the dog?"
OPTIONS = ("red", "striped thing", "blue", "green yellow cat")
SCORINGS: tuple[Scoring, ...] = ("option", "letter", "generate")
SECOND_US = 1_000_000

#: Of a log-probability, between a batch and one by one.
TOLERANCE = 1e-4


def noise(n: int, *, seed: int = 0, first_us: int = 0) -> FrameBatch:
    """n seeded noise frames, a second apart."""
    frames = np.random.default_rng(seed).integers(0, 256, (n, 36, 60, 3), np.uint8)
    return FrameBatch(pts_us=first_us + np.arange(n, dtype=np.int64) * SECOND_US, frames=frames)


def prepared(runner: Runner, n: int, *, seed: int = 0) -> PreparedFrames:
    """n frames from the beginning of five minutes."""
    return runner.prepare(noise(n, seed=seed), origin_us=0, last_us=300 * SECOND_US)


def mixed(runner: Runner, scoring: Scoring = "option") -> list[Ask]:
    """Prompts of different lengths: several frame counts, none, and different numbers of options."""
    asks = [
        Ask(frames=prepared(runner, 3), question=QUESTION, options=OPTIONS),
        Ask(frames=None, question=QUESTION, options=OPTIONS),
        Ask(frames=prepared(runner, 1, seed=1), question="Which?", options=OPTIONS[:2]),
        Ask(frames=prepared(runner, 6, seed=2), question=QUESTION, options=OPTIONS[::-1]),
        Ask(frames=None, question="Which of these, if any, does the cat look at?", options=OPTIONS[:3]),
    ]
    return [replace(ask, scoring=scoring) for ask in asks]


def logprobs(answers: list[Answer]) -> np.ndarray:
    """All of them in a row."""
    return np.concatenate([answer.option_logprobs for answer in answers])


class RunnerSuite:
    """Inherit, and define a fixture `runner` that gives an open one whose context holds 8 frames and not 200."""

    #: Whether the prompt says when each frame is.
    says_times = True

    @pytest.mark.parametrize("scoring", SCORINGS)
    def test_an_answer_is_whole(self, runner: Runner, scoring: Scoring) -> None:
        for ask, answer in zip(mixed(runner), runner.answer(mixed(runner, scoring)), strict=True):
            if scoring == "generate":
                assert (answer.choice is None) == (answer.status == "unparsable") == bool(answer.status_detail)
                assert answer.choice == chosen_option(answer.written, ask.options)
            else:
                assert (answer.status, answer.status_detail, answer.written) == ("ok", "", "")
                assert answer.choice == int(np.argmax(answer.option_logprobs))
            assert len(answer.option_logprobs) == len(answer.option_tokens) == len(ask.options)
            assert all(math.isfinite(logprob) and logprob < 0 for logprob in answer.option_logprobs)
            assert answer.prompt_tokens > 0
            assert min(answer.tower_time_s, answer.prefill_time_s, answer.answer_time_s) >= 0
            assert (answer.tower_time_s > 0) == (ask.frames is not None)

    @pytest.mark.parametrize("scoring", SCORINGS)
    def test_a_batch_is_one_by_one(self, runner: Runner, scoring: Scoring) -> None:
        asks = mixed(runner, scoring)
        alone = [runner.answer([ask])[0] for ask in asks]
        together = runner.answer(asks)
        assert np.abs(logprobs(together) - logprobs(alone)).max() < TOLERANCE
        assert [answer.choice for answer in together] == [answer.choice for answer in alone]
        assert [answer.prompt_tokens for answer in together] == [answer.prompt_tokens for answer in alone]

    @pytest.mark.parametrize("scoring", SCORINGS)
    def test_answers_keep_the_questions_order(self, runner: Runner, scoring: Scoring) -> None:
        asks = mixed(runner, scoring)
        forth = runner.answer(asks)
        back = runner.answer(asks[::-1])[::-1]
        assert np.abs(logprobs(back) - logprobs(forth)).max() < TOLERANCE
        # Else any order would do.
        assert np.abs(np.subtract(forth[0].option_logprobs, forth[1].option_logprobs)).max() > 10 * TOLERANCE

    def test_the_same_call_gives_the_same_bits(self, runner: Runner) -> None:
        asks = mixed(runner)
        assert np.array_equal(logprobs(runner.answer(asks)), logprobs(runner.answer(asks)))

    def test_ways_of_scoring_side_by_side_are_each_their_own(self, runner: Runner) -> None:
        asks = [ask for pair in zip(*(mixed(runner, scoring) for scoring in SCORINGS), strict=True) for ask in pair]
        together = runner.answer(asks)
        for place, scoring in enumerate(SCORINGS):
            apart = runner.answer([ask for ask in asks if ask.scoring == scoring])
            mine = together[place :: len(SCORINGS)]
            assert np.abs(logprobs(mine) - logprobs(apart)).max() < TOLERANCE
            assert [answer.option_tokens for answer in mine] == [answer.option_tokens for answer in apart]

    def test_every_answer_is_told_once_as_it_is_found(self, runner: Runner) -> None:
        told: dict[int, Answer] = {}

        def answered(part: Mapping[int, Answer]) -> None:
            assert part
            assert not told.keys() & part.keys()
            told.update(part)

        asks = [*mixed(runner), Ask(frames=prepared(runner, 200), question=QUESTION, options=OPTIONS)]
        answers = runner.answer(asks, answered=answered)
        assert [told[row] for row in range(len(asks))] == answers
        assert answers[-1].status == "truncated-prompt"

    def test_frames_their_times_and_the_question_all_count(self, runner: Runner) -> None:
        frames = prepared(runner, 2)
        later = replace(frames, times_s=frames.times_s + 30)
        asks = [
            Ask(frames=frames, question=QUESTION, options=OPTIONS),
            Ask(frames=None, question=QUESTION, options=OPTIONS),
            Ask(frames=prepared(runner, 2, seed=9), question=QUESTION, options=OPTIONS),
            Ask(frames=later, question=QUESTION, options=OPTIONS),
            Ask(frames=frames, question="Which?", options=OPTIONS),
            Ask(frames=frames, question=QUESTION, options=OPTIONS[1:] + OPTIONS[:1]),
        ]
        first, *others = (np.array(answer.option_logprobs) for answer in runner.answer(asks))
        differ = [bool(np.abs(other - first).max() > 10 * TOLERANCE) for other in others]
        assert differ == [True, True, self.says_times, True, True]

    def test_an_options_tokens_are_its_own_wherever_it_is_listed(self, runner: Runner) -> None:
        forth, back = runner.answer(
            [Ask(frames=None, question=QUESTION, options=options) for options in (OPTIONS, OPTIONS[::-1])]
        )
        assert forth.option_tokens == back.option_tokens[::-1]
        assert all(count >= 1 for count in forth.option_tokens)

    def test_a_letter_is_one_token(self, runner: Runner) -> None:
        (answer,) = runner.answer([Ask(frames=None, question=QUESTION, options=OPTIONS, scoring="letter")])
        assert answer.option_tokens == (1, 1, 1, 1)
        assert answer.mean_logprobs == answer.option_logprobs
        assert sum(map(math.exp, answer.option_logprobs)) <= 1 + 1e-6

    @pytest.mark.parametrize("scoring", SCORINGS)
    def test_a_prompt_too_long_is_not_answered_and_the_others_are(self, runner: Runner, scoring: Scoring) -> None:
        fits = Ask(frames=None, question=QUESTION, options=OPTIONS, scoring=scoring)
        long = replace(fits, frames=prepared(runner, 200))
        before, truncated, after = runner.answer([fits, long, fits])
        assert truncated.status == "truncated-prompt"
        assert truncated.choice is None
        assert truncated.option_logprobs == truncated.option_tokens == ()
        assert truncated.prompt_tokens > before.prompt_tokens
        assert "tokens, the model reads" in truncated.status_detail
        assert before.option_logprobs == after.option_logprobs != ()

    def test_eight_frames_fit(self, runner: Runner) -> None:
        (answer,) = runner.answer([Ask(frames=prepared(runner, 8), question=QUESTION, options=OPTIONS)])
        assert answer.status == "ok"

    def test_nothing_asked_nothing_answered(self, runner: Runner) -> None:
        assert runner.answer([]) == []

    def test_times_count_from_the_videos_first_frame(self, runner: Runner) -> None:
        frames = runner.prepare(noise(3, first_us=7 * SECOND_US), origin_us=5 * SECOND_US, last_us=65 * SECOND_US)
        assert frames.times_s.tolist() == [2.0, 3.0, 4.0]
        assert frames.duration_s == 60.0
        assert frames.pts_us.tolist() == [7 * SECOND_US, 8 * SECOND_US, 9 * SECOND_US]

    def test_a_frame_is_prepared_alike_in_any_company(self, runner: Runner) -> None:
        together = prepared(runner, 4)
        alone = runner.prepare(
            FrameBatch(pts_us=together.pts_us[2:3].copy(), frames=noise(4).frames[2:3].copy()),
            origin_us=0,
            last_us=60 * SECOND_US,
        )
        assert np.array_equal(alone.pixels[0], together.take(np.array([2])).pixels[0])
        assert alone.times_s == together.times_s[2]

    def test_frames_outside_the_video_are_refused(self, runner: Runner) -> None:
        for origin_us, last_us in ((1, 60 * SECOND_US), (0, SECOND_US)):
            with pytest.raises(ValueError, match="expected one frame or more within"):
                runner.prepare(noise(3), origin_us=origin_us, last_us=last_us)
        with pytest.raises(ValueError, match="got none"):
            runner.prepare(noise(0), origin_us=0, last_us=60 * SECOND_US)

    def test_frames_of_another_size_are_refused(self, runner: Runner) -> None:
        frames = prepared(runner, 1)
        wrong = replace(frames, pixels=tuple(picture[:, 1:] for picture in frames.pixels))
        with pytest.raises(ValueError, match="expected pixels"):
            runner.answer([Ask(frames=wrong, question=QUESTION, options=OPTIONS)])

    def test_an_unknown_scoring_is_refused(self, runner: Runner) -> None:
        with pytest.raises(UsageError, match="unknown scoring 'guess'; exists: option, letter, generate"):
            runner.answer([Ask(frames=None, question=QUESTION, options=OPTIONS, scoring="guess")])  # type: ignore[arg-type]

    def test_it_says_what_it_is(self, runner: Runner) -> None:
        assert runner.name
        assert is_key(runner.key)
        assert {"runtime", "runtime_version", "device", "dtype", "threads"} <= set(runner.provenance)
        assert all(isinstance(value, str) and value for value in runner.provenance.values())

    def test_work_is_counted_and_a_video_known_by_its_source(self, runner: Runner) -> None:
        before = runner.work
        video = runner.prepare(noise(5), origin_us=0, last_us=300 * SECOND_US, source="a")
        sets = [video.take(np.arange(start, start + 3)) for start in range(3)]
        asks = [
            Ask(frames=frames, question=QUESTION, options=options, scoring=scoring)
            for frames in sets
            for options in (OPTIONS, OPTIONS[::-1])
            for scoring in SCORINGS
        ]
        runner.answer(asks)
        done = runner.work - before
        assert (done.tower_frames, done.prefills) == (5, 3)
        assert 2 <= done.forwards <= 12 + 3 * 16
        again = runner.prepare(noise(5), origin_us=0, last_us=300 * SECOND_US, source="a")
        runner.answer([Ask(frames=again, question=QUESTION, options=OPTIONS)])
        assert (runner.work - before).tower_frames == 5
        other = runner.prepare(noise(5), origin_us=0, last_us=300 * SECOND_US, source="b")
        runner.answer([Ask(frames=other, question=QUESTION, options=OPTIONS)])
        assert (runner.work - before).tower_frames == 10
        assert runner.trouble == ""

    def test_closing_twice_is_safe_and_a_closed_one_refuses(self, runner: Runner) -> None:
        runner.close()
        runner.close()
        with pytest.raises(ValueError, match="closed"):
            runner.answer([])
