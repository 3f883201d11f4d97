"""The rules of the code base: who imports whom, sizes, and what a commit may name."""

import ast
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from pipeline.config import kinds, learning, params, scalers
from pipeline.config.options import RANGES

ROOT = Path(__file__).parent.parent
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in ROOT.glob("pipeline/**/*.py")
}
STAGES = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]
COMMANDS = ["advice", "clean", "describe", "drift", "promote", "forecast", "retrain"]
VERBS = {f"pipeline.{name}" for name in [*STAGES, *COMMANDS]}
PACKAGES = [  # a package imports only those before it
    "core",
    "config",
    "tables",
    "series",
    "network",
    "training",
    "evaluation",
    "tracking",
    "serving",
]
TABLES = [
    scalers.SCALERS,
    *(kinds.NORMALIZATIONS, kinds.DROPOUTS, kinds.WEIGHTS, kinds.SEASONS, kinds.HEADS),
    *(learning.OPTIMIZERS, learning.SCHEDULES, learning.LOSSES),
    *(learning.CLIPS, learning.AVERAGES),
]


def package(module: str) -> str:
    """The package of a module, or the empty string for a stage, a command and `pipeline` itself."""
    return next((name for name in module.split(".")[1:2] if name in PACKAGES), "")


def inside(*chosen: str) -> list[str]:
    return sorted(module for module in MODULES if package(module) in chosen)


@cache
def imports(module: str) -> frozenset[str]:
    """Names that a module imports: `a.b` for `import a.b`, and `a`, `a.b` for `from a import b`."""
    names = set()
    for node in ast.walk(ast.parse(MODULES[module].read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(names)


@cache
def reached(module: str) -> frozenset[str]:
    """The modules that importing `module` may run; the assembly imports rows of tables by name."""
    found, waiting = {module}, [module]
    while waiting:
        name = waiting.pop()
        near = set(imports(name)) & set(MODULES)
        if name == "pipeline.network.build":
            layers = [row.layer for table in TABLES for row in table.values() if row.layer]
            near |= {layer.rpartition(".")[0] for layer in layers} & set(inside("network"))
        waiting += near - found
        found |= near
    return frozenset(found)


def libraries(module: str) -> set[str]:
    return {name.partition(".")[0] for name in imports(module)}


def test_the_top_of_the_package_holds_stages_commands_and_packages_only() -> None:
    found = {path.name for path in (ROOT / "pipeline").iterdir()} - {"__pycache__"}
    verbs = {f"{name}.py" for name in [*STAGES, *COMMANDS]}
    assert found == {*verbs, *PACKAGES, "__init__.py", "py.typed"}


@pytest.mark.parametrize("module", inside(*PACKAGES))
def test_a_package_imports_only_those_before_it(module: str) -> None:
    near = {package(name) for name in imports(module)} - {""}
    allowed = PACKAGES[: PACKAGES.index(package(module)) + 1]
    assert near <= set(allowed)
    assert not imports(module) & VERBS


@pytest.mark.parametrize("stage", sorted(f"pipeline.{stage}" for stage in STAGES))
def test_stages_never_import_each_other(stage: str) -> None:
    assert not imports(stage) & VERBS


@pytest.mark.parametrize("stage", STAGES)
def test_deps_of_a_stage_are_the_modules_and_packages_that_it_imports(stage: str) -> None:
    modules = {
        MODULES[name].relative_to(ROOT / "pipeline") for name in reached(f"pipeline.{stage}")
    }
    real = {f"pipeline/{module.parts[0]}" for module in modules} - {"pipeline/__init__.py"}
    assert {dep for dep in STAGES[stage]["deps"] if dep.startswith("pipeline/")} == real


EDIT = """
import json, sys
from pathlib import Path
from dvc.repo import Repo

repo = Repo.init(no_scm=True)
for stage in repo.index.stages:
    for out in stage.outs:
        path = Path(out.fs_path)
        if not path.suffix:
            path.mkdir(parents=True)
            path /= "file"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(stage.name)
repo.commit(force=True)
before = repo.status()
layer = Path("pipeline/network/layers/dense.py")
layer.write_text(layer.read_text() + "\\n")
print(json.dumps([before, repo.status()]))
"""


def test_the_edit_of_a_layer_reruns_training_and_what_follows_and_nothing_before(
    tmp_path: Path,
) -> None:
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("pipeline", "catalogue"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
    for name in ("dvc.yaml", "params.yaml"):
        shutil.copy(ROOT / name, tmp_path / name)
    raw = tmp_path / params.read(ROOT / "params.yaml").data.path
    raw.parent.mkdir(parents=True)
    raw.write_text("time,value")
    environment = {**os.environ, "DVC_NO_ANALYTICS": "1", "DVC_SITE_CACHE_DIR": str(tmp_path)}
    printed = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", EDIT],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    before, after = json.loads(printed.splitlines()[-1])
    assert before == {}
    assert set(after) == {"train", "evaluate"}  # the others depend on the outputs of these


def test_only_tracking_knows_mlflow() -> None:
    assert {package(name) for name in MODULES if "mlflow" in libraries(name)} == {"tracking"}


def test_only_the_configuration_reads_yaml() -> None:
    readers = {package(name) for name in MODULES if libraries(name) & {"ruamel", "yaml"}}
    assert readers == {"config"}


@pytest.mark.parametrize(
    "module", inside("core", "config", "tables", "series", "evaluation", "tracking")
)
def test_packages_that_must_start_fast_never_reach_keras(module: str) -> None:
    assert not [name for name in reached(module) if libraries(name) & {"keras", "tensorflow"}]


@pytest.mark.parametrize("name", PACKAGES)
def test_the_docstring_of_a_package_says_what_comes_in_what_goes_out_and_what_to_read(
    name: str,
) -> None:
    tree = ast.parse(MODULES[f"pipeline.{name}"].read_text())
    docstring = ast.get_docstring(tree) or ""
    assert len(tree.body) == 1
    for words in (r"\bIn(:| comes?\b)", r"\b[Oo]ut(:| comes?\b| goe?s?\b)", r"\bRead\b"):
        assert re.search(words, docstring), words


def test_only_dvc_yaml_knows_the_folders_of_the_flow() -> None:
    folders = re.compile(r"data/[1-9]_|(?<!\w)\.fleets|mlruns")
    assert not [str(path) for path in MODULES.values() if folders.search(path.read_text())]


def test_the_options_of_all_kinds_have_a_range_and_every_range_an_option() -> None:
    assert {name for table in TABLES for row in table.values() for name in row.options} == {*RANGES}


def test_nothing_is_pickled() -> None:
    assert not [name for name in MODULES if libraries(name) & {"pickle", "cloudpickle", "dill"}]


def functions(module: str) -> list[int]:
    """The number of lines of each function of a module."""
    nodes = ast.walk(ast.parse(MODULES[module].read_text()))
    found = [node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return [(node.end_lineno or node.lineno) - node.lineno + 1 for node in found]


def test_functions_are_neither_crumbs_nor_walls() -> None:
    lines = [size for module in MODULES for size in functions(module)]
    assert 5 <= statistics.median(lines) <= 10
    assert sum(size < 30 for size in lines) >= 0.9 * len(lines)


def test_no_module_is_longer_than_250_lines() -> None:
    lengths = {name: len(path.read_text().splitlines()) for name, path in MODULES.items()}
    assert {name: length for name, length in lengths.items() if length > 250} == {}


def test_no_line_is_longer_than_100_columns() -> None:
    long = [
        f"{name}:{number}"
        for name in tracked()
        if name.endswith(".py")
        for number, line in enumerate((ROOT / name).read_text().splitlines(), 1)
        if len(line) > 100
    ]
    assert long == []


def test_any_is_for_what_has_no_type() -> None:
    lines = [line for path in MODULES.values() for line in path.read_text().splitlines()]
    assert sum(bool(re.search(r"\bAny\b", line)) for line in lines) < 200


def test_the_slots_of_a_model_are_walked_in_one_place() -> None:
    walks = re.compile(r"dropout_between|output_normalization")
    found = {name for name, path in MODULES.items() if walks.search(path.read_text())}
    assert {name for name in found if not name.startswith("pipeline.config.rules")} == {
        "pipeline.config.flow",
        "pipeline.config.model",
    }


def tracked() -> list[str]:
    """The files of the repository that Git tracks and that are not deleted."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    names = listed.stdout.decode().split("\0")[:-1]
    return [name for name in names if (ROOT / name).is_file()]


def test_committed_files_name_no_machine_and_no_registry() -> None:
    forbidden = re.compile(
        "|".join(
            [
                "py" + r"pi\.org",
                "files" + r"\.pythonhosted",
                "registry" + r"\.npmjs",
                r"/ro" + "ot/",
                r"/wo" + "rk/",
            ]
        )
    )
    texts = {name: (ROOT / name).read_bytes().decode(errors="replace") for name in tracked()}
    assert not [name for name, text in texts.items() if forbidden.search(text)]


def test_committed_params_are_valid_and_a_first_study_covers_every_family_but_these() -> None:
    read = params.read(ROOT / "params.yaml")
    assert {variant.family for variant in read.variants} - {
        variant.family for variant in read.selected
    } == {"decay", "depth", "design", "structure"}
