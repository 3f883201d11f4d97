"""The checks of the gate: what each has measured, and what it objects to.

A check keeps its figure whether or not it has passed. A person may accept what the checks in
`ACCEPTABLE` object to; the others mean that there is nothing sound to accept.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pipeline.tables.rows import Array

ACCEPTABLE = ("baseline", "growth", "champion")
TOLERANCE = 1e-3  # relative difference of the MSE in use and in the evaluation: rounding only
DRAWS = 2000  # of the bootstrap: the quantiles of a 95 % interval repeat to about 0.1 of its width
LEVEL = 0.95


@dataclass(frozen=True)
class Check:
    """What a check has measured, in words, and its objection; None if the candidate passes."""

    name: str
    figure: str
    objection: str | None = None

    def state(self, accepted: bool = False) -> str:
        """Return `passed`, `failed`, or `accepted` if a person takes the objection on himself."""
        if self.objection is None:
            return "passed"
        return "accepted" if accepted and self.name in ACCEPTABLE else "failed"


@dataclass(frozen=True)
class Change:
    """The relative change of an MSE, and the interval that holds it in 95 of 100 cases."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:+.1%} (95 % interval {self.low:+.1%} to {self.high:+.1%})"


def baseline(mse: float, name: str, best: float, margin: float) -> Check:
    """Check that the MSE is lower than that of the best baseline `name` by the relative margin."""
    figure = f"MSE {mse:.4g}, {name} {best:.4g}, margin {margin:.1%}"
    if mse < best * (1 - margin):
        return Check("baseline", figure)
    by = f" by {margin:.1%}" if margin else ""
    objection = f"its MSE {mse:.4g} does not beat the best baseline, {name}, with {best:.4g}{by}"
    return Check("baseline", figure, objection)


def in_use(mse: float, evaluated: float) -> Check:
    """Check that the forecaster in use is as accurate as it was in the evaluation."""
    figure = f"MSE {mse:.4g} in use, {evaluated:.4g} in the evaluation"
    if abs(mse - evaluated) <= TOLERANCE * evaluated:
        return Check("in_use", figure)
    objection = (
        f"its MSE is {mse:.4g} in use, but was {evaluated:.4g} in the evaluation; "
        "bring the stages up to date (`dvc repro`)"
    )
    return Check("in_use", figure, objection)


def growth(now: Mapping[str, float], then: Mapping[str, float], limit: float) -> Check:
    """Check that no reference has a multiple of the MSE that it had at the last promotion.

    Baselines and plain networks on sound data keep their errors. Where they explode, the data has
    changed, and a candidate that seems to gain has learned what is wrong with it.
    """
    ratios = {name: now[name] / then[name] for name in now if then.get(name, 0) > 0}
    if not ratios:
        return Check("growth", "no errors of an earlier promotion to compare with")
    figure = ", ".join(f"{name} x {ratio:.2f}" for name, ratio in ratios.items())
    grown = [name for name, ratio in ratios.items() if not ratio <= limit]
    if not grown:
        return Check("growth", figure)
    worst = max(grown, key=lambda name: ratios[name])
    objection = (
        f"the MSE of {worst} is {ratios[worst]:.3g} times what it was at the last promotion "
        f"({now[worst]:.4g}, then {then[worst]:.4g}; at most {limit:g} times is allowed), so the "
        "data has changed: look at the units of the new rows"
    )
    return Check("growth", figure, objection)


def better(ours: float, theirs: float, change: Change, champion: str, on: str = "") -> Check:
    """Check that the MSE is lower than the champion's by more than chance."""
    figure = f"MSE {ours:.4g}, champion {theirs:.4g}, change {change}{on}"
    if change.high < 0:
        return Check("champion", figure)
    beats = "does not clearly beat" if ours < theirs else "does not beat"
    objection = (
        f"its MSE {ours:.4g} {beats} {champion} with {theirs:.4g}{on}: the change is {change}"
    )
    return Check("champion", figure, objection)


def relative_change(ours: Array, theirs: Array, origins: Array, block: int) -> Change:
    """Return the relative change of the MSE of two forecasters of the same windows.

    `ours` and `theirs` are errors (window, horizon, target), NaN in the same masked cells.
    `origins` are times (window,). The interval is that of a circular block bootstrap over the
    origins (Politis and Romano, 1992), whose series are drawn together: errors of neighbouring
    origins overlap, so single windows would give too short an interval. `block` is in origins.
    """
    _, codes = np.unique(origins, return_inverse=True)
    sums = np.stack([_sums(errors, codes) for errors in (ours, theirs)])  # (2, origin)
    count = sums.shape[1]
    length = max(1, min(block, count // 4))
    wrapped = np.concatenate([sums, sums[:, : length - 1]], axis=1)
    running = np.pad(np.cumsum(wrapped, axis=1), ((0, 0), (1, 0)))
    blocks = running[:, length:] - running[:, :-length]  # (2, origin): the block that begins there
    draws = np.random.default_rng(0).integers(count, size=(DRAWS, -(-count // length)))
    drawn = np.stack([each[draws].sum(axis=1) for each in blocks])
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(drawn[0] / drawn[1] - 1, [tail, 1 - tail])
    total = sums.sum(axis=1)
    return Change(float(total[0] / total[1] - 1), float(low), float(high))


def _sums(errors: Array, codes: Array) -> Array:
    """Return the sum of squared errors of each origin, (origin,)."""
    squared = np.nansum(np.square(errors, dtype=np.float64), axis=(1, 2))
    return np.bincount(codes, weights=squared)
