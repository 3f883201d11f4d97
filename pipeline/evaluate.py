"""Stage `evaluate`: the errors of every trained variant and every baseline on the test split.

Writes one folder of signed errors per variant and baseline, with the prediction intervals of a
variant and what was measured inside it on validation windows
(`pipeline/evaluation/diagnosis.py`), the test windows (`windows.parquet`,
with series, origin, start row and number of measured cells), what was evaluated (`setup.json`) and
what R2 and MASE divide errors by (`yardsticks.parquet`). Baselines that take long to fit and
the latency of a forecast are kept in `store`; `fingerprints.json` names them, for `clean`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.config import params
from pipeline.config.learning import Train
from pipeline.config.params import Params
from pipeline.config.sections import Forecast
from pipeline.core import command, files, manifest
from pipeline.core.errors import InputError
from pipeline.evaluation import diagnosis, entries, season, yardsticks
from pipeline.evaluation.baselines import BASELINES
from pipeline.evaluation.entries import NOT_FINITE, TRAINED, Summary
from pipeline.evaluation.evaluator import Evaluator, Setup
from pipeline.evaluation.metrics import Array
from pipeline.evaluation.season import Season
from pipeline.evaluation.task import ForecastTask, Starts
from pipeline.series.dataset import Dataset
from pipeline.series.possible import Possible
from pipeline.series.split import TRAIN
from pipeline.series.windows import Windows, gather

if TYPE_CHECKING:
    from pipeline.training.engine.ensemble import Ensemble

DIAGNOSED = 128  # validation windows that a diagnosis is made on


def run(
    params: Params, standardized: Path, windows: Path, models: Path, store: Path, out: Path
) -> None:
    """Evaluate the variants of this study, and the baselines, on every test window."""
    folders = _trained(params, models)
    data, starts = Dataset.load(standardized), Windows.load(windows)
    setup = _setup(params, data, starts)
    evaluator = _evaluator(params, setup, data, starts, store / "baselines")
    evaluator.check_levels(params.forecast, data.names)
    with files.new_folder(out) as errors:
        setup.save(errors)
        _write_windows(errors / "windows.parquet", data, evaluator.task)
        training = data.split == TRAIN
        known = yardsticks.yardsticks(evaluator.task, data.raw, training, data.names, setup.targets)
        known.to_parquet(errors / yardsticks.NAME)
        kept: list[str | None] = [
            _evaluate_variant(evaluator, data, folder, store, errors / folder.name, params.forecast)
            for folder in folders
        ]
        kept += [_evaluate_baseline(evaluator, name, errors / name) for name in BASELINES]
        files.write_json(errors / "fingerprints.json", sorted(filter(None, kept)))
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
    targets, found = data.channels.targets, _season(params, data)
    return Setup(
        targets=targets,
        lookback=windows.lookback,
        horizon=windows.horizon,
        stride=windows.stride,
        season_length=found.length,
        season="as given" if params.evaluate.season_length else str(found),
        ridge_penalty=params.evaluate.ridge,
        scalers=tuple(data.scaler.kinds[data.scaler.columns.index(name)] for name in targets),
        scope=data.scaler.scope,
        limits={name: bounds.model_dump() for name, bounds in params.forecast.limits.items()},
    )


def _season(params: Params, data: Dataset) -> Season:
    """Return the season length that the parameters give, or else infer it."""
    if params.evaluate.season_length:
        return Season(params.evaluate.season_length)
    training = data.split == TRAIN
    return season.infer(data.truth, data.times, data.series, data.segment, training)


def _evaluator(
    params: Params, setup: Setup, data: Dataset, windows: Windows, cache: Path
) -> Evaluator:
    task = ForecastTask(
        array=data.standardized,
        truth=data.truth,
        series=data.series,
        segment=data.segment,
        train=windows.train,
        validation=windows.validation,
        test=windows.test,
        lookback=setup.lookback,
        horizon=setup.horizon,
        future_covariates=len(data.channels.future_covariates),
        season_length=setup.season_length,
        ridge_penalty=setup.ridge_penalty,
        indicators=data.channels.indicated,
        cache=cache,
    )
    possible = Possible(data.scaler, setup.targets, params.forecast.limits)
    return Evaluator(task, data.raw, possible)


def _write_windows(path: Path, data: Dataset, task: ForecastTask) -> None:
    """Write a table with series, origin, start row and measured cells of each test window."""
    starts = np.asarray(task.test)
    series = np.asarray(data.names)[data.series[starts]]
    origins = pa.array(data.times[starts + task.lookback - 1], pa.timestamp("ns", tz="UTC"))
    cells = np.isfinite(task.answers(starts)).sum(axis=(1, 2))
    table = {"series": series, "origin": origins, "start": starts, "cells": cells}
    pq.write_table(pa.table(table), path)


def _evaluate_variant(
    evaluator: Evaluator, data: Dataset, trained: Path, store: Path, out: Path, settings: Forecast
) -> str:
    """Write the errors of every seed of a variant, NaN for a failed seed, and the intervals.

    Returns the name of its latency in the store.
    """
    from pipeline.training.diagnosis.latency import latency
    from pipeline.training.engine.ensemble import Ensemble  # imports TensorFlow

    fleet, task = files.read_json(trained / "fleet.json"), evaluator.task
    ensemble = Ensemble.load(trained)
    raw = fleet["model"]["input"]["values"] == "raw"
    array = data.raw if raw else data.standardized

    def forecast(starts: Starts) -> Array:
        inputs = gather(array, starts, task.lookback, task.horizon, task.future_covariates)
        return ensemble.forecast(*inputs)

    states = np.array(fleet["states"])
    lost, clipped = evaluator.evaluate(out, states != TRAINED, forecast)
    if (states == TRAINED).any():
        _diagnose(ensemble, evaluator, array, fleet["train"], out)
    states = np.where(lost & (states == TRAINED), NOT_FINITE, states)
    name = manifest.read(trained)["weights.npz"][:32]
    one = gather(array, task.test[:1], task.lookback, task.horizon, task.future_covariates)
    took = latency(ensemble, *one, store / "latency" / name / "latency.json")
    found = _summary(trained, states.tolist(), tuple(clipped.tolist()), took)
    members = np.flatnonzero(states == TRAINED)
    if settings.levels and len(members):
        held = evaluator.write_intervals(out, forecast, members, settings, len(data.names))
        found = replace(found, intervals=held)
    entries.save(out, found)
    return name


def _diagnose(
    ensemble: "Ensemble", evaluator: Evaluator, array: Array, train: Mapping[str, object], out: Path
) -> None:
    """Write what is measured inside a variant, on validation windows from all of their times."""
    from pipeline.training.diagnosis.measure import Batch, diagnose  # imports TensorFlow

    task = evaluator.task
    measured = np.isfinite(task.answers(task.validation)).any(axis=(1, 2))
    starts = np.asarray(task.validation)[measured]
    starts = starts[np.linspace(0, len(starts) - 1, min(DIAGNOSED, len(starts))).astype(int)]
    inputs = gather(array, starts, task.lookback, task.horizon, task.future_covariates)
    batch = Batch(*inputs, task.answers(starts).astype(np.float32))
    diagnosis.save(out, *diagnose(ensemble, batch, Train.model_validate(train).loss))


def _summary(
    trained: Path, states: Sequence[str], clipped: tuple[int, ...], latency: float
) -> Summary:
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
        validation_losses=_validation_losses(trained, fleet["seeds"]),
        clipped=clipped,
        seconds_per_replica=cost["seconds_per_replica"],
        seconds_to_trace=cost.get("seconds_to_trace"),
        latency=latency,
        weights_sha256=manifest.read(trained)["weights.npz"],
        model=fleet["model"],
        train=fleet["train"],
        warnings=tuple(fleet["warnings"]),
        cudnn=fleet["cudnn"],
    )


def _validation_losses(trained: Path, seeds: Sequence[int]) -> tuple[float | None, ...]:
    """Return the lowest validation loss of each seed, null for one that finished no epoch."""
    history = pd.read_parquet(trained / "history.parquet", columns=["seed", "validation_loss"])
    lowest = history.groupby("seed")["validation_loss"].min()
    found = (float(lowest.get(seed, np.nan)) for seed in seeds)
    return tuple(loss if np.isfinite(loss) else None for loss in found)


def _evaluate_baseline(evaluator: Evaluator, name: str, out: Path) -> str | None:
    """Write the errors of a baseline; returns its name in the cache, if it is kept there."""
    fitted = BASELINES[name].fit(evaluator.task)
    _, clipped = evaluator.evaluate(
        out, np.zeros(1, bool), lambda starts: fitted.forecast(starts)[None]
    )
    count = tuple(clipped.tolist())
    entries.save(out, entries.baseline(name, fitted.parameters, fitted.note, count))
    return fitted.kept


if __name__ == "__main__":
    command.main(run, params.read)
