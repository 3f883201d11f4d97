"""Stretches of missing values: where they are, and whether a policy may fill them."""

from dataclasses import dataclass

import numpy as np

from pipeline.config.validation import FILLS, Missing
from pipeline.tables.rows import Array


@dataclass(frozen=True)
class Stretches:
    """Stretches of missing values, each inside one segment: rows `start` to `stop` - 1."""

    start: Array  # (stretch,)
    stop: Array  # (stretch,)
    before: Array  # (stretch,) bool: a value stands before it in its segment
    after: Array  # (stretch,) bool: a value stands after it in its segment
    size: int  # rows of the table

    @property
    def lengths(self) -> Array:
        """Return (stretch,) missing values in a row."""
        return np.asarray(self.stop - self.start)

    def rows(self) -> Array:
        """Return the rows of all stretches, (missing,)."""
        offsets = self.start - np.cumsum(self.lengths) + self.lengths
        return np.asarray(np.arange(self.lengths.sum()) + np.repeat(offsets, self.lengths))

    def only(self, chosen: Array) -> "Stretches":
        """Return the `chosen` (stretch,) ones."""
        return Stretches(
            self.start[chosen],
            self.stop[chosen],
            self.before[chosen],
            self.after[chosen],
            self.size,
        )

    def mask(self, chosen: Array) -> Array:
        """Return (row,) true in the `chosen` (stretch,) ones."""
        mask = np.zeros(self.size, bool)
        mask[self.only(chosen).rows()] = True
        return mask

    def between(self, rule: Missing) -> Array:
        """Return (stretch,) true where values stand at the sides that the policy fills from."""
        if rule.policy == "constant":
            return np.ones(len(self.start), bool)
        return np.asarray(self.before & (self.after | (rule.policy != "interpolate")))

    def fillable(self, rule: Missing) -> Array:
        """Return (stretch,) true where the policy fills."""
        allowed = self.between(rule) & (self.lengths <= rule.longest)
        return np.asarray(allowed & (rule.policy in FILLS))

    def cut(self, rule: Missing) -> Array:
        """Return (stretch,) true where the policy ends the segment."""
        if rule.policy == "cut":
            return np.ones(len(self.start), bool)
        return np.asarray(~self.fillable(rule) & (rule.beyond == "cut"))


def stretches(missing: Array, segment: Array) -> Stretches:
    """Return the stretches of `missing` (row,) values."""
    if not len(missing):
        nothing = np.empty(0, np.int64)
        return Stretches(nothing, nothing, nothing == 0, nothing == 0, 0)
    joined = missing[1:] & missing[:-1] & (segment[1:] == segment[:-1])
    start = np.flatnonzero(missing & ~np.append(False, joined))
    stop = np.flatnonzero(missing & ~np.append(joined, False)) + 1
    # (row + 1,) true where a segment starts, or the table has ended
    edge = np.concatenate([[True], segment[1:] != segment[:-1], [True]])
    return Stretches(start, stop, ~edge[start], ~edge[stop], len(missing))
