"""The shift report: inputs of validation and test that no training row resembles.

A network cannot learn what to do with an input that training never held: nine months of training
leave the `day_of_year` of October to December unseen. A number is outside if it is below the least
or above the greatest training value of its series (of all series where they share a scaler). The
position in a cycle is outside if no training row, of any series, lies in the same part of the cycle
(`calendar.CYCLES`). An indicator, a category or a holiday is outside if no training row, of any
series, has its value.
"""

from collections.abc import Iterator

import numpy as np

from pipeline.config.calendars import HOLIDAY
from pipeline.series.calendar import CYCLES
from pipeline.series.features import Block, Features
from pipeline.series.split import SPLITS, TEST, TRAIN, VALIDATION
from pipeline.tables.rows import Array

NOTEWORTHY = 0.05  # share of inputs outside that is printed; a new maximum now and then is normal
Report = dict[str, dict[str, dict[str, float]]]  # channel -> series -> split -> share


class Shift:
    """Counts the inputs outside of what training has seen, in a table that passes by in parts."""

    def __init__(self, features: Features) -> None:
        self.features = features
        scaler, calendar, channels = features.scaler, features.calendar, features.channels
        encoded = features.encoder.names(features.encoder.categories)
        holiday = (HOLIDAY,) if calendar.holidays else ()
        self.numbers, self.binary = scaler.columns, (*channels.indicators, *encoded, *holiday)
        self.numbers_at = [channels.names.index(name) for name in self.numbers]
        self.binary_at = [channels.names.index(name) for name in self.binary]
        bins = [CYCLES[cycle].bins for cycle in calendar.cycles] + [2] * len(self.binary)
        self.first_bins = np.cumsum([0, *bins])  # of each cycle, then of each binary channel
        shape = (len(scaler.names), len(SPLITS))
        self.rows = np.zeros(shape, np.int64)
        self.outside = np.zeros((*shape, len(self.numbers)), np.int64)
        self.counts = np.zeros((*shape, self.first_bins[-1]), np.int32)  # of rows in each bin

    def add(self, block: Block, raw: Array, split: Array) -> None:
        """Add rows, their channels (row, channel) in units, and the split of each, (row,)."""
        outside = self.features.scaler.outside(raw[:, self.numbers_at], block.series)
        bins = self._bins(block.times, raw)
        for series in np.unique(block.series):
            for part in (TRAIN, VALIDATION, TEST):
                rows = (block.series == series) & (split == part)
                self.rows[series, part] += rows.sum()
                self.outside[series, part] += outside[rows].sum(axis=0)
                counts = np.bincount(bins[rows].ravel(), minlength=self.first_bins[-1])
                self.counts[series, part] += counts.astype(np.int32)

    def _bins(self, times: Array, raw: Array) -> Array:
        """Return the bin of each cycle and binary channel, (row, channel)."""
        cycles = self.features.calendar.passed(times)  # (row, cycle) in [0, 1)
        sizes = np.diff(self.first_bins)[: cycles.shape[1]]
        # rounding must not put the start of a part into the part before it
        parts = np.floor(cycles * sizes + 1e-9).astype(np.int64)
        bits = raw[:, self.binary_at].astype(np.int64)
        return np.asarray(np.hstack([parts, bits]) + self.first_bins[:-1])

    def report(self) -> Report:
        """Return the shares of validation and test inputs outside, for `shift.json`."""
        unseen = self.counts[:, TRAIN].sum(axis=0) == 0  # (bin,)
        unseen_counts = np.add.reduceat(
            np.pad(self.counts * unseen, ((0, 0), (0, 0), (0, 1))), self.first_bins, axis=-1
        )
        counts = np.concatenate([self.outside, unseen_counts[..., :-1]], axis=-1)
        shares = counts / self.rows.clip(1)[..., None]  # (series, split, channel)
        names = (*self.numbers, *self.features.calendar.cycles, *self.binary)
        return {
            channel: {
                series: {SPLITS[part]: float(shares[code, part, i]) for part in (VALIDATION, TEST)}
                for code, series in enumerate(self.features.scaler.names)
            }
            for i, channel in enumerate(names)
        }


def warnings(report: Report) -> Iterator[str]:
    """Yield a line for each channel that a noteworthy share of some series has outside."""
    for channel, series in report.items():
        worst = max(series, key=lambda name: max(series[name].values()))
        shares = series[worst]
        if max(shares.values()) < NOTEWORTHY:
            continue
        count = sum(max(own.values()) >= NOTEWORTHY for own in series.values())
        most = f" (the most of {count} such series)" if count > 1 else ""
        yield (
            f"{channel}: {shares['validation']:.0%} of the validation and {shares['test']:.0%} of "
            f"the test inputs of series {worst!r}{most} lie outside of what training has seen; "
            f"{_advice(channel)}"
        )


def _advice(channel: str) -> str:
    if channel in CYCLES:
        return f"train on a whole cycle, or remove {channel} from data.calendar"
    return (
        "train on more rows, remove the column, or choose an input normalization by window, such "
        "as revin or last_value"
    )
