"""The champion: the forecaster in use, and the gate that a challenger has to pass.

The challenger is the best variant's seeds as one ensemble. It and the present champion answer as they would in use, real rows in and real units
out, for the same origins of the test part, each in a process of its own and with the code that was registered with it.
"""

import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from pipeline.config.params import Params
from pipeline.config.paths import Paths
from pipeline.core.errors import InputError
from pipeline.core.files import read_json
from pipeline.evaluation import verdict
from pipeline.evaluation.entries import TRAINED
from pipeline.evaluation.verdict import Result, Verdict
from pipeline.series.scaler import Scaler
from pipeline.serving import forecaster
from pipeline.tables import rows
from pipeline.tables.rows import Array, Rows
from pipeline.tracking.experiment import Experiment
from pipeline.tracking.registry import Candidate, Registry, Version, digest
from pipeline.tracking.runs import Run

CODE = Path(__file__).parents[
    2
]  # the folder that has the package in it; in a registered model it is `code`
NEW_NAME = "give the new model a name of its own: promote.name in params.yaml"
GREETING = re.compile(
    r"[IWE]\d{4} |WARNING: All log messages before absl|To enable the following instructions"
)
SKEW = 1e-3  # by how much the error in use may differ from the evaluated one, relatively: rounding, and no more


@dataclass(frozen=True)
class Decision:
    """What became of a challenge. `errors` is who -> test MSE on the scale of the present standardization; `champion` who it is now."""

    outcome: Literal["promoted", "unchanged", "refused"]
    reason: str
    champion: Version | None
    errors: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Trial:
    """The windows of the test part as questions to forecasters in use; `starts` (window,) are rows of the clean table."""

    table: Path
    index: Rows
    starts: Array
    lookback: int
    horizon: int
    targets: Sequence[str]
    scaler: Scaler

    def fair(self, lookback: int, known: Sequence[str]) -> Array:
        """(window,) true where a forecaster of another lookback, trained on the `known` series, can answer as well."""
        first = self.starts + self.lookback - lookback
        reaches: Array = (first >= 0) & (
            self.index.segment[np.maximum(first, 0)] == self.index.segment[self.starts]
        )
        return reaches & np.isin(self.index.names, known)[self.index.series[self.starts]]

    def errors(self, code: Path, folder: Path, chosen: Array) -> Array:
        """Standardized errors (window, horizon, target) of the forecaster in `folder` on the `chosen` windows (window,)."""
        starts = self.starts[chosen]
        answers = ask(
            code,
            folder,
            self.table,
            starts + self.lookback - read_json(folder / "params.json")["lookback"],
        )
        steps = starts[:, None] + np.arange(self.lookback, self.lookback + self.horizon)
        truth = np.stack([rows.column(self.table, target) for target in self.targets], axis=1)[
            steps
        ]
        series = self.index.series[starts]
        scaled: list[Array] = [
            self.scaler.transform(values, series, self.targets) for values in (answers, truth)
        ]
        return scaled[0] - scaled[1]


def challenge(params: Params, paths: Paths) -> Decision:
    """Build the challenger, judge it, and make it champion if it passes; nothing changes if it does not."""
    judged = verdict.read(paths.errors)
    registry = Registry(Experiment(paths.mlflow, params.track.experiment), params.promote.name)
    present = registry.version()
    if judged.best is None:
        return Decision(
            "refused", "no variant has a trained replica, so there is no challenger", present
        )
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "forecaster"
        _build(params, paths, judged.best, folder)
        if present is not None and present.digest == digest(folder):
            return Decision(
                "unchanged",
                f"{judged.best.name} of these very weights is champion already",
                present,
            )
        same = registry.find(digest(folder))
        if same is not None and same.rolled_back:
            reason = f"{same} is this very forecaster, and people have rolled it back; `python -m pipeline.promote --rollback` brings it back"
            return Decision("refused", reason, present)
        errors, objections = _judge(
            trial(paths, judged), judged, judged.best, folder, registry, present
        )
        if objections:
            return Decision("refused", "; ".join(objections), present, errors)
        candidate = Candidate(params.promote.name, folder, judged.best.name, _inputs(params))
        return Decision(
            "promoted",
            "it passed the gate",
            registry.crown(candidate, _record(judged.best, errors), present),
            errors,
        )


def rollback(params: Params, paths: Paths) -> tuple[Version, Version]:
    """Return to the previous champion; gives the new and the dethroned one."""
    return Registry(
        Experiment(paths.mlflow, params.track.experiment), params.promote.name
    ).rollback()


def fetch(params: Params, paths: Paths) -> Path:
    """The champion's folder, with `code/` and `artifacts/forecaster/`; raises `InputError` where there is no champion."""
    registry = Registry(Experiment(paths.mlflow, params.track.experiment), params.promote.name)
    champion = registry.version()
    if champion is None:
        raise InputError(
            f"MLflow: {params.promote.name} has no champion yet; run `python -m pipeline.promote`"
        )
    return registry.fetch(champion)


def ask(code: Path, folder: Path, table: Path, starts: Array) -> Array:
    """The forecasts (window, horizon, target) of the forecaster in `folder`, by the package in `code`; raises `InputError` where it cannot be run."""
    with tempfile.TemporaryDirectory() as scratch:
        question, answer = Path(scratch) / "starts.npy", Path(scratch) / "answers.npy"
        np.save(question, starts)
        done = execute(
            code,
            "pipeline.serving.forecaster",
            *(str(path.resolve()) for path in (folder, table, question, answer)),
        )
        if done.failed:
            raise InputError(
                f"{folder}: this forecaster cannot be run: {str(done).splitlines()[-1]}"
            )
        answers: Array = np.load(answer)
        return answers


@dataclass(frozen=True)
class Done:
    """How a process ended, and the lines that it wrote to stderr."""

    failed: bool
    told: Sequence[str]

    def __str__(self) -> str:
        return "\n".join(self.told) or "it gave no reason"


def execute(code: Path, module: str, *words: str) -> Done:
    """Run `module` of the package in `code` in a process of its own, which may write to stdout."""
    done = subprocess.run(
        [sys.executable, "-m", module, *words], cwd=code, stderr=subprocess.PIPE, text=True
    )
    return Done(done.returncode != 0, without_greetings(done.stderr))


def without_greetings(output: str) -> list[str]:
    """The lines of a process' output, without blank ones and without those that TensorFlow prints whenever it is imported."""
    return [line for line in output.splitlines() if line.strip() and not GREETING.match(line)]


def _build(params: Params, paths: Paths, best: Result, folder: Path) -> None:
    frequency = read_json(paths.clean / "report.json")["frequency"]
    forecaster.build(
        params, frequency, paths.models / best.name, _members(best), paths.standardized, folder
    )


def _inputs(params: Params) -> list[str]:
    """Names of the columns that recent rows have."""
    return [
        *([params.data.series] if params.data.series else []),
        params.data.time,
        *params.data.columns,
    ]


def trial(paths: Paths, judged: Verdict) -> Trial:
    """The questions that the test windows of `judged` are."""
    table = paths.clean / "table.parquet"
    scaler = Scaler.from_json(read_json(paths.standardized / "scaler.json"))
    setup = judged.setup
    return Trial(
        table,
        rows.read(table),
        judged.windows["start"].to_numpy(),
        setup.lookback,
        setup.horizon,
        setup.targets,
        scaler,
    )


def _judge(
    trial: Trial,
    judged: Verdict,
    best: Result,
    folder: Path,
    registry: Registry,
    present: Version | None,
) -> tuple[dict[str, float], list[str]]:
    """Who -> MSE, and what speaks against the challenger; the expensive questions are asked only of one that beats the naive baseline."""
    naive = judged.reference
    evaluated = _evaluated(best)
    errors = {f"challenger {best.name}": evaluated, naive.name: naive.mse.mean}
    if not evaluated < naive.mse.mean:
        return errors, [
            f"its MSE {evaluated:.4g} does not beat the best naive baseline, {naive.name}, with {naive.mse.mean:.4g}"
        ]
    answered = trial.errors(CODE, folder, np.ones(len(trial.starts), bool))
    if not abs(_mse(answered) - evaluated) <= SKEW * evaluated:
        return errors, [
            f"in use its MSE is {_mse(answered):.4g}, and {evaluated:.4g} where it was evaluated; make the stages agree with each other (dvc repro)"
        ]
    if present is None:
        return errors, []
    try:
        return _compare(trial, answered, errors, registry.fetch(present), present)
    except InputError as refusal:
        return errors, [
            f"champion {present} cannot be asked for a comparison ({refusal}); {NEW_NAME}"
        ]


def _compare(
    trial: Trial, answered: Array, errors: dict[str, float], model: Path, present: Version
) -> tuple[dict[str, float], list[str]]:
    """The same windows for both: those that the champion can answer."""
    folder = model / "artifacts" / "forecaster"
    card = read_json(folder / "params.json")
    if (card["horizon"], card["data"]["targets"]) != (trial.horizon, list(trial.targets)):
        return errors, [
            f"champion {present} forecasts {card['horizon']} steps of {', '.join(card['data']['targets'])}, which is another task; {NEW_NAME}"
        ]
    fair = trial.fair(card["lookback"], list(read_json(folder / "scaler.json")["series"]))
    if not fair.any():
        return errors, [f"champion {present} can answer none of the test windows; {NEW_NAME}"]
    theirs, ours = _mse(trial.errors(model / "code", folder, fair)), _mse(answered[fair])
    share = (
        ""
        if fair.all()
        else f" (on the {fair.sum():,} of {len(fair):,} test windows that it can answer, where the challenger has {ours:.4g})"
    )
    objections = (
        []
        if ours < theirs
        else [f"its MSE {ours:.4g} does not beat champion {present} with {theirs:.4g}{share}"]
    )
    return errors | {f"champion {present}{share}": theirs}, objections


def _evaluated(result: Result) -> float:
    """MSE of the mean forecast over the trained seeds, from the errors that `evaluate` wrote: the mean error is the error of the mean."""
    return _mse(result.entry.standardized[_members(result)].mean(axis=0, dtype=np.float64))


def _mse(errors: Array) -> float:
    return float(np.square(errors).mean())


def _members(result: Result) -> list[int]:
    return [seed for seed, state in enumerate(result.entry.summary.states) if state == TRAINED]


def _record(best: Result, errors: Mapping[str, float]) -> Run:
    """The run that tells why the version is there."""
    metrics = {f"mse {who}": value for who, value in errors.items()}
    return Run(
        f"promotion of {best.name}", {"role": "promotion", "variant": best.name}, metrics=metrics
    )
