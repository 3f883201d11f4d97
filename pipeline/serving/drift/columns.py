"""One column of one series: what is unusual about its new rows?"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from pipeline.serving.drift import faults, units
from pipeline.serving.drift.windows import LEAST, Windows, probability
from pipeline.tables.rows import Array

Kind = Literal["unit", "stuck", "shuffled", "missing", "shift"]
ALARM = 0.05  # familywise: the chance of any alarm on a table that goes on as before
SUSPECT = 0.05  # of one window: below it, a change of unit is looked for
USUAL = 0.9  # nine in ten pairs of windows of the history are nearer than the usual distance


@dataclass(frozen=True)
class Column:
    """A column of a series: the `values` (row,) of its history and of its new rows, NaN if missing.

    The new rows begin at row `boundary`; `year` is the number of rows of a year.
    """

    series: str
    name: str
    values: Array
    boundary: int
    year: int

    @property
    def windows(self) -> Windows:
        """The column, cut into windows."""
        return Windows(self.values, self.boundary, self.year)

    @property
    def judged(self) -> bool:
        """Whether there are rows enough for a judgement."""
        return self.windows.width >= LEAST


@dataclass(frozen=True)
class Finding:
    """What is unusual about the new rows of a column; `probability` is that of the worst window."""

    series: str
    column: str
    kind: Kind
    words: str
    probability: float = 0.0


@dataclass(frozen=True)
class Measured:
    """The new window of a column that is least like its past, and what may explain it."""

    probability: float
    words: str
    unit: str | None


def findings(column: Column, tests: int) -> Iterator[Finding]:
    """Yield what is unusual; `tests` is the number of columns of all series that are judged."""
    windows = column.windows
    if words := faults.missing(np.isnan(windows.new), map(np.isnan, windows.history())):
        yield Finding(column.series, column.name, "missing", words)
    worst = measure(windows)
    kind, words = _kind(windows, worst, tests)
    if kind:
        yield Finding(column.series, column.name, kind, words, worst.probability)


def _kind(windows: Windows, worst: Measured, tests: int) -> tuple[Kind | None, str]:
    """Return the most specific name for what is unusual, if anything is."""
    new = [windows.window(start) for start in windows.starts()]
    if words := faults.stuck(windows.new, windows.old):
        return "stuck", words
    if words := faults.shuffled(new, windows.history()):
        return "shuffled", words
    if worst.unit:
        return "unit", f"{worst.unit}: {worst.words}"
    return ("shift", worst.words) if worst.probability < ALARM / tests else (None, "")


def measure(windows: Windows) -> Measured:
    """Return what is known of the new window that is least like its past.

    A window is as unusual as it is beside the reference that it resembles most: a winter that
    differs from the autumn before it, but not from the last winter, is none. Its probability is
    corrected for the number of windows.
    """
    found = [_measure(windows, start) for start in windows.starts()]
    worst = min(found, key=lambda each: each.probability)
    units_found = Counter(each.unit for each in found if each.unit)
    named = next((each for each in found if each.unit in dict(units_found.most_common(1))), worst)
    probability = min(1.0, worst.probability * len(found))
    return Measured(probability, named.words, named.unit)


def _measure(windows: Windows, start: int) -> Measured:
    new = windows.window(start)
    compared = []
    for reference in windows.references(start):
        sample, disjoint = windows.sample(start - reference)
        past = windows.window(reference)
        chance = probability(windows.distance(new, past), sample, disjoint)
        compared.append((chance, past, float(np.quantile(sample, USUAL)) if sample.size else 0.0))
    chance, past, usual = max(compared, key=lambda each: each[0])
    unit = units.explain(windows, new, past, usual) if chance < SUSPECT else None
    return Measured(chance, _words(windows, new, past, usual), unit)


def _words(windows: Windows, new: Array, past: Array, usual: float) -> str:
    """Say how the new values differ from those of the past."""
    if np.isnan(new).all() or np.isnan(past).all():
        return "no values to compare"
    distance = windows.distance(new, past)
    return (
        f"mean {np.nanmean(new):.4g}, before {np.nanmean(past):.4g}; standard deviation "
        f"{np.nanstd(new):.4g}, before {np.nanstd(past):.4g}; distance {distance:.2f}, "
        f"usual up to {usual:.2f}"
    )
