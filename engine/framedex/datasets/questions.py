"""The question manifest: JSON lines or Parquet, one question a row, checked as it is read.

Seconds count from a video's first frame. `video` is a video key, a path relative to the manifest, or a unique stem. `variants`
has further prompts by name, each a text, a list of texts whose mean is meant, or `{"prompts": [texts], "combine": how,
"weights": […]}`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, get_args

from framedex.datasets.combined import CombinedPrompt, PromptTexts
from framedex.errors import UsageError, did_you_mean
from framedex.scores.transform import Combination, How


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question about one video.

    Attributes:
        id: unique in its manifest.
        video: key, path as written in the manifest, or stem.
        question: the text, not empty.
        options: answer options, in the order given; empty where the manifest has none.
        answer: index of the right option, or None.
        start_s: where the questioned part of the video begins, or None.
        end_s: where it ends, or None.
        evidence: intervals (start_s, end_s) in which the answer can be seen.
        category: free text for grouping.
        dataset: name of the benchmark.
        variants: further prompts by name, each one text, or several that are combined.
        folder: the manifest's folder, to resolve `video` as a path.
    """

    id: str
    video: str
    question: str
    options: tuple[str, ...] = ()
    answer: int | None = None
    start_s: float | None = None
    end_s: float | None = None
    evidence: tuple[tuple[float, float], ...] = ()
    category: str = ""
    dataset: str = ""
    variants: tuple[tuple[str, PromptTexts], ...] = ()
    folder: Path = Path()


_LONGEST_S = 1e9  # thirty years
_FIELDS = tuple(field.name for field in fields(Question) if field.name != "folder")
_REQUIRED = ("id", "video", "question")
_COMBINED = ("prompts", "combine", "weights")


def read_questions(path: Path) -> list[Question]:
    """Read a manifest, `.jsonl` or `.parquet`, in its order.

    Raises:
        UsageError: no such file, no question in it, or a row that does not hold; the message names file and line.
    """
    if not path.is_file():
        raise UsageError(f"{path}: no such question manifest; expected a .jsonl or .parquet file")
    questions: dict[str, Question] = {}
    for where, row in _rows(path):
        question = _question(where, row, path.parent)
        if question.id in questions:
            raise UsageError(f"{where}: id {question.id!r} stands twice; each question needs its own")
        questions[question.id] = question
    if not questions:
        raise UsageError(f"{path}: holds no question")
    return list(questions.values())


def _rows(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if path.suffix == ".parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            table = pq.read_table(path)
        except (pa.ArrowException, OSError) as error:
            raise UsageError(f"{path}: expected a Parquet file, got {error}") from error
        for number, row in enumerate(table.to_pylist()):
            yield f"{path}, row {number}", {key: value for key, value in row.items() if value is not None}
        return
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: expected UTF-8 text, one JSON object a line, got {error}") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:  # ValueError: no JSON, or a number of thousands of digits
            raise UsageError(f"{where}: expected a JSON object, got {error}") from error
        if not isinstance(row, dict):
            raise UsageError(f"{where}: expected a JSON object, got {type(row).__name__}")
        yield where, row


def _question(where: str, row: Mapping[str, Any], folder: Path) -> Question:
    for name in row:
        if name not in _FIELDS:
            raise UsageError(f"{where}: unknown field {name!r}; {did_you_mean(name, _FIELDS)}")
    texts = {name: _text(where, name, row.get(name)) for name in _REQUIRED}
    options = _options(where, row.get("options"))
    start_s, end_s = (_seconds(where, name, row.get(name)) for name in ("start_s", "end_s"))
    if start_s is not None and end_s is not None and end_s < start_s:
        raise UsageError(f"{where}: expected start_s <= end_s, got {start_s} and {end_s}")
    return Question(
        **texts,
        options=options,
        answer=_answer(where, row.get("answer"), options),
        start_s=start_s,
        end_s=end_s,
        evidence=_evidence(where, row.get("evidence")),
        category=_optional_text(where, "category", row.get("category")),
        dataset=_optional_text(where, "dataset", row.get("dataset")),
        variants=_variants(where, row.get("variants")),
        folder=folder,
    )


def _text(where: str, name: str, value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and name != "question":
        value = str(value)
    if not isinstance(value, str) or not value.strip():
        raise UsageError(f"{where}: {name}: expected a text that is not empty, got {value!r}")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise UsageError(f"{where}: {name}: expected Unicode text, got half a character in {value!r}")
    return value


def _optional_text(where: str, name: str, value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise UsageError(f"{where}: {name}: expected a text, got {value!r}")
    return value


def _seconds(where: str, name: str, value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LONGEST_S:
        raise UsageError(f"{where}: {name}: expected seconds from the first frame, 0 or more, got {value!r}")
    return float(value)


def _options(where: str, value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise UsageError(f"{where}: options: expected a list of texts, got {value!r}")
    options = tuple(_text(where, f"option {position}", option) for position, option in enumerate(value))
    if len(set(options)) != len(options):
        raise UsageError(f"{where}: options: expected different texts, got {list(options)}")
    return options


def _answer(where: str, value: object, options: tuple[str, ...]) -> int | None:
    if value is None:
        return None
    if isinstance(value, str) and value in options:
        return options.index(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(options):
        return value
    raise UsageError(
        f"{where}: answer: expected an option's text or its index from 0, got {value!r} for {len(options)} options"
    )


def _evidence(where: str, value: object) -> tuple[tuple[float, float], ...]:
    if value is None:
        return ()
    intervals = []
    for interval in value if isinstance(value, Sequence) else [value]:
        if not isinstance(interval, Sequence) or isinstance(interval, str) or len(interval) != 2:
            raise UsageError(f"{where}: evidence: expected [[start_s, end_s], …], got {value!r}")
        start_s, end_s = (_seconds(where, "evidence", bound) for bound in interval)
        if start_s is None or end_s is None or end_s < start_s:
            raise UsageError(f"{where}: evidence: expected start_s <= end_s, got {list(interval)!r}")
        intervals.append((start_s, end_s))
    return tuple(intervals)


def _variants(where: str, value: object) -> tuple[tuple[str, PromptTexts], ...]:
    if value is None:
        return ()
    if not isinstance(value, Mapping):
        raise UsageError(f"{where}: variants: expected an object of prompts by name, got {value!r}")
    # A null is what a column of Parquet has where a question lacks a variant.
    return tuple(
        (str(name), _prompt(f"{where}: variant {name!r}", prompt))
        for name, prompt in value.items()
        if prompt is not None
    )


def _prompt(where: str, value: object) -> PromptTexts:
    """One text; or a list of texts, whose mean is meant; or texts with how they are combined."""
    if isinstance(value, list):
        return _combined(where, value, Combination())
    if not isinstance(value, Mapping):
        return _text(where, "prompt", value)
    given = {name: each for name, each in value.items() if each is not None}
    for name in given:
        if name not in _COMBINED:
            raise UsageError(f"{where}: unknown field {name!r}; {did_you_mean(str(name), _COMBINED)}")
    how, weights = given.get("combine", "mean"), given.get("weights")
    if how not in get_args(How):
        raise UsageError(f"{where}: combine: got {how!r}; {did_you_mean(str(how), get_args(How))}")
    if weights is not None and not (isinstance(weights, list) and all(type(each) in (int, float) for each in weights)):
        raise UsageError(f"{where}: weights: expected a list of numbers, got {weights!r}")
    try:
        combination = Combination(how=how, weights=None if weights is None else tuple(map(float, weights)))
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from error
    return _combined(where, given.get("prompts"), combination)


def _combined(where: str, value: object, combination: Combination) -> CombinedPrompt:
    if not isinstance(value, list):
        raise UsageError(f"{where}: prompts: expected a list of texts, got {value!r}")
    texts = tuple(_text(where, f"prompt {position}", text) for position, text in enumerate(value))
    try:
        return CombinedPrompt(texts=texts, combination=combination)
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from error
