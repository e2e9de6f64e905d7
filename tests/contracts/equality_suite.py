"""Answers equal the plain model's, one by one: what every family of MLLMs owes; float32, 1e-4 of the largest logit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.runner_suite import OPTIONS, SCORINGS, SECOND_US, TOLERANCE, logprobs
from framedex.contracts import FrameBatch, Pixels
from framedex.mllm import load_runner
from framedex.mllm.base import Ask, PreparedFrames
from framedex.mllm.engine import TransformersRunner
from framedex.mllm.options import Limits, RunnerOptions
from framedex.mllm.tokens import WRITTEN_TOKENS
from framedex.mllm.work import Work
from plain_mllm import PlainModel

#: Of the largest logit in magnitude.
RELATIVE = 1e-4
N_FRAMES = 7
QUESTIONS = ("Which?", "What colour is the dog?", "What colour is the cat that looks at the yellow dog?")

_DRAWN = settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.differing_executors],
)


def moving(seed: int) -> Pixels:
    """Noise that changes from frame to frame."""
    return np.random.default_rng(seed).integers(0, 256, (N_FRAMES, 42, 70, 3), np.uint8)


def partly_static(seed: int) -> Pixels:
    """A picture of which a part moves, and that now and then stands still altogether."""
    rng = np.random.default_rng(seed)
    frames = np.repeat(rng.integers(0, 256, (1, 42, 70, 3), np.uint8), N_FRAMES, axis=0)
    for number in range(1, N_FRAMES):
        frames[number] = frames[number - 1]
        if number % 3:
            left = int(rng.integers(0, 40))
            frames[number, :, left : left + 20] = rng.integers(0, 256, (42, 20, 3), np.uint8)
    return frames


class EqualitySuite:
    """Inherit, and give `plain()`, a checkpoint of the family and how the plain model is called."""

    def plain(self) -> PlainModel:
        raise NotImplementedError

    def runner(self, limits: Limits | None = None) -> TransformersRunner:
        opened = load_runner(
            self.plain().folder, threads=1, options=RunnerOptions(device="cpu", dtype="float32", limits=limits)
        )
        assert isinstance(opened, TransformersRunner)
        return opened

    def video(self, runner: TransformersRunner, frames: Pixels, *, source: str = "v") -> PreparedFrames:
        batch = FrameBatch(pts_us=np.arange(len(frames), dtype=np.int64) * SECOND_US * 7 // 2, frames=frames)
        return runner.prepare(batch, origin_us=0, last_us=90 * SECOND_US, source=source)

    def assert_plain(self, runner: TransformersRunner, asks: list[Ask]) -> None:
        """Logits and log-probabilities of asks that are put together are those of each put alone to the plain model."""
        plain = self.plain()
        logits = runner.next_logits(asks)
        for ask, mine, answer in zip(asks, logits, runner.answer(asks), strict=True):
            theirs = plain.logits(ask)[0][-1].numpy()
            largest = float(np.abs(theirs).max())
            assert np.abs(mine - theirs).max() <= RELATIVE * largest
            expected = plain.option_logprobs(ask) if ask.scoring == "option" else plain.letter_logprobs(ask)
            tokens = np.array(answer.option_tokens)
            assert (np.abs(np.subtract(answer.option_logprobs, expected)) <= RELATIVE * largest * 2 * tokens).all()

    @given(data=st.data())
    @_DRAWN
    def test_any_asks_together_are_the_plain_model_one_by_one(self, data: st.DataObject) -> None:
        limits = Limits(
            frames=data.draw(st.integers(1, 5)),
            tokens=data.draw(st.sampled_from([1, 40, 150, 4000])),
            cache_nbytes=data.draw(st.sampled_from([0, 3000, 1 << 20])),
        )
        static = data.draw(st.booleans())
        frames = partly_static(1) if static else moving(1)
        if data.draw(st.booleans()):
            frames[3] = frames[2]
        shown = st.one_of(
            st.none(),
            st.lists(st.integers(0, N_FRAMES - 1), min_size=1, max_size=N_FRAMES, unique=True).map(sorted),
        )
        with self.runner(limits) as runner:
            video = self.video(runner, frames, source=data.draw(st.sampled_from(["", "v"])))
            asks = [
                Ask(
                    frames=None if rows is None else video.take(np.array(rows)),
                    question=data.draw(st.sampled_from(QUESTIONS)),
                    options=tuple(data.draw(st.permutations(OPTIONS)))[: data.draw(st.integers(2, 4))],
                    scoring=data.draw(st.sampled_from(["option", "letter"])),
                )
                for rows in data.draw(st.lists(shown, min_size=1, max_size=4))
            ]
            self.assert_plain(runner, asks)

    def test_windows_with_all_orders_and_scorings_are_the_plain_model(self) -> None:
        with self.runner() as runner:
            for frames, source in ((moving(2), "moving"), (partly_static(2), "static")):
                video = self.video(runner, frames, source=source)
                asks = [
                    Ask(frames=video.take(np.arange(start, start + 4)), question=QUESTIONS[1], options=order)
                    for start in (0, 1, 3)
                    for order in (OPTIONS, OPTIONS[1:] + OPTIONS[:1])
                ]
                asks += [replace(ask, scoring="letter") for ask in asks[::3]]
                before = runner.work
                self.assert_plain(runner, asks)
                work = runner.work - before
                assert work.tower_frames == N_FRAMES
                # Once for the logits, once for the answers.
                assert work.prefills == 2 * 3

    def test_written_answers_are_the_plain_models_own(self) -> None:
        with self.runner() as runner:
            video = self.video(runner, moving(5))
            asks = [
                Ask(frames=frames, question=question, options=order, scoring=scoring)
                for frames in (None, video.take(np.arange(3)), video.take(np.arange(2, 6)))
                for question in QUESTIONS[:2]
                for order in (OPTIONS, OPTIONS[::-1])
                for scoring in SCORINGS
            ]
            asks += asks[:3]
            plain = self.plain()
            answers = runner.answer(asks)
            words = set()
            for ask, answer in zip(asks, answers, strict=True):
                assert answer.written == ("" if ask.scoring != "generate" else plain.written(ask, most=WRITTEN_TOKENS))
                words.add(answer.written)
            assert len(words) > 3
            letters, writers = (
                [a for a, ask in zip(answers, asks, strict=True) if ask.scoring == way] for way in SCORINGS[1:]
            )
            assert np.abs(logprobs(letters) - logprobs(writers)).max() < TOLERANCE

    def test_tokens_in_files_are_those_in_memory(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        # Reading and the tower take no time, so that files are read.
        monkeypatch.setattr("framedex.mllm.visual.time", SimpleNamespace(perf_counter=lambda: 0.0))

        def answers(folder: Path | None, cache_nbytes: int) -> tuple[np.ndarray, Work, str]:
            options = RunnerOptions(limits=Limits(cache_nbytes=cache_nbytes), token_folder=folder)
            with load_runner(self.plain().folder, threads=1, options=options) as runner:
                video = self.video(runner, moving(6))
                asks = [
                    Ask(frames=video.take(np.arange(start, start + 3)), question=QUESTIONS[1], options=OPTIONS)
                    for start in range(3)
                ]
                return logprobs(runner.answer(asks)), runner.work, runner.trouble

        expected, work, _ = answers(None, 1 << 20)
        assert (work.tower_frames, work.read_frames) == (5, 0)
        for cache_nbytes in (1 << 20, 0):
            folder = tmp_path / str(cache_nbytes)
            first, work, _ = answers(folder, cache_nbytes)
            assert work.tower_frames == 5
            again, work, told = answers(folder, cache_nbytes)
            assert "files are used" in told
            # Of the first frame, to be timed: it warms up, and passes once more.
            assert work.tower_frames == 2
            assert work.read_frames >= 5
            assert np.array_equal(first, again)
            assert np.abs(again - expected).max() < TOLERANCE
        damaged = next(folder.rglob("*.safetensors"))
        damaged.write_bytes(damaged.read_bytes()[:-1])
        again, work, told = answers(folder, 1 << 20)
        assert np.abs(again - expected).max() < TOLERANCE
        assert work.tower_frames == 2 + 1
        assert "1 files of visual tokens were damaged, and made again" in told

    def test_one_frame_all_frames_and_none(self) -> None:
        with self.runner() as runner:
            video = self.video(runner, moving(3))
            sets = (None, video.take(np.array([N_FRAMES - 1])), video)
            self.assert_plain(runner, [Ask(frames=each, question=QUESTIONS[0], options=OPTIONS) for each in sets])
