"""Scalers: per series and column, numbers that center and scale it, fitted on training rows only.

standardized = (c(x) - center) / scale. The curve c is straight but for the kinds `power` and `log`
(`curves`). `standard` takes the mean and the standard deviation, `minmax` the minimum and the
range, `robust` the median and the interquartile range, `none` 0 and 1; `power` and `log` take the
mean and the standard deviation of c(x). The table of scalers is `pipeline/config/scalers.py`, the
functions that fit them are in `fitting`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.core.errors import InputError
from pipeline.series.curves import CURVES
from pipeline.tables.rows import Array

NUMBERS = ("center", "scale", "parameter", "low", "high", "mean")
REACH = 10  # widths of the training range that the inverse of a curve may leave it by

ScalerJson = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Scaler:
    """The numbers of each (series, column), float64; where they are shared, rows are equal.

    `parameter` is that of the curve, NaN where there is none. `low` and `high` are the least and
    the greatest training value in the unit of the column, `mean` is the mean of the standardized
    training values. `static` are the columns that are constant within every series, but not
    the same in all; they are scaled over all series together.
    """

    scope: str
    columns: tuple[str, ...]
    kinds: tuple[str, ...]  # of the columns
    static: tuple[str, ...]
    names: tuple[str, ...]  # of the series
    center: Array
    scale: Array
    parameter: Array
    low: Array
    high: Array
    mean: Array

    def transform(
        self, values: Array, series: Array, columns: Sequence[str] | None = None
    ) -> Array:
        """Standardize `values` (..., column), given in the units of the columns.

        `series` are positions in `names`, one for each entry of the leading axes of `values`. NaN
        stays NaN. Raises `InputError` where a value has no logarithm.
        """
        chosen = self._chosen(columns)
        bent = np.array(values, np.float64)
        for position, column in self._curved(chosen):
            straight = bent[..., position]
            self._check_domain(straight, series, column)
            (parameter,) = self._at(straight, series, column, "parameter")
            bent[..., position] = CURVES[self.kinds[column]].bend(straight, parameter)
        center, scale = self._at(bent, series, chosen, "center", "scale")
        return (bent - center) / scale

    def inverse(self, values: Array, series: Array, columns: Sequence[str] | None = None) -> Array:
        """Return standardized `values` in the units of the columns: the inverse of `transform`.

        A curve may be steep, and the exponent of `power` may have no inverse for a value that no
        training row came near. So the result of a curve leaves the range of the training values by
        at most `REACH` times its width, on either side; up to there the inverse is exact.
        """
        chosen = self._chosen(columns)
        center, scale = self._at(values, series, chosen, "center", "scale")
        result: Array = values * scale + center
        for position, column in self._curved(chosen):
            curve = CURVES[self.kinds[column]]
            parameter, low, high = self._at(
                result[..., position], series, column, "parameter", "low", "high"
            )
            reach = REACH * (high - low)
            bounds = [curve.bend(bound, parameter) for bound in (low - reach, high + reach)]
            bent = np.clip(result[..., position], *bounds)
            result[..., position] = curve.straighten(bent, parameter)
        return result

    def fill(self, series: Array) -> Array:
        """Return the training mean (row, column), in units, of the series (row,) of each row."""
        return self.inverse(self.mean[series], series)

    def outside(self, values: Array, series: Array) -> Array:
        """Return whether `values` (row, column) float32, in units, left the training range."""
        low, high = self.low.astype(np.float32), self.high.astype(np.float32)
        outside: Array = (values < low[series]) | (values > high[series])
        return outside

    def _chosen(self, columns: Sequence[str] | None) -> list[int]:
        return [self.columns.index(column) for column in columns or self.columns]

    def _curved(self, chosen: Sequence[int]) -> list[tuple[int, int]]:
        """Return position and column of those of the chosen columns that have a curve."""
        return [(at, column) for at, column in enumerate(chosen) if self.kinds[column] in CURVES]

    def _at(
        self, values: Array, series: Array, columns: list[int] | int, *numbers: str
    ) -> list[Array]:
        """Return numbers of each entry of `series`, so that they broadcast against `values`.

        For one column, `values` has no column axis.
        """
        series = np.asarray(series)
        own = () if isinstance(columns, int) else (len(columns),)
        shape = (*series.shape, *(1,) * (values.ndim - series.ndim - len(own)), *own)
        return [getattr(self, number)[:, columns][series].reshape(shape) for number in numbers]

    def _check_domain(self, values: Array, series: Array, column: int) -> None:
        """Raise `InputError` if the column is on a logarithmic scale and values have none."""
        if self.kinds[column] != "log":
            return
        (offset,) = self._at(values, series, column, "parameter")
        wrong = values + offset <= 0
        if wrong.any():
            row = tuple(np.argwhere(wrong)[0][: np.ndim(series)])
            code = int(np.broadcast_to(series, values.shape[: np.ndim(series)])[row])
            raise InputError(
                no_logarithm(
                    self.columns[column],
                    f"series {self.names[code]!r}",
                    float(values[wrong].min()),
                    float(self.parameter[code, column]),
                )
            )

    def to_json(self) -> ScalerJson:
        """Return names and numbers that `from_json` reads back to the last bit."""
        series = {
            name: {column: self._entry(row, i) for i, column in enumerate(self.columns)}
            for row, name in enumerate(self.names)
        }
        return {
            "scope": self.scope,
            "columns": list(self.columns),
            "static": list(self.static),
            "series": series,
        }

    def _entry(self, row: int, column: int) -> dict[str, object]:
        """Return the kind and the numbers of one column of one series."""
        kind = self.kinds[column]
        numbers = {name: float(getattr(self, name)[row, column]) for name in NUMBERS}
        parameter = numbers.pop("parameter")
        if kind in CURVES:
            numbers[CURVES[kind].parameter] = parameter
        return {"kind": kind, **numbers}

    @classmethod
    def from_json(cls, content: ScalerJson) -> "Scaler":
        """Return the scaler that `to_json` described."""
        columns, series = tuple(content["columns"]), content["series"]
        first = next(iter(series.values()))
        kinds = tuple(first[column]["kind"] for column in columns)
        numbers = {
            number: np.array(
                [[_read(number, entry[column]) for column in columns] for entry in series.values()],
                np.float64,
            )
            for number in NUMBERS
        }
        return cls(
            content["scope"], columns, kinds, tuple(content["static"]), tuple(series), **numbers
        )


def _read(number: str, entry: Mapping[str, Any]) -> float:
    """Return a number of an entry that `to_json` wrote, NaN for a parameter that it has not."""
    if number == "parameter":
        curve = CURVES.get(entry["kind"])
        return float(entry[curve.parameter]) if curve else np.nan
    return float(entry[number])


def no_logarithm(column: str, where: str, least: float, offset: float) -> str:
    """Say that a column holds values that have no logarithm, and what to do."""
    return (
        f"column {column!r} goes down to {least:.10g} in {where}, and the logarithm of a value "
        f"plus {offset:.10g} needs more than {-offset:.10g}; raise the offset of "
        f"standardize.columns.{column}, or choose the scaler power"
    )
