"""Publish the results to MLflow: one run per variant and baseline, its seeds as children, and one run that holds the verdict.

Reads `models` (curves), `errors` (everything that was measured) and `verdict` (tables, figures, report); writes the receipt `out`. The folder that `out`
lies in is MLflow's, unless MLFLOW_TRACKING_URI names a server. The same files change nothing; files that MLflow lacks are published again.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.config import params
from pipeline.config.model import Model
from pipeline.config.params import Params
from pipeline.config.slots import slots
from pipeline.core import command
from pipeline.core.files import write_json
from pipeline.evaluation import leaderboard
from pipeline.evaluation.entries import TRAINED
from pipeline.evaluation.verdict import Result, Verdict, read
from pipeline.tracking.experiment import Experiment
from pipeline.tracking.runs import Run


def run(params: Params, models: Path, errors: Path, verdict: Path, out: Path) -> None:
    """Put MLflow in the state that the files describe."""
    judged = read(errors)
    runs = list(_entries(judged, models, _files(verdict)))
    everything = [_summary(judged, verdict), *runs]
    store = Experiment(out.parent, params.track.experiment)
    new = store.publish(
        reversed(everything)
    )  # the newest stand first in MLflow, and its charts show ten
    fingerprints = {run.name: run.fingerprint for run in everything}
    write_json(
        out,
        {"experiment": params.track.experiment, "runs": len(runs), "fingerprints": fingerprints},
    )
    print(
        f"track: {new} of {len(everything)} runs were new to MLflow, experiment {params.track.experiment!r} at {store}"
    )


def _summary(judged: Verdict, verdict: Path) -> Run:
    best = {"best": judged.best.name} if judged.best else {}
    return Run(
        "verdict", {"role": "verdict", **best}, params=_task(judged), artifacts=_files(verdict)
    )


def _files(verdict: Path) -> dict[str, Path]:
    return {
        path.relative_to(verdict).as_posix(): path
        for path in sorted(verdict.rglob("*"))
        if path.is_file() and path.name[0] != "."
    }


def _entries(judged: Verdict, models: Path, files: Mapping[str, Path]) -> Iterator[Run]:
    figures = {name: path for name, path in files.items() if path.suffix == ".png"}
    numbers: Any = (
        leaderboard.leaderboard(judged).set_index("name").select_dtypes("number").to_dict("index")
    )
    steps = leaderboard.horizon(judged).set_index("name")
    for result in judged.results:
        curves = {
            f"{metric}_by_step": _curve(steps.loc[[result.name]], "step", metric)
            for metric in ("mse", "mae")
        }
        yield Run(
            result.name,
            _tags(result),
            params={
                **_task(judged),
                **_flat(result.entry.summary.model),
                **_flat(result.entry.summary.train, "train."),
            },
            metrics=numbers[result.name],
            curves=curves,
            pictures=figures if result.is_variant else {},
            children=tuple(_seeds(result, models / result.name)) if result.is_variant else (),
            failed=not result.measured,
        )


def _tags(result: Result) -> dict[str, str]:
    summary = result.entry.summary
    kinds = _slots(summary.model) if summary.model else {}
    optional = {
        "fingerprint": summary.fingerprint,
        "note": summary.note,
        "warnings": ", ".join(summary.warnings),
        "cudnn": _yes(summary.cudnn),
    }
    return {
        "role": summary.kind,
        "family": summary.family,
        "state": summary.state,
        **{key: value for key, value in optional.items() if value},
        **{f"slot.{path}": kind for path, kind in kinds.items()},
    }


def _yes(value: bool | None) -> str | None:
    return None if value is None else str(value).lower()


def _slots(model: Mapping[str, Any]) -> dict[str, str]:
    """Return the kind of every slot by its dotted path, and the kind of the pooling."""
    filled = {path: slot.kind for path, slot in slots(Model.model_validate(model))}
    return {**filled, "pooling": model["pooling"]["kind"]}


def _flat(section: Mapping[str, Any] | None, path: str = "") -> dict[str, str]:
    """A nested section as dotted names and texts."""
    flat: dict[str, str] = {}
    for key, value in (section or {}).items():
        flat |= (
            _flat(value, f"{path}{key}.")
            if isinstance(value, Mapping)
            else {f"{path}{key}": str(value)}
        )
    return flat


def _task(judged: Verdict) -> dict[str, str]:
    return {key: str(value) for key, value in vars(judged.setup).items()}


def _seeds(result: Result, folder: Path) -> Iterator[Run]:
    summary = result.entry.summary
    history = pd.read_parquet(folder / "history.parquet")
    for i, (seed, state) in enumerate(zip(summary.seeds, summary.states, strict=True)):
        epochs = history[history["seed"] == seed]
        yield Run(
            f"{result.name}, seed {seed}",
            {
                "role": "seed",
                "variant": result.name,
                "family": summary.family,
                "seed": str(seed),
                "state": state,
            },
            metrics=_metrics(result, i),
            curves={
                metric: _curve(epochs, "epoch", metric)
                for metric in epochs.columns.drop(["seed", "epoch"])
            },
            failed=state != TRAINED,
        )


def _metrics(result: Result, i: int) -> dict[str, float]:
    """What the seed at position `i` reached on the test part, and when it was at its best on the validation part."""
    entry = result.entry
    epochs = {"epochs": entry.summary.epochs[i], "best_epoch": entry.summary.best_epochs[i]}
    metrics = {
        "mse": entry.scores.mse[i],
        "mae": entry.scores.mae[i],
        **{key: value for key, value in epochs.items() if value is not None},
    }
    for j, target in enumerate(result.unit_mse):
        metrics |= {
            f"{target}_mse": entry.unit_scores.squared[i, :, j].mean(),
            f"{target}_mae": entry.unit_scores.absolute[i, :, j].mean(),
        }
    return {name: float(value) for name, value in metrics.items()}


def _curve(table: pd.DataFrame, step: str, metric: str) -> dict[int, float]:
    return {int(at): float(value) for at, value in zip(table[step], table[metric], strict=True)}


if __name__ == "__main__":
    command.main(run, params.read)
