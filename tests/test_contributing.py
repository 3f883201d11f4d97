"""What CONTRIBUTING.md says is true: its blocks make a variant that passes the tests.

They are applied to a copy of the repository.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from textwrap import dedent, indent

ROOT = Path(__file__).parents[1]
BLOCKS = [
    dedent(block)
    for block in re.findall(
        r"^ *```(?:python|yaml)\n(.*?)^ *```$",
        (ROOT / "CONTRIBUTING.md").read_text(),
        re.MULTILINE | re.DOTALL,
    )
]
TABLE = r"^NORMALIZATIONS\b.*= \{$"
CONTRACT = "centering or every_kind_has_a_reference or says_what"
FINGERPRINTS = """
import json
from pipeline.config import params
from pipeline.training.jobs.fingerprint import fingerprint
read = params.read()
names = {v.name: fingerprint(v.model, v.train, read.expected_shape, "data") for v in read.selected}
print(json.dumps(names))
"""


def copy(repository: Path) -> Path:
    """Copy what the blocks change, and what runs it."""
    for folder in ("pipeline", "catalogue", "tests/network", "tests/config"):
        shutil.copytree(
            ROOT / folder, repository / folder, ignore=shutil.ignore_patterns("__pycache__")
        )
    for file in ("params.yaml", "pyproject.toml", "tests/conftest.py"):
        shutil.copy(ROOT / file, repository / file)
    return repository


def apply(repository: Path, reference: bool = True) -> None:
    layer, row, formula, variant, study = BLOCKS
    (repository / "pipeline/network/layers/centering.py").write_text(layer)
    put(repository / "pipeline/config/kinds.py", TABLE, row)
    if reference:
        put(repository / "tests/network/references.py", TABLE, formula)
    put(repository / "catalogue/conv.yaml", "^variants:.*$", variant)
    put(repository / "params.yaml", r"^study:(?:.*\n)(?: .*\n)*", study, keep=False)


def put(file: Path, place: str, block: str, keep: bool = True) -> None:
    """Put `block`, indented, after the line that `place` matches, or in its place."""
    text = file.read_text()
    found = re.search(place, text, re.MULTILINE)
    assert found, (file, place)
    new = (
        found[0] + "\n" + indent(block.rstrip(), " " * (2 if file.suffix == ".yaml" else 4))
        if keep
        else block
    )
    file.write_text(text[: found.start()] + new + text[found.end() :])


def python(repository: Path, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(repository), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=repository,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    ).stdout


def layer_tests(repository: Path, reference: bool) -> str:
    """What they print in a repository with all blocks applied, the reference perhaps left out."""
    apply(copy(repository), reference)
    tests = [
        "tests/network/test_layers.py",
        "tests/network/test_normalization.py",
        "tests/network/test_traits.py",
        "tests/config/test_rules.py",
    ]
    return python(
        repository, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests, "-k", CONTRACT
    )


def fingerprints(repository: Path) -> dict[str, str]:
    printed = python(repository, "-c", FINGERPRINTS)
    return dict(json.loads(printed))


def test_the_new_layer_passes_what_every_layer_has_to_and_fails_without_its_reference(
    tmp_path: Path,
) -> None:
    with ThreadPoolExecutor() as both:
        passed, failed = both.map(
            layer_tests, [tmp_path / "with", tmp_path / "without"], [True, False]
        )
    assert re.search(r"^\d\d passed", passed, re.MULTILINE), passed
    assert (
        "FAILED tests/network/test_layers.py::test_every_kind_has_a_reference[normalizations]"
        in failed
    )


def test_the_study_trains_the_new_variant_and_takes_the_others_from_the_store(
    tmp_path: Path,
) -> None:
    repository = copy(tmp_path)
    put(
        repository / "params.yaml",
        r"^study:(?:.*\n)(?: .*\n)*",
        "study: [plain, conv_ln]\n",
        keep=False,
    )
    before = fingerprints(repository)
    apply(repository)
    after = fingerprints(repository)
    assert {*after} == {"conv_centering", *before}
    assert after.pop("conv_centering") not in before.values()
    assert after == before
