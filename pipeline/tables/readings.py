"""Readings: rows of the table in memory, in order of series and time, each with the place in the files where it stands."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from pipeline.tables import source, timestamps
from pipeline.tables.faults import MOST, Fault
from pipeline.tables.rows import Array, Index

INSERTED = -1  # the origin of a row that stands in no file


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
        return replace(
            self,
            series=self.series[rows],
            times=self.times[rows],
            columns=columns,
            origin=self.origin[rows],
        )

    def part(self, start: int, stop: int) -> "Readings":
        """Neighbouring rows, at least one, and the names of their series alone; nothing is copied."""
        rows = slice(start, stop)
        first, last = self.series[start], self.series[stop - 1]
        columns = {name: values[rows] for name, values in self.columns.items()}
        names, series = self.names[first : last + 1], self.series[rows] - first
        return replace(
            self,
            names=names,
            series=series,
            times=self.times[rows],
            columns=columns,
            origin=self.origin[rows],
        )

    def text(self, column: str) -> Array:
        """(row,) true where text stands in place of a number."""
        origins = self.strange[column].origins
        return np.isin(self.origin, origins) if len(origins) else np.zeros(len(self.origin), bool)

    def missing(self, column: str) -> Array:
        """(row,) true where there is no value, and no text in its place either."""
        return np.isnan(self.columns[column]) & ~self.text(column)

    def fault(
        self,
        bad: Array,
        column: str,
        fault: str,
        advice: str,
        shown: Callable[[int], str] | None = None,
        also: frozenset[str] = frozenset(),
    ) -> Fault:
        """What is wrong with `bad` (row,) cells; `shown` tells the value of a row."""
        rows = np.flatnonzero(bad)
        codes, first, counts = np.unique(self.series[rows], return_index=True, return_counts=True)
        names = [self.names[code] for code in codes]
        places = {
            name: self._first(row, shown)
            for name, row in zip(names[:MOST], rows[first].tolist(), strict=False)
        }
        return Fault(
            column, fault, advice, dict(zip(names, counts.tolist(), strict=True)), places, also
        )

    def _first(self, row: int, shown: Callable[[int], str] | None) -> tuple[Path, str]:
        file, line = self.origins.place(int(self.origin[row]))
        time = "" if np.isnat(self.times[row]) else f"at {timestamps.label(self.times[row])}"
        return file, " ".join(
            part for part in (shown(row) if shown else "", time, f"({line})") if part
        )

    def totals(self) -> dict[str, int]:
        """Rows of each series."""
        return dict(zip(self.names, self.counts().tolist(), strict=True))

    def told(self, faults: Iterable[Fault]) -> list[str]:
        """The findings, where these readings are the whole table."""
        totals = self.totals()
        return [finding for fault in faults for finding in fault.told(self.origins.path, totals)]

    def tell(
        self,
        bad: Array,
        column: str,
        fault: str,
        advice: str,
        shown: Callable[[int], str] | None = None,
    ) -> list[str]:
        """One finding for each series with `bad` (row,) cells, where these readings are the whole table."""
        return self.told([self.fault(bad, column, fault, advice, shown)])
