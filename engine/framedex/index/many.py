"""Many indexes, a bounded number of files open: while one group is worked on, the next is on its way from disk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack

from framedex.index.row import Row
from framedex.index.store import Store
from framedex.index.video_index import VideoIndex

#: Files of one group; two groups are open at a time, and a process may have 65,530 memory maps.
FILES_PER_GROUP = 512
#: Bytes of one group, unless a single file is larger.
GROUP_NBYTES = 64 << 20


def open_many(store: Store, rows: Sequence[Row], *, files: int = FILES_PER_GROUP) -> Iterator[list[VideoIndex]]:
    """The indexes of rows, in order, group by group.

    A group is closed when the next one is asked for; arrays taken from its indexes stay valid, and keep their maps open.

    Args:
        store: of the rows.
        rows: whose indexes are opened.
        files: most indexes of a group, >= 1.

    Raises:
        StoreError: an index file is missing or differs from its row; the groups before it have been given.
    """
    # What is open ahead is let go of with the generator: where opening fails, and where nobody asks for more.
    with ExitStack() as ahead:
        indexes: list[VideoIndex] = []
        for group in _groups(rows, files):
            with ahead.pop_all():
                opened = [ahead.enter_context(store.open_row(row)) for row in group]
                for index in opened:
                    index.read_ahead()
                if indexes:
                    yield indexes
            indexes = opened
        if indexes:
            yield indexes


def _groups(rows: Sequence[Row], files: int) -> Iterator[list[Row]]:
    group: list[Row] = []
    nbytes = 0
    for row in rows:
        if group and (len(group) == files or nbytes + row.nbytes > GROUP_NBYTES):
            yield group
            group, nbytes = [], 0
        group.append(row)
        nbytes += row.nbytes
    if group:
        yield group
