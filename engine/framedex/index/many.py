"""Many indexes, a bounded number of files open: while one group is worked on, the next is on its way from disk."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import chain, pairwise
from pathlib import Path

from framedex.index.row import Row
from framedex.index.store import Store
from framedex.index.video_index import VideoIndex

#: Files of one group; a process may have 65,530 memory maps.
FILES_PER_GROUP = 512
#: Bytes of one group, unless a single file is larger.
GROUP_NBYTES = 64 << 20


def open_many(store: Store, rows: Sequence[Row], *, files: int = FILES_PER_GROUP) -> Iterator[list[VideoIndex]]:
    """The indexes of rows, in order, group by group.

    A group is closed when the next one is asked for; arrays taken from its indexes stay valid, and keep their maps open.
    The files of the next group are read ahead, where the system can do that.

    Args:
        store: of the rows.
        rows: whose indexes are opened.
        files: most indexes of a group, >= 1.

    Raises:
        StoreError: an index file is missing or differs from its row; the groups before it have been given.
    """
    first = True
    for group, following in pairwise(chain(_groups(rows, files), [[]])):
        # Before anything waits for a page of one file, the system knows of all of them.
        for row in chain(group if first else [], following):
            _read_ahead(row.place.index_path(store.path))
        first = False
        with ExitStack() as held:
            yield [held.enter_context(store.open_row(row)) for row in group]


def _read_ahead(path: Path) -> None:
    """Have the system read a file while other work is done, where it can; a file that is not there is its opener's to report."""
    if not hasattr(os, "posix_fadvise"):
        return
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError:
        return
    try:
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_WILLNEED)
    finally:
        os.close(file)


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
