"""What every row of the arrays is: its series, its time, and the segment that windows must not leave."""

from collections.abc import Iterator, Mapping
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
    """Series and time of rows; in order of both, unless it is said otherwise."""

    names: tuple[str, ...]  # of the series, sorted
    series: Array  # (row,) int32, position in `names`
    times: Array  # (row,) datetime64[ns], UTC

    def counts(self) -> Array:
        """Number of rows of each series, (series,)."""
        return np.bincount(self.series, minlength=len(self.names))

    def slices(self) -> Iterator[slice]:
        """The rows of each series."""
        stops = np.cumsum(self.counts()).tolist()
        return (slice(start, stop) for start, stop in pairwise([0, *stops]))


@dataclass(frozen=True)
class Rows(Index):
    """The rows of a clean table: inside a segment, times are regular."""

    segment: Array  # (row,) int32, a running number, new at every series and every cut


def write(path: Path, rows: Rows, columns: Mapping[str, Array]) -> None:
    """Write `rows` and further `columns` (row,) as Parquet; equal content is equal bytes."""
    series = pa.DictionaryArray.from_arrays(pa.array(rows.series), pa.array(rows.names, pa.string())).cast(pa.string())
    times = pa.array(rows.times).cast(TIME)
    table = pa.table(dict(zip(NAMES, (series, times, rows.segment), strict=True)) | dict(columns))
    pq.write_table(table, path, row_group_size=ROWS_A_GROUP)


def read(path: Path) -> Rows:
    """Read the rows of a file that `write` wrote."""
    table = pq.read_table(path, columns=list(NAMES), read_dictionary=["series"])
    series = table["series"].unify_dictionaries().combine_chunks()
    times = table["time"].to_numpy().view("datetime64[ns]")
    return Rows(tuple(series.dictionary.to_pylist()), series.indices.to_numpy(), times, table["segment"].to_numpy())


def column(path: Path, name: str) -> Array:
    """Read one further column, (row,)."""
    values: Array = pq.read_table(path, columns=[name])[name].to_numpy()
    return values
