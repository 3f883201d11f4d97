"""The scalers that `standardize.scaler` can name.

A scaler is one row: the function that fits it, as a dotted name (imported only when it is used, so
that reading `params.yaml` costs no scikit-learn import), and the words for the scale it makes. The
NumPy references of the tests have the same keys; a row without a reference fails them.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pkgutil import resolve_name

import numpy as np
import numpy.typing as npt

Fit = Callable[[Iterable[npt.NDArray[np.float64]]], tuple[float, float]]


@dataclass(frozen=True)
class ScalerKind:
    """A row of `SCALERS`: how the scaler is fitted, and what a standardized error of 1 means.

    `fit` names a function of training values in pieces, each (row,), that returns their center and
    their scale, 0 where the values do not vary. `unit` is the size of an error of 1, and
    `squared_unit` that of a squared error of 1.
    """

    fit: str
    unit: str
    squared_unit: str

    def load(self) -> Fit:
        """Import and return the function that `fit` names."""
        fit: Fit = resolve_name(self.fit)
        return fit


SCALERS: Mapping[str, ScalerKind] = {
    "standard": ScalerKind(
        "pipeline.series.scaler:fit_standard",
        "one standard deviation of the training split",
        "variance of the training split",
    ),
    "minmax": ScalerKind(
        "pipeline.series.scaler:fit_minmax",
        "the range (maximum minus minimum) of the training split",
        "squared range of the training split",
    ),
    "robust": ScalerKind(
        "pipeline.series.scaler:fit_robust",
        "the interquartile range (IQR) of the training split",
        "squared IQR of the training split",
    ),
    "none": ScalerKind(
        "pipeline.series.scaler:fit_none",
        "one unit of the target",
        "one squared unit of the target",
    ),
}
