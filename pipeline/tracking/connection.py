"""The way to MLflow: its address, a client whose store answers, and what it raises as a refusal."""

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
WAY_OUT = "every result is in files already: start the server or correct MLFLOW_TRACKING_URI and run this again (`dvc repro track` publishes the runs)"


def address(folder: Path) -> str:
    """Where MLflow is: what MLFLOW_TRACKING_URI says, else an SQLite store in `folder`; absolute, so that the working folder does not matter."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{folder.resolve() / DATABASE}"


def public(text: str) -> str:
    """Without the passwords of addresses."""
    return re.sub(r"//[^/@\s]*@", "//", text)


def connect(uri: str) -> "MlflowClient":
    """A client whose store answers; a SQLite store is created, or brought to the schema of the installed MLflow after a copy is kept."""
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
        subprocess.run(
            [sys.executable, "-m", "mlflow", "db", "upgrade", uri], check=True, capture_output=True
        )
        return MlflowClient(uri)
    return client


@contextmanager
def explained(uri: str) -> Iterator[None]:
    """What MLflow at `uri` and the way to it raise, as a `InputError` that says what to do."""
    from mlflow.exceptions import MlflowException

    try:
        with _chosen(uri):
            yield
    except (MlflowException, OSError) as error:
        what = (
            "gives no answer"
            if "Max retries exceeded" in str(error)
            else public((str(error).splitlines() or [type(error).__name__])[0])[:300]
        )
        raise InputError(f"MLflow at {public(uri)}: {what}; {WAY_OUT}") from error


@contextmanager
def _chosen(uri: str) -> Iterator[None]:
    """Models are logged and fetched by way of a global address, which MLflow leaves in the environment, too; both are put back."""
    import mlflow

    before = os.environ.get("MLFLOW_TRACKING_URI")
    mlflow.set_tracking_uri(uri)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(before)
