"""Windows as start indices, never as copies.

A window that starts at row s reads rows s to s + lookback - 1 and forecasts rows s + lookback to s + lookback + horizon - 1. All of them lie
in one segment, so in one series without a gap. A training window lies wholly in the training part; a validation or test window has
all of its targets there, while its inputs may reach back into the part before, as they will when the forecaster is in use.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline import files
from pipeline.params import Window
from pipeline.series import timestamps
from pipeline.series.rows import Array, Rows
from pipeline.series.split import PARTS, TRAIN


@dataclass(frozen=True, eq=False)
class Windows:
    """Start rows of the windows of each part, (window,) int64, ascending."""

    lookback: int
    horizon: int
    stride: int
    train: Array
    validation: Array
    test: Array

    def save(self, folder: Path) -> None:
        """Write one array for each part, and the sizes."""
        sizes = {"lookback": self.lookback, "horizon": self.horizon, "stride": self.stride}
        for part in PARTS:
            np.save(folder / f"{part}.npy", getattr(self, part))
        files.write_json(folder / "windows.json", sizes | {"counts": {part: len(getattr(self, part)) for part in PARTS}})

    @classmethod
    def load(cls, folder: Path) -> "Windows":
        """Read what `save` wrote."""
        sizes = files.read_json(folder / "windows.json")
        starts = (np.load(folder / f"{part}.npy") for part in PARTS)
        return cls(sizes["lookback"], sizes["horizon"], sizes["stride"], *starts)


def find(segment: Array, split: Array, window: Window) -> Windows:
    """Every window of rows with these segments and parts, (row,) each; where a stretch of rows has room, the first starts as early as it can."""
    return Windows(window.lookback, window.horizon, window.stride, *(_starts(segment, split, part, window) for part in range(len(PARTS))))


def _starts(segment: Array, split: Array, part: int, window: Window) -> Array:
    """Start rows of one part; arrays here have one entry for each stretch of rows of one segment and one part."""
    new = np.append(True, (segment[1:] != segment[:-1]) | (split[1:] != split[:-1]))
    first = np.flatnonzero(new)
    stop = np.append(first[1:], len(segment))
    segment_first = first[np.searchsorted(segment[first], segment[first])]
    earliest = first if part == TRAIN else np.maximum(first - window.lookback, segment_first)
    latest = stop - window.lookback - window.horizon
    count = np.where(split[first] == part, np.maximum((latest - earliest) // window.stride + 1, 0), 0)
    number = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)  # of the window in its stretch
    starts: Array = np.repeat(earliest, count) + window.stride * number
    return starts


def shortage(where: Path, index: Rows, windows: Windows) -> list[str]:
    """A finding for every series that has no window in some part."""
    counts = np.array([np.bincount(index.series[getattr(windows, part)], minlength=len(index.names)) for part in PARTS])  # (part, series)
    size = f"{windows.lookback + windows.horizon} rows in a row (lookback {windows.lookback}, horizon {windows.horizon})"
    advice = "lower window.lookback or window.horizon, change standardize.split, raise validate.gaps where the series is cut, or add rows"
    findings: list[str] = []
    for name, rows, has in zip(index.names, index.slices(), counts.T, strict=True):
        if not has.all():
            lacking = " and ".join(part for part, count in zip(PARTS, has, strict=True) if not count)
            longest = np.bincount(index.segment[rows] - index.segment[rows.start]).max()
            span = f"{rows.stop - rows.start} rows from {timestamps.label(index.times[rows.start])}, at most {longest} of them without a cut"
            findings.append(f"{where}: series {name!r}: no window for {lacking}: a window takes {size}, and the series has {span}; {advice}")
    return findings


def gather(array: Array, starts: Array, lookback: int, horizon: int, known: int) -> Array:
    """The inputs of windows, (batch, lookback, channel), from `array` (row, channel).

    The last `known` channels are read `horizon` rows later than the others: they are known ahead, and so the inputs hold those of the
    steps to forecast.
    """
    rows = starts[:, None] + np.arange(lookback)  # (batch, lookback)
    inputs = np.asarray(array[rows])
    if known:
        inputs[..., -known:] = array[rows + horizon, -known:]
    return inputs


def gather_targets(array: Array, starts: Array, lookback: int, horizon: int, targets: int) -> Array:
    """What windows forecast, (batch, horizon, target), from the first `targets` channels of `array` (row, channel)."""
    return np.asarray(array[starts[:, None] + lookback + np.arange(horizon), :targets])
