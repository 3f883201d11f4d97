"""A stage as a command: `run(params, raw, out)` becomes `python -m pipeline.<stage> --raw PATH --out PATH`."""

import argparse
import inspect
import sys
from collections.abc import Callable
from pathlib import Path

from pipeline import params
from pipeline.refusal import Refusal


def main(run: Callable[..., None]) -> None:
    """Read `params.yaml`, pass each further argument of `run` as a path of the same name; a refusal ends with status 1, Ctrl-C with 130."""
    names = [name for name in inspect.signature(run).parameters if name != "params"]
    parser = argparse.ArgumentParser(description=run.__doc__)
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    for name in names:
        parser.add_argument(f"--{name}", type=Path, required=True)
    arguments = parser.parse_args()
    try:
        run(params.read(arguments.params), *(getattr(arguments, name) for name in names))
    except Refusal as refusal:
        sys.exit(f"\n{refusal}\n")
    except KeyboardInterrupt:
        sys.exit(130)  # what a shell says of a command that Ctrl-C ended; nothing half-written stays
