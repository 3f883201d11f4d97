"""The gate: may the candidate become the champion?

The candidate must beat the best naive baseline, be as accurate in use as it was in the evaluation,
and beat the present champion. Both forecast the same origins of the test split as they would in
use, from rows to forecasts in the table's units, each in a separate process and with its own code.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from pipeline.core.errors import InputError
from pipeline.evaluation.entries import TRAINED
from pipeline.evaluation.verdict import Result
from pipeline.serving.bundle import read_card
from pipeline.serving.process import CODE
from pipeline.serving.replay import ReplayWindows
from pipeline.tables.rows import Array
from pipeline.tracking.registry import Registry, Version, VersionFiles

NEW_NAME = "to start anew, give the new model a name of its own: promote.name in params.yaml"
TOLERANCE = 1e-3  # relative difference of the MSE in use and in the evaluation: rounding only


@dataclass(frozen=True)
class Judgement:
    """The gate's result: why the candidate is rejected (or None), and each entry's test MSE.

    The errors are on the scale of the present standardization.
    """

    objection: str | None
    errors: dict[str, float] = field(default_factory=dict)


def judge(
    folder: Path,
    best: Result,
    naive: Result,
    windows: ReplayWindows,
    registry: Registry,
    champion: Version | None,
) -> Judgement:
    """Judge the candidate, which is the forecaster of `best` in `folder`.

    The expensive comparisons come last, and only for a candidate that passed the cheaper ones.
    """
    evaluated = evaluated_mse(best)
    errors = {f"candidate {best.name}": evaluated, naive.name: naive.mse.mean}
    if not evaluated < naive.mse.mean:
        objection = (
            f"its MSE {evaluated:.4g} does not beat the best naive baseline, {naive.name}, "
            f"with {naive.mse.mean:.4g}"
        )
        return Judgement(objection, errors)
    in_use = windows.errors(CODE, folder, np.ones(len(windows.starts), bool))
    if not abs(_mse(in_use) - evaluated) <= TOLERANCE * evaluated:
        objection = (
            f"its MSE is {_mse(in_use):.4g} in use, but was {evaluated:.4g} in the evaluation; "
            "bring the stages up to date (`dvc repro`)"
        )
        return Judgement(objection, errors)
    if champion is None:
        return Judgement(None, errors)
    try:
        compared = compare(in_use, windows, registry.fetch(champion), champion)
    except InputError as error:
        objection = f"champion {champion} cannot be compared ({error}); {NEW_NAME}"
        return Judgement(objection, errors)
    return Judgement(compared.objection, errors | compared.errors)


def compare(
    in_use: Array, windows: ReplayWindows, files: VersionFiles, champion: Version
) -> Judgement:
    """Compare the candidate's errors `in_use` (window, horizon, target) with the champion's.

    Only the windows that the champion can forecast count, for both. Raises `InputError` if the
    champion cannot be run.
    """
    card = read_card(files.model)
    if (card["horizon"], card["targets"]) != (windows.horizon, list(windows.targets)):
        targets = ", ".join(card["targets"])
        return Judgement(
            f"champion {champion} forecasts {card['horizon']} steps of {targets}, so the two are "
            f"not comparable; {NEW_NAME}"
        )
    selected = windows.answerable(card["lookback"], card["series"])
    if not selected.any():
        return Judgement(f"champion {champion} can forecast none of the test windows; {NEW_NAME}")
    theirs = _mse(windows.errors(files.code, files.model, selected))
    ours = _mse(in_use[selected])
    share = "" if selected.all() else _share(selected, ours)
    errors = {f"champion {champion}{share}": theirs}
    if ours < theirs:
        return Judgement(None, errors)
    return Judgement(
        f"its MSE {ours:.4g} does not beat champion {champion} with {theirs:.4g}{share}", errors
    )


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
