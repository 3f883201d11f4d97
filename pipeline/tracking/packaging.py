"""What becomes a version of a registered model: its files, and the code and libraries with it."""

import importlib.metadata
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.core import manifest
from pipeline.core.files import write_json
from pipeline.tracking.experiment import HOST
from pipeline.tracking.runs import Run

if TYPE_CHECKING:
    from mlflow.models.model import ModelInfo

ARTIFACT = "forecaster"  # names the model's folder inside a version
SIGNED = "code.json"  # the artifact with the hashes of the code that travels with the model


@dataclass(frozen=True)
class Candidate:
    """A model that can be registered.

    `folder` holds its files and `variant` is what it was trained as. `package` is the Python
    package that travels with it, `entry` the file of the package that MLflow executes, and
    `requirements` the libraries that these import. `columns` are the inputs, and `tags` are those
    of the version.
    """

    folder: Path
    variant: str
    columns: Sequence[str]
    package: Path
    entry: Path
    requirements: Sequence[str]
    tags: Mapping[str, str] = field(default_factory=dict)

    def code(self) -> dict[str, str]:
        """Return the SHA-256 of every file of the package, by its path where it travels."""
        found = manifest.hashes(self.package)
        return {f"{self.package.name}/{name}": known for name, known in found.items()}


def log(experiment: str, candidate: Candidate, record: Run) -> "ModelInfo":
    """Log a run that holds the model's files, its package and its requirements.

    `experiment` is the id of the experiment, and `record` names and tags the run.
    """
    import mlflow

    tags = {**record.tags, "host": HOST}
    run = mlflow.start_run(experiment_id=experiment, run_name=record.name, tags=tags)
    with run, warnings.catch_warnings(), tempfile.TemporaryDirectory() as scratch:
        signed = Path(scratch) / SIGNED
        write_json(signed, candidate.code())
        # MLflow warns that there is no input example. It would import TensorFlow here to try one,
        # whereas the gate has already run the model.
        warnings.simplefilter("ignore")
        return mlflow.pyfunc.log_model(
            name=ARTIFACT,
            python_model=str(candidate.entry),
            artifacts={ARTIFACT: str(candidate.folder), SIGNED: str(signed)},
            code_paths=[str(candidate.package)],
            pip_requirements=[
                f"{name}=={importlib.metadata.version(name)}" for name in candidate.requirements
            ],
            signature=_signature(candidate.columns),
        )


def _signature(columns: Sequence[str]) -> object:
    """Return a signature that accepts any type.

    The model parses numbers and times itself, and explains bad ones better than MLflow's casts.
    """
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema
    from mlflow.types.schema import AnyType

    return ModelSignature(inputs=Schema([ColSpec(AnyType(), column) for column in columns]))
