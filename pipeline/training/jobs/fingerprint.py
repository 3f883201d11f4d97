"""The name of what is trained: a hash of everything that a replica's weights hang on but its seed, and of nothing else."""

import ast
import hashlib
import json
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path

from pipeline.config.learning import EXECUTION, Train
from pipeline.config.model import Model, Shape
from pipeline.config.slots import slots

LIBRARIES = ("keras", "numpy", "tensorflow")
ROOT = Path(__file__).parents[3]
TRAINING = ("pipeline.network.build", "pipeline.training.engine.train_state")
ROOMS = ("pipeline.network.", "pipeline.training.engine.", "pipeline.config.flow")


def fingerprint(model: Model, train: Train, shape: Shape, data: str) -> str:
    """Of the resolved parameters, the hash of the data, the code that builds and trains this network, and the libraries."""
    settings = train.model_dump(mode="json", exclude={"seeds", *EXECUTION})
    filled = [slot.row.layer for section in (model, train) for _, slot in slots(section)]
    layers = sorted({layer for layer in filled if layer})
    code = syntax(*TRAINING, *(layer.rpartition(".")[0] for layer in layers))
    versions = {name: version(name) for name in LIBRARIES}
    facts = [model.model_dump(mode="json"), settings, vars(shape), data, layers, code, versions]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]


def digest(*files: Path) -> str:
    """SHA-256 of the files' contents, one after the other, in hexadecimal."""
    total = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            total.update(hashlib.file_digest(stream, "sha256").digest())
    return total.hexdigest()


@cache
def syntax(*modules: str) -> str:
    """Hash of what the modules say, and those of their rooms that they import: a comment, a docstring or the layout of a line changes nothing."""
    found: set[str] = set()
    waiting = [*modules]
    while waiting:
        module = waiting.pop()
        if module.startswith(ROOMS) and module not in found and _path(module).exists():
            found.add(module)
            waiting += _imports(module)
    return hashlib.sha256("".join(_bare(module) for module in sorted(found)).encode()).hexdigest()


def _path(module: str) -> Path:
    return ROOT.joinpath(*module.split(".")).with_suffix(".py")


def _imports(module: str) -> Iterator[str]:
    """`a.b` and `a.b.c` for `from a.b import c`: what is no module is no file either."""
    for node in ast.walk(ast.parse(_path(module).read_text())):
        if isinstance(node, ast.ImportFrom):
            yield from (str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names))
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@cache
def _bare(module: str) -> str:
    tree = ast.parse(_path(module).read_text())
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            and ast.get_docstring(node, clean=False) is not None
        ):
            node.body = node.body[1:]
    return ast.dump(tree)
