"""Scalers: one center and one scale for each series and column, from training rows only, undone exactly where they were done.

All four kinds are affine: standardized = (x - center) / scale. `standard` takes mean and standard deviation, `minmax` the lowest value and
the range, `robust` the median and the distance between the quartiles, `none` 0 and 1. They are scikit-learn's, fitted in float64.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

from pipeline.params import Standardize
from pipeline.refusal import Refusal
from pipeline.series.rows import Array, Index


@dataclass(frozen=True, eq=False)
class Scaler:
    """Center and scale, both (series, column) float64; a global scaler repeats itself for every series."""

    kind: str
    scope: str
    columns: tuple[str, ...]
    names: tuple[str, ...]  # of the series
    center: Array
    scale: Array

    def transform(self, values: Array, series: Array, columns: Sequence[str] | None = None) -> Array:
        """Standardize `values` (..., column) in the columns' units; `series` are positions in `names`, one for each entry of the leading axes."""
        center, scale = self._at(values, series, columns)
        return (values - center) / scale

    def inverse(self, values: Array, series: Array, columns: Sequence[str] | None = None) -> Array:
        """Undo `transform`."""
        center, scale = self._at(values, series, columns)
        return values * scale + center

    def inverse_difference(self, values: Array, series: Array, columns: Sequence[str] | None = None) -> Array:
        """A difference of two standardized values, such as an error, in the columns' units."""
        return values * self._at(values, series, columns)[1]

    def _at(self, values: Array, series: Array, columns: Sequence[str] | None) -> tuple[Array, Array]:
        """Center and scale (series..., 1..., column), which broadcast against `values`."""
        chosen = [self.columns.index(column) for column in columns or self.columns]
        series = np.asarray(series)
        shape = (*series.shape, *(1,) * (values.ndim - series.ndim - 1), len(chosen))
        return self.center[:, chosen][series].reshape(shape), self.scale[:, chosen][series].reshape(shape)

    def to_json(self) -> dict[str, Any]:
        """As plain lists and numbers, which read back to equal bits."""
        rows = zip(self.names, self.center.tolist(), self.scale.tolist(), strict=True)
        series = {name: {"center": center, "scale": scale} for name, center, scale in rows}
        return {"kind": self.kind, "scope": self.scope, "columns": list(self.columns), "series": series}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Scaler":
        """Read what `to_json` gave."""
        series = content["series"]
        center, scale = (np.array([series[name][key] for name in series], np.float64) for key in ("center", "scale"))
        return cls(content["kind"], content["scope"], tuple(content["columns"]), tuple(series), center, scale)


def _standard(values: Array) -> tuple[float, float]:
    fitted = StandardScaler().fit(values[:, None])
    deviation = np.sqrt(fitted.var_[0])
    return fitted.mean_[0], deviation if fitted.scale_[0] == deviation else 0.0  # scikit-learn puts 1 where nothing varies but by rounding


def _minmax(values: Array) -> tuple[float, float]:
    fitted = MinMaxScaler().fit(values[:, None])
    return fitted.data_min_[0], fitted.data_range_[0]


def _robust(values: Array) -> tuple[float, float]:
    fitted = RobustScaler().fit(values[:, None])
    low, high = np.percentile(values, [25, 75])
    return fitted.center_[0], fitted.scale_[0] if high > low else 0.0  # scikit-learn puts 1 where the quartiles are equal


KINDS: Mapping[str, Callable[[Array], tuple[float, float]]] = {  # values (row,) -> center, and scale, 0 where the values have none
    "standard": _standard,
    "minmax": _minmax,
    "robust": _robust,
    "none": lambda values: (0.0, 1.0),
}


def fit(section: Standardize, index: Index, training: Array, columns: Sequence[str], read: Callable[[str], Array]) -> Scaler:
    """Fit on the rows where `training` (row,) is true; `read` gives one column (row,) at a time, so that never all are in memory.

    Raises `Refusal` for every column that does not vary in the training rows of a series, or of all for the global scope.
    """
    groups = list(index.slices()) if section.scope == "series" else [slice(0, len(training))]
    center, scale = np.empty((2, len(groups), len(columns)))
    findings: list[str] = []
    for position, column in enumerate(columns):
        values = read(column)
        for group, rows in enumerate(groups):
            known = values[rows][training[rows]]
            center[group, position], scale[group, position] = KINDS[section.scaler](known)
            if scale[group, position] == 0:
                findings.append(_explain(section, column, index.names[group], known))
    if findings:
        raise Refusal(*findings)
    shape = (len(index.names), len(columns))
    return Scaler(section.scaler, section.scope, tuple(columns), index.names, np.broadcast_to(center, shape), np.broadcast_to(scale, shape))


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
