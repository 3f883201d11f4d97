"""Publish the results to MLflow: one run per variant and baseline, and one for the verdict.

The seeds of a variant are children of its run. Reads `models` (learning curves), `errors` (all
measurements) and `verdict` (tables, figures, report), and writes the receipt `out`. Unless
MLFLOW_TRACKING_URI names a server, the folder of `out` is MLflow's. Publishing the same files again
changes nothing, and what MLflow lacks is published again.
"""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd

from pipeline.config import params
from pipeline.config.kinds import NORMALIZATIONS, WEIGHTS
from pipeline.config.model import Model
from pipeline.config.params import Params
from pipeline.config.slots import Slot, slots
from pipeline.core import command
from pipeline.core.files import write_json
from pipeline.evaluation import leaderboard, notes
from pipeline.evaluation.entries import TRAINED
from pipeline.evaluation.leaderboard_text import signed
from pipeline.evaluation.questions import Questions
from pipeline.evaluation.verdict import Result, Verdict, read
from pipeline.tracking import view
from pipeline.tracking.experiment import Experiment
from pipeline.tracking.runs import Run, Standing

EFFECTS = ("effect", "effect_low", "effect_high")  # against the reference, and its interval


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
    experiment.describe({view.NOTE: notes.study(study), view.TAG: _view(study)})
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


def _view(study: Verdict) -> str:
    """Return the prepared view: what decides between variants, in the units of the first target."""
    metrics = [f"{study.setup.targets[0]}_mae", "mse"]
    return view.state("mse", metrics, ["normalization", "dropout"], ["answer", *EFFECTS])


def _entries(study: Verdict, models: Path, files: Mapping[str, Path]) -> Iterator[Run]:
    """Yield a run for each variant and baseline, best first."""
    figures = {name: path for name, path in files.items() if path.suffix == ".png"}
    board = leaderboard.leaderboard(study).set_index("name")
    board = board.assign(skill_percent=(100 * board["skill"]).round(2))
    # What is concluded of a variant changes with the others, without a change of its own.
    own = board.drop(columns=list(leaderboard.CONCLUDED)).select_dtypes("number")
    numbers = {str(name): column.to_dict() for name, column in own.items()}
    steps = leaderboard.horizon(study).set_index("name")
    for result in study.results:
        by_step = steps.loc[[result.name]]
        summary = result.entry.summary
        yield Run(
            result.name,
            _tags(result),
            params={
                **_named(result),
                **_evaluation(study),
                **_flat(summary.model or {}),
                **_flat(summary.train or {}, "train."),
            },
            metrics={
                name: float(f"{value:.{leaderboard.DIGITS}g}")
                for name, value in {
                    **{name: column[result.name] for name, column in numbers.items()},
                    **_inside(result),
                }.items()
            },
            curves={
                f"{metric}_by_step": _curve(by_step, "step", metric) for metric in ("mse", "mae")
            },
            standing=_standing(study, result, figures if result.is_variant else {}),
            children=tuple(_seeds(result, models / result.name)) if result.is_variant else (),
            failed=not result.scored,
        )


def _inside(result: Result) -> dict[str, float]:
    """Return what was measured inside a variant."""
    found = result.entry.diagnosis
    return {f"diagnosis/{name}": value for name, value in found.metrics().items()} if found else {}


def _standing(study: Verdict, result: Result, figures: Mapping[str, Path]) -> Standing:
    """Return what is concluded of an entry among the others.

    Effects are metrics, for charts, and tags, since the run table shows 12 digits of a metric.
    """
    found = study.conclusion
    metrics, tags = dict[str, float](), {view.NOTE: notes.entry(study, result)}
    tags |= dict.fromkeys(("answer", *EFFECTS, "reference"), "")
    if place := found.places.get(result.name):
        metrics = {name: float(getattr(place, name)) for name in ("rank", "tier", "p_best")}
    if compared := found.effects.get(result.name):
        effect = compared.effect
        sizes = dict(zip(EFFECTS, (effect.value, effect.low, effect.high), strict=True))
        metrics |= {f"{name}_percent": round(100 * size, 2) for name, size in sizes.items()}
        tags |= {name: signed(size) for name, size in sizes.items() if math.isfinite(size)}
        tags |= {"answer": compared.answer, "reference": compared.against}
    elif result.name == found.reference:
        metrics |= {"effect_percent": 0.0}
        tags |= {"answer": "reference"}
    return Standing(metrics, tags, figures)


def _named(result: Result) -> dict[str, str]:
    """Return what tells variants apart, in short: which normalization, which dropout, and where."""
    summary = result.entry.summary
    filled = _filled(summary.model) if summary.model else {}
    kinds = {
        "normalization": {path: slot.kind for path, slot in filled.items() if _normalizes(slot)},
        "dropout": {path: slot.kind for path, slot in filled.items() if slot.row.noise},
    }
    places = [path for path in filled if any(path in found for found in kinds.values())]
    return {
        "family": summary.family,
        **{
            name: " + ".join(dict.fromkeys(found.values())) or "none"
            for name, found in kinds.items()
        },
        "place": " + ".join(places) or "none",
    }


def _normalizes(slot: Slot) -> bool:
    return slot.row in (NORMALIZATIONS.get(slot.kind), WEIGHTS.get(slot.kind))


def _tags(result: Result) -> dict[str, str]:
    summary = result.entry.summary
    filled = _filled(summary.model) if summary.model else {}
    optional = {
        "weights_sha256": summary.weights_sha256,
        "warnings": ", ".join(summary.warnings),
        "cudnn": None if summary.cudnn is None else str(summary.cudnn).lower(),
    }
    return {
        "role": summary.kind,
        "state": summary.state,
        **{key: value for key, value in optional.items() if value},
        **{f"slot.{path}": slot.kind for path, slot in filled.items()},
    }


def _filled(model: Mapping[str, object]) -> dict[str, Slot]:
    """Return the slots of a network that are not empty, by their dotted paths."""
    found = slots(Model.model_validate(model))
    return {path: slot for path, slot in found if slot.row.layer is not None}


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
        named = {"variant": result.name, **_named(result), "seed": str(seed)}
        yield Run(
            f"{result.name}, seed {seed}",
            {"role": "seed", "state": state},
            params=named,
            metrics=_metrics(result, position),
            curves={metric: _curve(epochs, "epoch", metric) for metric in curves},
            failed=state != TRAINED,
        )


def _metrics(result: Result, position: int) -> dict[str, float]:
    """Return the test errors of the seed at `position`, and its epochs.

    Their names are not those of a variant, so that sorting by one never mixes seeds in.
    """
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
    return {f"seed/{name}": value for name, value in metrics.items()}


def _curve(table: pd.DataFrame, step: str, metric: str) -> dict[int, float]:
    return {int(at): float(value) for at, value in zip(table[step], table[metric], strict=True)}


if __name__ == "__main__":
    command.main(run, params.read)
