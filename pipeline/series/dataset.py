"""The arrays that networks learn from, on disk, and what their rows and channels are.

`standardized.npy` and `raw.npy` are (row, channel) float32. The channels stand in the order
targets, past covariates, future covariates. The future covariates are those of the calendar, the
same in both arrays.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from pipeline.core import files
from pipeline.series import arrays, calendar
from pipeline.series.scaler import Scaler
from pipeline.tables import rows
from pipeline.tables.outline import Outline
from pipeline.tables.rows import Array, Rows


@dataclass(frozen=True)
class Channels:
    """The names of the channels, in the order of the arrays."""

    targets: tuple[str, ...]
    past_covariates: tuple[str, ...]
    future_covariates: tuple[str, ...]

    @classmethod
    def load(cls, path: Path) -> "Channels":
        """Read `channels.json`."""
        content = files.read_json(path)
        return cls(**{role: tuple(names) for role, names in content.items()})


@dataclass(frozen=True, eq=False)
class Dataset:
    """The output of the `standardize` stage; its arrays need not fit in memory.

    Both arrays are memory-mapped: `windows.gather` reads the rows of the windows that it gathers.
    What describes the rows is read when it is first asked for.
    """

    standardized: Array  # (row, channel) float32
    raw: Array  # (row, channel) float32, in the units of the columns
    scaler: Scaler
    channels: Channels
    table: Path  # of the rows

    @classmethod
    def load(cls, folder: Path) -> "Dataset":
        """Open the folder that `write` wrote."""
        return cls(
            np.load(folder / "standardized.npy", mmap_mode="r"),
            np.load(folder / "raw.npy", mmap_mode="r"),
            Scaler.from_json(files.read_json(folder / "scaler.json")),
            Channels.load(folder / "channels.json"),
            folder / "rows.parquet",
        )

    @cached_property
    def _index(self) -> Rows:
        return rows.read(self.table)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the series."""
        return self.scaler.names

    @property
    def series(self) -> Array:
        """The series of each row as a position in `names`, (row,) int32."""
        return self._index.series

    @property
    def times(self) -> Array:
        """The time of each row, (row,) datetime64[ns] in UTC."""
        return self._index.times

    @property
    def segment(self) -> Array:
        """The segment of each row, (row,) int32."""
        return self._index.segment

    @cached_property
    def split(self) -> Array:
        """The split of each row, (row,) int8: a position in `split.SPLITS`, or `split.UNUSED`."""
        return rows.column(self.table, "split")


def write(
    folder: Path,
    table: Path,
    outline: Outline,
    scaler: Scaler,
    targets: Sequence[str],
    cycles: Sequence[str],
) -> None:
    """Write the clean `table` (Parquet) as arrays, part by part: it need not fit in memory.

    `outline` is that of the table, split; `cycles` are those of the calendar channels.
    """
    past = tuple(column for column in scaler.columns if column not in targets)
    channels = Channels(tuple(targets), past, calendar.names(cycles))
    files.write_json(folder / "channels.json", asdict(channels))
    files.write_json(folder / "scaler.json", scaler.to_json())
    shape = (int(outline.stop[-1]), len(scaler.columns) + 2 * len(cycles))
    codes = {name: code for code, name in enumerate(scaler.names)}
    with (
        rows.Writer(folder / "rows.parquet") as index,
        arrays.Writer(folder / "raw.npy", shape, np.float32) as raw,
        arrays.Writer(folder / "standardized.npy", shape, np.float32) as standardized,
    ):
        start = 0
        for part, columns in rows.parts(table, scaler.columns):
            stop = start + len(part.times)
            index.add(part, {"split": outline.splits(start, stop)})
            values = np.column_stack([columns[column] for column in scaler.columns])  # float64
            series = np.array([codes[name] for name in part.names])[part.series]
            future = calendar.channels(part.times, cycles)
            raw.add(np.hstack([values.astype(np.float32), future]))
            standardized.add(
                np.hstack([scaler.transform(values, series).astype(np.float32), future])
            )
            start = stop
