"""The champion as MLflow runs it: models-from-code, so nothing is pickled. MLflow executes this file when it loads the model."""

from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import BAD_REQUEST

from pipeline.core.errors import InputError
from pipeline.serving.forecaster import Forecaster


class ServingModel(mlflow.pyfunc.PythonModel):
    """Recent rows in real units in, forecasts in real units out."""

    def load_context(self, context: Any) -> None:
        """Read the forecaster's folder, which travels with the model."""
        self.forecaster = Forecaster.load(Path(context.artifacts["forecaster"]))

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> pd.DataFrame:
        """One row per series and horizon step; a table that cannot be forecast from is a bad request (status 400) with every finding."""
        try:
            return self.forecaster.forecast(model_input)
        except InputError as refusal:
            raise MlflowException(str(refusal), error_code=BAD_REQUEST) from None


mlflow.models.set_model(ServingModel())
