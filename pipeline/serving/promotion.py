"""Promotion: the best variant's forecaster becomes the champion if it passes the gate."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pipeline.config.params import Params
from pipeline.config.paths import Paths
from pipeline.core import manifest
from pipeline.core.errors import InputError
from pipeline.core.files import read_json
from pipeline.evaluation import verdict
from pipeline.evaluation.verdict import Result, Verdict
from pipeline.serving import bundle, gate
from pipeline.serving.forecaster import SERIES
from pipeline.serving.process import CODE
from pipeline.serving.replay import ReplayWindows
from pipeline.tracking.experiment import Experiment
from pipeline.tracking.registry import ARTIFACT, Candidate, Registry, Version, VersionFiles
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


@dataclass(frozen=True)
class Decision:
    """The outcome for the candidate, and the present champion.

    `errors` is the test MSE of each entry on the scale of the present standardization.
    """

    outcome: Literal["promoted", "unchanged", "rejected"]
    reason: str
    champion: Version | None
    errors: Mapping[str, float] = field(default_factory=dict)


def promote(params: Params, paths: Paths) -> Decision:
    """Build the forecaster of the best variant, and make it the champion if it passes the gate."""
    study = verdict.read(paths.errors)
    registry = open_registry(params, paths)
    champion = registry.version()
    best = study.best
    if best is None:
        reason = "no variant has a trained replica, so there is no candidate"
        return Decision("rejected", reason, champion)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / ARTIFACT
        bundle.build(
            params,
            read_json(paths.clean / "report.json")["frequency"],
            paths.models / best.name,
            gate.trained_members(best),
            paths.standardized,
            folder,
        )
        decided = _decide_from_registry(folder, best, registry, champion)
        return decided or _decide_by_gate(params, paths, study, best, folder, registry, champion)


def rollback(params: Params, paths: Paths) -> tuple[Version, Version]:
    """Return to the previous champion; return the new champion and the replaced one."""
    return open_registry(params, paths).rollback()


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
    folder: Path, best: Result, registry: Registry, champion: Version | None
) -> Decision | None:
    """Decide on a candidate that is registered already; returns None for a new one."""
    digest = manifest.digest(folder)
    if champion is not None and champion.digest == digest:
        return Decision(
            "unchanged", f"{best.name} with these weights is the champion already", champion
        )
    registered = registry.find(digest)
    if registered is not None and registered.rolled_back:
        reason = (
            f"it is the same as {registered}, which a user has rolled back; "
            "`python -m pipeline.promote --rollback` makes it the champion again"
        )
        return Decision("rejected", reason, champion)
    return None


def _decide_by_gate(
    params: Params,
    paths: Paths,
    study: Verdict,
    best: Result,
    folder: Path,
    registry: Registry,
    champion: Version | None,
) -> Decision:
    """Compare the candidate with its rivals, and promote it if the gate has no objection."""
    windows = ReplayWindows.read(paths, study)
    judgement = gate.judge(folder, best, study.reference, windows, registry, champion)
    if judgement.objection:
        return Decision("rejected", judgement.objection, champion, judgement.errors)
    data = params.data
    series = [] if data.series is None else [data.series_column or SERIES]
    candidate = Candidate(
        folder,
        best.name,
        columns=[*series, *data.time, *data.columns],
        package=CODE / "pipeline",
        entry=Path(__file__).with_name("serving_model.py"),
        requirements=REQUIREMENTS,
    )
    record = Run(
        f"promotion of {best.name}",
        {"role": "promotion", "variant": best.name},
        metrics={f"mse {name}": value for name, value in judgement.errors.items()},
    )
    version = registry.promote(candidate, record, champion)
    return Decision("promoted", "it passed the gate", version, judgement.errors)
