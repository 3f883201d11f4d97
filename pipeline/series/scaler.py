"""Scalers: one center and one scale per series and column, fitted on training rows only.

Every scaler is affine: standardized = (x - center) / scale. `standard` takes the mean and the
standard deviation, `minmax` the minimum and the range, `robust` the median and the interquartile
range, `none` 0 and 1. All are fitted by scikit-learn in float64. The table of scalers is
`pipeline/config/scalers.py`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypedDict

import numpy as np
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

from pipeline.config.scalers import SCALERS
from pipeline.config.standardization import Standardize
from pipeline.core.errors import InputError
from pipeline.tables.rows import Array

PIECE = 1 << 20  # rows that are fitted at a time


class Affine(TypedDict):
    """Center and scale of each column of one series."""

    center: list[float]
    scale: list[float]


class ScalerJson(TypedDict):
    """The content of `scaler.json`."""

    kind: str
    scope: str
    columns: list[str]
    series: Mapping[str, Affine]


class Column(Protocol):
    """Values (row,) of a column, read from its file as far as they are asked for."""

    def __getitem__(self, rows: slice, /) -> Array: ...


@dataclass(frozen=True, eq=False)
class Scaler:
    """Center and scale, each (series, column) float64; a global scaler has equal rows."""

    kind: str
    scope: str
    columns: tuple[str, ...]
    names: tuple[str, ...]  # of the series
    center: Array
    scale: Array

    def transform(
        self, values: Array, series: Array, columns: Sequence[str] | None = None
    ) -> Array:
        """Standardize `values` (..., column), given in the units of the columns.

        `series` are positions in `names`, one for each entry of the leading axes of `values`.
        """
        center, scale = self._at(values, series, columns)
        return (values - center) / scale

    def inverse(self, values: Array, series: Array, columns: Sequence[str] | None = None) -> Array:
        """Return standardized `values` in the units of the columns: the inverse of `transform`."""
        center, scale = self._at(values, series, columns)
        return values * scale + center

    def inverse_difference(
        self, values: Array, series: Array, columns: Sequence[str] | None = None
    ) -> Array:
        """Return differences of standardized values, such as errors, in the columns' units."""
        _, scale = self._at(values, series, columns)
        return values * scale

    def _at(
        self, values: Array, series: Array, columns: Sequence[str] | None
    ) -> tuple[Array, Array]:
        """Return center and scale (series..., 1..., column), which broadcast against `values`."""
        chosen = [self.columns.index(column) for column in columns or self.columns]
        series = np.asarray(series)
        shape = (*series.shape, *(1,) * (values.ndim - series.ndim - 1), len(chosen))
        center = self.center[:, chosen][series].reshape(shape)
        scale = self.scale[:, chosen][series].reshape(shape)
        return center, scale

    def to_json(self) -> ScalerJson:
        """Return lists and numbers that `from_json` reads back to the last bit."""
        rows = zip(self.names, self.center.tolist(), self.scale.tolist(), strict=True)
        return {
            "kind": self.kind,
            "scope": self.scope,
            "columns": list(self.columns),
            "series": {name: {"center": center, "scale": scale} for name, center, scale in rows},
        }

    @classmethod
    def from_json(cls, content: ScalerJson) -> "Scaler":
        """Return the scaler that `to_json` described."""
        rows = content["series"].values()
        return cls(
            content["kind"],
            content["scope"],
            tuple(content["columns"]),
            tuple(content["series"]),
            np.array([row["center"] for row in rows], np.float64),
            np.array([row["scale"] for row in rows], np.float64),
        )


def fit_standard(pieces: Iterable[Array]) -> tuple[float, float]:
    """Return mean and standard deviation, 0 where values vary by no more than rounding."""
    fitted = StandardScaler()
    for values in pieces:
        fitted.partial_fit(values[:, None])
    deviation = np.sqrt(fitted.var_[0])
    varies = fitted.scale_[0] == deviation  # scikit-learn puts 1 where nothing varies
    return fitted.mean_[0], deviation if varies else 0.0


def fit_minmax(pieces: Iterable[Array]) -> tuple[float, float]:
    """Return minimum and range."""
    fitted = MinMaxScaler()
    for values in pieces:
        fitted.partial_fit(values[:, None])
    return fitted.data_min_[0], fitted.data_range_[0]


def fit_robust(pieces: Iterable[Array]) -> tuple[float, float]:
    """Return median and interquartile range; quartiles need all values of a column at once."""
    values = np.concatenate(list(pieces))
    fitted = RobustScaler().fit(values[:, None])
    low, high = np.percentile(values, [25, 75])
    varies = high > low  # scikit-learn puts 1 where the quartiles are equal
    return fitted.center_[0], fitted.scale_[0] if varies else 0.0


def fit_none(pieces: Iterable[Array]) -> tuple[float, float]:
    """Return 0 and 1, which leave every value as it is."""
    return 0.0, 1.0


def fit(
    section: Standardize,
    names: tuple[str, ...],
    training: Sequence[slice],
    columns: Sequence[str],
    read: Callable[[str], Column],
) -> Scaler:
    """Fit the scaler of `section` on the `training` rows of each series.

    `read` opens a column by its name, so that never all of the table is in memory. Raises
    `InputError` with every column that does not vary within the training rows of a series, or
    within those of all series where the scope is global.
    """
    groups = [[rows] for rows in training] if section.scope == "series" else [training]
    fit_column = SCALERS[section.scaler.kind].load()
    center, scale = np.empty((2, len(groups), len(columns)))
    findings: list[str] = []
    for position, column in enumerate(columns):
        values = read(column)
        for group, parts in enumerate(groups):
            center[group, position], scale[group, position] = fit_column(_pieces(values, parts))
            if scale[group, position] == 0:
                fitted_on = np.concatenate(list(_pieces(values, parts)))
                findings.append(_no_spread(section, column, names[group], fitted_on))
    if findings:
        raise InputError(*findings)
    shape = (len(names), len(columns))
    return Scaler(
        section.scaler.kind,
        section.scope,
        tuple(columns),
        names,
        np.broadcast_to(center, shape),
        np.broadcast_to(scale, shape),
    )


def _pieces(values: Column, parts: Sequence[slice]) -> Iterator[Array]:
    """Yield the rows of `parts` in pieces of `PIECE` rows.

    The pieces depend on the rows alone, so that sums are the same to the last bit however the file
    is divided into row groups.
    """
    for rows in parts:
        for start in range(rows.start, rows.stop, PIECE):
            yield values[start : min(start + PIECE, rows.stop)]


def _no_spread(section: Standardize, column: str, name: str, values: Array) -> str:
    """Say that the training `values` of a column have no spread to scale by, and what to do."""
    by_series = section.scope == "series"
    where = f"in series {name!r}" if by_series else "in all series together"
    fault = f"all {len(values)} training rows are {np.median(values):.10g}"
    ways = ["a longer training split", f"remove {column!r} from `data`"]
    if by_series:
        ways.insert(0, "scope: global")
    if section.scaler.kind == "robust" and values.min() < values.max():
        fault = f"the interquartile range of its {len(values)} training rows is 0"
        ways.insert(0, "scaler: standard")
    return (
        f"params.yaml: standardize: column {column!r} has no spread {where}: {fault}; "
        f"use {', '.join(ways[:-1])}, or {ways[-1]}"
    )
