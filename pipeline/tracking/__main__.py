"""Start MLflow's user interface on the local store: `python -m pipeline.tracking`.

It brings MLflow up to date with the results, and prints the link of the prepared view.
"""

import os
import socket
import subprocess
import sys
from pathlib import Path

from pipeline.config import params, paths
from pipeline.core import command
from pipeline.core.errors import InputError
from pipeline.tracking import view
from pipeline.tracking.connection import address, configure, without_password
from pipeline.tracking.experiment import Experiment

HOST, PORT = "127.0.0.1", 5000
# Forced, since DVC does not know what MLflow has, nor that MLFLOW_TRACKING_URI names another one.
PUBLISH = ("-m", "dvc", "repro", "--single-item", "--force", "track")


def publish() -> None:
    """Publish the results as they are; where that fails, say why, and leave MLflow as it was."""
    print("Bringing MLflow up to date ...", flush=True)
    done = subprocess.run([sys.executable, *PUBLISH], capture_output=True, text=True)
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        print(f"MLflow shows earlier results: {said[0] if said else 'DVC gave no reason'}")


def show(folder: Path, experiment: str) -> None:
    """Replace this process by an MLflow server for the store in `folder`, reachable from here only.

    If MLFLOW_TRACKING_URI names a server, print its address instead. Raises `InputError` if the
    store does not exist yet, or if MLFLOW_PORT is in use.
    """
    uri = address(folder)
    if uri.startswith("http"):
        print(
            f"MLflow runs at {view.link(without_password(uri), Experiment(folder, experiment).id)}"
        )
        return
    database = uri.removeprefix("sqlite:///")
    if uri.startswith("sqlite") and not Path(database).exists():
        raise InputError(f"{database}: was not found, so there is nothing to show; run `dvc repro`")
    port = _port(os.environ.get("MLFLOW_PORT"))
    link = view.link(f"http://{HOST}:{port}", Experiment(folder, experiment).id)
    print(f"Open {link}", flush=True)
    configure()
    # With job execution on, a dozen processes start, some of which outlive the server.
    os.environ["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"
    options = ["--host", HOST, "--port", str(port), "--workers", "1", "--backend-store-uri", uri]
    os.execv(sys.executable, [sys.executable, "-m", "mlflow", "server", *options])


def _port(asked: str | None) -> int:
    """Return the port that was asked for, or the default one, or a free one in its place."""
    if asked is not None:
        if not asked.isdecimal() or not 0 < int(asked) < 1 << 16:
            raise InputError(f"MLFLOW_PORT is {asked!r}; it must be a number from 1 to 65535")
        if not _is_free(int(asked)):
            raise InputError(f"MLFLOW_PORT is {asked}, which is in use; choose another one")
        return int(asked)
    if _is_free(PORT):
        return PORT
    with socket.create_server((HOST, 0)) as free:
        port = int(free.getsockname()[1])
    print(f"Port {PORT} is in use, so this one is {port}; MLFLOW_PORT chooses another.")
    return port


def _is_free(port: int) -> bool:
    try:
        socket.create_server((HOST, port)).close()
    except OSError:
        return False
    return True


if __name__ == "__main__":
    with command.exit_status():
        publish()
        show(paths.read().mlflow, params.read(Path("params.yaml")).track.experiment)
