"""Forecasts that need no network: what a variant has to beat.

A baseline is a row of `BASELINES`: a function of a `ForecastTask` that returns a `Fitted`
forecaster. Baselines see the standardized array, and the same windows as the variants.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from pipeline.evaluation import boosting, naive, ridge
from pipeline.evaluation.metrics import Array
from pipeline.evaluation.task import ForecastTask, Starts

# window starts (window,) -> standardized forecasts (window, horizon, target)
Forecast = Callable[[Starts], Array]


@dataclass(frozen=True)
class Fitted:
    """A baseline ready to forecast, its number of fitted parameters, and a note for the report.

    `kept` is its name in the cache, if it is there.
    """

    forecast: Forecast
    parameters: int = 0
    note: str | None = None
    kept: str | None = None


@dataclass(frozen=True)
class Baseline:
    """A row of `BASELINES`: how it is fitted, and what it is in the words of the report.

    Skill is relative to the best of the baselines that are `naive`, which fit nothing.
    """

    fit: Callable[[ForecastTask], Fitted]
    naive: bool
    title: str


def _last_value(task: ForecastTask) -> Fitted:
    return Fitted(partial(naive.last_value, task))


def _seasonal_naive(task: ForecastTask) -> Fitted:
    return Fitted(partial(naive.seasonal_naive, task), note=naive.seasonal_note(task))


def _drift(task: ForecastTask) -> Fitted:
    return Fitted(partial(naive.drift, task))


def _ridge(task: ForecastTask) -> Fitted:
    fitted = ridge.fit(task)
    return Fitted(partial(fitted.forecast, task), fitted.parameters)


def _gradient_boosting(task: ForecastTask) -> Fitted:
    fitted = boosting.fit(task)

    def forecast(starts: Starts) -> Array:
        return np.asarray(fitted.forecasts[np.searchsorted(task.test, starts)])

    return Fitted(forecast, fitted.parameters, fitted.note, fitted.kept)


BASELINES: Mapping[str, Baseline] = {
    "last_value": Baseline(_last_value, True, "the last value"),
    "seasonal_naive": Baseline(_seasonal_naive, True, "the value one season earlier"),
    "drift": Baseline(_drift, True, "the last value plus the mean change of the window"),
    "ridge": Baseline(_ridge, False, "ridge regression on the flattened window"),
    "gradient_boosting": Baseline(
        _gradient_boosting, False, "gradient boosting on lags and future covariates"
    ),
}
