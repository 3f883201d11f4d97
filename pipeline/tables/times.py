"""The column of the time, or the two columns, as they are read batch by batch."""

from collections.abc import Sequence
from contextlib import suppress

import numpy as np
import pyarrow as pa

from pipeline.config.data import Data
from pipeline.core.errors import InputError
from pipeline.tables import frequency, notation, timestamps, values
from pipeline.tables.jitter import Rounding
from pipeline.tables.notation import Notation
from pipeline.tables.problems import Problem, Sum
from pipeline.tables.raw import Numbering, RawRows, Texts
from pipeline.tables.repeats import Order
from pipeline.tables.rows import Array


class TimeColumn:
    """Reads times, and remembers which rows have none."""

    def __init__(self, data: Data, numbering: Numbering) -> None:
        self.data, self.numbering = data, numbering
        days = frequency.counts_days(data.frequency)
        self.notation = Notation(data.time_zone, data.time_format, data.ambiguous, days)
        self.rounding = _rounding(data)
        self.repeats = Order()
        self.untimed = Sum()

    def read(
        self, batch: pa.RecordBatch, names: Sequence[str], series: Array, numbers: Array
    ) -> Array:
        """Return the times (row,) of the next rows in UTC, NaT where there is none.

        `series` (row,) are positions in `names`, -1 for none; `numbers` (row,) count all rows.
        """
        written = [batch.column(name) for name in self.data.time]
        text = timestamps.joined(*written) if len(written) > 1 else written[0]
        found = timestamps.parse(text, self.notation)
        untimed = np.flatnonzero((series >= 0) & (found.faults != notation.FINE))
        if len(untimed):
            texts = values.plain_text(text.take(pa.array(untimed)))
            self._note(names, series[untimed], found.faults[untimed], numbers[untimed], texts)
        times = found.times
        if self.data.ambiguous == "infer":
            times = self.repeats.resolve(found, series, numbers)
        return self.rounding.apply(times) if self.rounding else times

    def problems(self, names: Sequence[str]) -> Sequence[Problem]:
        """Return what is wrong with the times of single rows."""
        if self.repeats.unclear:
            series, numbers = np.array(sorted(self.repeats.unclear)).T
            faults = np.full(len(series), notation.REPEATED, np.int8)
            self._note(names, series, faults, numbers, pa.nulls(len(series), pa.string()))
        return self.untimed.problems

    def notes(self) -> list[str]:
        """Return what the report says about the times."""
        return self.rounding.notes() if self.rounding else []

    def _note(
        self, names: Sequence[str], series: Array, faults: Array, numbers: Array, texts: pa.Array
    ) -> None:
        """Note rows (row,) that have a series, but no usable time."""
        present, codes = _sorted(names, series)
        written = Texts(numbers, pa.chunked_array([texts], pa.string()))
        nowhen = np.full(len(series), "NaT", timestamps.NANOSECONDS)
        counted = np.zeros(len(series), bool)
        rows = RawRows(present, codes, nowhen, {}, {}, numbers, counted, self.numbering, {}, {})
        self.untimed.add(
            [
                rows.problem(faults == kind, self.data.time_name, *words, rows.described(written))
                for kind, words in self.notation.faults().items()
            ]
        )


def _sorted(names: Sequence[str], series: Array) -> tuple[tuple[str, ...], Array]:
    """Return the sorted names of the series that have rows, and each row's position among them."""
    codes, inverse = np.unique(series, return_inverse=True)
    present = [names[code] for code in codes]
    positions = {name: position for position, name in enumerate(sorted(present))}
    ranks = np.array([positions[name] for name in present], np.int32)
    return tuple(positions), ranks[inverse]


def _rounding(data: Data) -> Rounding | None:
    """Return what moves times onto the grid, where that is declared and the grid is known."""
    if data.jitter is None or data.frequency is None:
        return None
    with suppress(InputError):
        return Rounding(data.jitter, frequency.read(data.frequency), data.time_zone)
    return None
