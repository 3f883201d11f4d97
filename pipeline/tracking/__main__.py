"""MLflow's own pages on the store: `python -m pipeline.tracking`."""

import os
import sys
from pathlib import Path

from pipeline.config import paths
from pipeline.core.errors import InputError
from pipeline.tracking.connection import address, public


def show(folder: Path) -> None:
    """Become MLflow's server for the store in `folder`, on this machine only, until Ctrl-C; of a server elsewhere, tell the address."""
    uri = address(folder)
    if uri.startswith("http"):
        print(f"MLflow runs at {public(uri)}")
        return
    if uri.startswith("sqlite") and not Path(uri.removeprefix("sqlite:///")).exists():
        raise InputError(
            f"{uri.removeprefix('sqlite:///')}: there is nothing to show yet; run `dvc repro`"
        )
    os.environ["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = (
        "false"  # else a dozen processes, some of which survive the server
    )
    serve = [
        "--host",
        "127.0.0.1",
        "--port",
        os.environ.get("MLFLOW_PORT", "5000"),
        "--workers",
        "1",
        "--backend-store-uri",
        uri,
    ]
    os.execv(sys.executable, [sys.executable, "-m", "mlflow", "server", *serve])


if __name__ == "__main__":
    try:
        show(paths.read().mlflow)
    except InputError as refused:
        sys.exit(f"\n{refused}\n")
