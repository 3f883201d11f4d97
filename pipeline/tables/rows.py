"""The clean table as Parquet: series, time, and the segment that no window leaves."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

Array = np.ndarray[Any, Any]
TIME = pa.timestamp("ns", "UTC")
ROWS_A_GROUP = 1 << 16  # of a Parquet file, so that it can be read piece by piece
NAMES = ("series", "time", "segment")  # of the columns


@dataclass(frozen=True)
class Index:
    """Series and time of rows, in order of both."""

    names: tuple[str, ...]  # of the series, sorted
    series: Array  # (row,) int32, position in `names`
    times: Array  # (row,) datetime64[ns], UTC

    def counts(self) -> Array:
        """Return the number of rows of each series, (series,)."""
        return np.bincount(self.series, minlength=len(self.names))

    def slices(self) -> Iterator[slice]:
        """Yield the rows of each series."""
        for start, stop in pairwise([0, *np.cumsum(self.counts()).tolist()]):
            yield slice(start, stop)


@dataclass(frozen=True)
class Rows(Index):
    """The rows of a clean table: inside a segment, times are regular."""

    segment: Array  # (row,) int32, a running number, new at every series and every cut


class Writer:
    """Writes a table part by part; the file's bytes depend on its content alone."""

    def __init__(self, path: Path, categories: Collection[str] = ()) -> None:
        self.path = path
        self.dictionaries = ["series", *categories]
        self.waiting: pa.Table = None  # rows that do not fill a group yet
        self.file: pq.ParquetWriter = None  # open as soon as the columns are known

    def add(self, rows: Rows, columns: Mapping[str, Array]) -> None:
        """Add `rows` and further `columns` (row,), numbers or text; NaN is written as null."""
        names = pa.array(rows.names, pa.string())
        series = pa.DictionaryArray.from_arrays(pa.array(rows.series), names).cast(pa.string())
        times = pa.array(rows.times).cast(TIME)
        index = dict(zip(NAMES, (series, times, rows.segment), strict=True))
        arrays = {name: pa.array(values, from_pandas=True) for name, values in columns.items()}
        table = pa.table(index | arrays)
        if not self.file:
            self.file = pq.ParquetWriter(self.path, table.schema, use_dictionary=self.dictionaries)
        self.waiting = pa.concat_tables([self.waiting, table]) if self.waiting else table
        self._write(self.waiting.num_rows // ROWS_A_GROUP * ROWS_A_GROUP)

    def _write(self, count: int) -> None:
        """Write the first `count` waiting rows."""
        for start in range(0, count, ROWS_A_GROUP):
            group = self.waiting.slice(start, min(ROWS_A_GROUP, count - start))
            self.file.write_table(group.combine_chunks())
        self.waiting = self.waiting.slice(count)

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Write the waiting rows; closing twice does nothing."""
        if self.file:
            self._write(self.waiting.num_rows)
            self.file.close()
            self.file = None


def write(path: Path, rows: Rows, columns: Mapping[str, Array]) -> None:
    """Write `rows` and further `columns` (row,) as Parquet; equal content is equal bytes."""
    with Writer(path) as writer:
        writer.add(rows, columns)


def read(path: Path) -> Rows:
    """Read the rows of a file that `write` wrote."""
    return _rows(pq.read_table(path, columns=list(NAMES), read_dictionary=["series"]))


def parts(path: Path, columns: Sequence[str] = ()) -> Iterator[tuple[Rows, dict[str, Array]]]:
    """Yield the rows and further columns part by part; the names are those of the part."""
    with pq.ParquetFile(path, read_dictionary=["series"], pre_buffer=False) as file:
        for group in range(file.num_row_groups):
            table = file.read_row_group(group, columns=[*NAMES, *columns])
            yield _rows(table), {name: table[name].to_numpy() for name in columns}


def _rows(table: pa.Table) -> Rows:
    series = table["series"].unify_dictionaries().combine_chunks()
    names = tuple(series.dictionary.to_pylist())
    times = table["time"].to_numpy().view("datetime64[ns]")
    return Rows(names, series.indices.to_numpy(), times, table["segment"].to_numpy())


def column(path: Path, name: str) -> Array:
    """Read one further column, (row,)."""
    return np.asarray(pq.read_table(path, columns=[name])[name].to_numpy())


class Column:
    """One further column, read as far as it is asked for: `column[start:stop]`.

    Parts that follow one another cost little, since the newest row group is kept.
    """

    def __init__(self, path: Path, name: str) -> None:
        self.file, self.name = pq.ParquetFile(path, pre_buffer=False), name
        groups = range(self.file.num_row_groups)
        lengths = [self.file.metadata.row_group(group).num_rows for group in groups]
        self.starts = np.cumsum([0, *lengths])
        self.newest: tuple[int, Array] = (-1, np.empty(0))  # the row group that was read last

    def __getitem__(self, rows: slice) -> Array:
        ends = np.searchsorted(self.starts, [rows.start, rows.stop - 1], side="right") - 1
        first, last = ends.tolist()
        values = np.concatenate([self._group(group) for group in range(first, last + 1)])
        return values[rows.start - self.starts[first] : rows.stop - self.starts[first]]

    def _group(self, group: int) -> Array:
        if self.newest[0] != group:
            table = self.file.read_row_group(group, columns=[self.name])
            self.newest = (group, table[self.name].to_numpy())
        return self.newest[1]
