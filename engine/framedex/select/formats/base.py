"""The contract of formats: selections come in parts, and are files once all have come."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from numpy.typing import NDArray

from framedex.errors import UsageError
from framedex.index import Row
from framedex.index.whole_file import make_folder, write_whole
from framedex.select.base import Sampler
from framedex.select.records import Selections
from framedex.select.scored import Asked, Scored

#: Of files that hold one setting.
SUFFIX: Final = ".json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One way of choosing: what a file of most formats holds, one selection for each question.

    Attributes:
        variant: of the prompts.
        sampler: the rule.
        budget: frames wanted.
    """

    variant: str
    sampler: Sampler
    budget: int

    @property
    def name(self) -> str:
        """For a file: "question.mmr,share=0.7.8"; of the parameters those that are not the sampler's defaults."""
        values = asdict(self.sampler)  # type: ignore[call-overload]
        defaults = type(self.sampler).__dataclass_fields__  # type: ignore[attr-defined]
        given = [f"{key}={value}" for key, value in values.items() if value != defaults[key].default]
        return file_name(".".join([self.variant, ",".join([self.sampler.name, *given]), str(self.budget)]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be written.

    Attributes:
        path: file or folder.
        asked: every question × variant, in the order of the manifest.
        samplers: in order.
        budgets: in order.
    """

    path: Path
    asked: Sequence[Asked]
    samplers: Sequence[Sampler]
    budgets: Sequence[int]

    @property
    def variants(self) -> list[str]:
        """In order, each once."""
        return list(dict.fromkeys(each.variant for each in self.asked))

    @property
    def settings(self) -> list[Setting]:
        """Every variant × sampler × budget."""
        return [
            Setting(variant=variant, sampler=sampler, budget=budget)
            for variant in self.variants
            for sampler in self.samplers
            for budget in self.budgets
        ]


class SelectionWriter(ABC):
    """Writes selections as they come; files are in their places, whole, once the block ends, and not at all where it fails.

    Attributes:
        written: the files.
    """

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self.written: list[Path] = []

    @abstractmethod
    def add(self, selections: Selections) -> None:
        """Take the selections of some videos.

        Raises:
            UsageError: the format cannot hold them.
            VideoError: a video's file is needed, and is gone or another.
            StorageError: the file system refused.
        """

    @abstractmethod
    def finish(self) -> None:
        """Put the files in their places."""

    @abstractmethod
    def discard(self) -> None:
        """Leave nothing behind of what was begun."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.finish()
        else:
            self.discard()


class SettingFiles(SelectionWriter):
    """A format of one JSON file for each setting, held in memory until all selections have come."""

    def __init__(self, wanted: Wanted) -> None:
        super().__init__(wanted)
        self.settings = wanted.settings
        self.places = _places(wanted, self.settings)
        self._chosen: list[dict[str, Any]] = [{} for _ in self.settings]

    @abstractmethod
    def frames(self, video: Scored) -> NDArray[Any]:
        """What the format calls each of a video's scored frames: one value a frame."""

    def seen(self, video: Scored, frames: NDArray[Any]) -> None:
        """Keep what is written of a video beside its selections."""

    @abstractmethod
    def document(self, chosen: Sequence[tuple[Asked, Row, list[Any]]]) -> Any:
        """The JSON of one setting: of every question, in the order of the manifest, the frames chosen, in order of time."""

    def add(self, selections: Selections) -> None:
        """Keep what the format calls the frames chosen."""
        picks = selections.picks
        rules = len(picks.samplers) * len(picks.budgets)
        first = {variant: number * rules for number, variant in enumerate(self.wanted.variants)}
        for number, video in enumerate(selections.scored):
            frames = self.frames(video)
            self.seen(video, frames)
            for prompt, asked in enumerate(video.asked):
                for rule in range(rules):
                    rows = picks.rows(number, prompt, *divmod(rule, len(picks.budgets)))
                    self._chosen[first[asked.variant] + rule][asked.question.id] = (
                        asked,
                        video.row,
                        frames[rows].tolist(),
                    )

    def discard(self) -> None:
        """Forget them."""
        self._chosen.clear()

    def finish(self) -> None:
        """Write the files."""
        for setting, place, chosen in zip(self.settings, self.places, self._chosen, strict=True):
            in_order = [chosen[each.question.id] for each in self.wanted.asked if each.variant == setting.variant]
            write_json(place, self.document(in_order))
            self.written.append(place)


def file_name(text: str) -> str:
    """A text as a name that every file system has."""
    return re.sub(r"[^\w.,=+-]", "_", text)


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file, whole or not at all.

    Raises:
        StorageError: the file system refused.
    """
    make_folder(path.parent)
    write_whole(path, (json.dumps(value, ensure_ascii=False) + "\n").encode())


def _places(wanted: Wanted, settings: Sequence[Setting]) -> list[Path]:
    """Where the file of each setting belongs: the path itself where that is a file's name, else a file in it for each.

    Raises:
        UsageError: a file is named for several settings, or two of them would have one name.
    """
    if wanted.path.suffix == SUFFIX:
        if len(settings) > 1:
            raise UsageError(
                f"{wanted.path}: a file holds one selection for each question, got {len(settings)} to write (variants × samplers "
                "× budgets); name a folder, and each gets a file of its own"
            )
        return [wanted.path]
    names = [setting.name for setting in settings]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(
                f"{wanted.path}: two files would be called {name}{SUFFIX}; write them to folders of their own"
            )
    return [wanted.path / f"{name}{SUFFIX}" for name in names]
