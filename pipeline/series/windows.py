"""Windows as start rows, never as copies.

A window that starts at row s reads rows s to s + lookback - 1 and forecasts rows s + lookback to
s + lookback + horizon - 1. All of them lie in one segment, and so in one series without a gap. A
training window lies wholly in the training split. A validation or test window has all of its
targets in its split, while its inputs may reach back into the split before, as they will when the
forecaster is in use.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pipeline.config.sections import Window
from pipeline.core import files
from pipeline.series import arrays
from pipeline.series.split import SPLITS, TRAIN, UNUSED
from pipeline.tables import timestamps
from pipeline.tables.outline import Outline
from pipeline.tables.rows import Array

PIECE = 1 << 20  # windows that are in memory at a time


@dataclass(frozen=True, eq=False)
class Windows:
    """Start rows of the windows of each split, (window,) int64, ascending, memory-mapped."""

    lookback: int
    horizon: int
    stride: int
    train: Array
    validation: Array
    test: Array

    @classmethod
    def load(cls, folder: Path) -> "Windows":
        """Open the folder that `Plan.save` wrote."""
        sizes = files.read_json(folder / "windows.json")
        starts = (np.load(folder / f"{split}.npy", mmap_mode="r") for split in SPLITS)
        return cls(sizes["lookback"], sizes["horizon"], sizes["stride"], *starts)


@dataclass(frozen=True, eq=False)
class Plan:
    """The windows of every run of an outline; the first starts as early as it can."""

    outline: Outline
    window: Window
    earliest: Array  # (run,) the row where the first window starts
    count: Array  # (run,) number of windows; 0 in a run that is not used
    measured: Array | None = None  # (row,) whether some target is; None where all are

    @cached_property
    def counts(self) -> Array:
        """The number of windows of each split and series, (split, series)."""
        outline, lookback = self.outline, self.window.lookback
        counts = np.zeros((len(SPLITS), len(outline.names)), np.int64)
        for split in range(len(SPLITS)):
            for starts in self.starts(split):
                run = np.searchsorted(outline.stop, starts + lookback, side="right")
                counts[split] += np.bincount(outline.series[run], minlength=len(outline.names))
        return counts

    def starts(self, split: int) -> Iterator[Array]:
        """Yield the start rows of the windows of one split, (window,) int64, in pieces.

        A window whose horizon holds no truth at all is none.
        """
        for starts in self._possible(split):
            yield starts if self.measured is None else starts[self._truth(self.measured, starts)]

    def _truth(self, measured: Array, starts: Array) -> Array:
        """Return whether some target is measured in the horizon of each window, (window,)."""
        first, last = (int(start) + self.window.lookback for start in starts[[0, -1]])
        rows = measured[first : last + self.window.horizon]
        before = np.cumsum(np.append(False, rows), dtype=np.int32)
        step = starts - starts[0]
        return np.asarray(before[step + self.window.horizon] > before[step])

    def _possible(self, split: int) -> Iterator[Array]:
        """Yield the start rows of one split, whether there is truth or not."""
        count = np.where(self.outline.split == split, self.count, 0)
        stops = np.cumsum(count)
        for first in range(0, int(count.sum()), PIECE):
            number = np.arange(first, min(first + PIECE, stops[-1]))
            run = np.searchsorted(stops, number, side="right")
            number_in_run = number - stops[run] + count[run]
            yield self.earliest[run] + self.window.stride * number_in_run

    def save(self, folder: Path) -> dict[str, int]:
        """Write one array per split, and the sizes; return the number of windows of each split."""
        counts = dict(zip(SPLITS, self.counts.sum(axis=1).tolist(), strict=True))
        for code, split in enumerate(SPLITS):
            arrays.write(folder / f"{split}.npy", (counts[split],), np.int64, self.starts(code))
        files.write_json(folder / "windows.json", {**self.window.model_dump(), "counts": counts})
        return counts


def plan(outline: Outline, window: Window, measured: Array | None = None) -> Plan:
    """Plan every window of a table whose outline is split.

    `measured` (row,) says whether some target is; without it, all are.
    """
    first, segment, train = outline.first, outline.segment, outline.split == TRAIN
    segment_first = first[np.searchsorted(segment, segment)]
    earliest = np.where(train, first, np.maximum(first - window.lookback, segment_first))
    latest = outline.stop - window.lookback - window.horizon
    count = np.maximum((latest - earliest) // window.stride + 1, 0)
    used = np.where(outline.split == UNUSED, 0, count)
    return Plan(outline, window, earliest, used, measured)


def shortage(source: Path, plan: Plan) -> list[str]:
    """Return a finding for every series that has no window in some split."""
    outline, window = plan.outline, plan.window
    counts, rows, longest = plan.counts, outline.counts(), _longest(outline)
    masked = ""
    if plan.measured is not None and not plan.measured.all():
        masked = ", and its horizon must hold a measured target"
    findings: list[str] = []
    for code in np.flatnonzero((counts == 0).any(axis=0)):
        empty = [split for split, count in zip(SPLITS, counts[:, code], strict=True) if not count]
        findings.append(
            f"{source}: series {outline.names[code]!r}: no window for {' and '.join(empty)}: "
            f"a window takes {window.lookback + window.horizon} consecutive rows "
            f"(lookback {window.lookback}, horizon {window.horizon}), and the series has "
            f"{rows[code]} rows from {timestamps.label(outline.first_times[code])}, at most "
            f"{longest[code]} of them without a gap{masked}; lower window.lookback or "
            "window.horizon, change standardize.split, raise validate.max_gap where the series has "
            "gaps, add rows, or set validate.series_policy to leave_out"
        )
    return findings


def _longest(outline: Outline) -> Array:
    """Return the number of rows of the longest segment of each series, (series,)."""
    lengths = np.zeros(outline.segment[-1] + 1, np.int64)
    np.add.at(lengths, outline.segment, outline.stop - outline.first)
    longest = np.zeros(len(outline.names), np.int64)
    np.maximum.at(longest, outline.series, lengths[outline.segment])
    return longest


class Inputs(NamedTuple):
    """What a network sees of some windows."""

    past: Array  # (window, lookback, channel): all channels, each at its own rows
    future: Array  # (window, horizon, future covariate): the future covariates of every step


def gather(array: Array, starts: Array, lookback: int, horizon: int, future: int) -> Inputs:
    """Return the inputs of the windows that start at `starts` (window,).

    The last `future` channels of `array` (row, channel) are future covariates.
    """
    first = starts[:, None]
    past = array[first + np.arange(lookback)]
    ahead = array[first + lookback + np.arange(horizon), array.shape[1] - future :]
    return Inputs(np.asarray(past), np.asarray(ahead))


def gather_truth(truth: Array, starts: Array, lookback: int, horizon: int) -> Array:
    """Return what windows forecast, (window, horizon, target), from `truth` (row, target).

    It is NaN where the target is masked.
    """
    return np.asarray(truth[starts[:, None] + lookback + np.arange(horizon)])
