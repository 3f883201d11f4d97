"""Where the stages put their results: the `paths` of `dvc.yaml`, for the commands."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from pipeline.config.yaml import load
from pipeline.core.errors import InputError


@dataclass(frozen=True)
class Paths:
    """The folder of each stage's results; the receipt is a file beside MLflow's store."""

    clean: Path
    standardized: Path
    windows: Path
    models: Path
    errors: Path
    verdict: Path
    receipt: Path
    store: Path

    @property
    def mlflow(self) -> Path:
        """The folder of MLflow's store."""
        return self.receipt.parent


def read(path: Path = Path("dvc.yaml")) -> Paths:
    """Read `vars: - paths:`.

    Raises `InputError` outside of a project, and for paths that are missing.
    """
    vars_ = load(path).get("vars", ())
    declared: Mapping[str, str] = next((entry["paths"] for entry in vars_ if "paths" in entry), {})
    names = [field.name for field in fields(Paths)]
    if missing := [name for name in names if name not in declared]:
        raise InputError(*(f"{path}: vars: paths.{name} is missing; add it" for name in missing))
    return Paths(**{name: Path(declared[name]) for name in names})
