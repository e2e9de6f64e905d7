"""The contract of formats: selections come in parts, and are files once all have come."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from numpy.typing import NDArray

from framedex.errors import UsageError
from framedex.index import Row
from framedex.index.whole_file import make_folder, writing_whole
from framedex.select.base import Sampler
from framedex.select.picks import Picks
from framedex.select.records import Selections
from framedex.select.scored import Asked, Scored

#: Of files that hold one setting.
SUFFIX: Final = ".json"
#: Of framedex's own.
PARQUET: Final = ".parquet"


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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Chosen:
    """The frames chosen for one question, kept as what all selections of its part are kept in.

    Attributes:
        asked: the question.
        row: of its video.
        frames: what the format calls each of the video's n scored frames: (n,), or (n, 2).
        picks: of the part.
        number: of the selection among them.
    """

    asked: Asked
    row: Row
    frames: NDArray[Any]
    picks: Picks
    number: int

    @property
    def values(self) -> list[Any]:
        """What the format calls the frames chosen, in order of time."""
        first, last = self.picks.offsets[self.number : self.number + 2]
        found: list[Any] = self.frames[self.picks.values[first:last]].tolist()
        return found


class SettingFiles(SelectionWriter):
    """A format of one JSON file for each setting, held in memory until all selections have come.

    Of a selection its rows are held, as they came, of a video what the format calls its scored frames. Values are made of them,
    and text of these, a question or video at a time, as the files are written.
    """

    def __init__(self, wanted: Wanted) -> None:
        super().__init__(wanted)
        self.settings = wanted.settings
        self.places = _places(wanted, self.settings)
        self._first: dict[tuple[str, str], Chosen] = {}

    @abstractmethod
    def frames(self, video: Scored) -> NDArray[Any]:
        """What the format calls each of a video's scored frames: one value a frame."""

    def seen(self, video: Scored, frames: NDArray[Any]) -> None:
        """Keep what is written of a video beside its selections."""

    @abstractmethod
    def document(self, chosen: Iterable[Chosen]) -> Iterator[str]:
        """The JSON of one setting, in pieces.

        Args:
            chosen: for every question, in the order of the manifest, the frames chosen.
        """

    def add(self, selections: Selections) -> None:
        """Keep the rows, and what the format calls the frames."""
        for number, video in enumerate(selections.scored):
            frames = self.frames(video)
            self.seen(video, frames)
            for prompt, asked in enumerate(video.asked):
                self._first[asked.variant, asked.question.id] = Chosen(
                    asked=asked,
                    row=video.row,
                    frames=frames,
                    picks=selections.picks,
                    number=selections.picks.number(number, prompt),
                )

    def discard(self) -> None:
        """Forget them."""
        self._first.clear()

    def finish(self) -> None:
        """Write the files."""
        rules = len(self.wanted.samplers) * len(self.wanted.budgets)
        for number, (setting, place) in enumerate(zip(self.settings, self.places, strict=True)):
            write_json(place, self.document(self._chosen(setting.variant, number % rules)))
            self.written.append(place)

    def _chosen(self, variant: str, rule: int) -> Iterator[Chosen]:
        """By one sampler and budget, for every question in the order of the manifest."""
        for each in self.wanted.asked:
            if each.variant == variant:
                first = self._first[variant, each.question.id]
                yield replace(first, number=first.number + rule * len(first.picks.seeds))


def file_name(text: str) -> str:
    """A text as a name that every file system has."""
    return re.sub(r"[^\w.,=+-]", "_", text)


def write_json(path: Path, pieces: Iterable[str]) -> None:
    """Write a JSON file, whole or not at all, as its text comes.

    Raises:
        StorageError: the file system refused.
    """
    make_folder(path.parent)
    with writing_whole(path) as file:
        for piece in pieces:
            file.write(piece.encode())
        file.write(b"\n")


def json_list(values: Iterable[Any]) -> Iterator[str]:
    """A list as JSON, value by value."""
    return _between("[", (json.dumps(value, ensure_ascii=False) for value in values), "]")


def json_object(values: Iterable[tuple[str, Any]]) -> Iterator[str]:
    """An object as JSON, value by value, of keys and values; each key once."""
    texts = (f"{json.dumps(key, ensure_ascii=False)}: {json.dumps(value, ensure_ascii=False)}" for key, value in values)
    return _between("{", texts, "}")


def _between(opening: str, texts: Iterable[str], closing: str) -> Iterator[str]:
    yield opening
    for number, text in enumerate(texts):
        yield f", {text}" if number else text
    yield closing


def _places(wanted: Wanted, settings: Sequence[Setting]) -> list[Path]:
    """Where the file of each setting belongs: the path itself where that is a file's name, else a file in it for each.

    Raises:
        UsageError: a file is named for several settings, two of them would have one name, or something else is there.
    """
    is_file = wanted.path.suffix == SUFFIX
    if wanted.path.suffix == PARQUET or (wanted.path.exists() and wanted.path.is_dir() == is_file):
        raise UsageError(f"{wanted.path}: expected the name of a folder, or of a file that ends in {SUFFIX}")
    if is_file:
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
