"""The gate: may the candidate become the champion?

The candidate must beat the best baseline of any kind, be as accurate in use as it was in the
evaluation, and beat the present champion by more than chance; and no baseline may have exploded
since the champion was promoted. Candidate and champion forecast the same origins of the test split
as they would in use, from rows to forecasts in the table's units, each in a separate process and
with its own code. Every check is made, and keeps its figure, whether or not another one fails.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from pipeline.config.sections import Promote
from pipeline.core.errors import InputError
from pipeline.evaluation.entries import TRAINED
from pipeline.evaluation.verdict import Result, Verdict
from pipeline.serving import checks
from pipeline.serving.budgets import WEIGHTS, budgets
from pipeline.serving.bundle import read_card
from pipeline.serving.checks import Check
from pipeline.serving.process import CODE
from pipeline.serving.replay import ReplayWindows
from pipeline.tables.rows import Array
from pipeline.tracking.registry import Registry, Version, VersionFiles

NEW_NAME = "to start anew, give the new model a name of its own: promote.name in params.yaml"
PLAIN = "plain"  # the family of the networks whose errors are watched like those of baselines


@dataclass(frozen=True)
class Judgement:
    """The checks, and the test MSE of each entry on the scale of the present standardization.

    `in_use` are the candidate's errors in use, (window, horizon, target).
    """

    checks: tuple[Check, ...]
    errors: dict[str, float] = field(default_factory=dict)
    in_use: Array = field(default_factory=lambda: np.empty(0))

    def objection(self, accepted: Collection[str] = ()) -> str | None:
        """Return what is left to object to, if a person accepts the checks with these names."""
        failed = (each for each in self.checks if each.state(each.name in accepted) == "failed")
        return next((check.objection for check in failed), None)


@dataclass(frozen=True)
class Bounds:
    """What the comparison with the champion is held to: see `Promote`, `compare.margin`, `cost`."""

    margin: float
    max_change: float
    cost: float


def judge(
    folder: Path,
    candidate: Result,
    study: Verdict,
    windows: ReplayWindows,
    registry: Registry,
    champion: Version | None,
    settings: Promote,
) -> Judgement:
    """Judge the candidate, which is the forecaster of `candidate` in `folder`."""
    mse, rival = evaluated_mse(candidate), study.strongest
    replayed = windows.errors(CODE, folder, np.ones(len(windows.starts), bool))
    found = [
        checks.baseline(mse, rival.name, rival.mse.mean, settings.margin),
        checks.in_use(_mse(replayed), mse),
        *budgets(candidate.entry.summary, folder, settings),
    ]
    errors = {f"candidate {candidate.name}": mse, rival.name: rival.mse.mean}
    if champion is None:
        return Judgement(tuple(found), errors, replayed)
    found.append(checks.growth(references(study), champion.errors, settings.max_growth))
    try:
        files = registry.fetch(champion)
        bounds = Bounds(study.questions.margin, settings.max_change, cost(folder, files.model))
        compared = compare(replayed, windows, files, champion, bounds)
    except InputError as error:
        objection = f"champion {champion} cannot be compared ({error}); {NEW_NAME}"
        return Judgement((*found, Check("comparable", "no", objection)), errors, replayed)
    return Judgement((*found, *compared.checks), errors | compared.errors, replayed)


def cost(ours: Path, theirs: Path) -> float:
    """Return the size of the weights in the folder `ours`, relative to those in `theirs`."""
    sizes = [(folder / WEIGHTS).stat().st_size for folder in (ours, theirs)]
    return sizes[0] / sizes[1]


def references(study: Verdict) -> dict[str, float]:
    """Return the MSE of all entries that show whether the data is sound: baselines and `plain`."""
    plain = [each for each in study.variants if each.entry.summary.family == PLAIN and each.scored]
    return {result.name: result.mse.mean for result in (*study.baselines, *plain)}


def compare(
    in_use: Array, windows: ReplayWindows, files: VersionFiles, champion: Version, bounds: Bounds
) -> Judgement:
    """Compare the candidate's errors `in_use` (window, horizon, target) with the champion's.

    Only the windows that the champion can forecast count, for both. Raises `InputError` if the
    champion cannot be run.
    """
    card = read_card(files.model)
    if (card["horizon"], card["targets"]) != (windows.horizon, list(windows.targets)):
        targets = ", ".join(card["targets"])
        return _not_comparable(
            f"champion {champion} forecasts {card['horizon']} steps of {targets}, so the two are "
            f"not comparable; {NEW_NAME}"
        )
    selected = windows.answerable(card["lookback"], card["series"])
    if not selected.any():
        return _not_comparable(
            f"champion {champion} can forecast none of the test windows; {NEW_NAME}"
        )
    theirs = windows.errors(files.code, files.model, selected)
    ours, origins = in_use[selected], windows.origins[selected]
    share = "" if selected.all() else _share(selected, _mse(ours))
    effect = checks.change(ours, theirs, origins)
    name = f"champion {champion}"
    better = checks.better(
        _mse(ours), _mse(theirs), effect, name, bounds.margin, bounds.cost, share
    )
    stable = checks.stability(_mse(ours - theirs), _mse(theirs), bounds.max_change)
    return Judgement((better, stable), {f"{name}{share}": _mse(theirs)})


def _not_comparable(objection: str) -> Judgement:
    return Judgement((Check("comparable", "no", objection),))


def trained_members(result: Result) -> Sequence[int]:
    """Return the positions of the seeds that were trained to their end."""
    states = result.entry.summary.states
    return [position for position, state in enumerate(states) if state == TRAINED]


def evaluated_mse(result: Result) -> float:
    """Return the MSE of the ensemble's mean forecast, from the errors that `evaluate` wrote.

    The mean error over the seeds is the error of the mean forecast.
    """
    errors = result.entry.standardized[trained_members(result)]
    return _mse(errors.mean(axis=0, dtype=np.float64))


def _mse(errors: Array) -> float:
    """Return the mean squared error over the measured cells; errors of the others are NaN."""
    return float(np.square(errors[~np.isnan(errors)]).mean(dtype=np.float64))


def _share(selected: Array, ours: float) -> str:
    return (
        f" (on the {selected.sum():,} of {len(selected):,} test windows that it can forecast, "
        f"where the candidate has {ours:.4g})"
    )
