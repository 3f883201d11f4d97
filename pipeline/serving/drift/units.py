"""Which change of unit turns the values of the past into new ones?

A unit is a ratio and an offset: new = ratio * old + offset. A row of `CONVERSIONS` is a candidate;
the one that brings the new values back to those of the past is named, if one does.
"""

from dataclasses import dataclass

import numpy as np

from pipeline.serving.drift.windows import Windows, scale_change
from pipeline.tables.rows import Array

NAMED = 2  # conversions that are named where several explain the same jump
CLEARER = 3.0  # times shorter the distance must be once the conversion is undone


@dataclass(frozen=True)
class Conversion:
    """A change of unit, in words, with its ratio and offset."""

    words: str
    ratio: float
    offset: float = 0.0

    def undo(self, values: Array) -> Array:
        """Return the values in the unit of the past."""
        return np.asarray((values - self.offset) / self.ratio)


CONVERSIONS = (
    *(Conversion(f"multiplied by {10**power:,}", 10.0**power) for power in (1, 2, 3)),
    *(Conversion(f"divided by {10**power:,}", 10.0**-power) for power in (1, 2, 3)),
    Conversion("with the opposite sign", -1.0),
    Conversion("like °F to °C", 5 / 9, -160 / 9),
    Conversion("like °C to °F", 9 / 5, 32.0),
    Conversion("like °C to K", 1.0, 273.15),
    Conversion("like K to °C", 1.0, -273.15),
    Conversion("like °F to K", 5 / 9, 273.15 - 160 / 9),
    Conversion("like miles to kilometers", 1.609344),
    Conversion("like kilometers to miles", 1 / 1.609344),
    Conversion("like m/s to km/h", 3.6),
    Conversion("like km/h to m/s", 1 / 3.6),
    Conversion("like mph to m/s", 0.44704),
    Conversion("like m/s to mph", 1 / 0.44704),
    Conversion("like inches to millimeters", 25.4),
    Conversion("like millimeters to inches", 1 / 25.4),
    Conversion("like hPa to inches of mercury", 0.0295300),
    Conversion("like inches of mercury to hPa", 1 / 0.0295300),
    Conversion("like minutes to seconds", 60.0),
    Conversion("like seconds to minutes", 1 / 60),
)


def explain(windows: Windows, new: Array, past: Array, usual: float) -> str | None:
    """Name the conversions that explain how far the `new` window is from one of the `past`.

    Undone, they must leave a distance of at most the `usual` one, and a scale that differs from
    that of the past by no more than those of the history do, and by less than before: a mere shift
    keeps its scale. It is None for a column of which half or more is one value: it has no scale.
    """
    distances = np.array([windows.distance(each.undo(new), past) for each in CONVERSIONS])
    scales = np.array([scale_change(each.undo(new), past) for each in CONVERSIONS])
    if not np.isfinite(distances + scales).all():
        return None
    near = distances <= min(usual, windows.distance(new, past) / CLEARER)
    alike = scales <= min(windows.scale_change(), scale_change(new, past))
    order = np.argsort(distances + scales)
    found = [CONVERSIONS[at].words for at in order if near[at] and alike[at]]
    return f"looks {' or '.join(found[:NAMED])}" if found else None
