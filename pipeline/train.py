"""Train every selected variant with every seed, as fleets, in parallel; what the store already holds is not trained again.

Reads `standardized` and `windows`; writes one folder per variant into `out`: the best weights of every seed, their history, and facts.
"""

import os
import signal
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from joblib import cpu_count

from pipeline.config import params
from pipeline.config.learning import Train
from pipeline.config.params import Params
from pipeline.config.rules.case import Case
from pipeline.config.rules.findings import findings
from pipeline.config.variants import Variant
from pipeline.core import command
from pipeline.core.errors import InputError
from pipeline.core.files import new_folder
from pipeline.training.jobs import campaign, cluster, devices, results, task, workers
from pipeline.training.jobs.fingerprint import fingerprint
from pipeline.training.jobs.store import FleetStore
from pipeline.training.jobs.task import FleetTask

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(params: Params, standardized: Path, windows: Path, store: Path, out: Path) -> None:
    """Train what is missing, then gather every variant's fleets in one folder."""
    with _stoppable():
        known = _warn(params.selected, map(params.case, params.selected))
        whole, shelf = (
            [_task(params, variant, standardized, windows) for variant in params.selected],
            FleetStore(store),
        )
        with shelf.lock():
            crew, number = _crew(params.train)
            distinct = list({fleet.fingerprint: fleet for fleet in whole}.values())
            campaign.train(
                list(_missing(distinct, shelf, number)), shelf, partial(crew, number=number)
            )
            _warn(params.selected, _gather(params, whole, shelf, out), known)


@contextmanager
def _stoppable() -> Iterator[None]:
    """Ctrl-C, a request to end, and the end of the parent all stop training at once, in one line."""
    workers.die_with(os.getppid(), lambda: os.kill(os.getpid(), signal.SIGTERM))
    before = {
        number: signal.signal(number, _stop)
        for number in SIGNALS
        if signal.getsignal(number) != signal.SIG_IGN
    }
    try:
        yield
    except (
        KeyboardInterrupt,
        Exception,
    ) as error:  # what was being written may fail in a way of its own while it is stopped
        if signal.getsignal(signal.SIGTERM) != signal.SIG_IGN and not isinstance(
            error, KeyboardInterrupt
        ):
            raise
        raise InputError(
            "train: stopped; what is trained and the checkpoints are kept: the next `dvc repro` goes on from there"
        ) from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop(*_: object) -> None:
    for number in SIGNALS:  # one is enough: nothing is to disturb the end
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _crew(train: Train) -> tuple[Any, int]:
    """Who trains, `workers.run` or its like on a cluster, and how many of them."""
    if train.cluster:
        cores = cluster.connect()
        return cluster.run, train.workers or cores
    return workers.run, train.workers or len(devices.gpus()) or cpu_count()


def _warn(
    variants: Sequence[Variant], cases: Iterable[Case], known: Collection[str] = ()
) -> Collection[str]:
    """Each rule that only warns, once, with the variants that break it, unless it is `known`; returns what is known then."""
    told: dict[str, list[str]] = {}
    for variant, case in zip(variants, cases, strict=True):
        for finding in findings(case, "warn", variant.allow):
            told.setdefault(finding, []).append(variant.name)
    for finding, names in told.items():
        if finding not in known:
            print(f"train: warning: {', '.join(names)}: {finding}", flush=True)
    return told


def _task(params: Params, variant: Variant, standardized: Path, windows: Path) -> FleetTask:
    """All seeds of a variant."""
    data = task.data_hash(standardized, windows, variant.model.input.values)
    name = fingerprint(variant.model, variant.train, params.shape, data)
    return FleetTask(
        name,
        variant.name,
        variant.model,
        variant.train,
        params.shape,
        tuple(range(variant.train.seeds)),
        standardized,
        windows,
    )


def _missing(whole: Sequence[FleetTask], shelf: FleetStore, number: int) -> Iterator[FleetTask]:
    """What the store lacks, longest first.

    A fleet that was begun stays as it was, whatever has changed since: one of another size rounds differently. Seeds that are in none yet are split where
    they are too many for a fleet, or variants fewer than workers.
    """
    lacking = [
        (fleet, {seed for seed in fleet.seeds if not shelf.finished(f"{fleet.fingerprint}/{seed}")})
        for fleet in whole
    ]
    lacking = sorted(
        ((fleet, seeds) for fleet, seeds in lacking if seeds), key=lambda each: -each[0].work
    )
    for fleet, seeds in lacking:
        begun = [part for part in shelf.planned(fleet.fingerprint) if set(part) <= set(fleet.seeds)]
        new = sorted(seeds.difference(*begun))
        parts = min(len(new), max(-(-number // len(lacking)), -(-len(new) // fleet.train.fleet)))
        fresh = [tuple(new[first::parts]) for first in range(parts)]
        shelf.plan(fleet.fingerprint, begun + fresh)
        yield from (
            replace(fleet, seeds=part) for part in begun + fresh if seeds.intersection(part)
        )


def _gather(params: Params, whole: Sequence[FleetTask], shelf: FleetStore, out: Path) -> list[Case]:
    """A folder for each variant, and each as the rules see it now; its checkpoints have done their duty."""
    cases = []
    with new_folder(out) as draft:
        for variant, fleet in zip(params.selected, whole, strict=True):
            replicas = [shelf.folder / fleet.fingerprint / str(seed) for seed in fleet.seeds]
            cases.append(
                results.gather(params.case(variant), variant, replicas, draft / variant.name)
            )
            shelf.forget(fleet.fingerprint)
    return cases


if __name__ == "__main__":
    command.main(run, params.read)
