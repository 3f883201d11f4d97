"""The name of a fleet: a hash of everything that its weights hang on, and of nothing else."""

import ast
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pipeline.network.catalogue import DROPOUTS, NORMALIZATIONS, WEIGHTS
from pipeline.network.configuration import Model, Shape
from pipeline.params import Train

LIBRARIES = ("keras", "numpy", "tensorflow")
ROOT = Path(__file__).parents[2]
TRAINING = ("pipeline.network.assembly", "pipeline.training.course")
DESCRIPTIONS = {f"pipeline.network.{name}" for name in ("catalogue", "configuration", "rules")}  # what they say is in the resolved parameters
IMPORT = re.compile(r"^\s*(?:from|import) (pipeline\.(?:network|training)\.\w+)", re.MULTILINE)


def fingerprint(model: Model, train: Train, shape: Shape, seeds: Sequence[int], data: str) -> str:
    """Of the resolved parameters, the seeds, the hash of the data, the code that builds and trains this network, and the libraries."""
    settings = train.model_dump(mode="json", exclude={"seeds", "workers"})  # these only spread the work
    layers = sorted(_layers(model.model_dump(mode="json")))
    code = syntax(*TRAINING, *(layer.rpartition(".")[0] for layer in layers))
    versions = {name: version(name) for name in LIBRARIES}
    facts = [model.model_dump(mode="json"), settings, vars(shape), list(seeds), data, layers, code, versions]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]


def digest(*files: Path) -> str:
    """SHA-256 of the files' contents, one after the other, in hexadecimal."""
    total = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            total.update(hashlib.file_digest(stream, "sha256").digest())
    return total.hexdigest()


def _layers(section: Mapping[str, Any]) -> Iterator[str]:
    """Dotted names of the layers that fill the slots of a model."""
    for value in section.values():
        if isinstance(value, Mapping):
            rows = (table.get(value.get("kind", "none")) for table in (NORMALIZATIONS, DROPOUTS, WEIGHTS))
            yield from (row.layer for row in rows if row and row.layer)
            yield from _layers(value)


@cache
def syntax(*modules: str) -> str:
    """Hash of what the modules say, and those of their rooms that they import: a comment, a docstring or the layout of a line changes nothing."""
    found: set[str] = set()
    waiting = [module for module in modules if module.startswith("pipeline.")]
    while waiting:
        module = waiting.pop()
        if module not in found | DESCRIPTIONS:
            found.add(module)
            waiting += IMPORT.findall(_source(module))
    return hashlib.sha256("".join(_bare(module) for module in sorted(found)).encode()).hexdigest()


def _source(module: str) -> str:
    return ROOT.joinpath(*module.split(".")).with_suffix(".py").read_text()


@cache
def _bare(module: str) -> str:
    tree = ast.parse(_source(module))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    return ast.dump(tree)
