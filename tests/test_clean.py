"""What no revision needs goes from the store; what one needs stays."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import clean
from pipeline.config.paths import Paths
from pipeline.core.errors import InputError
from pipeline.training.jobs.store import FleetStore

FIRST, SECOND, BOOSTED, PLANNED, OLD = (f"{digit}" * 32 for digit in "123ab")
STAGES = """
stages:
  train:
    cmd: mkdir -p models && cp wanted models/fingerprints.json
    deps: [wanted]
    outs: [models]
"""
ENVIRONMENT = os.environ | {
    "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    "GIT_CONFIG_GLOBAL": os.devnull,
}
AUTHOR = ("-c", "user.name=test", "-c", "user.email=test@example.org")


def run(*command: str) -> None:
    subprocess.run(command, env=ENVIRONMENT, check=True, capture_output=True)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    """A repository where one commit needs `FIRST`, and the workspace `SECOND` and `BOOSTED`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    run("git", "init", "-q")
    run("dvc", "init", "-q")
    Path("dvc.yaml").write_text(STAGES)
    Path("wanted").write_text(json.dumps([FIRST]))
    run("dvc", "repro", "-q")
    run("git", "add", "-A")
    run("git", *AUTHOR, "commit", "-qm", "first")
    Path("wanted").write_text(json.dumps([SECOND]))
    run("dvc", "repro", "-q")
    Path("errors").mkdir()
    Path("errors/fingerprints.json").write_text(json.dumps([BOOSTED]))
    for name in (FIRST, SECOND, OLD, PLANNED):
        fill(Path("store", name, "0"))
    for name in (f"checkpoints/{OLD}", f"checkpoints/{PLANNED}", f"baselines/{BOOSTED}"):
        fill(Path("store", name))
    fill(Path("store", "baselines", OLD))
    store = FleetStore(Path("store"))
    store.finished(PLANNED, [0])
    store.write_used()
    folders = {name: Path(name) for name in ("clean", "standardized", "windows", "verdict")}
    kept = {"models": Path("models"), "errors": Path("errors"), "store": Path("store")}
    return Paths(**folders, **kept, receipt=Path("mlruns/receipt.json"))


def fill(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "weights").write_bytes(bytes(2_000_000))


def left() -> set[str]:
    return {str(path.parent) for path in Path("store").rglob("weights")}


def test_only_what_neither_the_workspace_nor_a_commit_nor_the_newest_run_needs_is_removed(
    project: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    before = left()
    clean.run(project, force=False)
    listed = capsys.readouterr().out
    assert left() == before
    assert "clean: 3 folders, 6.0 MB, not needed; --force removes them" in listed
    clean.run(project, force=True)
    names = (OLD, f"checkpoints/{OLD}", f"baselines/{OLD}")
    assert {path.removesuffix("/0") for path in before - left()} == {f"store/{n}" for n in names}
    assert all(f"2.0 MB  store/{name}\n" in listed for name in names)
    clean.run(project, force=True)
    assert "clean: 0 folders" in capsys.readouterr().out.splitlines()[-1]


def test_the_temporary_folder_of_a_killed_process_is_removed_and_that_of_a_living_one_is_not(
    project: Paths, tmp_path: Path
) -> None:
    code = (
        "from pipeline.core.files import scratch\n"
        "with scratch('fleet-worker') as folder:\n"
        "    print(folder, flush=True)\n"
        "    input()\n"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    root = {"PYTHONPATH": str(Path(clean.__file__).parents[1]), "TMPDIR": str(tmp_path / "tmp")}
    Path("tmp").mkdir()
    process = subprocess.Popen([sys.executable, "-c", code], env=ENVIRONMENT | root, **pipes)
    assert process.stdout is not None
    folder = Path(process.stdout.readline().strip())
    clean.run(project, force=True)
    assert folder.exists()
    process.kill()
    process.communicate()
    clean.run(project, force=False)
    assert folder.exists()
    clean.run(project, force=True)
    assert not folder.exists()


@pytest.mark.parametrize("missing", [".dvc", ".git"])
def test_without_a_repository_nothing_is_removed(project: Paths, missing: str) -> None:
    Path(missing).rename("gone")
    before = left()
    with pytest.raises(InputError, match=r"is not a git repository|not inside of a DVC repository"):
        clean.run(project, force=True)
    assert left() == before
