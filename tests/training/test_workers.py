"""The pool: everything that a task tells arrives; what dies takes nobody along; Ctrl-C, kills and failures leave no process behind."""

import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.training.jobs import devices, workers
from pipeline.training.jobs.workers import Death, Failure


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers find this module."""
    monkeypatch.setenv(
        "PYTHONPATH",
        os.pathsep.join([str(Path(__file__).parent), str(Path(workers.__file__).parents[3])]),
    )


def count(task: int) -> Iterator[int]:
    yield from range(task)


def refuse(task: str) -> Iterator[str]:
    yield "begun"
    if task == "fails":
        raise ValueError("no")
    if task == "is killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if task == "has no memory":
        raise MemoryError
    if task == "exits":
        os._exit(3)
    yield "ended"


def ran(work: Any, tasks: Any, number: int = 2) -> dict[Any, list[Any]]:
    """All events by task."""
    events: dict[Any, list[Any]] = {}
    for task, event in workers.run(work, deque(tasks), number):
        events.setdefault(task, []).append(event)
    return events


def seen(task: int) -> Iterator[str]:
    time.sleep(0.5)  # both workers are busy: each gets one task
    yield os.environ["CUDA_VISIBLE_DEVICES"]


def test_each_worker_sees_a_gpu_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "cuda", lambda: True)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,5")
    assert sorted(event for events in ran(seen, [1, 2]).values() for event in events) == ["2", "5"]


def test_every_event_of_every_task_arrives_in_order() -> None:
    assert ran(count, [3, 1, 2, 4]) == {n: list(range(n)) for n in (3, 1, 2, 4)}


def test_what_does_not_end_well_says_how_and_the_others_go_on() -> None:
    events = ran(refuse, ["is killed", "well", "fails", "exits", "has no memory", "well too"])
    assert events["well"] == events["well too"] == ["begun", "ended"]
    assert events["is killed"] == ["begun", Death("SIGKILL")]
    assert events["exits"] == ["begun", Death("status 3")]
    assert events["has no memory"] == ["begun", Death("out of memory")]
    assert isinstance(events["fails"][1], Failure)
    assert "ValueError: no" in events["fails"][1].trace


def test_tasks_that_are_added_meanwhile_run_too() -> None:
    tasks = deque(["is killed"])
    seen = []
    for task, event in workers.run(refuse, tasks, 1):
        seen.append((task, event))
        if isinstance(event, Death):
            tasks.append("well")
    assert seen[-1] == ("well", "ended")


def test_a_worker_that_died_while_it_was_idle_costs_nothing() -> None:
    tasks = deque([1])
    told = []
    for task, event in workers.run(count, tasks, 2):
        told.append((task, event))
        if task == 1:
            tasks.append(400)  # for a second worker: the first one has nothing to do by then
        if (task, event) == (400, 200):
            for worker in children(os.getpid()):
                os.kill(worker, signal.SIGKILL)
            time.sleep(0.5)
            tasks.append(2)
    assert [event for task, event in told if task == 2] == [0, 1]
    assert len([event for task, event in told if isinstance(event, Death)]) <= 1


def test_leaving_the_iterator_ends_all_workers() -> None:
    events = workers.run(count, deque([10**9, 10**9]), 2)
    next(events)
    assert children(os.getpid())
    events.close()
    assert not children(os.getpid())


PARENT = """
import sys, time
from collections import deque
from pipeline.training.jobs import workers
import test_workers
if __name__ == "__main__":
    for _ in workers.run(test_workers.sleep, deque([1, 2]), 2):
        print("event", flush=True)
"""


def sleep(task: int) -> Iterator[str]:
    yield "begun"
    time.sleep(60)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_parent_that_ends_takes_its_workers_along(how: int) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    assert [parent.stdout.readline() for _ in range(2)] == ["event\n"] * 2
    offspring = children(parent.pid)
    assert len(offspring) >= 2
    parent.send_signal(how)
    parent.communicate()
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{pid}").exists() for pid in offspring):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def children(parent: int) -> list[int]:
    """Processes whose parent this is, but for the tracker that `multiprocessing` keeps."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes()
            if (
                int((process / "stat").read_text().rpartition(")")[2].split()[1]) == parent
                and b"resource_tracker" not in command
            ):
                found.append(int(process.name))
        except OSError:
            continue
    return found
