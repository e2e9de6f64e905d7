"""An opened sweep: the plan with the store and the models that carry it out."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from framedex.datasets.combined import texts_of
from framedex.embed import BUNDLED as BUNDLED_ENCODERS
from framedex.embed.of_store import store_embedder
from framedex.errors import UsageError
from framedex.index import Store
from framedex.mllm import load_runner
from framedex.mllm.base import Runner
from framedex.mllm.checkpoint import located
from framedex.mllm.options import RunnerOptions
from framedex.mllm.served_model import ServedModel
from framedex.score.native import NativeScorer
from framedex.scores.curves import CurveSource
from framedex.scores.index_curves import IndexCurves
from framedex.scores.score_store import ScoreStore
from framedex.scores.stored_curves import StoredCurves
from framedex.select.material import check_reads
from framedex.select.records import params_of
from framedex.sweep.answer_cache import AnswerCache
from framedex.sweep.choose import prompts_of
from framedex.sweep.config import StoredScores, SweepConfig
from framedex.sweep.given import Rule, read_given
from framedex.sweep.plan import Model, Plan, PlannedVideo, plan_grid, plan_videos
from framedex.sweep.questions import SweptQuestion, swept_questions


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OpenSweep:
    """All that answering needs.

    Attributes:
        plan: what is to be done.
        store: holds the vectors.
        sources: of the scores, in the order of the plan's encoders.
        runners: in the order of the plan's MLLMs.
        threads: for decoding and scoring; the models have theirs.
        answer_cache: answers of earlier runs; None where all are asked for again.
    """

    plan: Plan
    store: Store
    sources: tuple[CurveSource, ...]
    runners: tuple[Runner, ...]
    threads: int
    answer_cache: AnswerCache | None = None

    @property
    def served(self) -> frozenset[str]:
        """The keys of the MLLMs that servers hold."""
        asked = zip(self.plan.config.mllms, self.plan.mllms, strict=True)
        return frozenset(model.key for mllm, model in asked if isinstance(mllm, ServedModel))


@contextmanager
def open_sweep(
    config: SweepConfig,
    *,
    threads: int,
    keeps_prompts: bool = True,
    mllm_options: RunnerOptions | None = None,
    answer_cache: AnswerCache | None = None,
) -> Iterator[OpenSweep]:
    """Resolve a sweep and open its models, cheapest checks first; nothing is written but the cache of prompt vectors.

    Args:
        config: the sweep.yaml.
        threads: for each stage, >= 1; the stages take turns.
        mllm_options: how the models are loaded and run.
        keeps_prompts: whether prompt vectors are written to the store's cache.
        answer_cache: answers of earlier runs, to which new ones are added; none where None.

    Raises:
        UsageError: questions, videos, grid, scores or models that do not hold.
        ArtefactError: a model's files do not hold.
        StoreError: the store's files do not hold.
        MissingDependency: a runtime is not installed.
    """
    questions = swept_questions(config.questions, config.variants)
    store = Store.open(config.store)
    with ExitStack() as stack:
        sources = tuple(
            _source(config, store, named, threads, stack, keeps_prompts) for named in config.encoders or (None,)
        )
        encoders = tuple(Model(name=source.name, key=source.key) for source in sources)
        _check_distinct("encoders", encoders)
        grid = plan_grid(store, config.grid, sources)
        videos = plan_videos(store, questions, sources=sources, grid=grid)
        for source in sources:
            check_reads(
                [*config.samplers, *config.drop],
                config.transforms,
                source,
                [question.asked for question in questions],
                [prompt for question in questions for prompt in question.prompts],
            )
        _check_curves(videos, sources, config)
        given = read_given(config.selections, store, questions, videos, variants=config.variants, own=_rules(config))
        runners = tuple(
            stack.enter_context(
                load_runner(
                    located(mllm, config.folder) if isinstance(mllm, str) else mllm,
                    threads=threads,
                    options=mllm_options,
                )
            )
            for mllm in config.mllms
        )
        mllms = tuple(Model(name=runner.name, key=runner.key) for runner in runners)
        _check_distinct("mllms", mllms)
        plan = Plan(
            config=config,
            grid=grid,
            encoders=encoders,
            mllms=mllms,
            videos=videos,
            truncated_prompts=_truncated(sources, questions),
            given=given,
        )
        yield OpenSweep(
            plan=plan, store=store, sources=sources, runners=runners, threads=threads, answer_cache=answer_cache
        )


def _rules(config: SweepConfig) -> set[Rule]:
    return {
        (sampler.name, params_of(sampler), budget, seed)
        for sampler in config.samplers
        for budget in config.budgets
        for seed in config.seeds
    }


def _source(
    config: SweepConfig,
    store: Store,
    named: str | StoredScores | None,
    threads: int,
    stack: ExitStack,
    keeps_prompts: bool,
) -> CurveSource:
    if isinstance(named, StoredScores):
        return StoredCurves(store, ScoreStore(store.path).find(named.name, grid=config.grid))
    held = {name for entry in store.encoders() for name in (entry.name, entry.key)} | set(BUNDLED_ENCODERS)
    located = None if named is None else _located(config.folder, named, held)
    embedder = stack.enter_context(store_embedder(store, located, threads=threads))
    return IndexCurves(store, embedder, scorer=NativeScorer(threads=threads), writes=keeps_prompts)


def _check_curves(videos: Sequence[PlannedVideo], sources: Sequence[CurveSource], config: SweepConfig) -> None:
    """Every curve is there before anything is decoded; windows need curves of all frames."""
    for video in videos:
        for row, source in zip(video.rows, sources, strict=True):
            source.check(row, prompts_of(video, config), whole=bool(config.windows))


def _located(folder: Path, name: str, known: Collection[str]) -> str:
    """A known name as it is; anything else is a path, relative to the sweep.yaml."""
    return name if name in known else str(folder / Path(name).expanduser())


def _check_distinct(what: str, models: Sequence[Model]) -> None:
    if len({model.key for model in models}) != len(models):
        raise UsageError(f"{what}: two of {', '.join(model.name for model in models)} are the same model; name it once")


def _truncated(sources: Sequence[CurveSource], questions: Sequence[SweptQuestion]) -> int:
    texts = [text for question in questions for prompt in question.prompts for text in texts_of(prompt)]
    distinct = list(dict.fromkeys(texts))
    cut = [set(source.truncated_texts(distinct)) for source in sources]
    return sum(text in too_long for too_long in cut for text in texts)
