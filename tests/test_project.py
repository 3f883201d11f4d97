"""The promises that hold the house together: who may import what, where paths live, what a commit may name."""

import ast
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from pipeline.config import kinds as catalogue
from pipeline.config import params

ROOT = Path(__file__).parent.parent
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in ROOT.glob("pipeline/**/*.py")
}
STAGES = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]
ACTIONS = {"promote", "forecast", "retrain"}
VERBS = {f"pipeline.{name}" for name in [*STAGES, *ACTIONS]}


@cache
def imports(module: str) -> frozenset[str]:
    """Dotted names that a module imports anywhere in it: `a.b` for `import a.b`, `a.b` and `a.b.c` for `from a.b import c`."""
    names = set()
    for node in ast.walk(ast.parse(MODULES[module].read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(names)


@cache
def reached(module: str) -> frozenset[str]:
    """The modules of the project that importing `module` may run, itself included; the assembly imports the catalogue's rows by name."""
    found, open_ = {module}, [module]
    while open_:
        name = open_.pop()
        near = set(imports(name)) & set(MODULES)
        if name == "pipeline.network.build":
            tables = (catalogue.NORMALIZATIONS, catalogue.DROPOUTS, catalogue.WEIGHTS)
            near |= {
                row.layer.rpartition(".")[0]
                for table in tables
                for row in table.values()
                if row.layer
            } & set(MODULES)
        open_ += near - found
        found |= near
    return frozenset(found)


def packages(module: str) -> set[str]:
    return {name.partition(".")[0] for name in imports(module)}


@pytest.mark.parametrize("stage", STAGES)
def test_deps_of_a_stage_are_the_modules_and_rooms_that_it_imports(stage: str) -> None:
    real = {
        MODULES[name].relative_to(ROOT / "pipeline").parts[0]
        for name in reached(f"pipeline.{stage}")
    } - {"__init__.py"}
    assert {dep for dep in STAGES[stage]["deps"] if dep.startswith("pipeline/")} == {
        f"pipeline/{name}" for name in real
    }


@pytest.mark.parametrize("module", sorted(set(MODULES) - VERBS))
def test_nouns_never_import_stages(module: str) -> None:
    assert not imports(module) & VERBS


@pytest.mark.parametrize("stage", sorted(f"pipeline.{stage}" for stage in STAGES))
def test_stages_never_import_each_other(stage: str) -> None:
    assert not imports(stage) & VERBS


def test_only_tracking_knows_mlflow() -> None:
    assert not [
        name
        for name in MODULES
        if "mlflow" in packages(name)
        and not re.match(r"pipeline\.tracking\b", name)
    ]


def test_only_params_reads_yaml() -> None:
    assert {name for name in MODULES if packages(name) & {"ruamel", "yaml"}} == {
        "pipeline.config.params"
    }


@pytest.mark.parametrize(
    "module",
    sorted(
        name
        for name in MODULES
        if re.match(
            r"pipeline\.(series|verdict|validate|standardize|window|compare|params|sections)\b",
            name,
        )
    ),
)
def test_rooms_that_must_start_fast_never_reach_keras(module: str) -> None:
    assert not [name for name in reached(module) if packages(name) & {"keras", "tensorflow"}]


def test_nothing_is_pickled() -> None:
    assert not [name for name in MODULES if packages(name) & {"pickle", "cloudpickle", "dill"}]


def test_only_dvc_yaml_knows_the_folders_of_the_flow() -> None:
    folders = re.compile(r"data/[1-9]_|\.fleets|mlruns")
    assert not [str(path) for path in MODULES.values() if folders.search(path.read_text())]


def test_rows_of_the_catalogue_are_options_with_a_range() -> None:
    tables = (catalogue.NORMALIZATIONS, catalogue.DROPOUTS, catalogue.WEIGHTS)
    assert {option for table in tables for row in table.values() for option in row.options} == set(
        catalogue.RANGES
    )


def test_committed_files_name_no_machine_and_no_registry() -> None:
    tracked = (
        subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
        .stdout.decode()
        .split("\0")[:-1]
    )
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
    texts = {
        name: (ROOT / name).read_bytes().decode(errors="replace")
        for name in tracked
        if (ROOT / name).is_file()
    }
    assert not [name for name, text in texts.items() if forbidden.search(text)]


def test_committed_params_are_valid_and_a_first_study_covers_every_family_but_structure() -> None:
    read = params.read(ROOT / "params.yaml")
    assert {variant.family for variant in read.variants} - {
        variant.family for variant in read.selected
    } == {"structure"}
