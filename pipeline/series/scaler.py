"""Scalers: one center and one scale for each series and column, from training rows only, undone exactly where they were done.

All four kinds are affine: standardized = (x - center) / scale. `standard` takes mean and standard deviation, `minmax` the lowest value and
the range, `robust` the median and the distance between the quartiles, `none` 0 and 1. They are scikit-learn's, fitted in float64.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

from pipeline.config.sections import Standardize
from pipeline.core.errors import InputError
from pipeline.tables.rows import Array

PIECE = 1 << 20  # rows that are fitted at a time


@dataclass(frozen=True, eq=False)
class Scaler:
    """Center and scale, both (series, column) float64; a global scaler repeats itself for every series."""

    kind: str
    scope: str
    columns: tuple[str, ...]
    names: tuple[str, ...]  # of the series
    center: Array
    scale: Array

    def transform(
        self, values: Array, series: Array, columns: Sequence[str] | None = None
    ) -> Array:
        """Standardize `values` (..., column) in the columns' units; `series` are positions in `names`, one for each entry of the leading axes."""
        center, scale = self._at(values, series, columns)
        return (values - center) / scale

    def inverse(self, values: Array, series: Array, columns: Sequence[str] | None = None) -> Array:
        """Undo `transform`."""
        center, scale = self._at(values, series, columns)
        return values * scale + center

    def inverse_difference(
        self, values: Array, series: Array, columns: Sequence[str] | None = None
    ) -> Array:
        """A difference of two standardized values, such as an error, in the columns' units."""
        return values * self._at(values, series, columns)[1]

    def _at(
        self, values: Array, series: Array, columns: Sequence[str] | None
    ) -> tuple[Array, Array]:
        """Center and scale (series..., 1..., column), which broadcast against `values`."""
        chosen = [self.columns.index(column) for column in columns or self.columns]
        series = np.asarray(series)
        shape = (*series.shape, *(1,) * (values.ndim - series.ndim - 1), len(chosen))
        return self.center[:, chosen][series].reshape(shape), self.scale[:, chosen][series].reshape(
            shape
        )

    def to_json(self) -> dict[str, Any]:
        """As plain lists and numbers, which read back to equal bits."""
        rows = zip(self.names, self.center.tolist(), self.scale.tolist(), strict=True)
        series = {name: {"center": center, "scale": scale} for name, center, scale in rows}
        return {
            "kind": self.kind,
            "scope": self.scope,
            "columns": list(self.columns),
            "series": series,
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Scaler":
        """Read what `to_json` gave."""
        series = content["series"]
        center, scale = (
            np.array([series[name][key] for name in series], np.float64)
            for key in ("center", "scale")
        )
        return cls(
            content["kind"],
            content["scope"],
            tuple(content["columns"]),
            tuple(series),
            center,
            scale,
        )


def _standard(pieces: Iterable[Array]) -> tuple[float, float]:
    fitted = StandardScaler()
    for values in pieces:
        fitted.partial_fit(values[:, None])
    deviation = np.sqrt(fitted.var_[0])
    return fitted.mean_[0], deviation if fitted.scale_[
        0
    ] == deviation else 0.0  # scikit-learn puts 1 where nothing varies but by rounding


def _minmax(pieces: Iterable[Array]) -> tuple[float, float]:
    fitted = MinMaxScaler()
    for values in pieces:
        fitted.partial_fit(values[:, None])
    return fitted.data_min_[0], fitted.data_range_[0]


def _robust(pieces: Iterable[Array]) -> tuple[float, float]:
    """Quartiles need all values of a column at once."""
    values = np.concatenate(list(pieces))
    fitted = RobustScaler().fit(values[:, None])
    low, high = np.percentile(values, [25, 75])
    return fitted.center_[0], fitted.scale_[
        0
    ] if high > low else 0.0  # scikit-learn puts 1 where the quartiles are equal


KINDS: Mapping[
    str, Callable[[Iterable[Array]], tuple[float, float]]
] = {  # values (row,) in pieces -> center, and scale, 0 where the values have none
    "standard": _standard,
    "minmax": _minmax,
    "robust": _robust,
    "none": lambda pieces: (0.0, 1.0),
}


def fit(
    section: Standardize,
    names: tuple[str, ...],
    training: Sequence[slice],
    columns: Sequence[str],
    read: Callable[[str], Any],
) -> Scaler:
    """Fit on the `training` rows of each series; `read` gives a column that `[start:stop]` reads a part of, so that never all is in memory.

    Raises `InputError` for every column that does not vary in the training rows of a series, or of all for the global scope.
    """
    groups = [[rows] for rows in training] if section.scope == "series" else [training]
    center, scale = np.empty((2, len(groups), len(columns)))
    findings: list[str] = []
    for position, column in enumerate(columns):
        values = read(column)
        for group, parts in enumerate(groups):
            center[group, position], scale[group, position] = KINDS[section.scaler](
                _pieces(values, parts)
            )
            if scale[group, position] == 0:
                findings.append(
                    _explain(
                        section, column, names[group], np.concatenate(list(_pieces(values, parts)))
                    )
                )
    if findings:
        raise InputError(*findings)
    shape = (len(names), len(columns))
    return Scaler(
        section.scaler,
        section.scope,
        tuple(columns),
        names,
        np.broadcast_to(center, shape),
        np.broadcast_to(scale, shape),
    )


def _pieces(values: Any, parts: Sequence[slice]) -> Iterator[Array]:
    """The rows of `parts` in pieces of a length of their own, so that sums come out the same to the last bit however the file is divided."""
    return (
        values[start : min(start + PIECE, rows.stop)]
        for rows in parts
        for start in range(rows.start, rows.stop, PIECE)
    )


def _explain(section: Standardize, column: str, name: str, known: Array) -> str:
    where = f"series {name!r}" if section.scope == "series" else "all series"
    same = "the middle half" if section.scaler == "robust" and known.min() < known.max() else "all"
    ways = [
        *(["scaler: standard"] if same != "all" else []),
        *(["scope: global"] if section.scope == "series" else []),
        "a longer training part",
        f"leave {column!r} out of `data`",
    ]
    fault = f"{same} of its {len(known)} training rows is {np.median(known):.10g}, so there is nothing to scale by"
    return f"params.yaml: standardize: column {column!r}, {where}: {fault}; choose {', '.join(ways[:-1])} or {ways[-1]}"
