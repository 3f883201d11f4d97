"""Stages and commands on the command line: their arguments, and their exit status.

A stage's `run(params, clean, out)` becomes `python -m pipeline.<stage> --clean PATH --out PATH`.
"""

import argparse
import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from pipeline.core.errors import InputError

Params = TypeVar("Params")
INTERRUPTED = 130  # what a shell reports of a command that Ctrl-C has ended


def main(run: Callable[..., None], read: Callable[[Path], Params]) -> None:
    """Run a stage: call `run(read(PARAMS), ...)` with a path for each further argument of `run`."""
    names = [name for name in inspect.signature(run).parameters if name != "params"]
    arguments = parser(run.__doc__, *names).parse_args()
    with exit_status():
        run(read(arguments.params), *(getattr(arguments, name) for name in names))


def parser(
    description: str | None, *paths: str, prog: str | None = None
) -> argparse.ArgumentParser:
    """Return a parser with `--params` and a required option for each of `paths`."""
    made = argparse.ArgumentParser(prog=prog, description=description)
    made.add_argument(
        "--params", type=Path, default=Path("params.yaml"), help="default: params.yaml"
    )
    for name in paths:
        made.add_argument(f"--{name}", type=Path, required=True)
    return made


@contextmanager
def exit_status() -> Iterator[None]:
    """End the process with status 1 if input is rejected, its findings on stderr; 130 on Ctrl-C."""
    try:
        yield
    except InputError as error:
        sys.exit(f"\n{error}\n")
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
