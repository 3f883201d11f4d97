"""Fingerprints identify a training: a hash of all that a replica's weights depend on but its seed.

Nothing else is part of it: a comment, a docstring or the layout of a line changes no fingerprint.
"""

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
from pipeline.core.manifest import sha256

LIBRARIES = ("keras", "numpy", "tensorflow")
ROOT = Path(__file__).parents[3]
TRAINING = ("pipeline.network.build", "pipeline.training.engine.train_state")
# The modules that weights can depend on, by the beginning of their names.
HASHED = (
    "pipeline.network.",
    "pipeline.training.engine.",
    "pipeline.config.flow",
)


def fingerprint(model: Model, train: Train, shape: Shape, data: str) -> str:
    """Return the fingerprint of a training, 32 hexadecimal digits.

    It covers the resolved parameters, `data` (the hash of the data), the code that builds and
    trains this network, and the versions of the libraries.
    """
    settings = train.model_dump(mode="json", exclude={"seeds", *EXECUTION})
    filled = [slot.row.layer for section in (model, train) for _, slot in slots(section)]
    layers = sorted({layer for layer in filled if layer})
    code = code_hash(*TRAINING, *(layer.rpartition(".")[0] for layer in layers))
    versions = {name: version(name) for name in LIBRARIES}
    facts = [model.model_dump(mode="json"), settings, vars(shape), data, layers, code, versions]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]


@cache
def data_hash(standardized: Path, windows: Path, values: str) -> str:
    """Return the hash of the files that training reads: inputs, truth, starts of windows.

    The arrays contain the test rows too, which no weight depends on: if only those change,
    variants are trained again, to the same weights.
    """
    arrays = standardized / f"{values}.npy", standardized / "truth.npy"
    files = [*arrays, windows / "train.npy", windows / "validation.npy"]
    return hashlib.sha256("".join(map(sha256, files)).encode()).hexdigest()


@cache
def code_hash(*modules: str) -> str:
    """Return the hash of the modules, and of the modules below `HASHED` that they import."""
    found: set[str] = set()
    waiting = [*modules]
    while waiting:
        module = waiting.pop()
        if module.startswith(HASHED) and module not in found and _path(module).exists():
            found.add(module)
            waiting += _imports(module)
    return hashlib.sha256("".join(map(_syntax, sorted(found))).encode()).hexdigest()


def _path(module: str) -> Path:
    return ROOT.joinpath(*module.split(".")).with_suffix(".py")


def _imports(module: str) -> Iterator[str]:
    """Yield what a module imports: `a.b` and `a.b.c` for `from a.b import c`.

    A name that is not a module has no file, and the caller skips it.
    """
    for node in ast.walk(ast.parse(_path(module).read_text())):
        if isinstance(node, ast.ImportFrom):
            yield from (str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names))
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@cache
def _syntax(module: str) -> str:
    """Return a module's syntax tree as text, without comments and docstrings."""
    tree = ast.parse(_path(module).read_text())
    for node in ast.walk(tree):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            continue
        if ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    return ast.dump(tree)
