"""The kinds of scalers: what each learns of the values of a column.

The functions `fit_*` are those that `pipeline/config/scalers.py` names. Each maps training values
in pieces, (row,) float64 without NaN, to a center, a scale (0 where the values do not vary) and the
parameter of its curve (NaN without one). `standard`, `minmax`, `log` and `none` need one piece at a
time; `robust` and `power` need all values of a column.
"""

from collections.abc import Iterable

import numpy as np
from sklearn.preprocessing import MinMaxScaler, PowerTransformer, RobustScaler, StandardScaler

from pipeline.series.curves import logarithm, yeo_johnson
from pipeline.tables.rows import Array

Fit = tuple[float, float, float]
STRAIGHT = np.nan


def fit_standard(pieces: Iterable[Array]) -> Fit:
    """Return mean and standard deviation, 0 where values vary by no more than rounding."""
    fitted = StandardScaler()
    for values in pieces:
        fitted.partial_fit(values[:, None])
    deviation = np.sqrt(fitted.var_[0])
    varies = fitted.scale_[0] == deviation  # scikit-learn puts 1 where nothing varies
    return fitted.mean_[0], deviation if varies else 0.0, STRAIGHT


def fit_minmax(pieces: Iterable[Array]) -> Fit:
    """Return minimum and range."""
    fitted = MinMaxScaler()
    for values in pieces:
        fitted.partial_fit(values[:, None])
    return fitted.data_min_[0], fitted.data_range_[0], STRAIGHT


def fit_robust(pieces: Iterable[Array]) -> Fit:
    """Return median and interquartile range."""
    values = np.concatenate(list(pieces))
    fitted = RobustScaler().fit(values[:, None])
    low, high = np.percentile(values, [25, 75])
    varies = high > low  # scikit-learn puts 1 where the quartiles are equal
    return fitted.center_[0], fitted.scale_[0] if varies else 0.0, STRAIGHT


def fit_none(pieces: Iterable[Array]) -> Fit:
    """Return 0 and 1, which leave every value as it is."""
    for _ in pieces:
        pass
    return 0.0, 1.0, STRAIGHT


def fit_power(pieces: Iterable[Array]) -> Fit:
    """Return mean and standard deviation after the transform of Yeo and Johnson; its exponent."""
    values = np.concatenate(list(pieces))
    if values.min() == values.max():
        return 0.0, 0.0, 1.0
    exponent = float(PowerTransformer(standardize=False).fit(values[:, None]).lambdas_[0])
    center, scale, _ = fit_standard([yeo_johnson(values, exponent)])
    return center, scale, exponent


def fit_log(pieces: Iterable[Array], offset: float) -> Fit:
    """Return mean and standard deviation of the logarithm of the values plus `offset`."""
    center, scale, _ = fit_standard(logarithm(values, offset) for values in pieces)
    return center, scale, offset
