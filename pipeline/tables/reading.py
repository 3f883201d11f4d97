"""From files to a table in order: find the columns, read every cell, sort. Sorting is the one thing that is done for the user, and reported.

The table passes through memory batch by batch and comes to lie in a `Spool`; a table that is in order already is not sorted.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa

from pipeline.config.sections import Data
from pipeline.core.errors import InputError
from pipeline.tables import ordering, source, timestamps
from pipeline.tables import values as cells
from pipeline.tables.faults import Tally
from pipeline.tables.readings import Origins, Readings, Strange
from pipeline.tables.rows import Array
from pipeline.tables.spool import Spool

ONLY = "all"  # the name of the series of a table that has just one
SERIES, TIME, ORIGIN, MEASURED = range(
    4
)  # columns of the store; what was measured begins with the last


@dataclass(frozen=True)
class Scan:
    """What the files hold, in order of series and time. Columns that a file lacks, and rows without a usable time or series, are told and left out."""

    store: Spool
    names: tuple[str, ...]  # of the series, sorted
    counts: Array  # (series,) rows
    columns: list[str]
    origins: Origins
    strange: Mapping[str, Strange]
    late: dict[
        str, int
    ]  # series -> rows that were earlier than the row before them, where there are such
    findings: list[str]
    whole: bool  # no row was left out

    def readings(self, start: int, stop: int) -> Readings:
        """The rows `start` to `stop` - 1, at least one, and the names of their series alone."""
        series, times, origin, *values = (
            self.store.read(column, start, stop) for column in range(len(self.store.kinds))
        )
        columns = dict(zip(self.columns, values, strict=True))
        first = series[0]
        return Readings(
            self.names[first : series[-1] + 1],
            series - first,
            times,
            columns,
            origin,
            self.origins,
            self.strange,
        )

    def ends(self) -> tuple[Array, Array]:
        """First and last time of each series, (series,) each."""
        times, stops = self.store.mapped(TIME), np.cumsum(self.counts)
        return np.asarray(times[stops - self.counts]), np.asarray(times[stops - 1])

    def totals(self) -> dict[str, int]:
        """Rows of each series."""
        return dict(zip(self.names, self.counts.tolist(), strict=True))


@dataclass(frozen=True)
class Found:
    """A table that fits in memory."""

    readings: Readings  # in order of series and time
    findings: list[str]


def read(data: Data, path: Path) -> Found:
    """Read every cell that `data` names; raises `InputError` where a file is unreadable or lacks the column of time or of series."""
    with TemporaryDirectory() as folder:
        found = scan(data, path, Path(folder))
        return Found(found.readings(0, found.store.rows), found.findings)


def scan(data: Data, path: Path, folder: Path) -> Scan:
    """As `read`, with the rows in files of an empty `folder`, not in memory."""
    files = source.files(path)
    columns, findings = _columns(data, files)
    reader = _Reader(data, path, files, columns, folder)
    findings += reader.read()
    if not reader.store.rows:
        raise InputError(*findings)
    return reader.scanned(findings)


def _vital(data: Data) -> list[str]:
    return [data.time, *([data.series] if data.series else [])]


def _columns(data: Data, files: list[Path]) -> tuple[list[str], list[str]]:
    """The measured columns that every file has, and what is amiss."""
    amiss: set[str] = set()
    findings: list[str] = []
    unreadable = False
    for file in files:
        try:
            lacking, told = source.lacking(file, [*_vital(data), *data.columns])
            amiss.update(lacking)
            findings += told
        except InputError as refusal:
            unreadable = True
            findings += refusal.findings
    if unreadable or amiss.intersection(_vital(data)):
        raise InputError(*findings)
    return [column for column in data.columns if column not in amiss], findings


class _Reader:
    """Batch after batch into the store. Series are numbered as they come, until their names are known and can be sorted."""

    def __init__(
        self, data: Data, path: Path, files: list[Path], columns: list[str], folder: Path
    ) -> None:
        self.data, self.columns, self.starts = data, columns, list[int]()
        self.origins = Origins(path, files, self.starts)
        self.store = Spool(
            folder, [np.int32, timestamps.NANOSECONDS, np.int64, *[np.float64] * len(columns)]
        )
        self.rows = 0  # of all files so far
        self.names: list[str] = []
        self.codes: dict[str | None, int] = {None: -1, "": -1}
        self.named = self.usable = np.zeros(0, np.int64)  # (series,) rows
        self.nameless: list[int] = []  # row numbers
        self.untimed = Tally()
        self.watch = ordering.Watch()
        self.strange: dict[str, list[tuple[Array, pa.Array]]] = {column: [] for column in columns}

    def read(self) -> list[str]:
        """Read every file; return what is amiss with single rows, raise with the findings of files that cannot be read."""
        findings: list[str] = []
        for file in self.origins.files:
            self.starts.append(self.rows)
            try:
                for batch in source.batches(file, [*_vital(self.data), *self.columns]):
                    self._add(batch)
            except InputError as refusal:
                findings += refusal.findings
            else:
                if self.rows == self.starts[-1]:
                    findings.append(f"{file}: holds no rows; remove it, or correct data.path")
        if findings:
            raise InputError(*findings)
        return [
            *self._nameless(),
            *self.untimed.told(
                self.origins.path, dict(zip(self.names, self.named.tolist(), strict=True))
            ),
        ]

    def _add(self, batch: pa.RecordBatch) -> None:
        times, faults = timestamps.parse(
            batch.column(self.data.time), self.data.time_zone, self.data.time_format
        )
        series = self._series(batch)
        origin = np.arange(self.rows, self.rows + len(times))
        self.rows += len(times)
        usable = (series >= 0) & (faults == timestamps.FINE)
        if not usable.all():
            self.nameless += origin[series < 0].tolist()
            self._note(series, times, faults, origin, batch.column(self.data.time))
        kept = slice(None) if usable.all() else usable
        self.named = _sum(self.named, series[series >= 0], len(self.names))
        self.usable = _sum(self.usable, series[kept], len(self.names))
        self.watch.see(self.names, series[kept], times[kept])
        self.store.append(
            [values[kept] for values in (series, times, origin, *self._measured(batch, origin[:1]))]
        )

    def _series(self, batch: pa.RecordBatch) -> Array:
        """The number of each row's series, (row,) int32, -1 where it has none."""
        if self.data.series is None:
            return np.full(batch.num_rows, self._code(ONLY), np.int32)
        encoded = cells.plain_text(batch.column(self.data.series)).dictionary_encode(
            null_encoding="encode"
        )
        codes = np.array([self._code(name) for name in encoded.dictionary.to_pylist()], np.int32)
        return np.asarray(codes[encoded.indices.to_numpy()])

    def _code(self, name: str | None) -> int:
        if name not in self.codes:
            self.codes[name] = len(self.names)
            self.names.append(str(name))
        return self.codes[name]

    def _measured(self, batch: pa.RecordBatch, first: Array) -> list[Array]:
        """The numbers of each column, (row,) float64; `first` (1,) is the number of the batch's first row."""
        columns = []
        for column in self.columns:
            values, positions, texts = cells.numbers(batch.column(column))
            if len(positions):
                self.strange[column].append((positions + first, texts))
            columns.append(values)
        return columns

    def _note(
        self, series: Array, times: Array, faults: Array, origin: Array, written: pa.Array
    ) -> None:
        """Rows with a series, but without a usable time."""
        rows = np.flatnonzero((series >= 0) & (faults != timestamps.FINE))
        texts = Strange(
            origin[rows],
            pa.chunked_array([cells.plain_text(written.take(pa.array(rows)))], pa.string()),
        )
        names, codes = _sorted(self.names, series[rows])
        readings = Readings(names, codes, times[rows], {}, origin[rows], self.origins, {})
        kinds = timestamps.FAULTS.items()
        self.untimed.add(
            [
                readings.fault(faults[rows] == kind, self.data.time, *told, readings.written(texts))
                for kind, told in kinds
            ]
        )

    def _nameless(self) -> list[str]:
        if not self.nameless:
            return []
        file, line = self.origins.place(self.nameless[0])
        place = f"{file}: column {self.data.series!r}"
        return [
            f"{place}: rows without a series: {len(self.nameless)} of {self.rows}, first ({line}); give each row its series"
        ]

    def scanned(self, findings: list[str]) -> Scan:
        """What was read, in order."""
        codes = sorted(np.flatnonzero(self.usable).tolist(), key=self.names.__getitem__)
        names, counts = tuple(self.names[code] for code in codes), self.usable[codes]
        ranks = np.zeros(len(self.names), np.int32)
        ranks[codes] = np.arange(len(codes))
        self.store.translate(SERIES, ranks)
        late = np.zeros(len(codes), np.int64) if self.watch.in_order else self._sort(counts)
        back = {name: int(count) for name, count in zip(names, late, strict=True) if count}
        strange = {column: _joined(parts) for column, parts in self.strange.items()}
        return Scan(
            self.store,
            names,
            counts,
            self.columns,
            self.origins,
            strange,
            back,
            findings,
            self.store.rows == self.rows,
        )

    def _sort(self, counts: Array) -> Array:
        order = ordering.grouped(self.store.mapped(SERIES), counts)
        late = ordering.sort(order, self.store.mapped(TIME), counts)
        self.store.reorder(order)
        return late


def _sum(counts: Array, series: Array, size: int) -> Array:
    """The rows of each of `size` series, with those counted before."""
    result = np.bincount(series, minlength=size)
    result[: len(counts)] += counts
    return result


def _sorted(names: list[str], series: Array) -> tuple[tuple[str, ...], Array]:
    """The sorted names of the series that have rows, and each row's position among them."""
    codes, inverse = np.unique(series, return_inverse=True)
    order = sorted(range(len(codes)), key=lambda position: names[codes[position]])
    ranks = np.argsort(order)
    return tuple(names[codes[position]] for position in order), ranks[inverse] if len(
        codes
    ) else series


def _joined(parts: list[tuple[Array, pa.Array]]) -> Strange:
    origins = np.concatenate([np.empty(0, np.int64), *(origins for origins, _ in parts)])
    return Strange(origins, pa.chunked_array([texts for _, texts in parts], pa.string()))
