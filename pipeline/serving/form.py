"""What recent rows must look like, and what the files with them are called in messages."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pandas.tseries.offsets import BaseOffset

from pipeline.config.data import Data
from pipeline.config.validation import Validate
from pipeline.tables import clocks, frequency, steps
from pipeline.tables.raw import RawRows
from pipeline.tables.rows import Array
from pipeline.tables.source import Origin
from pipeline.tables.steps import Checked

INPUT = Origin(
    path="correct the path that --input names",
    column="add it to the rows to forecast from: they need every column of the training table",
)
FUTURE = Origin(
    path="correct the path that --future names",
    column="add it to that file, which needs the times, the series and all future covariates",
)


@dataclass(frozen=True)
class Form:
    """What recent rows must look like.

    Columns, times and rules are those of `params.yaml`; `lookback` is how many rows a forecast
    needs, `series` those that the forecaster was trained on, and `ahead` the future covariates,
    which every step of the horizon needs too.
    """

    data: Data
    rules: Validate
    frequency: str
    lookback: int
    horizon: int
    series: Sequence[str]
    ahead: Sequence[str]

    @property
    def offset(self) -> BaseOffset:
        """The step between two rows."""
        return frequency.read(self.frequency)

    def check(self, rows: RawRows) -> Checked:
        """Check rows as those of the training table; their clock starts at the first of them."""
        made = clocks.clocks(rows, self.offset, self.data.time_zone)
        return steps.check(rows, self.data, self.rules, self.offset, made)

    def place(self, rows: RawRows, name: str) -> str:
        """Return the file of some rows and the name of a series, for a message."""
        column = f"column {self.data.series_column!r}, " if self.data.series_column else ""
        return f"{rows.numbering.path}: {column}series {name!r}"


def cells(rows: RawRows, column: str) -> Array:
    """Return the values of a column, (row,): numbers or, of a category, texts.

    What is missing is NaN or None.
    """
    values = rows.columns[column]
    if column not in rows.categories:
        return values
    texts = np.array([*rows.categories[column], None], object)
    return np.asarray(texts[np.where(np.isnan(values), len(texts) - 1, values).astype(int)])


def nothing(values: Array, count: int) -> Array:
    """Return so many missing values of the kind of `values`."""
    return np.full(count, None if values.dtype == object else np.nan, values.dtype)
