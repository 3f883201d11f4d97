"""The pool: long-lived spawned processes, so that each imports TensorFlow once, and works on one task at a time.

A worker tells what it does as it does it, and touches no file: it may be killed at any moment.
"""

import multiprocessing
import os
import signal
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Any, TypeVar

from pipeline.training.jobs import devices

Task = TypeVar("Task")
GRACE = 3.0  # seconds
SPAWN = multiprocessing.get_context("spawn")  # TensorFlow does not survive a fork


@dataclass(frozen=True)
class Failure:
    """The task raised an exception."""

    trace: str


@dataclass(frozen=True)
class Death:
    """The task took its worker with it, or found no memory."""

    reason: str


class _Worker:
    """A process that serves tasks from one end of a pipe; `task` is what it works on, `gpu` the only one that it sees, if there are any."""

    def __init__(self, work: Callable[[Any], Iterator[Any]], gpu: str | None) -> None:
        self.task: Any = None
        self.gpu = gpu
        self.pipe, other = SPAWN.Pipe()
        self.process = SPAWN.Process(
            target=_serve, args=(work, other, os.getpid(), gpu), daemon=True
        )
        resource_tracker.ensure_running()
        mask = signal.pthread_sigmask(
            signal.SIG_BLOCK, {signal.SIGINT}
        )  # inherited: Ctrl-C is for the parent, which ends its workers
        self.process.start()
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        other.close()

    def begin(self, task: Any) -> None:
        self.pipe.send(task)
        self.task = task

    def next(self) -> Any:
        """What it tells next: an event, or null at the end of its task."""
        try:
            return self.pipe.recv()
        except (EOFError, OSError):
            self.process.join()
            code = self.process.exitcode or 0
            return Death(signal.Signals(-code).name if code < 0 else f"status {code}")

    def end(self) -> None:
        """An idle process may leave by itself when its pipe is closed, and take its temporary files along."""
        self.pipe.close()
        if self.task is None:
            self.process.join(GRACE)
        self.process.kill()
        self.process.join()


def run(
    work: Callable[[Task], Iterator[Any]], tasks: deque[Task], number: int
) -> Iterator[tuple[Task, Any]]:
    """Yield (task, event) for all that `work(task)` yields, as it comes, from `number` processes.

    A task that does not end well ends with a `Failure` or a `Death`. `tasks` may grow meanwhile. All processes end with the iterator.
    """
    workers: list[_Worker] = []
    try:
        while tasks or any(worker.task is not None for worker in workers):
            _dispatch(work, tasks, workers, number)
            busy = {worker.pipe: worker for worker in workers if worker.task is not None}
            for worker in (busy[pipe] for pipe in wait(list(busy)) if isinstance(pipe, Connection)):
                task, event = worker.task, worker.next()
                if event is None:
                    worker.task = None
                elif isinstance(event, Death):
                    worker.end()
                    workers.remove(worker)
                if event is not None:
                    yield task, event
    finally:
        for worker in workers:
            worker.pipe.close()
        for worker in workers:
            worker.end()


def _dispatch(
    work: Callable[[Any], Iterator[Any]], tasks: deque[Any], workers: list[_Worker], number: int
) -> None:
    """Give a task to every idle worker; start one where there are too few."""
    while tasks:
        idle = next((worker for worker in workers if worker.task is None), None)
        if idle is None and len(workers) == number:
            return
        if idle is None:
            idle = _Worker(
                work, devices.emptiest(devices.gpus(), [worker.gpu for worker in workers])
            )
            workers.append(idle)
        try:
            idle.begin(tasks[0])
            tasks.popleft()
        except OSError:  # it died while it was idle
            idle.end()
            workers.remove(idle)


def _serve(
    work: Callable[[Any], Iterator[Any]], pipe: Connection, parent: int, gpu: str | None
) -> None:
    """What a worker does until its parent is gone."""
    if gpu is not None:
        os.environ[devices.VISIBLE] = gpu  # before TensorFlow is imported
    die_with(parent, lambda: os._exit(1))
    with suppress(EOFError, OSError):
        while True:
            for event in events(work, pipe.recv()):
                pipe.send(event)
            pipe.send(None)


def events(work: Callable[[Task], Iterator[Any]], task: Task) -> Iterator[Any]:
    """What `work(task)` yields; then how it failed, if it did."""
    try:
        yield from work(task)
    except MemoryError:
        yield Death("out of memory")
    except Exception:
        yield Failure(traceback.format_exc())


def die_with(parent: int, end: Callable[[], None]) -> None:
    """Call `end` within a second of the parent's end: a killed parent cannot tell its children."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        end()

    threading.Thread(target=watch, daemon=True).start()
