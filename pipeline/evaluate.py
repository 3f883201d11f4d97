"""Test every trained variant, and the baselines, on every window of the test part.

Reads `standardized`, `windows` and `models`; writes into `errors` one folder of signed errors per variant and baseline, the windows, and what was asked.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.config import params
from pipeline.config.params import Params
from pipeline.core import command, files
from pipeline.core.errors import InputError
from pipeline.evaluation import entries
from pipeline.evaluation.baselines import BASELINES, ForecastTask, Starts
from pipeline.evaluation.entries import NOT_FINITE, TRAINED, Summary
from pipeline.evaluation.evaluator import Evaluator, Setup
from pipeline.evaluation.metrics import Array
from pipeline.series.dataset import Dataset
from pipeline.series.windows import Windows, gather


def run(params: Params, standardized: Path, windows: Path, models: Path, out: Path) -> None:
    """Forecast every test window with every variant of this run and with the baselines."""
    folders = _trained(params, models)
    data, cut = Dataset.load(standardized), Windows.load(windows)
    evaluator = _evaluator(params, data, cut)
    with files.new_folder(out) as errors:
        _describe(errors, params, data, cut)
        for folder in folders:
            _evaluate_variant(evaluator, data, folder, errors / folder.name)
        for name in BASELINES:
            _evaluate_baseline(evaluator, name, errors / name)
    print(
        f"evaluate: {len(folders)} variants and {len(BASELINES)} baselines on {len(cut.test):,} test windows"
    )


def _trained(params: Params, models: Path) -> Sequence[Path]:
    """The folders of the variants that `study` selects; raises `InputError` for missing ones."""
    folders = [models / variant.name for variant in params.selected]
    missing = [
        f"{folder}: there is no such trained variant, but `study` selects it; run 'dvc repro train'"
        for folder in folders
        if not (folder / "fleet.json").exists()
    ]
    if missing:
        raise InputError(*missing)
    return folders


def _evaluator(params: Params, data: Dataset, cut: Windows) -> Evaluator:
    channels = data.channels
    task = ForecastTask(
        array=data.standardized,
        segment=data.segment,
        train=cut.train,
        test=cut.test,
        lookback=cut.lookback,
        horizon=cut.horizon,
        targets=len(channels.targets),
        future=len(channels.future_covariates),
        season_length=params.evaluate.season,
        penalty=params.evaluate.ridge,
    )
    ones = np.ones((len(cut.test), task.targets))
    return Evaluator(
        task, data.scaler.inverse_difference(ones, data.series[cut.test], channels.targets)
    )


def _describe(errors: Path, params: Params, data: Dataset, cut: Windows) -> None:
    """What was asked, and of which windows: `setup.json`, and `windows.parquet` with a row per test window (series, origin, start)."""
    settings, scaler = params.evaluate, data.scaler
    Setup(
        data.channels.targets,
        cut.lookback,
        cut.horizon,
        cut.stride,
        settings.season,
        settings.ridge,
        scaler.kind,
        scaler.scope,
    ).save(errors)
    series = np.asarray(data.names)[data.series[cut.test]]
    origins = pa.array(data.times[cut.test + cut.lookback - 1], pa.timestamp("ns", tz="UTC"))
    pq.write_table(
        pa.table({"series": series, "origin": origins, "start": cut.test}),
        errors / "windows.parquet",
    )


def _evaluate_variant(evaluator: Evaluator, data: Dataset, trained: Path, out: Path) -> None:
    """Errors of every seed; those of a lost replica are NaN."""
    from pipeline.training.engine.ensemble import Ensemble  # imports TensorFlow

    facts, cost = files.read_json(trained / "fleet.json"), files.read_json(trained / "cost.json")
    ensemble = Ensemble.load(trained)
    array = {"standardized": data.standardized, "raw": data.raw}[facts["model"]["input"]["values"]]

    def forecast(starts: Starts) -> Array:
        return ensemble.forecast(
            gather(
                array,
                starts,
                evaluator.task.lookback,
                evaluator.task.horizon,
                evaluator.task.future,
            )
        )

    states = np.array(facts["states"])
    lost = evaluator.evaluate(out, states != TRAINED, forecast)
    states = np.where(lost & (states == TRAINED), NOT_FINITE, states)
    entries.save(out, _summary(facts, cost, states.tolist()))


def _summary(facts: Mapping[str, Any], cost: Mapping[str, Any], states: Sequence[str]) -> Summary:
    return Summary(
        name=facts["name"],
        kind="variant",
        family=facts["family"],
        seeds=tuple(facts["seeds"]),
        states=tuple(states),
        epochs=tuple(facts["epochs"]),
        best_epochs=tuple(facts["best_epochs"]),
        warnings=tuple(facts["warnings"]),
        cudnn=facts["cudnn"],
        parameters=facts["parameters"],
        seconds_per_replica=cost["seconds_per_replica"],
        fingerprint=facts["weights"],
        model=facts["model"],
        train=facts["train"],
    )


def _evaluate_baseline(evaluator: Evaluator, name: str, out: Path) -> None:
    fitted = BASELINES[name].fit(evaluator.task)
    evaluator.evaluate(out, np.zeros(1, bool), lambda starts: fitted.forecast(starts)[None])
    entries.save(out, entries.baseline(name, fitted.parameters, fitted.note))


if __name__ == "__main__":
    command.main(run, params.read)
