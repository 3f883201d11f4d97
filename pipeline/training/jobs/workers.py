"""A pool of long-lived spawned processes: each imports TensorFlow once, and has one task at a time.

A worker reports what happens as it happens, and writes no file: it may be killed at any moment.
"""

import multiprocessing
import os
import signal
import tempfile
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Generic, TypeVar

from pipeline.core.files import scratch
from pipeline.training.jobs import devices

Task = TypeVar("Task")
Event = TypeVar("Event")
GRACE = 3.0  # seconds that an idle process has for exiting by itself
SCRATCH = "fleet-worker"  # name of the temporary folder of a worker
SPAWN = multiprocessing.get_context("spawn")  # TensorFlow does not survive a fork


@dataclass(frozen=True)
class TaskFailed:
    """The task raised an exception."""

    trace: str


@dataclass(frozen=True)
class WorkerDied:
    """The worker died during the task, or ran out of memory."""

    reason: str


class _Worker(Generic[Task, Event]):
    """A process that receives tasks through a pipe, and sends their events back.

    `task` is the one in progress; `gpu` is the only GPU that the process sees, if there are any.
    What TensorFlow writes to temporary files goes to a folder that ends with the process.
    """

    def __init__(self, work: Callable[[Task], Iterator[Event]], gpu: str | None) -> None:
        self.task: Task | None = None
        self.gpu = gpu
        self.pipe, other = SPAWN.Pipe()
        self.held = ExitStack()
        temporary = self.held.enter_context(scratch(SCRATCH))
        self.process = SPAWN.Process(
            target=_serve, args=(work, other, os.getpid(), gpu, temporary), daemon=True
        )
        resource_tracker.ensure_running()
        # Inherited by the process: Ctrl-C is for the parent, which ends its workers.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        self.process.start()
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        other.close()

    def begin(self, task: Task) -> None:
        """Send a task; raises `OSError` if the process has died."""
        self.pipe.send(task)
        self.task = task

    def next(self) -> Event | TaskFailed | WorkerDied | None:
        """Return the next event of the task, or None at its end."""
        try:
            event: Event | TaskFailed | WorkerDied | None = self.pipe.recv()
            return event
        except (EOFError, OSError):
            self.process.join()
            code = self.process.exitcode or 0
            return WorkerDied(signal.Signals(-code).name if code < 0 else f"status {code}")

    def end(self) -> None:
        """End the process, and remove its temporary files; an idle one may exit by itself."""
        self.pipe.close()
        if self.task is None:
            self.process.join(GRACE)
        self.process.kill()
        self.process.join()
        self.held.close()


def run(
    work: Callable[[Task], Iterator[Event]], tasks: deque[Task], number: int
) -> Iterator[tuple[Task, Event | TaskFailed | WorkerDied]]:
    """Yield (task, event) for all that `work(task)` yields, as it comes, from `number` processes.

    A task that does not succeed ends with `TaskFailed` or `WorkerDied`. `tasks` may grow meanwhile.
    All processes end with the iterator.
    """
    workers: list[_Worker[Task, Event]] = []
    try:
        while tasks or any(worker.task is not None for worker in workers):
            _dispatch(work, tasks, workers, number)
            busy = [(worker, worker.task) for worker in workers if worker.task is not None]
            ready = wait([worker.pipe for worker, _ in busy])
            for worker, task in busy:
                if worker.pipe not in ready:
                    continue
                event = worker.next()
                if event is None:
                    worker.task = None
                    continue
                if isinstance(event, WorkerDied):
                    worker.end()
                    workers.remove(worker)
                yield task, event
    finally:
        for worker in workers:
            worker.pipe.close()
        for worker in workers:
            worker.end()


def _dispatch(
    work: Callable[[Task], Iterator[Event]],
    tasks: deque[Task],
    workers: list[_Worker[Task, Event]],
    number: int,
) -> None:
    """Give a task to every idle worker, and start workers up to `number`."""
    while tasks:
        idle = next((worker for worker in workers if worker.task is None), None)
        if idle is None:
            if len(workers) == number:
                return
            gpu = devices.least_used(devices.gpus(), [worker.gpu for worker in workers])
            idle = _Worker(work, gpu)
            workers.append(idle)
        try:
            idle.begin(tasks[0])
            tasks.popleft()
        except OSError:  # it died while it was idle
            idle.end()
            workers.remove(idle)


def _serve(
    work: Callable[[Task], Iterator[Event]],
    pipe: Connection,
    parent: int,
    gpu: str | None,
    temporary: Path,
) -> None:
    """Work on the tasks that come through `pipe`, until the parent is gone."""
    if gpu is not None:
        os.environ[devices.VISIBLE] = gpu  # before TensorFlow is imported
    os.environ["TMPDIR"] = tempfile.tempdir = str(temporary)
    die_with(parent, lambda: os._exit(1))
    with suppress(EOFError, OSError):
        while True:
            for event in events(work, pipe.recv()):
                pipe.send(event)
            pipe.send(None)


def events(
    work: Callable[[Task], Iterator[Event]], task: Task
) -> Iterator[Event | TaskFailed | WorkerDied]:
    """Yield what `work(task)` yields, and finally how it failed, if it did."""
    try:
        yield from work(task)
    except MemoryError:
        yield WorkerDied("out of memory")
    except Exception:
        yield TaskFailed(traceback.format_exc())


def die_with(parent: int, end: Callable[[], None]) -> None:
    """Call `end` within a second after the parent's end: a killed parent cannot signal it."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        end()

    threading.Thread(target=watch, daemon=True).start()
