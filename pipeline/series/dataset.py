"""The arrays that networks learn from, on disk, and what their rows and channels are.

`standardized.npy` and `raw.npy` are the inputs, (row, channel) float32, in the order of
`Channels.names`: targets, past covariates, indicators, static columns, future covariates. Every
channel stands at its own row. `truth.npy` is what is to be forecast, (row, target) float32,
standardized, NaN where it is masked.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from pipeline.core import files
from pipeline.core.errors import InputError
from pipeline.series import arrays
from pipeline.series.channels import Channels
from pipeline.series.features import Block, Features
from pipeline.series.scaler import Scaler
from pipeline.series.shift import Report, Shift
from pipeline.series.split import TRAIN
from pipeline.tables import rows
from pipeline.tables.outline import Outline
from pipeline.tables.rows import Array, Rows


@dataclass(frozen=True, eq=False)
class Dataset:
    """The output of the `standardize` stage; its arrays need not fit in memory.

    The arrays are memory-mapped: `windows.gather` reads the rows of the windows that it gathers.
    What describes the rows is read when it is first asked for.
    """

    standardized: Array  # (row, channel) float32
    raw: Array  # (row, channel) float32, in the units of the columns
    truth: Array  # (row, target) float32, standardized, NaN where it is masked
    scaler: Scaler
    channels: Channels
    table: Path  # of the rows

    @classmethod
    def load(cls, folder: Path) -> "Dataset":
        """Open the folder that `write` wrote."""
        return cls(
            np.load(folder / "standardized.npy", mmap_mode="r"),
            np.load(folder / "raw.npy", mmap_mode="r"),
            np.load(folder / "truth.npy", mmap_mode="r"),
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


def write(folder: Path, table: Path, outline: Outline, features: Features) -> Report:
    """Write the clean `table` (Parquet) as arrays, part by part: it need not fit in memory.

    `outline` is that of the table, split. Returns the shift report. Raises `InputError` with every
    value of a category that is to be refused.
    """
    features.save(folder)
    shift = Shift(features)
    rejected: dict[tuple[str, str], str] = {}
    inputs, targets = len(features.channels.names), len(features.data.targets)
    widths = {"raw": inputs, "standardized": inputs, "truth": targets}
    with ExitStack() as open_files:
        index = open_files.enter_context(rows.Writer(folder / "rows.parquet"))
        writers = {
            name: open_files.enter_context(
                arrays.Writer(folder / f"{name}.npy", (int(outline.stop[-1]), width), np.float32)
            )
            for name, width in widths.items()
        }
        for part, block, split in _blocks(table, outline, features):
            rejected = {**features.rejected(block), **rejected}
            if rejected:  # the others are looked for, so that all are reported at once
                continue
            prepared = features.prepare(block)
            index.add(part, {"split": split})
            for name, writer in writers.items():
                writer.add(getattr(prepared, name))
            shift.add(block, prepared.raw, split)
    if rejected:
        raise InputError(*rejected.values())
    report = shift.report()
    files.write_json(folder / "shift.json", report)
    return report


def _blocks(
    table: Path, outline: Outline, features: Features
) -> Iterator[tuple[Rows, Block, Array]]:
    """Yield the parts of the clean table: rows, the same as a block, and the split of each row."""
    codes = {name: code for code, name in enumerate(features.scaler.names)}
    start = 0
    for part, columns in rows.parts(table, features.data.columns):
        series = np.array([codes[name] for name in part.names])[part.series]
        stop = start + len(part.times)
        block = Block(columns, series, part.times)
        yield part, block, outline.splits(start, stop)
        start = stop


def training_texts(
    table: Path, outline: Outline, columns: Sequence[str]
) -> Iterator[dict[str, Array]]:
    """Yield the texts (row,) of these columns in the training rows of the clean table, in pieces.

    `outline` is that of the table, split.
    """
    start = 0
    for part, texts in rows.parts(table, columns) if columns else ():
        training = outline.splits(start, start + len(part.times)) == TRAIN
        yield {column: values[training] for column, values in texts.items()}
        start += len(part.times)
