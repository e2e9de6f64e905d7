"""Files of records: found and read, checked against the schema."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from framedex.errors import StoreError, UsageError
from framedex.sweep.record import schema

#: Columns that records of earlier versions lack; empty texts there.
_LATER = ("answer_key", "written")


def record_files(run: Path) -> list[Path]:
    """The finished videos' files, one or more, sorted.

    Raises:
        UsageError: no run, or none finished.
    """
    folder = run / "records"
    if not folder.is_dir():
        raise UsageError(
            f"{run}: expected a folder written by `framedex sweep`, with a folder records/ in it; there is none"
        )
    files = sorted(path for path in folder.glob("*.parquet") if not path.name.startswith("."))
    if not files:
        raise UsageError(f"{run}: no video is finished yet; let the sweep go on first")
    return files


def read_file(path: Path) -> pa.Table:
    """The columns of the schema, in its order.

    Raises:
        StoreError: no Parquet, or a column is missing or of another type.
    """
    expected = schema()
    try:
        with pq.ParquetFile(path) as file:
            found = file.schema_arrow
            lacking = [name for name in _LATER if name not in found.names]
            present = [field for field in expected if field.name not in lacking]
            for field in present:
                got = found.field(field.name).type if field.name in found.names else "no such column"
                if got != field.type:
                    raise StoreError(
                        f"{path}: column {field.name!r}: expected {field.type}, got {got}; "
                        "delete the file and run the sweep again"
                    )
            table = file.read(columns=[field.name for field in present]).replace_schema_metadata(None)
            for name in lacking:
                table = table.append_column(name, pa.array([""] * len(table), pa.string()))
            return table.select(expected.names).cast(expected)
    except (pa.ArrowInvalid, OSError) as error:
        raise StoreError(
            f"{path}: cannot be read as Parquet ({error}); delete the file and run the sweep again"
        ) from error
