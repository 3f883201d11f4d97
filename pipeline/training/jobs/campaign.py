"""All fleets of a study: handed to workers, kept as they tell, taken up again where a worker dies."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from pipeline.core.errors import InputError
from pipeline.training.jobs import task as tasks
from pipeline.training.jobs.display import Display
from pipeline.training.jobs.store import FleetStore
from pipeline.training.jobs.task import FleetTask, Report
from pipeline.training.jobs.workers import Death, Failure

Work = Callable[[FleetTask], Iterator[Any]]
Run = Callable[
    [Work, deque[FleetTask]], Iterator[tuple[FleetTask, Any]]
]  # `workers.run` and `cluster.run`, their number given


def train(
    fleets: Sequence[FleetTask], store: FleetStore, run: Run, work: Work = tasks.train
) -> None:
    """Train `fleets`, which go on from the store's checkpoints, and keep every replica in the store.

    Raises `RuntimeError` with the traces of those that failed when all the others are kept, and `InputError` for those that no memory was found for.
    """
    failures: list[str] = []
    hopeless: list[str] = []
    queue = deque(replace(fleet, checkpoint=store.load(fleet.name)) for fleet in fleets)
    with Display(queue) as display:
        for fleet, event in run(work, queue):
            match event:
                case Report():
                    _keep(fleet, event, store)
                    display.report(fleet, event)
                case Failure(trace):
                    failures.append(trace)
                case Death(reason):
                    again = _again(fleet, store)
                    display.lost(fleet, again)
                    queue.extend(again)
                    (display.say if again else hopeless.append)(_obituary(fleet, reason, again))
    if failures:
        raise RuntimeError("\n\n".join([*failures, *hopeless]))
    if hopeless:
        raise InputError(*hopeless)


def _keep(fleet: FleetTask, report: Report, store: FleetStore) -> None:
    """The last checkpoint comes before the replicas: where only some of them are kept, the fleet goes on from it as a whole, and ends the same."""
    if report.checkpoint:
        store.save(fleet.name, report.checkpoint)
    if report.replicas:
        for seed, replica in zip(fleet.seeds, report.replicas, strict=True):
            with store.keep(f"{fleet.fingerprint}/{seed}") as folder:
                replica.write(folder)
        store.forget(fleet.name)


def _again(fleet: FleetTask, store: FleetStore) -> list[FleetTask]:
    """The fleet itself from its newest checkpoint, if that is its first death or it got further than before; else its halves; a lone replica is given up."""
    checkpoint = store.load(fleet.name) or fleet.checkpoint
    same = replace(
        fleet,
        checkpoint=checkpoint,
        deaths=1 if _moment(checkpoint) > _moment(fleet.checkpoint) else fleet.deaths + 1,
    )
    if same.deaths == 1:
        return [same]
    return _halves(same, store) if len(fleet.seeds) > 1 else []


def _moment(checkpoint: Mapping[str, np.ndarray] | None) -> tuple[int, int]:
    """Epochs done, and steps of the next one."""
    return (int(checkpoint["epoch"]), int(checkpoint["steps"])) if checkpoint else (0, 0)


def _halves(fleet: FleetTask, store: FleetStore) -> list[FleetTask]:
    """Two fleets in the place of one, in the store too: each goes on from its checkpoint, now or in a later run."""
    halves = [replace(fleet, seeds=half) for half in (fleet.seeds[::2], fleet.seeds[1::2])]
    for half in halves:
        if fleet.checkpoint:
            store.save(half.name, fleet.checkpoint)
    others = [seeds for seeds in store.planned(fleet.fingerprint) if seeds != fleet.seeds]
    store.plan(fleet.fingerprint, [*others, *(half.seeds for half in halves)])
    store.forget(fleet.name)
    return halves


def _obituary(fleet: FleetTask, reason: str, again: Sequence[FleetTask]) -> str:
    told = f"train: {fleet.variant}: the worker of seeds {', '.join(map(str, fleet.seeds))} died ({reason}, out of memory?)"
    if not again:
        return f"{told} with a single replica; give it memory: fewer train.workers, a smaller train.batch, or a smaller network"
    epoch = int(again[0].checkpoint["epoch"]) if again[0].checkpoint else 0
    return f"{told}; they go on from epoch {epoch}" + (
        f" in fleets of {' and '.join(str(len(half.seeds)) for half in again)}"
        if len(again) > 1
        else ""
    )
