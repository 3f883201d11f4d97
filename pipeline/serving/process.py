"""Running a module of the package, as it is now or as it was registered, in a separate process."""

import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

CODE = Path(__file__).parents[2]  # the folder that contains the package as it is now
STARTUP_NOISE = re.compile(
    r"[IWE]\d{4} |WARNING: All log messages before absl|To enable the following instructions"
)


@dataclass(frozen=True)
class Finished:
    """How a process ended, and the lines that it wrote to stderr."""

    failed: bool
    lines: Sequence[str]

    def __str__(self) -> str:
        return "\n".join(self.lines) or "it gave no reason"


def run_module(code: Path, module: str, *arguments: str) -> Finished:
    """Run `python -m module` with the package in the folder `code`; it may write to stdout."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments], cwd=code, stderr=subprocess.PIPE, text=True
    )
    return Finished(done.returncode != 0, without_startup_noise(done.stderr))


def without_startup_noise(output: str) -> list[str]:
    """Return the lines except blank ones and those that importing TensorFlow prints."""
    return [line for line in output.splitlines() if line.strip() and not STARTUP_NOISE.match(line)]
