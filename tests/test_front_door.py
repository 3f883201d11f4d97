"""What a newcomer reads first is true: names, versions, commands, paths, links and examples."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from pipeline.config import params

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "data/0_raw/README.md"])
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
YAML_BLOCK = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def load(text: str) -> Any:
    return YAML(typ="safe").load(text)


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and Python-Markdown both derive them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    words = (re.sub(r"[^\w\s-]", "", heading).strip().lower() for heading in headings)
    return {re.sub(r"[-\s]+", "-", word) for word in words}


def test_the_version_is_the_same_wherever_it_is_written() -> None:
    citation = load((ROOT / "CITATION.cff").read_text())
    released = re.findall(
        r"^## \[(.*)\] - (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE
    )
    assert released[0] == (PROJECT["version"], citation["date-released"].isoformat())
    assert citation["version"] == PROJECT["version"]


def test_the_citation_fits_its_schema() -> None:
    tool = shutil.which("check-jsonschema") or str(ROOT / ".venv/bin/check-jsonschema")
    schema = "vendor.citation-file-format"
    command = [tool, "--builtin-schema", schema, str(ROOT / "CITATION.cff")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_licence_is_the_same_wherever_it_is_written() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License\n                           Version 2.0, January 2004" in text
    assert load((ROOT / "CITATION.cff").read_text())["license"] == PROJECT["license"]
    assert PROJECT["license"] == "Apache-2.0"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_make_command_of_a_page_is_a_target(page: Path) -> None:
    commands = re.findall(
        r"(?:^|`)make ((?:[a-z-]+ ?)+)(?=`| +#|$)", page.read_text(), re.MULTILINE
    )
    assert {name for command in commands for name in command.split()} <= TARGETS


def test_the_first_commands_of_the_readme_are_the_two_that_show_everything() -> None:
    block = README.split("```")[1]
    assert re.findall(r"^make (\S+)", block, re.MULTILINE) == ["run", "ui"]


def test_the_tree_of_the_readme_names_paths_that_exist_and_everything_in_the_pipeline() -> None:
    tree = README.partition("## The tree")[2].split("```")[1]
    found, folder = set(), Path()
    for line in tree.strip().splitlines():
        inside = line.startswith("  ")
        names = re.split(" {2,}", line.strip())[0].split()
        folder = folder if inside else Path(names[0])
        found |= {folder / name for name in names} if inside else {folder}
    assert not [str(path) for path in found if not (ROOT / path).exists()]
    listed = {
        path.relative_to(ROOT)
        for path in (ROOT / "pipeline").iterdir()
        if not path.name.startswith("__") and path.suffix in ("", ".py")
    }
    assert listed <= found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_inside_the_repository_resolve(page: Path) -> None:
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if link.startswith(("http://", "https://")):
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert not broken


@pytest.mark.parametrize("page", ["README.md", "docs/data.md", "docs/variants.md"])
def test_examples_of_parameters_are_valid(page: str, tmp_path: Path) -> None:
    content = load((ROOT / "params.yaml").read_text())
    for block in YAML_BLOCK.findall((ROOT / page).read_text()):
        for section, values in load(block).items():
            whole = section not in ("variants", "evaluate")
            content[section] = values if whole else content[section] | values
    content["study"] = ["plain", *(["mine"] if "mine" in content["variants"] else [])]
    changed = tmp_path / "params.yaml"
    with changed.open("w") as file:
        YAML(typ="safe").dump(content, file)
    read = params.read(changed)
    assert {variant.name for variant in read.selected} == set(content["study"])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_paths_of_code_that_a_page_names_exist(page: Path) -> None:
    named = set(re.findall(r"`((?:pipeline|tests|docs|benchmarks)/[\w/.]*)`", page.read_text()))
    made_by_the_reader = {"pipeline/network/layers/centering.py"}
    assert not {path for path in named - made_by_the_reader if not (ROOT / path).exists()}
