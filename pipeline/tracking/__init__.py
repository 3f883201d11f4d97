"""The only room that knows MLflow: `runs` become a projection of the result files in a `store`, and the `registry` knows the champions.

Whatever is logged is in files first, so that a run that is missing, half-written or outdated can be written again from them.
MLflow itself is imported when a store is opened, by the `connection`: it costs seconds that nobody else should pay. It reads its settings then,
so they are made here, before any module of the room. `python -m pipeline.tracking` shows the store.
"""

import os

DEFAULTS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",  # by default, each call to an absent server waits for four minutes
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_RECORD_ENV_VARS_IN_MODEL_LOGGING": "false",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "GIT_PYTHON_REFRESH": "quiet",
}
for _name, _value in DEFAULTS.items():
    os.environ.setdefault(_name, _value)
