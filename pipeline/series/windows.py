"""Windows as start rows, never as copies.

A window that starts at row s reads rows s to s + lookback - 1 and forecasts rows s + lookback to
s + lookback + horizon - 1. All of them lie in one segment, and so in one series without a gap. A
training window lies wholly in the training split. A validation or test window has all of its
targets in its split, while its inputs may reach back into the split before, as they will when the
forecaster is in use.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

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

    def counts(self) -> Array:
        """Return the number of windows of each split and series, (split, series)."""
        counts = np.zeros((len(SPLITS), len(self.outline.names)), np.int64)
        used = self.count > 0
        np.add.at(counts, (self.outline.split[used], self.outline.series[used]), self.count[used])
        return counts

    def starts(self, split: int) -> Iterator[Array]:
        """Yield the start rows of the windows of one split, (window,) int64, in pieces."""
        count = np.where(self.outline.split == split, self.count, 0)
        stops = np.cumsum(count)
        for first in range(0, int(count.sum()), PIECE):
            number = np.arange(first, min(first + PIECE, stops[-1]))
            run = np.searchsorted(stops, number, side="right")
            number_in_run = number - stops[run] + count[run]
            yield self.earliest[run] + self.window.stride * number_in_run

    def save(self, folder: Path) -> dict[str, int]:
        """Write one array per split, and the sizes; return the number of windows of each split."""
        counts = dict(zip(SPLITS, self.counts().sum(axis=1).tolist(), strict=True))
        for code, split in enumerate(SPLITS):
            arrays.write(folder / f"{split}.npy", (counts[split],), np.int64, self.starts(code))
        files.write_json(folder / "windows.json", {**self.window.model_dump(), "counts": counts})
        return counts


def plan(outline: Outline, window: Window) -> Plan:
    """Plan every window of a table whose outline is split."""
    first, segment, train = outline.first, outline.segment, outline.split == TRAIN
    segment_first = first[np.searchsorted(segment, segment)]
    earliest = np.where(train, first, np.maximum(first - window.lookback, segment_first))
    latest = outline.stop - window.lookback - window.horizon
    count = np.maximum((latest - earliest) // window.stride + 1, 0)
    return Plan(outline, window, earliest, np.where(outline.split == UNUSED, 0, count))


def shortage(source: Path, plan: Plan) -> list[str]:
    """Return a finding for every series that has no window in some split."""
    outline, window = plan.outline, plan.window
    counts, rows, longest = plan.counts(), outline.counts(), _longest(outline)
    findings: list[str] = []
    for code in np.flatnonzero((counts == 0).any(axis=0)):
        empty = [split for split, count in zip(SPLITS, counts[:, code], strict=True) if not count]
        findings.append(
            f"{source}: series {outline.names[code]!r}: no window for {' and '.join(empty)}: "
            f"a window takes {window.lookback + window.horizon} consecutive rows "
            f"(lookback {window.lookback}, horizon {window.horizon}), and the series has "
            f"{rows[code]} rows from {timestamps.label(outline.first_times[code])}, at most "
            f"{longest[code]} of them without a gap; lower window.lookback or window.horizon, "
            "change standardize.split, raise validate.max_gap where the series has gaps, or add "
            "rows"
        )
    return findings


def _longest(outline: Outline) -> Array:
    """Return the number of rows of the longest segment of each series, (series,)."""
    lengths = np.zeros(outline.segment[-1] + 1, np.int64)
    np.add.at(lengths, outline.segment, outline.stop - outline.first)
    longest = np.zeros(len(outline.names), np.int64)
    np.maximum.at(longest, outline.series, lengths[outline.segment])
    return longest


def gather(array: Array, starts: Array, lookback: int, horizon: int, future: int) -> Array:
    """Return the inputs of windows, (window, lookback, channel), from `array` (row, channel).

    The last `future` channels are future covariates, aligned with the forecast steps (`align`).
    """
    rows = array[starts[:, None] + np.arange(lookback + horizon)]
    return align(rows, horizon, future)[:, :lookback]


def align(rows: Array, horizon: int, future: int) -> Array:
    """Return `rows` (..., row, channel) with the last `future` channels read `horizon` rows later.

    This is the one place that says how a window sees its future covariates: beside the past
    values of step t stand the future covariates of step t + horizon, so that the inputs hold those
    of every step to forecast. The last `horizon` rows wrap around; no window has inputs there.
    """
    past = rows.shape[-1] - future
    ahead = np.roll(rows[..., past:], -horizon, axis=-2)
    return np.concatenate([rows[..., :past], ahead], axis=-1)


def gather_targets(array: Array, starts: Array, lookback: int, horizon: int, targets: int) -> Array:
    """Return what windows forecast, (window, horizon, target): the first `targets` channels."""
    return np.asarray(array[starts[:, None] + lookback + np.arange(horizon), :targets])
