"""Promotion: the forecaster of the verdict's champion goes into service if it passes the gate."""

import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np

from pipeline.config.params import Params
from pipeline.config.paths import Paths
from pipeline.core import manifest
from pipeline.core.errors import InputError
from pipeline.core.files import read_json
from pipeline.evaluation import intervals, verdict
from pipeline.evaluation.questions import Questions
from pipeline.evaluation.verdict import Result, Verdict
from pipeline.serving import bundle, gate
from pipeline.serving.checks import Check
from pipeline.serving.forecaster import SERIES
from pipeline.serving.process import CODE
from pipeline.serving.replay import ReplayWindows
from pipeline.tables.rows import Array
from pipeline.tracking import rollbacks
from pipeline.tracking.experiment import Experiment
from pipeline.tracking.packaging import ARTIFACT, Candidate
from pipeline.tracking.registry import ERROR, UNTIL, Registry, Version, VersionFiles
from pipeline.tracking.runs import Run

REQUIREMENTS = (  # what a forecaster imports when it is served
    "holidays",
    "keras",
    "mlflow",
    "numpy",
    "pandas",
    "pyarrow",
    "pydantic",
    "ruamel.yaml",
    "scikit-learn",
    "scipy",
    "tensorflow",
)


ANSWERS = 3  # windows that a registered version has to answer before it becomes champion


@dataclass(frozen=True)
class Decision:
    """The outcome for the candidate, and the present champion.

    `errors` is the test MSE of each entry on the scale of the present standardization. `checks`
    are those of the gate, each with whether it has `passed`, `failed` or was `accepted`.
    """

    outcome: Literal["promoted", "would be promoted", "unchanged", "rejected"]
    reason: str
    champion: Version | None
    errors: Mapping[str, float] = field(default_factory=dict)
    checks: tuple[tuple[Check, str], ...] = ()


@dataclass(frozen=True)
class Order:
    """What is asked of a promotion: `accepted` names checks whose objection does not count.

    A `dry_run` decides and changes nothing. The `checks` were made before the training, and count
    like those of the gate.
    """

    accepted: Collection[str] = ()
    dry_run: bool = False
    checks: tuple[Check, ...] = ()


def promote(params: Params, paths: Paths, order: Order = Order()) -> Decision:
    """Build the forecaster of the verdict's champion, and promote it if it passes the gate."""
    study = verdict.read(paths.errors, Questions.of(params))
    registry = open_registry(params, paths)
    champion = registry.version()
    candidate = study.champion
    if candidate is None:
        reason = "no variant has a trained replica, so there is no candidate"
        return Decision("rejected", reason, champion)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / ARTIFACT
        bundle.build(
            params,
            read_json(paths.clean / "report.json")["frequency"],
            paths.models / candidate.name,
            gate.trained_members(candidate),
            paths.standardized,
            folder,
            intervals.read(paths.errors / candidate.name, params.forecast.levels),
        )
        decided = _decide_from_registry(folder, candidate, registry, champion)
        return decided or _decide_by_gate(
            params, paths, study, candidate, folder, registry, champion, order
        )


def rollback(
    params: Params, paths: Paths, version: str | None = None, dry_run: bool = False
) -> tuple[Version, Version]:
    """Return to an earlier champion; return the new champion and the replaced one."""
    registry = open_registry(params, paths)
    if dry_run:
        return rollbacks.earlier(registry, version)
    return rollbacks.rollback(registry, version)


def champion(params: Params, paths: Paths) -> Version | None:
    """Return the present champion, if there is one; raises `InputError` if MLflow has no answer."""
    return open_registry(params, paths).version()


def fetch_champion(params: Params, paths: Paths) -> VersionFiles:
    """Download the champion; raises `InputError` if there is none."""
    registry = open_registry(params, paths)
    champion = registry.version()
    if champion is None:
        raise InputError(
            f"MLflow: {params.promote.name} has no champion yet; run `python -m pipeline.promote`"
        )
    return registry.fetch(champion)


def open_registry(params: Params, paths: Paths) -> Registry:
    """Return the registry of the model that `promote.name` names."""
    return Registry(Experiment(paths.mlflow, params.track.experiment), params.promote.name)


def _decide_from_registry(
    folder: Path, candidate: Result, registry: Registry, champion: Version | None
) -> Decision | None:
    """Decide on a candidate that is registered already; returns None for a new one."""
    digest = manifest.digest(folder)
    if champion is not None and champion.digest == digest:
        return Decision(
            "unchanged", f"{candidate.name} with these weights is the champion already", champion
        )
    registered = registry.find(digest)
    if registered is not None and registered.rolled_back:
        reason = (
            f"it is the same as {registered}, which a user has rolled back; "
            f"`python -m pipeline.promote --rollback {registered.number}` makes it the champion "
            "again"
        )
        return Decision("rejected", reason, champion)
    return None


def _decide_by_gate(
    params: Params,
    paths: Paths,
    study: Verdict,
    candidate: Result,
    folder: Path,
    registry: Registry,
    champion: Version | None,
    order: Order,
) -> Decision:
    """Compare the candidate with its rivals, and promote it if the gate has no objection."""
    windows = ReplayWindows.read(paths, study)
    judged = gate.judge(folder, candidate, study, windows, registry, champion, params.promote)
    judged = replace(judged, checks=(*judged.checks, *order.checks))
    states = tuple((check, check.state(check.name in order.accepted)) for check in judged.checks)
    if objection := judged.objection(order.accepted):
        return Decision("rejected", objection, champion, judged.errors, states)
    taken = [check.name for check, state in states if state == "accepted"]
    reason = f"a person accepted: {', '.join(taken)}" if taken else "it passed the gate"
    if order.dry_run:
        return Decision("would be promoted", reason, champion, judged.errors, states)
    tags = {f"gate.{check.name}": f"{state}: {check.figure}" for check, state in states}
    tags |= {f"{ERROR}{name}": repr(error) for name, error in gate.references(study).items()}
    tags[UNTIL] = _last_row(paths)
    files = _files(params, candidate.name, folder, tags)
    proof = partial(_prove, windows, judged.in_use)
    version = registry.promote(files, _record(candidate, study, judged.errors), champion, proof)
    return Decision("promoted", reason, version, judged.errors, states)


def _prove(windows: ReplayWindows, in_use: Array, files: VersionFiles) -> None:
    """Let a registered version answer a few windows, in a process of its own and with its own code.

    Raises `InputError` if its errors there are not those of the candidate, `in_use`.
    """
    few = np.arange(len(windows.starts)) < ANSWERS
    answered = windows.errors(files.code, files.model, few)
    if not np.allclose(answered, in_use[few], rtol=1e-3, atol=1e-3, equal_nan=True):
        raise InputError(
            "MLflow: the registered version does not answer as the candidate did, so the champion "
            "does not change; `python -m pipeline.promote` tries again"
        )


def _last_row(paths: Paths) -> str:
    """Return the time of the last row of the clean table."""
    series = read_json(paths.clean / "report.json")["series"]
    return max(str(facts["last"]) for facts in series.values())


def _files(params: Params, variant: str, folder: Path, tags: Mapping[str, str]) -> Candidate:
    data = params.data
    series = [] if data.series is None else [data.series_column or SERIES]
    return Candidate(
        folder,
        variant,
        columns=[*series, *data.time, *data.columns],
        package=CODE / "pipeline",
        entry=Path(__file__).with_name("serving_model.py"),
        requirements=REQUIREMENTS,
        tags=tags,
    )


def _record(candidate: Result, study: Verdict, errors: Mapping[str, float]) -> Run:
    """Return the version's run; its metrics have the same names at every promotion."""
    metrics = {f"mse_{result.name}": result.mse.mean for result in study.baselines}
    metrics["mse_candidate"] = gate.evaluated_mse(candidate)
    theirs = [error for name, error in errors.items() if name.startswith("champion ")]
    if theirs:
        metrics["mse_champion"] = theirs[0]
    tags = {"role": "promotion", "variant": candidate.name}
    return Run(f"promotion of {candidate.name}", tags, metrics=metrics)
