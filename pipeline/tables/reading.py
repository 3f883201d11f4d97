"""From batches to a table in order: every cell is read, and rows are sorted by series and time.

Sorting is the one repair that is made without being asked for, and it is reported. Rows pass
through memory batch by batch and are kept in a `Spool`; a table that is in order already is not
sorted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa

from pipeline.config.data import Data
from pipeline.core.errors import InputError
from pipeline.tables import ordering, problems, source, timestamps, values
from pipeline.tables.problems import Sum
from pipeline.tables.raw import Numbering, RawRows, Texts
from pipeline.tables.rows import Array
from pipeline.tables.source import Source
from pipeline.tables.spool import Spool

ONLY = "all"  # the name of the series of a table that has just one
SERIES, TIME, NUMBER = range(3)  # columns of the spool; the measured ones follow


@dataclass(frozen=True)
class RawTable:
    """What the files hold, in order of series and time.

    Columns that a file lacks, and rows without a usable time or series, are left out and stand in
    `findings`.
    """

    spool: Spool
    names: tuple[str, ...]  # of the series, sorted
    counts: Array  # (series,) rows
    columns: Sequence[str]
    numbering: Numbering
    texts: Mapping[str, Texts]
    unsorted: Mapping[str, int]  # series -> rows that were earlier than the row before, if any
    findings: Sequence[str]
    whole: bool  # no row was left out

    def rows(self, start: int, stop: int) -> RawRows:
        """Return the rows `start` to `stop` - 1, at least one, and the names of their series."""
        series, times, numbers, *measured = (
            self.spool.read(column, start, stop) for column in range(len(self.spool.kinds))
        )
        first = series[0]
        return RawRows(
            names=self.names[first : series[-1] + 1],
            series=series - first,
            times=times,
            columns=dict(zip(self.columns, measured, strict=True)),
            outside={},
            numbers=numbers,
            context=np.zeros(len(times), bool),
            numbering=self.numbering,
            texts=self.texts,
        )

    def spans(self) -> dict[str, tuple[np.datetime64, np.datetime64]]:
        """Return the first and the last time of each series."""
        times, stops = self.spool.mapped(TIME), np.cumsum(self.counts)
        ends = zip(times[stops - self.counts], times[stops - 1], strict=True)
        return dict(zip(self.names, ends, strict=True))

    def longest(self) -> Array:
        """Return the times of the longest series, memory-mapped."""
        series = int(self.counts.argmax())
        start = int(self.counts[:series].sum())
        return self.spool.mapped(TIME)[start : start + int(self.counts[series])]

    def totals(self) -> dict[str, int]:
        """Return the rows of each series."""
        return dict(zip(self.names, self.counts.tolist(), strict=True))


def read_in_memory(data: Data, path: Path) -> tuple[RawRows, Sequence[str]]:
    """Return all rows of a table that fits in memory, and the findings; raises as `clean`."""
    with TemporaryDirectory() as folder:
        table = read(data, source.find(data, path), Path(folder))
        return table.rows(0, table.spool.rows), table.findings


def read(data: Data, found: Source, folder: Path) -> RawTable:
    """Read every cell of the files into an empty `folder`.

    Raises `InputError` with every finding where a file is unreadable, or no row is usable.
    """
    starts: list[int] = []
    reader = _Reader(data, found.measured, Numbering(found.path, found.files, starts), folder)
    unreadable: list[str] = []
    for file in found.files:
        starts.append(reader.rows)
        try:
            for batch in source.batches(file, [*found.required, *found.measured]):
                reader.add(batch)
            if reader.rows == starts[-1]:
                raise InputError(f"{file}: holds no rows; remove it, or correct data.path")
        except InputError as error:
            unreadable += error.findings
    if unreadable:
        raise InputError(*unreadable)
    findings = [*found.findings, *reader.findings()]
    if not reader.spool.rows:
        raise InputError(*findings)
    return reader.table(findings)


class _Reader:
    """Spools batch after batch; series are numbered as they come, and sorted when all are seen."""

    def __init__(
        self, data: Data, columns: Sequence[str], numbering: Numbering, folder: Path
    ) -> None:
        self.data, self.columns, self.numbering = data, columns, numbering
        index = ["int32", "datetime64[ns]", "int64"]
        self.spool = Spool(folder, [*index, *["float64"] * len(columns)])
        self.rows = 0  # of all files so far
        self.names: list[str] = []  # of the series
        self.codes: dict[str | None, int] = {None: -1, "": -1}
        self.named = self.usable = np.zeros(0, np.int64)  # (series,) rows
        self.unnamed: list[int] = []  # row numbers
        self.untimed = Sum()
        self.order = ordering.Watch()
        self.texts: dict[str, list[tuple[Array, pa.Array]]] = {column: [] for column in columns}

    def add(self, batch: pa.RecordBatch) -> None:
        """Read the cells of the next batch."""
        written = batch.column(self.data.time_name)
        times, faults = timestamps.parse(written, self.data.time_zone, self.data.time_format)
        series = self._series(batch)
        numbers = np.arange(self.rows, self.rows + len(times))
        self.rows += len(times)
        usable = (series >= 0) & (faults == timestamps.FINE)
        if not usable.all():
            self.unnamed += numbers[series < 0].tolist()
            rows = np.flatnonzero((series >= 0) & (faults != timestamps.FINE))
            texts = values.plain_text(written.take(pa.array(rows)))
            self._note_untimed(series[rows], faults[rows], numbers[rows], texts)
        kept = slice(None) if usable.all() else usable
        self.named = _add_counts(self.named, series[series >= 0], len(self.names))
        self.usable = _add_counts(self.usable, series[kept], len(self.names))
        self.order.add(self.names, series[kept], times[kept])
        columns = (series, times, numbers, *self._measured(batch, numbers[:1]))
        self.spool.append([column[kept] for column in columns])

    def _series(self, batch: pa.RecordBatch) -> Array:
        """Return the number of each row's series, (row,) int32, -1 where it has none."""
        if self.data.series_column is None:
            return np.full(batch.num_rows, self._code(ONLY), np.int32)
        names = values.plain_text(batch.column(self.data.series_column))
        encoded = names.dictionary_encode(null_encoding="encode")
        codes = np.array([self._code(name) for name in encoded.dictionary.to_pylist()], np.int32)
        return np.asarray(codes[encoded.indices.to_numpy()])

    def _code(self, name: str | None) -> int:
        if name not in self.codes:
            self.codes[name] = len(self.names)
            self.names.append(str(name))
        return self.codes[name]

    def _measured(self, batch: pa.RecordBatch, first: Array) -> list[Array]:
        """Return each column's numbers, (row,) float64; `first` (1,) is the first row's number."""
        columns = []
        for column in self.columns:
            numbers, positions, texts = values.numbers(batch.column(column))
            if len(positions):
                self.texts[column].append((positions + first, texts))
            columns.append(numbers)
        return columns

    def _note_untimed(self, series: Array, faults: Array, numbers: Array, texts: pa.Array) -> None:
        """Note rows (row,) that have a series, but no usable time."""
        names, codes = _sorted(self.names, series)
        written = Texts(numbers, pa.chunked_array([texts], pa.string()))
        nowhen = np.full(len(series), "NaT", timestamps.NANOSECONDS)
        counted = np.zeros(len(series), bool)
        rows = RawRows(names, codes, nowhen, {}, {}, numbers, counted, self.numbering, {})
        self.untimed.add(
            [
                rows.problem(faults == kind, self.data.time_name, *words, rows.described(written))
                for kind, words in timestamps.FAULTS.items()
            ]
        )

    def findings(self) -> list[str]:
        """Return what is wrong with the series and the times of single rows."""
        totals = dict(zip(self.names, self.named.tolist(), strict=True))
        found = problems.findings(self.untimed.problems, self.numbering.path, totals)
        if self.unnamed:
            file, position = self.numbering.place(self.unnamed[0])
            found.insert(
                0,
                f"{file}: column {self.data.series_column!r}: rows without a series: "
                f"{len(self.unnamed)} of {self.rows}, first ({position}); give each row its series",
            )
        return found

    def table(self, findings: list[str]) -> RawTable:
        """Return what was read, in order."""
        codes = sorted(np.flatnonzero(self.usable).tolist(), key=self.names.__getitem__)
        names, counts = tuple(self.names[code] for code in codes), self.usable[codes]
        ranks = np.zeros(len(self.names), np.int32)
        ranks[codes] = np.arange(len(codes))
        self.spool.translate(SERIES, ranks)
        unsorted = {}
        if not self.order.sorted:
            order, late = ordering.sort(self.spool.mapped(SERIES), self.spool.mapped(TIME), counts)
            self.spool.reorder(order)
            unsorted = {name: count for name, count in zip(names, late, strict=True) if count}
        return RawTable(
            spool=self.spool,
            names=names,
            counts=counts,
            columns=self.columns,
            numbering=self.numbering,
            texts={column: _joined(parts) for column, parts in self.texts.items()},
            unsorted=unsorted,
            findings=findings,
            whole=self.spool.rows == self.rows,
        )


def _add_counts(counts: Array, series: Array, size: int) -> Array:
    """Return the rows of each of `size` series, added to those counted before."""
    result = np.bincount(series, minlength=size)
    result[: len(counts)] += counts
    return result


def _sorted(names: Sequence[str], series: Array) -> tuple[tuple[str, ...], Array]:
    """Return the sorted names of the series that have rows, and each row's position among them."""
    codes, inverse = np.unique(series, return_inverse=True)
    present = [names[code] for code in codes]
    positions = {name: position for position, name in enumerate(sorted(present))}
    ranks = np.array([positions[name] for name in present], np.int32)
    return tuple(positions), ranks[inverse]


def _joined(parts: list[tuple[Array, pa.Array]]) -> Texts:
    numbers = np.concatenate([np.empty(0, np.int64), *(numbers for numbers, _ in parts)])
    return Texts(numbers, pa.chunked_array([texts for _, texts in parts], pa.string()))
