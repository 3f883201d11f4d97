"""Where the stages put their results, as `dvc.yaml` says: for the actions that people call without naming paths."""

import re
from dataclasses import dataclass
from pathlib import Path

from pipeline.refusal import Refusal

COMMAND = re.compile(r"^ *cmd: (?:exec )?python -m pipeline\.(\w+) .*--out (\S+)", re.MULTILINE)


@dataclass(frozen=True)
class Layout:
    """The `--out` of each stage."""

    clean: Path
    standardized: Path
    windows: Path
    models: Path
    errors: Path
    verdict: Path
    receipt: Path

    @property
    def store(self) -> Path:
        """MLflow's folder."""
        return self.receipt.parent


STAGES = ("validate", "standardize", "window", "train", "evaluate", "compare", "track")  # in the order of the layout's fields


def read(path: Path = Path("dvc.yaml")) -> Layout:
    """Read the paths from the stages' commands; raises `Refusal` outside of a project."""
    if not path.exists():
        raise Refusal(f"{path}: there is no such file; run this from the project's top folder")
    outs = dict(COMMAND.findall(path.read_text()))
    if missing := [stage for stage in STAGES if stage not in outs]:
        raise Refusal(*(f"{path}: stage {stage}: its cmd is not `python -m pipeline.{stage} ... --out PATH`" for stage in missing))
    return Layout(*(Path(outs[stage]) for stage in STAGES))
