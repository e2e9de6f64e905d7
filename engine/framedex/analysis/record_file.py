"""Records that contradict themselves are refused."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from framedex.errors import StoreError

STATUSES = ("ok", "unparsable", "truncated-prompt", "invalid")
_MAY_BE_EMPTY = ("scores", "window_id", "answer", "correct")


def check_rows(table: pa.Table) -> None:
    """Check what a schema cannot say: nothing empty that may not be, and correct follows from status, answer and gold.

    Raises:
        StoreError: with the first row that breaks a rule, and how many do.
    """
    for name in table.column_names:
        if name not in _MAY_BE_EMPTY and table[name].null_count:
            raise StoreError(f"records: column {name!r} has {table[name].null_count} empty values; run the sweep again")
    status = table["status"]
    unknown = set(pc.unique(status).to_pylist()) - set(STATUSES)
    if unknown:
        raise StoreError(f"records: unknown status {min(unknown)!r}; expected one of {', '.join(STATUSES)}")
    ok, invalid = pc.equal(status, "ok"), pc.equal(status, "invalid")
    right = pc.fill_null(pc.equal(table["answer"], table["gold"]), False)
    expected = pc.if_else(invalid, pa.scalar(None, pa.bool_()), pc.and_(ok, right))
    same = pc.or_(
        pc.fill_null(pc.equal(table["correct"], expected), False), pc.and_(invalid, pc.is_null(table["correct"]))
    )
    options = pc.cast(pc.list_value_length(table["option_order"]), pa.int64())
    inside = pc.and_(pc.less(table["gold"], options), pc.less(pc.fill_null(table["answer"], 0), options))
    for holds, what in (
        (same, "correct contradicts status, answer and gold"),
        (pc.or_(pc.invert(ok), pc.is_valid(table["answer"])), "status is ok without an answer"),
        (inside, "answer or gold is none of the options"),
        (pc.greater_equal(options, 2), "fewer than two options"),
    ):
        broken = np.flatnonzero(~np.asarray(holds.to_numpy(), bool))
        if len(broken):
            row = table.slice(int(broken[0]), 1).to_pylist()[0]
            raise StoreError(
                f"records: {len(broken)} rows where {what}; first: question {row['question_id']!r} of video {row['video_key']}"
            )
