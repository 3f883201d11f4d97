"""The registry: versions of a model, and who of them is champion."""

import hashlib
import importlib.metadata
import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.core.errors import InputError
from pipeline.tracking.experiment import HOST, Experiment
from pipeline.tracking.runs import Run

CHAMPION, PREVIOUS = "champion", "previous_champion"
SERVING = (
    "keras",
    "mlflow",
    "numpy",
    "pandas",
    "pyarrow",
    "pydantic",
    "ruamel.yaml",
    "scikit-learn",
    "tensorflow",
)  # what a served forecaster imports


@dataclass(frozen=True)
class Candidate:
    """A forecaster that may be registered: the model's name, the folder, what it was made from, names of the columns that go in."""

    name: str
    folder: Path
    variant: str
    inputs: Sequence[str]


@dataclass(frozen=True)
class Version:
    """A version of a registered model; `digest` identifies the forecaster's files, `rolled_back` that people took it off the throne."""

    number: str
    digest: str
    variant: str
    rolled_back: bool

    def __str__(self) -> str:
        return f"version {self.number} ({self.variant})"


class Registry:
    """The versions of one registered model, and who of them is champion."""

    def __init__(self, store: Experiment, name: str) -> None:
        self.store, self.client, self.name = store, store.client, name

    def version(self, alias: str = CHAMPION) -> Version | None:
        """The version that bears `alias`."""
        with self.store.explained():
            return self._aliased(alias)

    def find(self, content: str) -> Version | None:
        """The version whose forecaster has this digest."""
        with self.store.explained():
            versions = map(_version, self.client.search_model_versions(f"name = '{self.name}'"))
            return next((version for version in versions if version.digest == content), None)

    def fetch(self, version: Version) -> Path:
        """A version's folder on this machine, with `code/` and `artifacts/forecaster/`; raises `InputError` when it is not what was registered."""
        import mlflow

        with self.store.explained():
            folder = Path(
                mlflow.artifacts.download_artifacts(f"models:/{self.name}/{version.number}")
            )
        if digest(folder / "artifacts" / "forecaster") != version.digest:
            raise InputError(
                f"MLflow: the files of {self.name}, {version}, are not the ones that were registered; "
                "`python -m pipeline.promote --rollback` returns to the champion before"
            )
        return folder

    def crown(self, candidate: Candidate, record: Run, instead_of: Version | None) -> Version:
        """Register the candidate and make it champion, if `instead_of` still is; `record` becomes the run that tells why."""
        with self.store.exclusive(), self.store.explained():
            if self._aliased(CHAMPION) != instead_of:
                raise InputError(
                    f"MLflow: {self.name} got another champion in the meantime; run `python -m pipeline.promote` again to compare with it"
                )
            version = self.find(digest(candidate.folder)) or self._register(candidate, record)
            if instead_of is not None:  # first, so that a stop between the two calls forgets nobody
                self.client.set_registered_model_alias(self.name, PREVIOUS, instead_of.number)
            self.client.set_registered_model_alias(self.name, CHAMPION, version.number)
        return version

    def rollback(self) -> tuple[Version, Version]:
        """Swap champion and previous champion; returns the new and the dethroned one, which is tagged so that no gate brings it back."""
        with self.store.exclusive(), self.store.explained():
            present, previous = self._aliased(CHAMPION), self._aliased(PREVIOUS)
            if present is None or previous is None or present == previous:
                raise InputError(
                    f"MLflow: {self.name} has no earlier champion to return to; its champion is {present or 'not chosen yet'}"
                )
            self.client.set_model_version_tag(self.name, present.number, "rolled_back", "true")
            self.client.set_model_version_tag(self.name, previous.number, "rolled_back", "false")
            self.client.set_registered_model_alias(self.name, CHAMPION, previous.number)
            self.client.set_registered_model_alias(self.name, PREVIOUS, present.number)
        return previous, present

    def _aliased(self, alias: str) -> Version | None:
        from mlflow.exceptions import MlflowException

        try:
            return _version(self.client.get_model_version_by_alias(self.name, alias))
        except MlflowException as error:
            if error.error_code in (
                "RESOURCE_DOES_NOT_EXIST",
                "INVALID_PARAMETER_VALUE",
            ):  # no such model; no such alias
                return None
            raise

    def _register(self, candidate: Candidate, record: Run) -> Version:
        for run in self.store.search("tags.role = 'promotion'"):
            if "version" not in run.data.tags and self.store.abandoned(
                run
            ):  # of a promotion that died
                self.store.delete(run)
        model = self._log_model(candidate, record)
        self.store.log_values(model.run_id, record)
        if not self.client.search_registered_models(f"name = '{self.name}'"):
            self.client.create_registered_model(self.name)
        tags = {"digest": digest(candidate.folder), "variant": candidate.variant}
        version = _version(
            self.client.create_model_version(
                self.name, model.model_uri, model.run_id, tags=tags, model_id=model.model_id
            )
        )
        self.client.set_tag(model.run_id, "version", version.number)
        return version

    def _log_model(self, candidate: Candidate, record: Run) -> Any:
        """Log a run with the model as code, arrays and JSON; the package as it is now travels with it. Gives MLflow's facts about the model."""
        import mlflow
        from mlflow.models import ModelSignature
        from mlflow.types import ColSpec, Schema
        from mlflow.types.schema import AnyType

        package = Path(__file__).parents[1]
        # any type: the forecaster reads numbers and times itself, and tells more about bad ones than a cast of MLflow's
        signature = ModelSignature(
            inputs=Schema([ColSpec(AnyType(), name) for name in candidate.inputs])
        )
        here = {
            "experiment_id": self.store.experiment,
            "run_name": record.name,
            "tags": {**record.tags, "host": HOST},
        }
        with mlflow.start_run(**here), warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # no input example: MLflow would import TensorFlow here to try it; the gate has done that already
            return mlflow.pyfunc.log_model(
                name="forecaster",
                python_model=str(package / "serving" / "serving_model.py"),
                artifacts={"forecaster": str(candidate.folder)},
                code_paths=[str(package)],
                pip_requirements=[
                    f"{name}=={importlib.metadata.version(name)}" for name in SERVING
                ],
                signature=signature,
            )


def digest(folder: Path) -> str:
    """Names and contents of a folder's files as one sha256."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    listing = [
        (path.relative_to(folder).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest())
        for path in files
    ]
    return hashlib.sha256(json.dumps(listing).encode()).hexdigest()


def _version(version: Any) -> Version:
    tags = version.tags
    return Version(
        str(version.version),
        tags.get("digest", ""),
        tags.get("variant", "?"),
        tags.get("rolled_back") == "true",
    )
