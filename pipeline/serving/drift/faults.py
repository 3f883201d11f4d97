"""Faults that leave the distribution of a column as it was: stuck sensors and shuffled rows."""

from collections.abc import Iterable

import numpy as np
from scipy import stats

from pipeline.tables.rows import Array

LONGER = 2.0  # times the longest run of the history
RUN = 12  # equal values in a row that are always normal
PERSISTENT = 0.5  # autocorrelation of a column whose order can be told from chance
KEPT = 0.5  # share of the least autocorrelation of the history below which the order is lost
VARIED = 0.1  # share of values other than the most frequent one that a rank correlation needs
RATE = 0.05  # by which the share of missing values must exceed the highest of the history


def longest_run(values: Array) -> int:
    """Return the number of equal values in a row; a missing value ends a run."""
    measured = ~np.isnan(values)
    starts = np.append(True, (values[1:] != values[:-1]) | ~measured[1:])
    lengths = np.diff(np.append(np.flatnonzero(starts), len(values)))
    return int(lengths[measured[starts]].max(initial=0))


def stuck(new: Array, old: Array) -> str | None:
    """Say so if a value repeats for longer than ever before."""
    now, then = longest_run(new), longest_run(old)
    if now <= max(RUN, LONGER * then):
        return None
    return f"the same value {now:,} times in a row, before at most {then:,} times"


def autocorrelation(values: Array) -> float:
    """Return the rank correlation of each value with the next; NaN if there is hardly any to rank.

    That is so if nine in ten values are the same one, or missing.
    """
    first, second = values[:-1], values[1:]
    both = ~np.isnan(first) & ~np.isnan(second)
    first, second = first[both], second[both]
    if len(first) < 3 or min(map(_varied, (first, second))) < VARIED:
        return float("nan")
    return float(stats.spearmanr(first, second).statistic)


def _varied(values: Array) -> float:
    """Return the share of the values that differ from the most frequent one."""
    return 1 - float(np.unique(values, return_counts=True)[1].max()) / len(values)


def shuffled(new: Iterable[Array], history: Iterable[Array]) -> str | None:
    """Say so if the values of a new window do not follow one another as they always did."""
    before = [each for each in map(autocorrelation, history) if not np.isnan(each)]
    after = [each for each in map(autocorrelation, new) if not np.isnan(each)]
    if not before or not after or np.median(before) < PERSISTENT:
        return None
    least = min(after)
    if least >= KEPT * min(before):
        return None
    return (
        f"autocorrelation {least:.2f} from one row to the next, in the history {min(before):.2f} "
        f"or more, {np.median(before):.2f} in the middle"
    )


def missing(new: Array, history: Iterable[Array]) -> str | None:
    """Say so if more values are missing than in any window of the history; all (row,) bool."""
    now, then = float(new.mean()), max((float(each.mean()) for each in history), default=0.0)
    if now <= max(then + RATE, LONGER * then if then < RATE else 0.0):
        return None
    return f"{now:.0%} of the values are missing, before at most {then:.0%} in a window"
