"""The only place where YAML is read."""

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from pipeline.core.errors import InputError


def load(path: Path) -> Any:
    """Return the content of a YAML file; raises `InputError` for a missing or an invalid file."""
    try:
        return YAML(typ="safe", pure=True).load(path)
    except FileNotFoundError:
        raise InputError(f"{path}: was not found; run this from the project's top folder") from None
    except YAMLError as error:
        raise InputError(f"{path}: is not valid YAML: {error}") from None
