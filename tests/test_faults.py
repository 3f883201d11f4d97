"""Interrupted trainings: no interruption changes a weight, trains twice, or leaves files behind."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipeline.training.jobs.store import CHECKPOINT

from .test_end_to_end import PARAMS, Project

# Of the variant that is interrupted; the other one has ended by then.
LONG = {"epochs": 150, "patience": 150}
OPTIONS = (
    "--standardized",
    "data/2_standardized",
    "--windows",
    "data/3_windows",
    "--store",
    ".fleets",
    "--out",
    "data/4_models",
)
TRAINER = ("python", "-m", "pipeline.train", *OPTIONS)
DVC = ("dvc", "repro", "train")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose data is ready for training."""
    project = Project.new(tmp_path_factory.mktemp("prepared"))
    project.edit(
        lambda params: params["train"].update(epochs=2, workers=2, checkpoint_seconds=0.001)
    )
    project.edit(lambda params: params["variants"]["conv_ln"].update(train=LONG))
    project.run("dvc", "repro", "window")
    return project


@pytest.fixture(scope="module")
def uninterrupted(prepared: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = prepared.copy(tmp_path_factory.mktemp("uninterrupted") / "project")
    project.run(*TRAINER)
    return project


@dataclass(frozen=True)
class Fault:
    """What is started, how it is interrupted once it trains, and what it then prints."""

    start: tuple[str, ...]
    hit: Callable[[int], None]
    says: str = ""


def trainer_of(dvc: int) -> int:
    (child,) = children(dvc)
    return child


def to(number: int) -> Callable[[int], None]:
    return lambda process: os.kill(process, number)


def to_trainer(number: int) -> Callable[[int], None]:
    return lambda process: os.kill(trainer_of(process), number)


def to_terminal(number: int) -> Callable[[int], None]:
    return lambda process: os.killpg(process, number)


STOPPED = "train: stopped; finished replicas and checkpoints are kept"
DAMAGED = "its files are not those that were written; it is removed and trained again"
SLOW = pytest.mark.slow
DIED = "train: conv_ln: the worker of seeds 0, 1 died"
RESUME = r"they resume after epoch [1-9]\d*\n"
FAULTS = {
    "Ctrl-C in a terminal with dvc": Fault(DVC, to_terminal(signal.SIGINT), STOPPED),
    "SIGKILL of dvc": Fault(DVC, to(signal.SIGKILL), STOPPED),
    "SIGTERM of dvc": Fault(DVC, to(signal.SIGTERM), STOPPED),
    "SIGKILL of dvc's trainer": Fault(DVC, to_trainer(signal.SIGKILL)),
    "Ctrl-C in a terminal with the trainer": Fault(TRAINER, to_terminal(signal.SIGINT), STOPPED),
    "SIGTERM of the trainer": Fault(TRAINER, to(signal.SIGTERM), STOPPED),
    "SIGHUP of the trainer": Fault(TRAINER, to_terminal(signal.SIGHUP), STOPPED),
    "SIGKILL of the trainer": Fault(TRAINER, to(signal.SIGKILL)),
    "SIGKILL of everything, as a loss of power": Fault(DVC, to_terminal(signal.SIGKILL)),
}
SHORT = ("SIGKILL of dvc",)


@pytest.mark.parametrize(
    "name", [name if name in SHORT else pytest.param(name, marks=SLOW) for name in FAULTS]
)
def test_an_interrupted_training_ends_at_once_and_resumes_to_the_same_weights(
    name: str, prepared: Project, uninterrupted: Project, tmp_path: Path
) -> None:
    project, fault = prepared.copy(tmp_path / "project"), FAULTS[name]
    process = project.start(*fault.start)
    wait(lambda: len(kept(project)) == 2 and checkpoints(project), 120)
    fault.hit(process.pid)
    began = time.monotonic()
    output = process.communicate(timeout=30)[0]
    wait(lambda: not processes(project), 10)
    assert time.monotonic() - began < 10
    assert fault.says in output
    assert "Traceback" not in output
    assert process.returncode != 0
    before = {path: path.stat().st_mtime_ns for path in kept(project)}
    output = project.run(*fault.start)
    assert project.trained(output) == 1
    assert {path: path.stat().st_mtime_ns for path in before} == before
    same_and_tidy(project, uninterrupted)


@SLOW
def test_a_training_that_repeatedly_loses_power_ends_with_the_same_weights(
    prepared: Project, uninterrupted: Project, tmp_path: Path
) -> None:
    project = prepared.copy(tmp_path / "project")
    for delay in np.random.default_rng(0).uniform(0, 1, 6):
        process, before = project.start(*TRAINER), files(project)
        wait(lambda before=before: files(project) - before, 120)  # it writes
        time.sleep(delay)
        assert process.poll() is None, "no delay may outlast the training"
        os.killpg(process.pid, signal.SIGKILL)
        assert DAMAGED not in process.communicate(timeout=30)[0]
        wait(lambda: not processes(project), 10)
    assert DAMAGED not in project.run(*TRAINER)
    same_and_tidy(project, uninterrupted)


@SLOW
def test_a_worker_that_is_killed_costs_its_fleet_the_epochs_since_the_checkpoint(
    prepared: Project, uninterrupted: Project, tmp_path: Path
) -> None:
    project = prepared.copy(tmp_path / "project")
    process = project.start(*TRAINER)
    wait(lambda: len(kept(project)) == 2 and past_an_epoch(project), 120)
    for worker in children(process.pid):
        os.kill(worker, signal.SIGKILL)  # the idle one too
    output = process.communicate(timeout=120)[0]
    assert process.returncode == 0, output
    assert re.search(rf"{DIED} \(SIGKILL, out of memory\?\); {RESUME}", output), output
    same_and_tidy(project, uninterrupted)


@SLOW
def test_a_stop_and_the_death_of_a_node_cost_a_cluster_the_epochs_since_the_checkpoint(
    prepared: Project, uninterrupted: Project, tmp_path: Path
) -> None:
    from ray.cluster_utils import Cluster

    project = prepared.copy(tmp_path / "project")
    project.edit(lambda params: params["train"].update(cluster="ray"))
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **NODE})
    try:
        nodes = [cluster.add_node(num_cpus=1, **NODE) for _ in range(2)]
        process = project.start("env", f"RAY_ADDRESS={cluster.address}", *TRAINER)
        wait(lambda: len(kept(project)) == 2 and past_an_epoch(project), 180)
        process.send_signal(signal.SIGTERM)
        assert STOPPED in process.communicate(timeout=30)[0]
        process, seen = (
            project.start("env", f"RAY_ADDRESS={cluster.address}", *TRAINER),
            checkpoints(project),
        )
        wait(lambda: set(checkpoints(project)) - set(seen), 180)
        (lost,) = filter(serves, nodes)
        cluster.remove_node(lost, allow_graceful=False)
        output = process.communicate(timeout=180)[0]
    finally:
        cluster.shutdown()
    assert process.returncode == 0, output
    assert re.search(rf"{DIED} \(NodeDiedError.*\); {RESUME}", output), output
    same_and_tidy(project, uninterrupted)


def serves(node: Any) -> bool:
    """Does a fleet train on this node of the cluster?"""
    (raylet,) = node.all_processes["raylet"]
    command = ["ps", "-o", "args=", "--ppid", str(raylet.process.pid)]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return "ray::_serve" in listed


NODE = {"object_store_memory": 80 * 2**20, "include_dashboard": False}


@pytest.mark.parametrize("what", ["a replica", pytest.param("a checkpoint", marks=SLOW)])
def test_damaged_files_are_reported_and_trained_again(
    what: str, prepared: Project, uninterrupted: Project, tmp_path: Path
) -> None:
    project = (uninterrupted if what == "a replica" else prepared).copy(tmp_path / "project")
    if what == "a checkpoint":
        process = project.start(*TRAINER)
        wait(lambda: len(kept(project)) == 2 and checkpoints(project), 120)
        process.kill()
        process.communicate()
        wait(lambda: not processes(project), 10)
    if what == "a checkpoint":  # the newest: the one before it may not be removed yet
        manifests = sorted(checkpoints(project), key=lambda path: -int(path.parent.name))
    else:
        epochs = PARAMS["train"]["epochs"]
        manifests = [path for path in kept(project) if len(history(path)) == epochs]
    for manifest in manifests[:1]:
        (file,) = manifest.parent.glob("*.npz")
        file.write_bytes(file.read_bytes()[:-1] + b"x")
    output = project.run(*TRAINER)
    assert project.trained(output) == 1
    assert output.count(DAMAGED) == 1
    same_and_tidy(project, uninterrupted)


def history(manifest: Path) -> pd.DataFrame:
    return pd.read_parquet(manifest.parent / "history.parquet")


FULL_DISK = """
import os, sys
from pipeline.core import files
write, room = os.fsync, [int(sys.argv.pop(1))]
def fsync(descriptor):
    room[0] -= 1
    if room[0] < 0:
        raise OSError(28, "No space left on device")
    write(descriptor)
os.fsync = fsync
import runpy
runpy.run_module("pipeline.train", run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize(
    "room",
    [5, pytest.param(0, marks=SLOW), pytest.param(13, marks=SLOW), pytest.param(40, marks=SLOW)],
)
def test_a_full_disk_is_one_message_and_training_resumes_when_there_is_room(
    room: int, prepared: Project, uninterrupted: Project, tmp_path: Path
) -> None:
    project = prepared.copy(tmp_path / "project")
    process = project.start("python", "-c", FULL_DISK, str(room), *OPTIONS)
    output = process.communicate(timeout=120)[0]
    assert process.returncode == 1
    assert re.search(
        r"\n\.fleets\S*: cannot be written to, no space left on device; "
        r"make room there, then run the same command again",
        output,
    ), output
    assert "Traceback" not in output
    assert not processes(project)
    assert DAMAGED not in project.run(*TRAINER)
    same_and_tidy(project, uninterrupted)


def same_and_tidy(project: Project, uninterrupted: Project) -> None:
    """Results are bit-identical, and nothing is left behind."""
    for name in ("weights.npz", "history.parquet"):
        for file in uninterrupted.folder.glob(f"data/4_models/*/{name}"):
            ours = project.folder / file.relative_to(uninterrupted.folder)
            assert ours.read_bytes() == file.read_bytes()
    assert not checkpoints(project)
    assert not list(project.folder.rglob("*.draft"))
    assert not processes(project)


def kept(project: Project) -> list[Path]:
    """Manifests of the replicas that the store holds."""
    return list((project.folder / ".fleets").glob("*/*/manifest.json"))


def checkpoints(project: Project) -> list[Path]:
    return list((project.folder / ".fleets/checkpoints").glob("*/*/*/manifest.json"))


def past_an_epoch(project: Project) -> bool:
    """Would a fleet resume after a completed epoch, and not only within the first one?"""
    for path in checkpoints(project):
        with suppress(OSError), np.load(path.parent / CHECKPOINT) as arrays:
            return int(arrays["epoch"]) > 0
    return False  # or the trainer has just replaced it


def files(project: Project) -> set[Path]:
    """All files of the store, complete or not, except its lock."""
    return {
        Path(folder, name)
        for folder, _, names in os.walk(project.folder / ".fleets")
        for name in names
        if name != "lock"
    }


def wait(condition: Callable[[], Any], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def processes(project: Project) -> list[int]:
    """Processes that still work in the project's folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").resolve() == project.folder.resolve():
                found.append(int(process.name))
        except OSError:
            continue
    return found


def children(parent: int) -> list[int]:
    """Child processes, except the resource tracker of `multiprocessing`."""
    listed = subprocess.run(
        ["ps", "-o", "pid=,args=", "--ppid", str(parent)],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    return [int(line.split()[0]) for line in listed.splitlines() if "resource_tracker" not in line]
