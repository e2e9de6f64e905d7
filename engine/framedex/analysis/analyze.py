"""Runs in, tables and findings out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from framedex.analysis.accuracy import AccuracyRow, accuracy_rows
from framedex.analysis.blind import BlindRow, blind_rows
from framedex.analysis.confidence import ConfidenceRow, FifthRow, confidence_rows, fifth_rows
from framedex.analysis.contrast import ContrastRow, contrast_rows
from framedex.analysis.drop import DropRow, drop_rows
from framedex.analysis.findings import (
    Finding,
    accuracy_findings,
    blind_findings,
    confidence_findings,
    contrast_findings,
    drop_findings,
    oracle_findings,
    status_findings,
)
from framedex.analysis.interval import Resampling
from framedex.analysis.oracle import OracleRow, oracle_rows
from framedex.analysis.records import Records, StatusCount
from framedex.errors import UsageError, did_you_mean

Row = AccuracyRow | ContrastRow | OracleRow | ConfidenceRow | FifthRow | DropRow | BlindRow | StatusCount

#: Names of the tables, in the order in which they are shown.
TABLES = ("accuracy", "contrast", "oracle", "confidence", "fifths", "drop", "blind", "status")


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """All that is said about one or more runs; a table whose arm was not run is empty.

    Attributes:
        findings: sentences; the main comparisons first.
        accuracy: every cell of the sweep.
        contrast: top against bottom, and prompt variants against each other.
        oracle: the best window against uniform, raw and cross-fitted.
        confidence: window confidence against correctness.
        fifths: share right by fifth of the confidence.
        drop: the drop curves.
        blind: no video against chance.
        status: what became of the answers.
        repeated: answers that stood alike in several runs and are counted once.
        resampling: how intervals and p-values were drawn.
        provenance: the distinct provenance texts of the records.
    """

    findings: tuple[Finding, ...]
    accuracy: tuple[AccuracyRow, ...]
    contrast: tuple[ContrastRow, ...]
    oracle: tuple[OracleRow, ...]
    confidence: tuple[ConfidenceRow, ...]
    fifths: tuple[FifthRow, ...]
    drop: tuple[DropRow, ...]
    blind: tuple[BlindRow, ...]
    status: tuple[StatusCount, ...]
    repeated: int
    resampling: Resampling
    provenance: tuple[str, ...]

    def table(self, name: str) -> tuple[Row, ...]:
        """The rows of one table.

        Raises:
            UsageError: no table has this name.
        """
        check_table(name)
        rows: tuple[Row, ...] = getattr(self, name)
        return rows


def check_table(name: str) -> None:
    """Refuse a name that is none of `TABLES`.

    Raises:
        UsageError: with the nearest name.
    """
    if name not in TABLES:
        raise UsageError(f"unknown table {name!r}; {did_you_mean(name, TABLES)}")


def analyze(runs: Sequence[Path], resampling: Resampling | None = None) -> Analysis:
    """Every table and finding of one or more runs taken together.

    Args:
        runs: folders written by `framedex sweep`.
        resampling: number of draws and seed of intervals and p-values; 2000 and 0 where not given.

    Raises:
        UsageError: no run, a folder that is none, or runs that contradict each other.
        StoreError: a file of records that does not hold.
    """
    from framedex.analysis.table import read_records

    return analyze_records(read_records(runs), resampling or Resampling())


def analyze_records(records: Records, resampling: Resampling) -> Analysis:
    """As `analyze`, of records that were read already."""
    accuracy = accuracy_rows(records, resampling)
    contrast = contrast_rows(records, resampling)
    oracle = oracle_rows(records, resampling)
    confidence = confidence_rows(records, resampling)
    drop = drop_rows(records, resampling)
    blind = blind_rows(records, resampling)
    findings = (
        *contrast_findings(contrast),
        *accuracy_findings(accuracy),
        *oracle_findings(oracle),
        *confidence_findings(confidence),
        *drop_findings(drop),
        *blind_findings(blind),
        *status_findings(records.counts, records.repeated, records.planned),
    )
    return Analysis(
        findings=findings,
        accuracy=accuracy,
        contrast=contrast,
        oracle=oracle,
        confidence=confidence,
        fifths=fifth_rows(records),
        drop=drop,
        blind=blind,
        status=records.counts,
        repeated=records.repeated,
        resampling=resampling,
        provenance=records.provenance,
    )
