"""The arrays that networks learn from, on disk: `standardized.npy` and `raw.npy`, (row, channel) float32, and what their rows and channels are.

Channels stand in the order targets, covariates, known. The known (calendar) channels are the same in both arrays.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from pipeline import files
from pipeline.series import calendar, rows
from pipeline.series.rows import Array, Rows
from pipeline.series.scaler import Scaler


@dataclass(frozen=True)
class Channels:
    """The channels' names, in the arrays' order."""

    targets: tuple[str, ...]
    covariates: tuple[str, ...]
    known: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Dataset:
    """The `standardize` stage's output, its two arrays memory-mapped."""

    standardized: Array  # (row, channel) float32
    raw: Array  # (row, channel) float32, in the columns' units
    names: tuple[str, ...]  # of the series
    series: Array  # (row,) int32, position in `names`
    times: Array  # (row,) datetime64[ns], UTC
    segment: Array  # (row,) int32
    split: Array  # (row,) int8: a part of `split.PARTS`, or `split.UNUSED`
    scaler: Scaler
    channels: Channels

    @classmethod
    def load(cls, folder: Path) -> "Dataset":
        """Read the folder that `write` wrote."""
        standardized, raw = (np.load(folder / name, mmap_mode="r") for name in ("standardized.npy", "raw.npy"))
        index = rows.read(folder / "rows.parquet")
        split = rows.column(folder / "rows.parquet", "split")
        channels = Channels(**{kind: tuple(names) for kind, names in files.read_json(folder / "channels.json").items()})
        scaler = Scaler.from_json(files.read_json(folder / "scaler.json"))
        return cls(standardized, raw, index.names, index.series, index.times, index.segment, split, scaler, channels)


def write(folder: Path, table: Path, index: Rows, split: Array, scaler: Scaler, targets: Sequence[str], cycles: Sequence[str]) -> None:
    """Write the clean `table` (Parquet) as arrays, piece by piece, so that it need not fit in memory."""
    covariates = tuple(column for column in scaler.columns if column not in targets)
    files.write_json(folder / "channels.json", asdict(Channels(tuple(targets), covariates, calendar.names(cycles))))
    files.write_json(folder / "scaler.json", scaler.to_json())
    rows.write(folder / "rows.parquet", index, {"split": split})
    _write_arrays(folder, table, index, scaler, cycles)


def _write_arrays(folder: Path, table: Path, index: Rows, scaler: Scaler, cycles: Sequence[str]) -> None:
    shape = (len(index.times), len(scaler.columns) + 2 * len(cycles))
    raw, standardized = (np.lib.format.open_memmap(folder / f"{name}.npy", "w+", np.float32, shape) for name in ("raw", "standardized"))
    start = 0
    with pq.ParquetFile(table) as source:
        for batch in source.iter_batches(rows.ROWS_A_GROUP, columns=list(scaler.columns)):
            piece = slice(start, start := start + batch.num_rows)
            values = np.column_stack([batch.column(column).to_numpy() for column in scaler.columns])  # (row, column) float64
            known = calendar.channels(index.times[piece], cycles)
            raw[piece] = np.hstack([values, known])
            standardized[piece] = np.hstack([scaler.transform(values, index.series[piece]), known])
    raw.flush()
    standardized.flush()
