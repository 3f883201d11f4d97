"""Windows as start indices, never as copies.

A window that starts at row s reads rows s to s + lookback - 1 and forecasts rows s + lookback to s + lookback + horizon - 1. All of them lie
in one segment, so in one series without a gap. A training window lies wholly in the training part; a validation or test window has
all of its targets there, while its inputs may reach back into the part before, as they will when the forecaster is in use.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.config.sections import Window
from pipeline.core import files
from pipeline.series import arrays
from pipeline.series.split import PARTS, TRAIN, UNUSED
from pipeline.tables import timestamps
from pipeline.tables.outline import Outline
from pipeline.tables.rows import Array

PIECE = 1 << 20  # windows that are in memory at a time


@dataclass(frozen=True, eq=False)
class Windows:
    """Start rows of the windows of each part, (window,) int64, ascending, memory-mapped."""

    lookback: int
    horizon: int
    stride: int
    train: Array
    validation: Array
    test: Array

    @classmethod
    def load(cls, folder: Path) -> "Windows":
        """Read what `Plan.save` wrote."""
        sizes = files.read_json(folder / "windows.json")
        starts = (np.load(folder / f"{part}.npy", mmap_mode="r") for part in PARTS)
        return cls(sizes["lookback"], sizes["horizon"], sizes["stride"], *starts)


@dataclass(frozen=True, eq=False)
class Plan:
    """The windows of every stretch of an outline; where a stretch has room, the first starts as early as it can."""

    outline: Outline
    window: Window
    earliest: Array  # (stretch,) where the first window starts
    count: Array  # (stretch,) windows; none in a stretch that is not used

    def counts(self) -> Array:
        """Windows of each part and series, (part, series)."""
        counts = np.zeros((len(PARTS), len(self.outline.names)), np.int64)
        used = self.count > 0
        np.add.at(counts, (self.outline.part[used], self.outline.series[used]), self.count[used])
        return counts

    def starts(self, part: int) -> Iterator[Array]:
        """Start rows of the windows of one part, (window,) int64, in pieces."""
        count = np.where(self.outline.part == part, self.count, 0)
        stops = np.cumsum(count)
        for first in range(0, int(count.sum()), PIECE):
            number = np.arange(first, min(first + PIECE, stops[-1]))
            stretch = np.searchsorted(stops, number, side="right")
            yield self.earliest[stretch] + self.window.stride * (
                number - stops[stretch] + count[stretch]
            )

    def save(self, folder: Path) -> dict[str, int]:
        """Write one array for each part, and the sizes; return the number of windows of each part."""
        counts = dict(zip(PARTS, self.counts().sum(axis=1).tolist(), strict=True))
        for number, part in enumerate(PARTS):
            arrays.write(folder / f"{part}.npy", (counts[part],), np.int64, self.starts(number))
        files.write_json(folder / "windows.json", {**self.window.model_dump(), "counts": counts})
        return counts


def plan(outline: Outline, window: Window) -> Plan:
    """Every window of a table that is split."""
    first, segment, train = outline.first, outline.segment, outline.part == TRAIN
    segment_first = first[np.searchsorted(segment, segment)]
    earliest = np.where(train, first, np.maximum(first - window.lookback, segment_first))
    latest = outline.stop - window.lookback - window.horizon
    count = np.where(
        outline.part == UNUSED, 0, np.maximum((latest - earliest) // window.stride + 1, 0)
    )
    return Plan(outline, window, earliest, count)


def shortage(where: Path, plan: Plan) -> list[str]:
    """A finding for every series that has no window in some part."""
    outline, window = plan.outline, plan.window
    size = f"{window.lookback + window.horizon} rows in a row (lookback {window.lookback}, horizon {window.horizon})"
    advice = "lower window.lookback or window.horizon, change standardize.split, raise validate.gaps where the series is cut, or add rows"
    counts, rows, longest = plan.counts(), outline.counts(), _longest(outline)
    findings: list[str] = []
    for code in np.flatnonzero((counts == 0).any(axis=0)):
        lacking = " and ".join(
            part for part, count in zip(PARTS, counts[:, code], strict=True) if not count
        )
        span = f"{rows[code]} rows from {timestamps.label(outline.opens[code])}, at most {longest[code]} of them without a cut"
        findings.append(
            f"{where}: series {outline.names[code]!r}: no window for {lacking}: a window takes {size}, and the series has {span}; {advice}"
        )
    return findings


def _longest(outline: Outline) -> Array:
    """Rows of the longest segment of each series, (series,)."""
    lengths, longest = (
        np.zeros(outline.segment[-1] + 1, np.int64),
        np.zeros(len(outline.names), np.int64),
    )
    np.add.at(lengths, outline.segment, outline.stop - outline.first)
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
