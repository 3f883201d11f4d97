"""The scalers that `standardize.scaler` and `standardize.columns` can name.

A scaler is one row: the function that fits it, as a dotted name (imported only when it is used, so
that reading `params.yaml` costs no scikit-learn import), and the words for the scale it makes. The
NumPy references of the tests have the same keys; a row without a reference fails them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pipeline.config.slots import Kind, Options

# training values in pieces, each (row,), and the options -> center, scale, parameter of the curve
Fit = Callable[..., tuple[float, float, float]]


@dataclass(frozen=True)
class ScalerKind(Kind):
    """A row of `SCALERS`: how the scaler is fitted, and what a standardized error of 1 means.

    `layer` names a function of training values in pieces, each (row,), that returns their center,
    their scale, 0 where the values do not vary, and the parameter of their curve, NaN without one.
    `unit` is the size of an error of 1, and
    `squared_unit` that of a squared error of 1.
    """

    unit: str = ""
    squared_unit: str = ""

    def load(self) -> Fit:
        """Import and return the function that fits the scaler."""
        fit: Fit = super().load()
        return fit


def _scaler(fit: str, unit: str, squared_unit: str, options: Options | None = None) -> ScalerKind:
    return ScalerKind(
        f"pipeline.series.scaler_kinds.{fit}",
        frozenset({"column"}),
        options or {},
        unit=unit,
        squared_unit=squared_unit,
    )


SCALERS: Mapping[str, ScalerKind] = {
    "standard": _scaler(
        "fit_standard",
        "one standard deviation of the training split",
        "variance of the training split",
    ),
    "minmax": _scaler(
        "fit_minmax",
        "the range (maximum minus minimum) of the training split",
        "squared range of the training split",
    ),
    "robust": _scaler(
        "fit_robust",
        "the interquartile range (IQR) of the training split",
        "squared IQR of the training split",
    ),
    "none": _scaler(
        "fit_none",
        "one unit of the target",
        "one squared unit of the target",
    ),
    "power": _scaler(
        "fit_power",
        "one standard deviation of the training split after a Yeo-Johnson transform",
        "variance of the training split after a Yeo-Johnson transform",
    ),
    "log": _scaler(
        "fit_log",
        "one standard deviation of the logarithm in the training split",
        "variance of the logarithm in the training split",
        {"offset": 0.0},
    ),
}
