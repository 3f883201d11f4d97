"""All fleets of a study, with tasks that compute nothing: what is kept, retried and reported."""

import os
import signal
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.core.errors import InputError
from pipeline.training.jobs import runner, workers
from pipeline.training.jobs.results import ReplicaResult
from pipeline.training.jobs.store import FleetStore
from pipeline.training.jobs.task import FleetTask, Progress
from pipeline.training.jobs.workers import TaskFailed, WorkerDied

from .conftest import SHAPE, TRAIN, tiny


def task(name: str, seeds: int = 4) -> FleetTask:
    return FleetTask(
        f"{name}-print",
        name,
        tiny(),
        TRAIN,
        SHAPE,
        tuple(range(seeds)),
        Path("standardized"),
        Path("windows"),
    )


def saved(epoch: int) -> dict[str, np.ndarray]:
    return {"epoch": np.array(epoch), "steps": np.array(0)}


def result(seed: int) -> ReplicaResult:
    facts: Any = {"seed": seed}
    cost: Any = {"seconds": 1.0}
    return ReplicaResult({"w": np.full(1, seed)}, {"seed": np.array([seed])}, facts, cost)


def ended(seeds: tuple[int, ...]) -> Progress:
    return Progress(4, 0.5, saved(4), tuple(map(result, seeds)))


class Executor:
    """In place of workers: one that trains more than `room` replicas at once dies.

    Before, the first `further` of them report an epoch more, with a checkpoint.
    """

    def __init__(self, room: int, further: int = 0, fails: str = "") -> None:
        self.room, self.further, self.fails = room, further, fails
        self.tried: list[tuple[str, tuple[int, ...], int]] = []

    def __call__(self, work: Any, tasks: deque[FleetTask]) -> Iterator[tuple[FleetTask, Any]]:
        while tasks:
            fleet = tasks.popleft()
            epoch, _ = fleet.resumed_at
            self.tried.append((fleet.variant, fleet.seeds, epoch))
            if fleet.variant == self.fails:
                yield fleet, TaskFailed("the trace")
            elif len(fleet.seeds) <= self.room:
                yield fleet, ended(fleet.seeds)
            else:
                if self.further:
                    self.further -= 1
                    yield fleet, Progress(epoch + 1, 0.5, saved(epoch + 1))
                yield fleet, WorkerDied("SIGKILL")


def kept(folder: Path) -> list[str]:
    return sorted(str(path.parent.relative_to(folder)) for path in folder.glob("*/*/manifest.json"))


def test_a_fleet_whose_worker_dies_twice_resumes_in_halves_until_they_fit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    execute = Executor(room=1)
    runner.run([task("big")], FleetStore(tmp_path), execute)
    assert [seeds for _, seeds, _ in execute.tried] == [
        (0, 1, 2, 3),
        (0, 1, 2, 3),
        (0, 2),
        (1, 3),
        (0,),
        (2,),
        (1,),
        (3,),
    ]
    assert kept(tmp_path) == [f"big-print/{seed}" for seed in range(4)]
    _, first, second, *_ = capsys.readouterr().out.splitlines()
    died = "train: big: the worker of seeds 0, 1, 2, 3 died (SIGKILL, out of memory?)"
    assert first == f"{died}; they resume after epoch 0"
    assert second == f"{died}; they resume after epoch 0 in fleets of 2 and 2"


def test_a_fleet_that_made_progress_before_its_worker_died_is_not_split(tmp_path: Path) -> None:
    execute = Executor(room=2, further=3)
    runner.run([task("big")], FleetStore(tmp_path), execute)
    assert execute.tried[:4] == [("big", (0, 1, 2, 3), epoch) for epoch in range(4)]
    assert execute.tried[4:] == [("big", (0, 2), 3), ("big", (1, 3), 3)]


def test_halves_of_a_fleet_are_recorded_in_the_store_and_a_later_run_resumes_them(
    tmp_path: Path,
) -> None:
    store, execute = FleetStore(tmp_path), Executor(room=2, further=1)
    store.write_fleets("big-print", [(0, 1, 2, 3), (4, 5)])

    def stopped(work: Any, tasks: deque[FleetTask]) -> Iterator[tuple[FleetTask, Any]]:
        for event in execute(work, tasks):
            if len(execute.tried) == 3:
                raise KeyboardInterrupt
            yield event

    with pytest.raises(KeyboardInterrupt):
        runner.run([task("big")], store, stopped)
    assert store.read_fleets("big-print") == [(4, 5), (0, 2), (1, 3)]
    assert store.load(task("big").name) is None
    checkpoints = [store.load(replace(task("big"), seeds=seeds).name) for seeds in ((0, 2), (1, 3))]
    assert [checkpoint and int(checkpoint["epoch"]) for checkpoint in checkpoints] == [1, 1]


def test_a_replica_that_does_not_fit_the_memory_is_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(
        InputError,
        match=r"big: the worker of seeds 0 died .* with a single replica; provide more memory",
    ):
        runner.run([task("big", 1)], FleetStore(tmp_path), Executor(room=0))


def test_a_failure_is_raised_when_all_others_are_kept(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="the trace"):
        runner.run(
            [task("broken"), task("good", 1)],
            FleetStore(tmp_path),
            Executor(room=1, fails="broken"),
        )
    assert kept(tmp_path) == ["good-print/0"]


def test_fleets_resume_from_their_checkpoints(tmp_path: Path) -> None:
    store, execute = FleetStore(tmp_path), Executor(room=4)
    store.save(task("one").name, saved(3))
    runner.run([task("one"), task("two")], store, execute)
    assert [(name, epoch) for name, _, epoch in execute.tried] == [("one", 3), ("two", 0)]


def test_a_stop_between_two_replicas_of_a_fleet_leaves_its_last_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, write = FleetStore(tmp_path), ReplicaResult.write

    def interrupted(replica: ReplicaResult, folder: Path) -> None:
        if replica.facts["seed"] == 2:
            raise KeyboardInterrupt
        write(replica, folder)

    monkeypatch.setattr(ReplicaResult, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        runner.run([task("one")], store, Executor(room=4))
    assert kept(tmp_path) == ["one-print/0", "one-print/1"]
    checkpoint = store.load(task("one").name)
    assert checkpoint is not None
    assert checkpoint["epoch"] == 4


def greedy(fleet: FleetTask) -> Iterator[Progress]:
    """As if the memory were enough for two replicas."""
    if len(fleet.seeds) > 2:
        os.kill(os.getpid(), signal.SIGKILL)
    yield ended(fleet.seeds)


def test_real_workers_that_are_killed_for_memory_cost_no_other_fleet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(workers.__file__).parents[3]))
    runner.run(
        [task("big"), task("small", 2)],
        FleetStore(tmp_path),
        partial(workers.run, number=2),
        greedy,
    )
    assert kept(tmp_path) == [
        *(f"big-print/{seed}" for seed in range(4)),
        "small-print/0",
        "small-print/1",
    ]
