"""The connection to MLflow: its settings, its address, a client, and its errors as `InputError`."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.core.errors import InputError

if TYPE_CHECKING:
    from mlflow import MlflowClient

DATABASE = "mlflow.db"
REMEDY = (
    "every result is already in files: start the server or correct MLFLOW_TRACKING_URI, then run "
    "the same command again (`dvc repro track` publishes the runs)"
)
SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # By default, each call to a server that is down waits for four minutes.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_RECORD_ENV_VARS_IN_MODEL_LOGGING": "false",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "GIT_PYTHON_REFRESH": "quiet",
}


def configure() -> None:
    """Set MLflow's environment variables that the user has not set; call it before `import mlflow`.

    MLflow takes seconds to import, so the functions here import it when they need it.
    """
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)


def address(folder: Path) -> str:
    """Return MLFLOW_TRACKING_URI if it is set, else the URI of an SQLite database in `folder`.

    The path is absolute, so it does not depend on the working folder.
    """
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{folder.resolve() / DATABASE}"


def without_password(text: str) -> str:
    """Return the text with user names and passwords removed from its addresses."""
    return re.sub(r"//[^/@\s]*@", "//", text)


def connect(uri: str) -> "MlflowClient":
    """Return a client, after checking that it reaches its store.

    An SQLite store is created if there is none. If it has the schema of an earlier MLflow, it is
    copied to `mlflow.before-upgrade.db` and upgraded.
    """
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    try:
        client = MlflowClient(uri)
        client.search_experiments(max_results=1)
    except MlflowException as error:
        if "out-of-date database schema" not in str(error) or not uri.startswith("sqlite:///"):
            raise
        database = Path(uri.removeprefix("sqlite:///"))
        shutil.copyfile(database, database.with_suffix(".before-upgrade.db"))
        upgrade = [sys.executable, "-m", "mlflow", "db", "upgrade", uri]
        subprocess.run(upgrade, check=True, capture_output=True)
        return MlflowClient(uri)
    return client


@contextmanager
def explained_errors(uri: str) -> Iterator[None]:
    """Turn MLflow's exceptions and those of the connection to it into `InputError`s with advice.

    Inside the block, `uri` is also the global tracking URI.
    """
    configure()
    from mlflow.exceptions import MlflowException

    try:
        with _global_uri(uri):
            yield
    except (MlflowException, OSError) as error:
        raise InputError(
            f"MLflow at {without_password(uri)}: {_reason(error)}; {REMEDY}"
        ) from error


def _reason(error: Exception) -> str:
    if "Max retries exceeded" in str(error):
        return "the server does not answer"
    lines = str(error).splitlines()
    return without_password(lines[0] if lines else type(error).__name__)[:300]


@contextmanager
def _global_uri(uri: str) -> Iterator[None]:
    """Set the global tracking URI, which logging and downloading models use, and restore it.

    MLflow stores it in the environment as well.
    """
    import mlflow

    before = os.environ.get("MLFLOW_TRACKING_URI")
    mlflow.set_tracking_uri(uri)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(before)
