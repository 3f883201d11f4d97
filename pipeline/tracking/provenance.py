"""Where a run comes from, as MLflow's own tags say it: the command and the commit."""

import subprocess
from functools import cache

COMMAND = "dvc repro"


@cache
def source() -> dict[str, str]:
    """Return the tags of the source; without the commit where there is no git repository."""
    tags = {"mlflow.source.name": COMMAND, "mlflow.source.type": "LOCAL"}
    try:
        found = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True)
    except OSError:  # git is not installed
        return tags
    return tags | ({"mlflow.source.git.commit": found.stdout.strip()} if found.stdout else {})
