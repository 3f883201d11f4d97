"""The pool: every event arrives, a worker dies alone, and no interruption leaves a process."""

import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.training.jobs import devices, workers
from pipeline.training.jobs.workers import TaskFailed, WorkerDied


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers find this module."""
    monkeypatch.setenv(
        "PYTHONPATH",
        os.pathsep.join([str(Path(__file__).parent), str(Path(workers.__file__).parents[3])]),
    )


def count(task: int) -> Iterator[int]:
    yield from range(task)


def misbehave(task: str) -> Iterator[str]:
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


def temporary(task: str) -> Iterator[str]:
    descriptor, path = tempfile.mkstemp()
    os.close(descriptor)
    yield path
    if task == "is killed":
        os.kill(os.getpid(), signal.SIGKILL)


def test_temporary_files_end_with_their_worker_also_if_it_is_killed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    events = ran(temporary, ["is killed", "ends"])
    paths = [Path(events[task][0]) for task in ("is killed", "ends")]
    assert all(tmp_path in path.parents for path in paths)
    assert list(tmp_path.iterdir()) == []


def seen(task: int) -> Iterator[str]:
    yield os.environ["CUDA_VISIBLE_DEVICES"]


def test_each_worker_sees_a_gpu_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "cuda", lambda: True)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,5")
    assert sorted(event for events in ran(seen, [1, 2]).values() for event in events) == ["2", "5"]


def test_every_event_of_every_task_arrives_in_order() -> None:
    assert ran(count, [3, 1, 2, 4]) == {n: list(range(n)) for n in (3, 1, 2, 4)}


def test_a_task_that_fails_reports_how_and_the_others_continue() -> None:
    events = ran(misbehave, ["is killed", "well", "fails", "exits", "has no memory", "well too"])
    assert events["well"] == events["well too"] == ["begun", "ended"]
    assert events["is killed"] == ["begun", WorkerDied("SIGKILL")]
    assert events["exits"] == ["begun", WorkerDied("status 3")]
    assert events["has no memory"] == ["begun", WorkerDied("out of memory")]
    assert isinstance(events["fails"][1], TaskFailed)
    assert "ValueError: no" in events["fails"][1].trace


def test_tasks_that_are_added_meanwhile_run_too() -> None:
    tasks = deque(["is killed"])
    seen = []
    for task, event in workers.run(misbehave, tasks, 1):
        seen.append((task, event))
        if isinstance(event, WorkerDied):
            tasks.append("well")
    assert seen[-1] == ("well", "ended")


def test_a_worker_that_died_while_it_was_idle_costs_nothing() -> None:
    others = set(multiprocessing.active_children())  # of tests before this one
    tasks = deque([1])
    seen = []
    for task, event in workers.run(count, tasks, 2):
        seen.append((task, event))
        if task == 1:
            tasks.append(400)  # for a second worker: the first one has nothing to do by then
        if (task, event) == (400, 200):
            for process in set(multiprocessing.active_children()) - others:
                process.kill()
                process.join()
            tasks.append(2)
    assert [event for task, event in seen if task == 2] == [0, 1]
    assert len([event for task, event in seen if isinstance(event, WorkerDied)]) <= 1


def test_leaving_the_iterator_ends_all_workers() -> None:
    others = children(os.getpid())  # of tests before this one
    events = workers.run(count, deque([10**9, 10**9]), 2)
    next(events)
    assert children(os.getpid()) > others
    events.close()
    assert children(os.getpid()) <= others


PARENT = """
from collections import deque
from pipeline.training.jobs import workers
import test_workers
if __name__ == "__main__":
    for _ in workers.run(test_workers.hang, deque([1, 2]), 2):
        print("event", flush=True)
"""


def hang(task: int) -> Iterator[str]:
    yield "begun"
    signal.pause()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_workers_end_with_their_parent(how: int) -> None:
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


def children(parent: int) -> set[int]:
    """Processes whose parent this is, but for the tracker that `multiprocessing` keeps."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes()
            if (
                int((process / "stat").read_text().rpartition(")")[2].split()[1]) == parent
                and b"resource_tracker" not in command
            ):
                found.add(int(process.name))
        except OSError:
            continue
    return found
