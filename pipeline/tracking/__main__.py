"""Start MLflow's user interface on the local store: `python -m pipeline.tracking`."""

import os
import sys
from pathlib import Path

from pipeline.config import paths
from pipeline.core import command
from pipeline.core.errors import InputError
from pipeline.tracking.connection import address, configure, without_password


def show(folder: Path) -> None:
    """Replace this process by an MLflow server for the store in `folder`, reachable from here only.

    If MLFLOW_TRACKING_URI names a server, print its address instead. Raises `InputError` if the
    store does not exist yet.
    """
    uri = address(folder)
    if uri.startswith("http"):
        print(f"MLflow runs at {without_password(uri)}")
        return
    database = uri.removeprefix("sqlite:///")
    if uri.startswith("sqlite") and not Path(database).exists():
        raise InputError(f"{database}: was not found, so there is nothing to show; run `dvc repro`")
    configure()
    # With job execution on, a dozen processes start, some of which outlive the server.
    os.environ["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"
    port = os.environ.get("MLFLOW_PORT", "5000")
    options = ["--host", "127.0.0.1", "--port", port, "--workers", "1", "--backend-store-uri", uri]
    os.execv(sys.executable, [sys.executable, "-m", "mlflow", "server", *options])


if __name__ == "__main__":
    with command.exit_status():
        show(paths.read().mlflow)
