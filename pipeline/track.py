"""Publish the results to MLflow: one run per variant and baseline, and one for the verdict.

The seeds of a variant are children of its run. Reads `models` (learning curves), `errors` (all
measurements) and `verdict` (tables, figures, report), and writes the receipt `out`. Unless
MLFLOW_TRACKING_URI names a server, the folder of `out` is MLflow's. Publishing the same files again
changes nothing, and what MLflow lacks is published again.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd

from pipeline.config import params
from pipeline.config.model import Model
from pipeline.config.params import Params
from pipeline.config.slots import slots
from pipeline.core import command
from pipeline.core.files import write_json
from pipeline.evaluation import leaderboard
from pipeline.evaluation.entries import TRAINED
from pipeline.evaluation.questions import Questions
from pipeline.evaluation.verdict import Result, Verdict, read
from pipeline.tracking.experiment import Experiment
from pipeline.tracking.runs import Run


def run(params: Params, models: Path, errors: Path, verdict: Path, out: Path) -> None:
    """Publish the results to MLflow: one run per variant and baseline, and one for the verdict."""
    study = read(errors, Questions.of(params))
    files = _files(verdict)
    entries = list(_entries(study, models, files))
    best = {"best": study.best.name} if study.best else {}
    summary = Run(
        "verdict", {"role": "verdict", **best}, params=_evaluation(study), artifacts=files
    )
    runs = [summary, *entries]
    experiment = Experiment(out.parent, params.track.experiment)
    # MLflow shows the newest runs first, and only ten of them in its charts.
    new = experiment.publish(reversed(runs))
    receipt = {
        "experiment": params.track.experiment,
        "runs": len(entries),
        "content_hashes": {run.name: run.content_hash for run in runs},
    }
    write_json(out, receipt)
    print(
        f"track: {new} of {len(runs)} runs were new to the MLflow experiment "
        f"{params.track.experiment!r} at {experiment}"
    )


def _files(folder: Path) -> dict[str, Path]:
    """Return the files below a folder except hidden ones, by relative path."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name[0] != ".")
    return {path.relative_to(folder).as_posix(): path for path in found}


def _evaluation(study: Verdict) -> dict[str, str]:
    """Return the facts of the evaluation, which all entries share."""
    return {key: str(value) for key, value in vars(study.setup).items()}


def _entries(study: Verdict, models: Path, files: Mapping[str, Path]) -> Iterator[Run]:
    """Yield a run for each variant and baseline, best first."""
    figures = {name: path for name, path in files.items() if path.suffix == ".png"}
    # What is concluded of a variant changes with the others, whose runs would be logged again.
    board = leaderboard.leaderboard(study).drop(columns=list(leaderboard.CONCLUDED))
    board = board.set_index("name").select_dtypes("number")
    numbers = {str(name): column.to_dict() for name, column in board.items()}
    steps = leaderboard.horizon(study).set_index("name")
    for result in study.results:
        by_step = steps.loc[[result.name]]
        summary = result.entry.summary
        yield Run(
            result.name,
            _tags(result),
            params={
                **_evaluation(study),
                **_flat(summary.model or {}),
                **_flat(summary.train or {}, "train."),
            },
            metrics={name: float(column[result.name]) for name, column in numbers.items()},
            curves={
                f"{metric}_by_step": _curve(by_step, "step", metric) for metric in ("mse", "mae")
            },
            figures=figures if result.is_variant else {},
            children=tuple(_seeds(result, models / result.name)) if result.is_variant else (),
            failed=not result.scored,
        )


def _tags(result: Result) -> dict[str, str]:
    summary = result.entry.summary
    kinds = _kinds(summary.model) if summary.model else {}
    optional = {
        "weights_sha256": summary.weights_sha256,
        "note": summary.note,
        "warnings": ", ".join(summary.warnings),
        "cudnn": None if summary.cudnn is None else str(summary.cudnn).lower(),
    }
    return {
        "role": summary.kind,
        "family": summary.family,
        "state": summary.state,
        **{key: value for key, value in optional.items() if value},
        **{f"slot.{path}": kind for path, kind in kinds.items()},
    }


def _kinds(model: Mapping[str, object]) -> dict[str, str]:
    """Return the kind of each slot, and of the pooling, by its dotted path."""
    validated = Model.model_validate(model)
    kinds = {path: slot.kind for path, slot in slots(validated)}
    return {**kinds, "pooling": validated.pooling.kind}


def _flat(section: Mapping[str, object], path: str = "") -> dict[str, str]:
    """Return a nested section as dotted names and texts."""
    flat: dict[str, str] = {}
    for key, value in section.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{path}{key}.")
        else:
            flat[f"{path}{key}"] = str(value)
    return flat


def _seeds(result: Result, folder: Path) -> Iterator[Run]:
    """Yield a run for each seed of a variant, with its learning curves from `folder`."""
    summary = result.entry.summary
    history = pd.read_parquet(folder / "history.parquet")
    curves = history.columns.drop(["seed", "epoch"])
    for position, (seed, state) in enumerate(zip(summary.seeds, summary.states, strict=True)):
        epochs = history[history["seed"] == seed]
        tags = {"role": "seed", "variant": result.name, "family": summary.family}
        yield Run(
            f"{result.name}, seed {seed}",
            {**tags, "seed": str(seed), "state": state},
            metrics=_metrics(result, position),
            curves={metric: _curve(epochs, "epoch", metric) for metric in curves},
            failed=state != TRAINED,
        )


def _metrics(result: Result, position: int) -> dict[str, float]:
    """Return the test errors of the seed at `position`, and its epochs."""
    entry = result.entry
    metrics = {"mse": float(entry.scores.mse[position]), "mae": float(entry.scores.mae[position])}
    epochs = {
        "epochs": entry.summary.epochs[position],
        "best_epoch": entry.summary.best_epochs[position],
    }
    metrics |= {name: float(value) for name, value in epochs.items() if value is not None}
    for j, target in enumerate(result.unit_mse):
        metrics[f"{target}_mse"] = float(entry.unit_scores.squared.by_target[position, j])
        metrics[f"{target}_mae"] = float(entry.unit_scores.absolute.by_target[position, j])
    return metrics


def _curve(table: pd.DataFrame, step: str, metric: str) -> dict[int, float]:
    return {int(at): float(value) for at, value in zip(table[step], table[metric], strict=True)}


if __name__ == "__main__":
    command.main(run, params.read)
