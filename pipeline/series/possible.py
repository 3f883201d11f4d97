"""What is possible: forecasts are clipped to the limits of their targets, and that is counted."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pipeline.config.section import Bounds
from pipeline.series.scaler import Scaler
from pipeline.tables.rows import Array


@dataclass(frozen=True)
class Possible:
    """The limits of the targets that have some, `forecast.limits`, in units."""

    scaler: Scaler
    targets: tuple[str, ...]
    limits: Mapping[str, Bounds]

    def clip(self, forecasts: Array, series: Array) -> tuple[Array, Array, Array]:
        """Return forecasts within the limits on both scales, and which of them were clipped.

        `forecasts` and all results are (..., window, horizon, target): standardized, in units, and
        bool. `series` (window,) are positions in the names of the scaler. What is not clipped keeps
        its standardized value to the last bit.
        """
        series = np.broadcast_to(series, forecasts.shape[:-2])
        units = self.scaler.inverse(forecasts, series, self.targets)
        possible = self.within(units)
        clipped = np.asarray((possible != units) & np.isfinite(units))
        if clipped.any():
            inside = self.scaler.transform(possible, series, self.targets)
            forecasts = np.where(clipped, inside, forecasts)
        return forecasts, possible, clipped

    def within(self, units: Array) -> Array:
        """Return values (..., target), in units, moved to the nearest possible ones."""
        bounds = [self.limits.get(target, Bounds()) for target in self.targets]
        low = [-np.inf if bound.min is None else bound.min for bound in bounds]
        high = [np.inf if bound.max is None else bound.max for bound in bounds]
        return np.asarray(np.clip(units, low, high))
