"""Raw rows in memory, in order of series and time, each with its place in the files."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from pipeline.tables import timestamps
from pipeline.tables.problems import SPELLED_OUT, Problem
from pipeline.tables.rows import Array, Index
from pipeline.tables.source import File

INSERTED = -1  # the number of a row that stands in no file

Describe = Callable[[int], str]  # the value of a row in words


@dataclass(frozen=True)
class Numbering:
    """Rows numbered through all files: `starts[i]` is the number of the first row of `files[i]`."""

    path: Path
    files: Sequence[File]
    starts: Sequence[int]

    def place(self, number: int) -> tuple[Path, str]:
        """Return the file of a row, and how a person finds the row in it."""
        if number == INSERTED:
            return self.path, "a row that the table lacks"
        place = int(np.searchsorted(self.starts, number, side="right")) - 1
        file = self.files[place]
        return file.path, file.position(number - self.starts[place])


@dataclass(frozen=True)
class Row:
    """A row and what is said of it; its place in the file is looked up only when asked for."""

    numbering: Numbering
    number: int
    value: str
    time: str

    def words(self) -> tuple[Path, str]:
        """Return the file, and the value, time and place of the row in words."""
        file, position = self.numbering.place(self.number)
        return file, " ".join(part for part in (self.value, self.time, f"({position})") if part)


@dataclass(frozen=True)
class Texts:
    """The texts that stand in a column where something else should be."""

    numbers: Array  # (text,) row numbers through all files, ascending
    texts: pa.ChunkedArray  # (text,)

    def quoted(self, number: int) -> str:
        """Return the text of one row in quotes."""
        return repr(self.texts[int(np.searchsorted(self.numbers, number))].as_py() or "")


@dataclass(frozen=True)
class RawRows(Index):
    """Rows with their values. A missing value is NaN, and so is text, which `texts` holds.

    The values of a category are numbers that stand for its texts.

    Rows of `context` help to judge and to fill the others: problems of theirs are not counted,
    since they are counted elsewhere or do not matter, and nothing of theirs is reported or
    written.
    """

    columns: Mapping[str, Array]  # name -> (row,) float64
    outside: Mapping[str, Array]  # name -> (row,) values that limits turned into NaN, else NaN
    numbers: Array  # (row,) int64 row numbers through all files, `INSERTED` for filled gaps
    context: Array  # (row,) bool
    numbering: Numbering
    texts: Mapping[str, Texts]
    categories: Mapping[str, Sequence[str]]  # column -> the texts that its numbers stand for

    def described(self, texts: Texts) -> Describe:
        """Return what describes a row by its text."""
        return lambda row: texts.quoted(int(self.numbers[row]))

    def take(self, rows: Array | slice) -> "RawRows":
        """Return some of the rows; a slice copies nothing."""
        return replace(
            self,
            series=self.series[rows],
            times=self.times[rows],
            columns={name: values[rows] for name, values in self.columns.items()},
            outside={name: values[rows] for name, values in self.outside.items()},
            numbers=self.numbers[rows],
            context=self.context[rows],
        )

    def part(self, start: int, stop: int) -> "RawRows":
        """Return the rows `start` to `stop` - 1, at least one, and only their series' names."""
        first, last = self.series[start], self.series[stop - 1]
        part = self.take(slice(start, stop))
        return replace(part, names=self.names[first : last + 1], series=part.series - first)

    def newest(self, count: int) -> "RawRows":
        """Return all rows, of which only the last `count` of each series are no context."""
        context = np.ones(len(self.times), bool)
        for rows in self.slices():
            context[max(rows.start, rows.stop - count) : rows.stop] = False
        return replace(self, context=context)

    def later(self) -> Array:
        """Return (row,) true where the row before belongs to the same series."""
        return np.append(False, self.series[1:] == self.series[:-1])[: len(self.series)]

    def is_text(self, column: str) -> Array:
        """Return (row,) true where text stands in place of a number."""
        numbers = self.texts[column].numbers
        if not len(numbers):
            return np.zeros(len(self.numbers), bool)
        return np.isin(self.numbers, numbers)

    def missing(self, column: str) -> Array:
        """Return (row,) true where there is no value, and no text in its place either."""
        return np.isnan(self.columns[column]) & ~self.is_text(column)

    def totals(self) -> dict[str, int]:
        """Return the rows of each series that are no context."""
        counts = np.bincount(self.series[~self.context], minlength=len(self.names))
        return dict(zip(self.names, counts.tolist(), strict=True))

    def problem(
        self,
        bad: Array,
        column: str,
        fault: str,
        advice: str,
        describe: Describe | None = None,
        extra: frozenset[str] = frozenset(),
    ) -> Problem:
        """Return the problem of `bad` (row,) rows, those of the context left out."""
        rows = np.flatnonzero(bad & ~self.context)
        codes, first, counts = np.unique(self.series[rows], return_index=True, return_counts=True)
        names = [self.names[code] for code in codes]
        places = {
            name: self._place(row, describe)
            for name, row in zip(names[:SPELLED_OUT], rows[first].tolist(), strict=False)
        }
        totals = dict(zip(names, counts.tolist(), strict=True))
        return Problem(column, fault, advice, totals, places, extra)

    def _place(self, row: int, describe: Describe | None) -> Row:
        value = describe(row) if describe else ""
        time = "" if np.isnat(self.times[row]) else f"at {timestamps.label(self.times[row])}"
        return Row(self.numbering, int(self.numbers[row]), value, time)
