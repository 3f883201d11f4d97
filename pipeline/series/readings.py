"""Readings: the table's rows in memory, in order of series and time, each with the place in the files where it stands."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from pipeline.series import source, timestamps
from pipeline.series.rows import Array, Index

INSERTED = -1  # the origin of a row that stands in no file
MOST = 10  # series for which one and the same fault is spelled out


@dataclass(frozen=True)
class Origins:
    """Rows numbered through all files: `starts[i]` is the number of the first row of `files[i]`."""

    path: Path
    files: Sequence[Path]
    starts: Sequence[int]

    def place(self, row: int) -> tuple[Path, str]:
        """The file of a row, and how a person finds the row in it."""
        if row == INSERTED:
            return self.path, "a row that is not there"
        number = int(np.searchsorted(self.starts, row, side="right")) - 1
        return self.files[number], source.line(self.files[number], row - self.starts[number])


@dataclass(frozen=True)
class Strange:
    """What stands in a column where something else should be."""

    origins: Array  # (text,) ascending
    texts: pa.ChunkedArray  # (text,)

    def shown(self, origin: int) -> str:
        """The text of one row as it is told."""
        return repr(self.texts[int(np.searchsorted(self.origins, origin))].as_py() or "")


@dataclass(frozen=True)
class Readings(Index):
    """Rows with their numbers; a missing value is NaN, and so is text, which `strange` knows."""

    columns: Mapping[str, Array]  # name -> (row,) float64
    origin: Array  # (row,) int64, row number through all files
    origins: Origins
    strange: Mapping[str, Strange]

    def written(self, strange: Strange) -> Callable[[int], str]:
        """What tells the text of a row."""
        return lambda row: strange.shown(int(self.origin[row]))

    def take(self, rows: Array) -> "Readings":
        """Some of the rows, or all of them in another order."""
        columns = {name: values[rows] for name, values in self.columns.items()}
        return replace(self, series=self.series[rows], times=self.times[rows], columns=columns, origin=self.origin[rows])

    def missing(self, column: str) -> Array:
        """(row,) true where there is no value, and no text in its place either."""
        missing = np.isnan(self.columns[column])
        return missing & ~np.isin(self.origin, self.strange[column].origins)

    def tell(self, bad: Array, column: str, fault: str, advice: str, shown: Callable[[int], str] | None = None) -> list[str]:
        """One finding for each series with `bad` (row,) cells: file, column, series, fault, count, first value and time, what to do."""
        rows = np.flatnonzero(bad)
        codes, first = np.unique(self.series[rows], return_index=True)
        counts, totals = np.bincount(self.series[rows], minlength=len(self.names)), self.counts()
        findings = []
        for code, row in zip(codes[:MOST], rows[first[:MOST]], strict=True):
            file, line = self.origins.place(int(self.origin[row]))
            place = f"{file}: column {column!r}, series {self.names[code]!r}"
            findings.append(f"{place}: {fault}: {counts[code]} of {totals[code]}, first {self._first(row, line, shown)}; {advice}")
        if len(codes) > MOST:
            findings.append(f"{self.origins.path}: column {column!r}: {fault}: also in {len(codes) - MOST} more series; {advice}")
        return findings

    def _first(self, row: int, line: str, shown: Callable[[int], str] | None) -> str:
        time = "" if np.isnat(self.times[row]) else f"at {timestamps.label(self.times[row])}"
        return " ".join(part for part in (shown(row) if shown else "", time, f"({line})") if part)
