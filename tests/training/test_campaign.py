"""All fleets of a study, with tasks that compute nothing: what is kept, what is taken up again, in which size, and what is said."""

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
from pipeline.training.jobs import campaign, workers
from pipeline.training.jobs.results import Replica
from pipeline.training.jobs.store import FleetStore
from pipeline.training.jobs.task import FleetTask, Report
from pipeline.training.jobs.workers import Death, Failure

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


def ended(seeds: tuple[int, ...]) -> Report:
    return Report(
        4,
        0.5,
        saved(4),
        tuple(
            Replica(
                {"w": np.full(1, seed)},
                {"seed": np.array([seed])},
                {"seed": seed},
                {"seconds": 1.0},
            )
            for seed in seeds
        ),
    )


class Crew:
    """In place of workers: whoever trains more than `room` replicas at once dies, after `further` checkpoints."""

    def __init__(self, room: int, further: int = 0, fails: str = "") -> None:
        self.room, self.further, self.fails, self.tried = (
            room,
            further,
            fails,
            list[tuple[str, tuple[int, ...], int]](),
        )

    def run(self, work: Any, tasks: deque[FleetTask]) -> Iterator[tuple[FleetTask, Any]]:
        while tasks:
            fleet = tasks.popleft()
            epoch = int(fleet.checkpoint["epoch"]) if fleet.checkpoint else 0
            self.tried.append((fleet.variant, fleet.seeds, epoch))
            if fleet.variant == self.fails:
                yield fleet, Failure("the trace")
            elif len(fleet.seeds) <= self.room:
                yield fleet, ended(fleet.seeds)
            else:
                if self.further:
                    self.further -= 1
                    yield fleet, Report(epoch + 1, 0.5, saved(epoch + 1), None)
                yield fleet, Death("SIGKILL")


def kept(folder: Path) -> list[str]:
    return sorted(str(path.parent.relative_to(folder)) for path in folder.glob("*/*/manifest.json"))


def test_a_fleet_whose_worker_dies_twice_goes_on_in_halves_until_they_fit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    crew = Crew(room=1)
    campaign.train([task("big")], FleetStore(tmp_path), crew.run)
    assert [seeds for _, seeds, _ in crew.tried] == [
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
    said = capsys.readouterr().out.splitlines()
    assert (
        said[1]
        == "train: big: the worker of seeds 0, 1, 2, 3 died (SIGKILL, out of memory?); they go on from epoch 0"
    )
    assert (
        said[2]
        == "train: big: the worker of seeds 0, 1, 2, 3 died (SIGKILL, out of memory?); they go on from epoch 0 in fleets of 2 and 2"
    )


def test_a_fleet_that_got_further_before_its_worker_died_is_tried_as_it_is(tmp_path: Path) -> None:
    crew = Crew(room=2, further=3)
    campaign.train([task("big")], FleetStore(tmp_path), crew.run)
    assert crew.tried[:4] == [("big", (0, 1, 2, 3), epoch) for epoch in range(4)]
    assert crew.tried[4:] == [("big", (0, 2), 3), ("big", (1, 3), 3)]


def test_halves_of_a_fleet_are_halves_in_the_store_and_a_later_run_finds_them_where_they_were(
    tmp_path: Path,
) -> None:
    store, crew = FleetStore(tmp_path), Crew(room=2, further=1)
    store.plan("big-print", [(0, 1, 2, 3), (4, 5)])

    def stopped(work: Any, tasks: deque[FleetTask]) -> Iterator[tuple[FleetTask, Any]]:
        for event in crew.run(work, tasks):
            if len(crew.tried) == 3:
                raise KeyboardInterrupt
            yield event

    with pytest.raises(KeyboardInterrupt):
        campaign.train([task("big")], store, stopped)
    assert store.planned("big-print") == [(4, 5), (0, 2), (1, 3)]
    assert store.load(task("big").name) is None
    checkpoints = [store.load(replace(task("big"), seeds=seeds).name) for seeds in ((0, 2), (1, 3))]
    assert [checkpoint and int(checkpoint["epoch"]) for checkpoint in checkpoints] == [1, 1]


def test_a_replica_that_finds_no_memory_at_all_is_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(
        InputError,
        match=r"big: the worker of seeds 0 died .* with a single replica; give it memory: fewer train.workers",
    ):
        campaign.train([task("big", 1)], FleetStore(tmp_path), Crew(room=0).run)


def test_a_failure_is_raised_when_all_others_are_kept(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="the trace"):
        campaign.train(
            [task("broken"), task("good", 1)],
            FleetStore(tmp_path),
            Crew(room=1, fails="broken").run,
        )
    assert kept(tmp_path) == ["good-print/0"]


def test_fleets_go_on_from_their_checkpoints(tmp_path: Path) -> None:
    store, crew = FleetStore(tmp_path), Crew(room=4)
    store.save(task("one").name, saved(3))
    campaign.train([task("one"), task("two")], store, crew.run)
    assert [(name, epoch) for name, _, epoch in crew.tried] == [("one", 3), ("two", 0)]


def test_an_end_between_two_replicas_of_a_fleet_leaves_its_last_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, write = FleetStore(tmp_path), Replica.write

    def interrupted(replica: Replica, folder: Path) -> None:
        if replica.facts["seed"] == 2:
            raise KeyboardInterrupt
        write(replica, folder)

    monkeypatch.setattr(Replica, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        campaign.train([task("one")], store, Crew(room=4).run)
    assert kept(tmp_path) == ["one-print/0", "one-print/1"]
    checkpoint = store.load(task("one").name)
    assert checkpoint is not None
    assert checkpoint["epoch"] == 4


def greedy(fleet: FleetTask) -> Iterator[Report]:
    """As if there were memory for two replicas."""
    if len(fleet.seeds) > 2:
        os.kill(os.getpid(), signal.SIGKILL)
    yield ended(fleet.seeds)


def test_real_workers_that_are_killed_for_memory_cost_no_other_fleet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(workers.__file__).parents[3]))
    campaign.train(
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
