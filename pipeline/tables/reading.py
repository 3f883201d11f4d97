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
from pipeline.tables import cells, ordering, problems, source, values
from pipeline.tables.raw import Numbering, RawRows, Texts
from pipeline.tables.rows import Array
from pipeline.tables.source import File, Origin, Source
from pipeline.tables.spool import Spool
from pipeline.tables.times import TimeColumn

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
    categories: Mapping[str, Sequence[str]]  # column -> the texts that its numbers stand for
    notes: Sequence[str]  # of the report
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
            categories=self.categories,
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


def read_in_memory(
    data: Data, path: Path, origin: Origin = source.TABLE
) -> tuple[RawRows, Sequence[str]]:
    """Return all rows of a table that fits in memory, and the findings; raises as `clean`."""
    with TemporaryDirectory() as folder:
        table = read(data, source.find(data, path, origin), Path(folder))
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
            for batch in file.batches([*found.required, *found.measured]):
                reader.add(file, batch)
            if reader.rows == starts[-1]:
                raise InputError(f"{file.path}: holds no rows; remove it, or {found.origin.path}")
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
        self.data, self.numbering = data, numbering
        self.columns = cells.Columns(data, columns)
        index = ["int32", "datetime64[ns]", "int64"]
        self.spool = Spool(folder, [*index, *["float64"] * len(columns)])
        self.times = TimeColumn(data, numbering)
        self.rows = 0  # of all files so far
        self.names: list[str] = []  # of the series
        self.codes: dict[str | None, int] = {None: -1, "": -1}
        self.named = self.usable = np.zeros(0, np.int64)  # (series,) rows
        self.unnamed: list[int] = []  # row numbers
        self.order = ordering.Watch()

    def add(self, file: File, batch: pa.RecordBatch) -> None:
        """Read the cells of the next batch of a file."""
        series = self._series(file, batch)
        numbers = np.arange(self.rows, self.rows + batch.num_rows)
        self.rows += batch.num_rows
        times = self.times.read(batch, self.names, series, numbers)
        usable = (series >= 0) & ~np.isnat(times)
        if not usable.all():
            self.unnamed += numbers[series < 0].tolist()
        kept = slice(None) if usable.all() else usable
        self.named = _add_counts(self.named, series[series >= 0], len(self.names))
        self.usable = _add_counts(self.usable, series[kept], len(self.names))
        self.order.add(self.names, series[kept], times[kept])
        columns = (series, times, numbers, *self.columns.read(file, batch, numbers[:1]))
        self.spool.append([column[kept] for column in columns])

    def _series(self, file: File, batch: pa.RecordBatch) -> Array:
        """Return the number of each row's series, (row,) int32, -1 where it has none."""
        if self.data.series_column is None:
            name = ONLY if self.data.series is None else file.path.stem
            return np.full(batch.num_rows, self._code(name), np.int32)
        names = values.plain_text(batch.column(self.data.series_column))
        encoded = names.dictionary_encode(null_encoding="encode")
        codes = np.array([self._code(name) for name in encoded.dictionary.to_pylist()], np.int32)
        return np.asarray(codes[encoded.indices.to_numpy()])

    def _code(self, name: str | None) -> int:
        if name not in self.codes:
            self.codes[name] = len(self.names)
            self.names.append(str(name))
        return self.codes[name]

    def findings(self) -> list[str]:
        """Return what is wrong with the series and the times of single rows."""
        totals = dict(zip(self.names, self.named.tolist(), strict=True))
        untimed = self.times.problems(self.names)
        found = problems.findings(untimed, self.numbering.path, totals)
        if self.unnamed:
            file, position = self.numbering.place(self.unnamed[0])
            found.insert(
                0,
                f"{file}: column {self.data.series_column!r}: rows without a series: "
                f"{len(self.unnamed)} of {self.rows}, first ({position}); give each row its series",
            )
        return [*found, *self.columns.findings(self.numbering.path)]

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
            columns=self.columns.names,
            numbering=self.numbering,
            texts=self.columns.texts(),
            categories=self.columns.categories(),
            notes=[*self.columns.notes(), *self.times.notes()],
            unsorted=unsorted,
            findings=findings,
            whole=self.spool.rows == self.rows,
        )


def _add_counts(counts: Array, series: Array, size: int) -> Array:
    """Return the rows of each of `size` series, added to those counted before."""
    result = np.bincount(series, minlength=size)
    result[: len(counts)] += counts
    return result
