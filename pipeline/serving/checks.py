"""The checks of the gate: what each has measured, and what it objects to.

A check keeps its figure whether or not it has passed. A person may accept what the checks in
`ACCEPTABLE` object to; the others mean that there is nothing sound to accept.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pipeline.evaluation.leaderboard_text import interval
from pipeline.evaluation.statistics.draws import draw
from pipeline.evaluation.statistics.effects import LEVEL, Effect, effects
from pipeline.evaluation.statistics.losses import reduce
from pipeline.tables.rows import Array

ACCEPTABLE = (
    *("baseline", "coverage", "latency", "size"),
    *("growth", "champion", "stability", "drift"),
)
CHEAPER = 0.9
TOLERANCE = 1e-3  # relative difference of the MSE in use and in the evaluation: rounding only


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


def drift(state: str, figure: str) -> Check:
    """Check that the new rows look like their past: the `state` of the drift is `none`."""
    if state == "none":
        return Check("drift", figure)
    objection = (
        f"the new rows differ from their past ({figure}); look at the drift, and run `python -m "
        "pipeline.retrain --accept-drift` if they are right"
    )
    return Check("drift", figure, objection)


def better(
    ours: float,
    theirs: float,
    effect: Effect,
    champion: str,
    margin: float,
    cost: float,
    on: str = "",
) -> Check:
    """Check that the MSE is lower than the champion's by more than chance, or the network cheaper.

    It is cheaper if its weights have at most `CHEAPER` times the size of the champion's, which is
    `cost`, and the interval of the change lies within the `margin` of equivalence.
    """
    said = f"change {interval(effect)}, with {LEVEL:.0%} confidence"
    figure = f"MSE {ours:.4g}, champion {theirs:.4g}, {said}, weights {cost:.0%} of its size{on}"
    equivalent = -margin <= effect.low and effect.high <= margin
    if effect.high < 0 or (equivalent and cost <= CHEAPER):
        return Check("champion", figure)
    beats = "does not clearly beat" if ours < theirs else "does not beat"
    objection = f"its MSE {ours:.4g} {beats} {champion} with {theirs:.4g}{on}: {said}"
    return Check("champion", figure, objection)


def stability(change: float, theirs: float, limit: float) -> Check:
    """Check that the forecasts are near the champion's for the same origins.

    `change` is the mean square of the difference, `theirs` the champion's MSE.
    """
    unlike = 0.0 if change == 0 else float("inf")  # where the champion makes no error
    ratio = change / theirs if theirs > 0 else unlike
    figure = f"forecasts differ by {ratio:.2f} of the champion's MSE, at most {limit:g} allowed"
    if ratio <= limit:
        return Check("stability", figure)
    return Check("stability", figure, f"its {figure}; look at both before it replaces the champion")


def change(ours: Array, theirs: Array, origins: Array) -> Effect:
    """Return the relative change of the MSE of two forecasters of the same windows.

    `ours` and `theirs` are errors (window, horizon, target), NaN in the same masked cells.
    `origins` are times (window,). The interval is that of the verdict.
    """
    _, codes = np.unique(origins, return_inverse=True)
    losses = [reduce(errors[None], np.zeros(1, bool), codes) for errors in (ours, theirs)]
    return effects(draw(losses, [True, True], ours.shape[1]), 1, [0])[0]
