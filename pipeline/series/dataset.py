"""The arrays that networks learn from, on disk: `standardized.npy` and `raw.npy`, (row, channel) float32, and what their rows and channels are.

Channels stand in the order targets, covariates, known. The known (calendar) channels are the same in both arrays.
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
    """The channels' names, in the arrays' order."""

    targets: tuple[str, ...]
    past_covariates: tuple[str, ...]
    future_covariates: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Dataset:
    """The `standardize` stage's output: its two arrays memory-mapped, what its rows are read when it is asked for.

    An array need not fit in memory: `windows.gather` reads the rows of the windows that it gathers, and `training` is the rest.
    """

    standardized: Array  # (row, channel) float32
    raw: Array  # (row, channel) float32, in the columns' units
    scaler: Scaler
    channels: Channels
    table: Path  # of the rows

    @classmethod
    def load(cls, folder: Path) -> "Dataset":
        """Read the folder that `write` wrote."""
        standardized, raw = (
            np.load(folder / name, mmap_mode="r") for name in ("standardized.npy", "raw.npy")
        )
        channels = Channels(
            **{
                kind: tuple(names)
                for kind, names in files.read_json(folder / "channels.json").items()
            }
        )
        return cls(
            standardized,
            raw,
            Scaler.from_json(files.read_json(folder / "scaler.json")),
            channels,
            folder / "rows.parquet",
        )

    @cached_property
    def _index(self) -> Rows:
        return rows.read(self.table)

    @property
    def names(self) -> tuple[str, ...]:
        """Of the series."""
        return self.scaler.names

    @property
    def series(self) -> Array:
        """(row,) int32, position in `names`."""
        return self._index.series

    @property
    def times(self) -> Array:
        """(row,) datetime64[ns], UTC."""
        return self._index.times

    @property
    def segment(self) -> Array:
        """(row,) int32."""
        return self._index.segment

    @cached_property
    def split(self) -> Array:
        """(row,) int8: a part of `split.PARTS`, or `split.UNUSED`."""
        return rows.column(self.table, "split")


def write(
    folder: Path,
    table: Path,
    outline: Outline,
    scaler: Scaler,
    targets: Sequence[str],
    cycles: Sequence[str],
) -> None:
    """Write the clean `table` (Parquet) as arrays, part by part, so that it need not fit in memory; `outline` is that of the table, split."""
    covariates = tuple(column for column in scaler.columns if column not in targets)
    files.write_json(
        folder / "channels.json",
        asdict(Channels(tuple(targets), covariates, calendar.names(cycles))),
    )
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
            index.add(part, {"split": outline.parts(start, start := start + len(part.times))})
            values = np.column_stack(
                [columns[column] for column in scaler.columns]
            )  # (row, column) float64
            series = np.array([codes[name] for name in part.names])[part.series]
            known = calendar.channels(part.times, cycles)
            raw.add(np.hstack([values, known], dtype=np.float32, casting="same_kind"))
            standardized.add(
                np.hstack(
                    [scaler.transform(values, series), known], dtype=np.float32, casting="same_kind"
                )
            )
