"""The pool: long-lived spawned processes, one thread each, one TensorFlow import each, one task at a time."""

import os
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from joblib import Parallel, delayed

from pipeline.training import backend

Task = TypeVar("Task")
Result = TypeVar("Result")


@dataclass(frozen=True)
class _Failure:
    trace: str


def run(work: Callable[[Task], Result], tasks: Sequence[Task], workers: int) -> Iterator[Result]:
    """Yield `work(task)` of every task as it ends, in any order; raises `RuntimeError` for those that failed when all the others are done."""
    pool = Parallel(n_jobs=workers, return_as="generator_unordered", pre_dispatch="all", batch_size=1)
    failures = []
    for outcome in pool(delayed(_attempt)(work, task, os.getpid()) for task in tasks):
        if isinstance(outcome, _Failure):
            failures.append(outcome.trace)
        else:
            yield outcome
    if failures:
        raise RuntimeError("\n\n".join(failures))


def _attempt(work: Callable[[Any], Any], task: Any, parent: int) -> Any:
    _prepare(parent)
    try:
        return work(task)
    except Exception:
        return _Failure(traceback.format_exc())


@cache
def _prepare(parent: int) -> None:
    """Once a process: end with the parent, however it ends, and use one thread."""
    if os.getpid() != parent:  # one worker is the parent itself
        die_with(parent)
    backend.start(threads=1)


def die_with(parent: int) -> None:
    """End this process within a second of its parent: a killed parent cannot tell its children."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
