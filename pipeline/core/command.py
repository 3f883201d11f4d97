"""A stage as a command: `run(params, raw, out)` becomes `python -m pipeline.<stage> --raw PATH --out PATH`."""

import argparse
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipeline.core.errors import InputError


def main(run: Callable[..., None], read: Callable[[Path], Any]) -> None:
    """Call `run(read(PARAMS), ...)` with a path for each further argument of `run`.

    Rejected input ends with status 1, Ctrl-C with 130.
    """
    names = [name for name in inspect.signature(run).parameters if name != "params"]
    parser = argparse.ArgumentParser(description=run.__doc__)
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    for name in names:
        parser.add_argument(f"--{name}", type=Path, required=True)
    arguments = parser.parse_args()
    try:
        run(read(arguments.params), *(getattr(arguments, name) for name in names))
    except InputError as refusal:
        sys.exit(f"\n{refusal}\n")
    except KeyboardInterrupt:
        sys.exit(
            130
        )  # what a shell says of a command that Ctrl-C ended; nothing half-written stays
