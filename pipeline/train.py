"""Train every selected variant with every seed, as fleets, in parallel; what the store already holds is not trained again.

Reads `standardized` and `windows`; writes one folder per variant into `out`: the best weights of every seed, their history, and facts.
"""

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from joblib import cpu_count

from pipeline import command
from pipeline.files import new_folder
from pipeline.network import rules
from pipeline.params import Params, Variant
from pipeline.training import results, task, workers
from pipeline.training.fingerprint import fingerprint
from pipeline.training.store import Store
from pipeline.training.task import Task


def run(params: Params, standardized: Path, windows: Path, store: Path, out: Path) -> None:
    """Train what is missing, then gather every variant's fleets in one folder."""
    workers.die_with(os.getppid())
    _warn(params)
    whole = [_task(params, variant, standardized, windows, store) for variant in params.selected]
    shelf = Store(store)
    with shelf.lock():
        _train(list(_missing(whole, shelf, _workers(params))), _workers(params))
        with new_folder(out) as draft:
            for variant, fleet in zip(params.selected, whole, strict=True):
                replicas = [store / fleet.fingerprint / str(seed) for seed in fleet.seeds]
                results.gather(params.case(variant), variant, replicas, draft / variant.name)


def _warn(params: Params) -> None:
    """Each rule that only warns, once, with the variants that break it."""
    told: dict[str, list[str]] = {}
    for variant in params.selected:
        for finding in rules.findings(params.case(variant), "warn", variant.allow):
            told.setdefault(finding, []).append(variant.name)
    for finding, names in told.items():
        print(f"train: warning: {', '.join(names)}: {finding}", flush=True)


def _workers(params: Params) -> int:
    return params.train.workers or cpu_count()


def _task(params: Params, variant: Variant, standardized: Path, windows: Path, store: Path) -> Task:
    """All seeds of a variant."""
    data = task.data_hash(standardized, windows, variant.model.input.values)
    name = fingerprint(variant.model, variant.train, params.shape, data)
    return Task(name, variant.name, variant.model, variant.train, params.shape, tuple(range(variant.train.seeds)), standardized, windows, store)


def _missing(fleets: Sequence[Task], shelf: Store, number: int) -> Iterator[Task]:
    """What the store lacks, longest first; a variant's seeds are split where there are fewer variants than workers.

    The split depends on the study and the workers alone, so that a part that was interrupted meets its own checkpoint.
    """
    for fleet in sorted(fleets, key=lambda fleet: -fleet.work):
        parts = min(len(fleet.seeds), -(-number // len(fleets)))
        for part in (replace(fleet, seeds=fleet.seeds[first::parts]) for first in range(parts)):
            lacking = tuple(seed for seed in part.seeds if not shelf.finished(f"{part.fingerprint}/{seed}"))
            if lacking:
                yield part if shelf.checkpoint(part.checkpoint).exists() else replace(part, seeds=lacking)


def _train(missing: Sequence[Task], number: int) -> None:
    began, whole, done = time.monotonic(), sum(fleet.work for fleet in missing), 0
    print(f"train: {len(missing)} fleets to train", flush=True)
    for fleet in workers.run(task.train, missing, number) if missing else ():
        done += fleet.work
        spent = time.monotonic() - began
        print(f"train: {fleet.variant:28} {done / whole:4.0%} done, about {_minutes(spent * (whole - done) / done)} left", flush=True)


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d} min"


if __name__ == "__main__":
    command.main(run)
