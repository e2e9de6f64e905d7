"""Selections as a Parquet file: framedex's own form, which holds all of them with all that they depend on."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from framedex.errors import UsageError
from framedex.index.whole_file import make_folder, writing_whole
from framedex.select.formats.base import PARQUET, SelectionWriter, Wanted
from framedex.select.records import SCHEMA, Selections

#: All columns but scores, no two of which are alike: to look for those that are takes a third of the time.
_REPEATED = [
    f"{field.name}.list.element" if pa.types.is_list(field.type) else field.name
    for field in SCHEMA
    if field.name != "scores"
]


class ParquetWriter(SelectionWriter):
    """One file, a row group for each part: what has come is on disk, and memory does not grow with the question set.

    Raises:
        UsageError: the name does not end in .parquet, or is a folder's.
        StorageError: the file system refused.
    """

    def __init__(self, wanted: Wanted) -> None:
        super().__init__(wanted)
        if wanted.path.suffix != PARQUET:
            raise UsageError(f"{wanted.path}: expected a name that ends in {PARQUET}; other forms are named by --to")
        if wanted.path.is_dir():
            raise UsageError(f"{wanted.path}: expected the name of a file, got a folder's")
        make_folder(wanted.path.parent)
        self._open = ExitStack()
        self._file = self._open.enter_context(writing_whole(wanted.path))
        self._writer: Any = None

    def add(self, selections: Selections) -> None:
        """Write a row group."""
        table = selections.table()
        if self._writer is None:
            # Without Arrow's own schema: texts are dictionaries here, and plain texts to whoever reads the file.
            self._writer = pq.ParquetWriter(self._file, table.schema, store_schema=False, use_dictionary=_REPEATED)
            self._open.callback(self._writer.close)
        self._writer.write_table(table)

    def finish(self) -> None:
        """End the file and put it in its place."""
        self._open.close()
        self.written.append(self.wanted.path)

    def discard(self) -> None:
        """Delete what was begun."""
        with suppress(_Discarded), self._open:
            raise _Discarded


class _Discarded(Exception):
    """What an unfinished file is left by, so that it is not put in its place."""
