"""Reads the records of runs into columns: checked against the schema, invalid answers set apart, repeats counted once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from framedex.analysis.record_file import STATUSES, check_rows
from framedex.analysis.records import Codes, Records, StatusCount, Values
from framedex.analysis.run_file import read_planned
from framedex.analysis.setting import Context, Setting
from framedex.errors import StoreError, UsageError
from framedex.sweep.record_file import read_file, record_files

_SETTING = (
    "mllm",
    "mllm_key",
    "scoring",
    "encoder_key",
    "grid",
    "transform",
    "arm",
    "sampler",
    "params",
    "budget",
    "variant",
)
_LABEL_DIGITS = 8


def read_records(runs: Sequence[Path]) -> Records:
    """Read `RUN/records/*.parquet` of one or more runs.

    An answer that stands in several runs is counted once where it is the same, and refused where it is not.

    Raises:
        UsageError: no run, no such folder, a folder without records, or runs that contradict each other.
        StoreError: a file that is no Parquet, has other columns, or holds a row that contradicts itself.
    """
    if not runs:
        raise UsageError("no run given; expected one or more folders written by `framedex sweep`")
    files = {run: record_files(run) for run in runs}
    planned = tuple(filter(None, (read_planned(run, done=len(paths)) for run, paths in files.items())))
    table = pa.concat_tables([read_file(path) for paths in files.values() for path in paths])
    if not len(table):
        raise UsageError(f"{', '.join(map(str, runs))}: no answered question yet; let the sweep go on first")
    check_rows(table)
    names = {key: name for one in planned for key, name in one.encoders.items()}
    settings, setting = _settings(table, names)
    identity = np.stack(
        [
            setting,
            _codes(table, "dataset", "video_key", "question_id"),
            _orders(table),
            _windows(table),
            _numbers(table, "seed"),
        ]
    )
    answer = _numbers(pa.table({"answer": pc.fill_null(table["answer"], -1)}), "answer")
    status = _names(table, "status")
    kept = _distinct(table, identity, np.stack([answer, np.unique(status, return_inverse=True)[1]]))
    counts = _counts(settings, setting[kept], status[kept], identity[1][kept], _codes(table, "video_key")[kept])
    counted = kept[status[kept] != "invalid"]
    highest, mean = _confidence(table)
    return Records(
        settings=settings,
        setting=setting[counted],
        video=_codes(table, "video_key")[counted],
        question=identity[1][counted],
        order=identity[2][counted],
        window=identity[3][counted],
        options=_lengths(table, "option_order")[counted],
        frames=_lengths(table, "rows")[counted],
        answer=answer[counted],
        correct=np.asarray(pc.fill_null(table["correct"], False).to_numpy(), bool)[counted],
        highest=highest[counted],
        mean=mean[counted],
        counts=counts,
        repeated=len(table) - len(kept),
        planned=planned,
        provenance=tuple(sorted(pc.unique(table["provenance"]).to_pylist())),
    )


def _settings(table: pa.Table, encoder_names: Mapping[str, str]) -> tuple[tuple[Setting, ...], Codes]:
    """The distinct settings, sorted, and each row's place among them."""
    _, first, place = np.unique(_codes(table, *_SETTING), return_index=True, return_inverse=True)
    rows = table.select(_SETTING).take(first).to_pylist()
    mllms = _labels({row["mllm_key"]: row["mllm"] for row in rows})
    encoders = _labels(
        {key: encoder_names.get(key, key[:_LABEL_DIGITS]) for key in (row["encoder_key"] for row in rows)}
    )
    settings = [
        Setting(
            context=Context(
                mllm=mllms[row["mllm_key"]],
                scoring=row["scoring"],
                encoder=encoders[row["encoder_key"]],
                grid=row["grid"],
                transform=row["transform"],
            ),
            **{name: row[name] for name in ("arm", "sampler", "params", "budget", "variant")},
        )
        for row in rows
    ]
    ordered = tuple(sorted(settings))
    position = {setting: at for at, setting in enumerate(ordered)}
    return ordered, np.array([position[setting] for setting in settings], np.int64)[place]


def _labels(names: Mapping[str, str]) -> dict[str, str]:
    """Key → short name: the last part of a path, with the beginning of the key where several keys share it."""
    short = {key: PurePath(name).name for key, name in names.items()}
    shared = {name for name, number in Counter(short.values()).items() if number > 1}
    return {key: f"{name}@{key[:_LABEL_DIGITS]}" if name in shared else name for key, name in short.items()}


def _distinct(table: pa.Table, identity: Codes, answered: Codes) -> Codes:
    """The first row of each identity.

    Raises:
        UsageError: two rows of one identity whose answer or status differ.
    """
    _, first, place = np.unique(_combined(*identity), return_index=True, return_inverse=True)
    differs = np.flatnonzero((answered != answered[:, first[place]]).any(axis=0))
    if len(differs):
        row = table.slice(int(differs[0]), 1).to_pylist()[0]
        raise UsageError(
            f"answers that stand there twice and differ: {len(differs)}; first: question {row['question_id']!r} of video "
            f"{row['video_key']}, arm {row['arm']!r}; analyse these runs apart"
        )
    return np.sort(first)


def _counts(
    settings: tuple[Setting, ...], setting: Codes, status: np.ndarray, question: Codes, video: Codes
) -> tuple[StatusCount, ...]:
    groups: dict[tuple[Context, str], list[int]] = {}
    for at, one in enumerate(settings):
        groups.setdefault((one.context, one.arm), []).append(at)
    counts = []
    for (context, arm), members in groups.items():
        rows = np.isin(setting, members)
        number = {name: int((status[rows] == name).sum()) for name in STATUSES}
        counts.append(
            StatusCount(
                context=context,
                arm=arm,
                records=int(rows.sum()),
                ok=number["ok"],
                unparsable=number["unparsable"],
                truncated=number["truncated-prompt"],
                invalid=number["invalid"],
                questions=len(np.unique(question[rows])),
                videos=len(np.unique(video[rows])),
            )
        )
    return tuple(counts)


def _confidence(table: pa.Table) -> tuple[Values, Values]:
    """Highest and mean score of each row's frames, NaN where it has none."""
    lengths = _lengths(pa.table({"scores": pc.fill_null(table["scores"], [])}), "scores")
    flat = pc.list_flatten(table["scores"]).to_numpy().astype(np.float64)
    if not np.isfinite(flat).all():
        raise StoreError("records: scores hold NaN, infinity or empty values; run the sweep again")
    highest, mean = (np.full(len(table), np.nan) for _ in range(2))
    scored = lengths > 0
    if scored.any():
        starts = np.concatenate([[0], np.cumsum(lengths[scored])[:-1]])
        highest[scored] = np.maximum.reduceat(flat, starts)
        mean[scored] = np.add.reduceat(flat, starts) / lengths[scored]
    return highest, mean


def _windows(table: pa.Table) -> Codes:
    """First row of each window, from `<start row>+<length>`; -1 where there is no window."""
    coded = table["window_id"].combine_chunks().dictionary_encode()
    starts = [_start(text) for text in coded.dictionary.to_pylist()]
    codes = np.asarray(coded.indices.fill_null(len(starts)).to_numpy(), np.int64)
    return np.array([*starts, -1], np.int64)[codes]


def _start(window_id: str) -> int:
    start, plus, length = window_id.partition("+")
    if not (plus and start.isdecimal() and length.isdecimal()):
        raise StoreError(f"records: expected a window_id such as '8+4', got {window_id!r}; run the sweep again")
    return int(start)


def _orders(table: pa.Table) -> Codes:
    text = pc.binary_join(table["option_order"].cast(pa.list_(pa.string())), ",")
    return _codes(pa.table({"order": text}), "order")


def _codes(table: pa.Table, *names: str) -> Codes:
    """One code per distinct combination of these columns."""
    encoded = (table[name].combine_chunks().dictionary_encode().indices.to_numpy() for name in names)
    return _combined(*(np.asarray(column, np.int64) for column in encoded))


def _combined(*columns: Codes) -> Codes:
    """One code per distinct combination of values, from 0."""
    code = np.zeros_like(columns[0])
    for column in columns:
        own = np.unique(column, return_inverse=True)[1]
        code = np.unique(code * (own.max() + 1) + own, return_inverse=True)[1]
    return code


def _numbers(table: pa.Table, name: str) -> Codes:
    return np.asarray(table[name].to_numpy(), np.int64)


def _lengths(table: pa.Table, name: str) -> Codes:
    return np.asarray(pc.list_value_length(table[name]).to_numpy(), np.int64)


def _names(table: pa.Table, name: str) -> np.ndarray:
    return np.asarray(table[name].to_pylist(), dtype=object)
