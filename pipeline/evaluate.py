"""Stage `evaluate`: the errors of every trained variant and every baseline on the test split.

Writes one folder of signed errors per variant and baseline, the test windows (`windows.parquet`,
with series, origin and start row) and what was evaluated (`setup.json`).
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.config import params
from pipeline.config.params import Params
from pipeline.core import command, files, manifest
from pipeline.core.errors import InputError
from pipeline.evaluation import entries
from pipeline.evaluation.baselines import BASELINES, ForecastTask, Starts
from pipeline.evaluation.entries import NOT_FINITE, TRAINED, Summary
from pipeline.evaluation.evaluator import Evaluator, Setup
from pipeline.evaluation.metrics import Array
from pipeline.series.dataset import Dataset
from pipeline.series.windows import Windows, gather


def run(params: Params, standardized: Path, windows: Path, models: Path, out: Path) -> None:
    """Evaluate the variants of this study, and the baselines, on every test window."""
    folders = _trained(params, models)
    data, starts = Dataset.load(standardized), Windows.load(windows)
    setup = _setup(params, data, starts)
    evaluator = _evaluator(setup, data, starts)
    with files.new_folder(out) as errors:
        setup.save(errors)
        _write_windows(errors / "windows.parquet", data, starts)
        for folder in folders:
            _evaluate_variant(evaluator, data, folder, errors / folder.name)
        for name in BASELINES:
            _evaluate_baseline(evaluator, name, errors / name)
    print(
        f"evaluate: {len(folders)} variants and {len(BASELINES)} baselines on "
        f"{len(starts.test):,} test windows"
    )


def _trained(params: Params, models: Path) -> Sequence[Path]:
    """Return the folders of the variants that `study` selects.

    Raises `InputError` with every variant that was not trained.
    """
    folders = [models / variant.name for variant in params.selected]
    missing = [
        f"{folder}: was not found, but `study` selects this variant; run 'dvc repro train'"
        for folder in folders
        if not (folder / "fleet.json").exists()
    ]
    if missing:
        raise InputError(*missing)
    return folders


def _setup(params: Params, data: Dataset, windows: Windows) -> Setup:
    return Setup(
        targets=data.channels.targets,
        lookback=windows.lookback,
        horizon=windows.horizon,
        stride=windows.stride,
        season_length=params.evaluate.season_length or 1,
        ridge_penalty=params.evaluate.ridge,
        scaler=data.scaler.kind,
        scope=data.scaler.scope,
    )


def _evaluator(setup: Setup, data: Dataset, windows: Windows) -> Evaluator:
    task = ForecastTask(
        array=data.standardized,
        segment=data.segment,
        train=windows.train,
        test=windows.test,
        lookback=setup.lookback,
        horizon=setup.horizon,
        targets=len(setup.targets),
        future_covariates=len(data.channels.future_covariates),
        season_length=setup.season_length,
        ridge_penalty=setup.ridge_penalty,
    )
    ones = np.ones((len(windows.test), task.targets))
    series = data.series[windows.test]
    return Evaluator(task, data.scaler.inverse_difference(ones, series, setup.targets))


def _write_windows(path: Path, data: Dataset, windows: Windows) -> None:
    """Write a table with the series, the origin and the start row of each test window."""
    series = np.asarray(data.names)[data.series[windows.test]]
    origins = data.times[windows.test + windows.lookback - 1]
    origins = pa.array(origins, pa.timestamp("ns", tz="UTC"))
    pq.write_table(pa.table({"series": series, "origin": origins, "start": windows.test}), path)


def _evaluate_variant(evaluator: Evaluator, data: Dataset, trained: Path, out: Path) -> None:
    """Write the errors of every seed of a variant; those of a failed seed are NaN."""
    from pipeline.training.engine.ensemble import Ensemble  # imports TensorFlow

    fleet, task = files.read_json(trained / "fleet.json"), evaluator.task
    ensemble = Ensemble.load(trained)
    raw = fleet["model"]["input"]["values"] == "raw"
    array = data.raw if raw else data.standardized

    def forecast(starts: Starts) -> Array:
        inputs = gather(array, starts, task.lookback, task.horizon, task.future_covariates)
        return ensemble.forecast(inputs)

    states = np.array(fleet["states"])
    failed = evaluator.evaluate(out, states != TRAINED, forecast)
    states = np.where(failed & (states == TRAINED), NOT_FINITE, states)
    entries.save(out, _summary(trained, states.tolist()))


def _summary(trained: Path, states: Sequence[str]) -> Summary:
    """Return what training recorded of a variant, with the states after the evaluation."""
    fleet, cost = files.read_json(trained / "fleet.json"), files.read_json(trained / "cost.json")
    return Summary(
        name=fleet["name"],
        kind="variant",
        family=fleet["family"],
        seeds=tuple(fleet["seeds"]),
        states=tuple(states),
        epochs=tuple(fleet["epochs"]),
        best_epochs=tuple(fleet["best_epochs"]),
        parameters=fleet["parameters"],
        seconds_per_replica=cost["seconds_per_replica"],
        weights_sha256=manifest.read(trained)["weights.npz"],
        model=fleet["model"],
        train=fleet["train"],
        warnings=tuple(fleet["warnings"]),
        cudnn=fleet["cudnn"],
    )


def _evaluate_baseline(evaluator: Evaluator, name: str, out: Path) -> None:
    fitted = BASELINES[name].fit(evaluator.task)
    evaluator.evaluate(out, np.zeros(1, bool), lambda starts: fitted.forecast(starts)[None])
    entries.save(out, entries.baseline(name, fitted.parameters, fitted.note))


if __name__ == "__main__":
    command.main(run, params.read)
