"""What MLflow executes when it serves a registered version: models-from-code, never a pickle."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import mlflow
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import BAD_REQUEST
from mlflow.pyfunc import PythonModelContext

from pipeline.core import manifest
from pipeline.core.errors import InputError
from pipeline.core.files import read_json
from pipeline.tracking.packaging import ARTIFACT, SIGNED


class Forecasts(Protocol):
    """A model that forecasts from a table and raises `InputError` if it cannot."""

    def forecast(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return the forecasts as a table."""


class ServedModel(mlflow.pyfunc.PythonModel):
    """Adapt a model to MLflow; `load` reads it from the folder that travels with the version."""

    def __init__(self, load: Callable[[Path], Forecasts]) -> None:
        self._load = load

    def load_context(self, context: PythonModelContext) -> None:
        """Load the model; MLflow calls this once.

        Raises `InputError` if the code beside the model is not the code that was registered.
        """
        folder = Path(context.artifacts[ARTIFACT])
        _check_code(folder.parents[1] / "code", read_json(Path(context.artifacts[SIGNED])))
        self._model = self._load(folder)

    def predict(
        self, context: PythonModelContext, model_input: pd.DataFrame, params: object = None
    ) -> pd.DataFrame:
        """Return the forecasts; a rejected table is a bad request (status 400) with every finding.

        Raises `MlflowException`, which the scoring server turns into the response.
        """
        try:
            return self._model.forecast(model_input)
        except InputError as error:
            raise MlflowException(str(error), error_code=BAD_REQUEST) from None


def _check_code(code: Path, signed: Mapping[str, str]) -> None:
    found = manifest.hashes(code)
    changed = sorted(name for name, _ in {*found.items()} ^ {*signed.items()})
    if changed:
        raise InputError(
            *(
                f"{code / name}: is not the code that was registered; promote again "
                "(`python -m pipeline.promote`)"
                for name in dict.fromkeys(changed)
            )
        )


def serve(load: Callable[[Path], Forecasts]) -> None:
    """Declare the model of the file that MLflow is executing."""
    mlflow.models.set_model(ServedModel(load))
