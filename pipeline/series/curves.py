"""Curves that straighten skewed values before they are centered and scaled.

`power` is the transform of Yeo and Johnson (2000) with the exponent that scikit-learn's
`PowerTransformer` finds; `log` is the natural logarithm of a value plus an offset. A curve has one
parameter: the exponent, or the offset. Kinds that are not in `CURVES` are straight.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import boxcox1p, inv_boxcox1p

from pipeline.tables.rows import Array

TINY = np.finfo(np.float64).tiny


@dataclass(frozen=True)
class Curve:
    """A curve and its inverse, functions of values and the parameter, which broadcast.

    `parameter` is its name in `scaler.json`.
    """

    parameter: str
    bend: Callable[[Array, Array | float], Array]
    straighten: Callable[[Array, Array | float], Array]


def yeo_johnson(values: Array, exponent: Array | float) -> Array:
    """Return ((x + 1)^l - 1) / l for x >= 0, and -((1 - x)^(2 - l) - 1) / (2 - l) below."""
    above = boxcox1p(np.maximum(values, 0), exponent)
    below = boxcox1p(np.maximum(-values, 0), 2 - np.asarray(exponent))
    return np.asarray(above - below)


def inverse_yeo_johnson(values: Array, exponent: Array | float) -> Array:
    """Return the inverse of `yeo_johnson`, NaN outside of what it returns."""
    above = inv_boxcox1p(np.maximum(values, 0), exponent)
    below = inv_boxcox1p(np.maximum(-values, 0), 2 - np.asarray(exponent))
    return np.asarray(above - below)


def logarithm(values: Array, offset: Array | float) -> Array:
    """Return log(x + offset), and a very low number where it has no value."""
    return np.asarray(np.log(np.maximum(values + offset, TINY)))


def exponential(values: Array, offset: Array | float) -> Array:
    """Return the inverse of `logarithm`."""
    return np.asarray(np.exp(values) - offset)


CURVES: Mapping[str, Curve] = {
    "power": Curve("lambda", yeo_johnson, inverse_yeo_johnson),
    "log": Curve("offset", logarithm, exponential),
}
