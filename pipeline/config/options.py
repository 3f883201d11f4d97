"""What the options of a kind may be: one range for each option's name, whatever the kind."""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

from pipeline.config.calendars import PHASES


class Range(NamedTuple):
    """The values that an option may have: a check, and the words that complete "it must be"."""

    allows: Callable[[object], bool]
    words: str


def _is_number(value: object) -> bool:
    """Return whether `value` is a finite number; true and false are not numbers."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _numbers(holds: Callable[[float], bool], words: str) -> Range:
    """Return the range of the finite numbers for which `holds` is true."""
    return Range(lambda value: _is_number(value) and holds(float(str(value))), words)


def _whole_numbers(least: int) -> Range:
    """Return the range of the whole numbers from `least` up."""

    def allows(value: object) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and value >= least

    return Range(allows, f"a whole number, at least {least}")


def _one_of(*words: str) -> Range:
    """Return the range that holds these words only."""
    return Range(lambda value: value in words, f"one of {', '.join(words)}")


def _or_null(values: Range) -> Range:
    """Return the range that holds null as well."""
    return Range(lambda value: value is None or values.allows(value), f"null, or {values.words}")


FIRST = "first"  # the first cycle of `data.calendar`, whichever it is
BOOLEAN = Range(lambda value: isinstance(value, bool), "true or false")
FRACTION = _numbers(lambda value: 0 <= value < 1, "a number from 0 up to but not 1")
INNER_FRACTION = _numbers(lambda value: 0 < value < 1, "a number above 0 and below 1")
POSITIVE = _numbers(lambda value: value > 0, "a number above 0")
NUMBER = _numbers(lambda value: True, "a number")
COUNT = _whole_numbers(1)

RANGES: Mapping[str, Range] = {
    # of normalizations
    "momentum": FRACTION,
    "epsilon": POSITIVE,
    "scale": BOOLEAN,
    "affine": BOOLEAN,
    "groups": COUNT,
    "heads": COUNT,
    "rmax": _numbers(lambda value: value >= 1, "a number, at least 1"),
    "dmax": _numbers(lambda value: value >= 0, "a number, at least 0"),
    "gamma": POSITIVE,
    "alpha": POSITIVE,
    "shift": BOOLEAN,
    "output": BOOLEAN,
    "cell": _one_of("none", "output", "state"),
    # of dropouts
    "rate": FRACTION,
    "cell_rate": FRACTION,
    "monte_carlo": BOOLEAN,
    "tied": BOOLEAN,
    "per_step": BOOLEAN,
    # of weight reparametrizations
    "iterations": COUNT,
    "limit": POSITIVE,
    # of seasons
    "calendar": _one_of(FIRST, *PHASES),
    "phases": _or_null(_whole_numbers(2)),
    # of scalers
    "offset": NUMBER,
    # of optimizers, schedules, losses and averages
    "weight_decay": FRACTION,
    "spare": _one_of("none", "normalization", "normalization_and_biases"),
    "every": COUNT,
    "factor": INNER_FRACTION,
    "warmup": _whole_numbers(0),
    "patience": COUNT,
    "delta": POSITIVE,
    "quantile": INNER_FRACTION,
    "decay": INNER_FRACTION,
}
