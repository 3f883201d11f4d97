"""Run all fleets: execute them, keep their results, and retry after the death of a worker."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from pipeline.core.errors import InputError
from pipeline.training.jobs.display import Display
from pipeline.training.jobs.store import FleetStore
from pipeline.training.jobs.task import FleetTask, Progress, train
from pipeline.training.jobs.workers import TaskFailed, WorkerDied

Work = Callable[[FleetTask], Iterator[Progress]]
Event = Progress | TaskFailed | WorkerDied
# `workers.run` or `cluster.run` with the number of workers bound.
Executor = Callable[[Work, deque[FleetTask]], Iterator[tuple[FleetTask, Event]]]


def run(
    fleets: Sequence[FleetTask], store: FleetStore, execute: Executor, work: Work = train
) -> None:
    """Train `fleets`, resumed from the store's checkpoints, and keep every replica in the store.

    When all others are kept, raises `RuntimeError` with the traces of the fleets that failed, or
    `InputError` if a single replica did not fit the memory.
    """
    failures: list[str] = []
    lost: list[str] = []
    queue = deque(replace(fleet, checkpoint=store.load(fleet.name)) for fleet in fleets)
    with Display(queue) as display:
        for fleet, event in execute(work, queue):
            match event:
                case Progress():
                    _keep(fleet, event, store)
                    display.progress(fleet, event)
                case TaskFailed(trace):
                    failures.append(trace)
                case WorkerDied(reason):
                    retries = _retries(fleet, store)
                    queue.extend(retries)
                    display.stopped(fleet, retries)
                    if retries:
                        display.say(_retry_message(fleet, reason, retries))
                    else:
                        lost.append(_failure_message(fleet, reason))
    if failures:
        raise RuntimeError("\n\n".join([*failures, *lost]))
    if lost:
        raise InputError(*lost)


def _keep(fleet: FleetTask, progress: Progress, store: FleetStore) -> None:
    """Keep what a fleet reports, the last checkpoint before the replicas.

    If only some of the replicas are kept, the fleet resumes from it as a whole, and ends the same.
    """
    if progress.checkpoint:
        store.save(fleet.name, progress.checkpoint)
    if progress.results:
        for seed, result in zip(fleet.seeds, progress.results, strict=True):
            with store.keep(*fleet.place(seed)) as folder:
                result.write(folder)
        store.drop_checkpoints(fleet.name)


def _retries(fleet: FleetTask, store: FleetStore) -> list[FleetTask]:
    """Return the fleets to train after the death of a fleet's worker.

    That is the fleet itself from its newest checkpoint, if it is the first death since the fleet
    last made progress; else its halves. A single replica is given up after the second death.
    """
    resumed = replace(fleet, checkpoint=store.load(fleet.name) or fleet.checkpoint)
    progressed = resumed.resumed_at > fleet.resumed_at
    resumed = replace(resumed, deaths=1 if progressed else fleet.deaths + 1)
    if resumed.deaths == 1:
        return [resumed]
    return _halves(resumed, store) if len(fleet.seeds) > 1 else []


def _halves(fleet: FleetTask, store: FleetStore) -> list[FleetTask]:
    """Replace a fleet by its halves, also in the store; both resume from its checkpoint."""
    halves = [replace(fleet, seeds=half) for half in (fleet.seeds[::2], fleet.seeds[1::2])]
    for half in halves:
        if fleet.checkpoint:
            store.save(half.name, fleet.checkpoint)
    others = [seeds for seeds in store.read_fleets(fleet.fingerprint) if seeds != fleet.seeds]
    store.write_fleets(fleet.fingerprint, [*others, *(half.seeds for half in halves)])
    store.drop_checkpoints(fleet.name)
    return halves


def _retry_message(fleet: FleetTask, reason: str, retries: Sequence[FleetTask]) -> str:
    epoch, _ = retries[0].resumed_at
    message = f"{_death(fleet, reason)}; they resume after epoch {epoch}"
    if len(retries) > 1:
        sizes = " and ".join(str(len(half.seeds)) for half in retries)
        message += f" in fleets of {sizes}"
    return message


def _failure_message(fleet: FleetTask, reason: str) -> str:
    return (
        f"{_death(fleet, reason)} with a single replica; provide more memory for each worker: "
        "lower train.workers or train.batch, or make the network smaller"
    )


def _death(fleet: FleetTask, reason: str) -> str:
    seeds = ", ".join(map(str, sorted({fleet.place(seed)[1] for seed in fleet.seeds})))
    return f"train: {fleet.variant}: the worker of seeds {seeds} died ({reason}, out of memory?)"
