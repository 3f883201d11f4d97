"""Train every selected variant with every seed, as fleets, in parallel.

What the store already holds is not trained again. Reads `standardized` and `windows`; writes one
folder per variant to `out`: the best weights of every seed, their learning curves, and a summary;
`flags.json`, reasons not to trust them, which are also the last lines that it prints; and
`fingerprints.json`, what it needs of the store, for `clean`. If `train.seeds` is a race,
`race.json` says what was spent where.
"""

import os
import signal
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from joblib import cpu_count

from pipeline.config import calendars, params
from pipeline.config.learning import Train
from pipeline.config.model import Shape
from pipeline.config.params import Params
from pipeline.config.rules.case import Case
from pipeline.config.rules.findings import findings
from pipeline.config.variants import Variant
from pipeline.core import command
from pipeline.core.errors import InputError
from pipeline.core.files import new_folder, read_json, write_json
from pipeline.series import shift
from pipeline.series.channels import Channels
from pipeline.training.jobs import cluster, devices, flags, race, results, runner, tuning, workers
from pipeline.training.jobs.fingerprint import data_hash, fingerprint
from pipeline.training.jobs.plan import Stored, plan
from pipeline.training.jobs.runner import Executor
from pipeline.training.jobs.store import FleetStore
from pipeline.training.jobs.task import FleetTask
from pipeline.training.jobs.tuning import Tuning

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(params: Params, standardized: Path, windows: Path, store: Path, out: Path) -> None:
    """Train what the store lacks, then gather the fleets of every variant in one folder."""
    with _stoppable():
        shape = _shape(params, Channels.load(standardized / "channels.json"))
        params.check(shape)
        for name, reason in params.unusable:
            print(f"train: variants.{name} cannot run with this base: {reason}", flush=True)
        cases = [params.case(variant, shape) for variant in params.selected]
        reported = _warn(params.selected, cases)
        task = partial(_task, shape=shape, standardized=standardized, windows=windows)
        fleets = FleetStore(store)
        with fleets.lock():
            execute, number = _executor(params.train)

            def train(tasks: Sequence[FleetTask]) -> None:
                runner.run(_to_train(tasks, fleets, number), fleets, execute)

            chosen, found = tuning.tune(params.selected, task, fleets, train)
            params = params.model_copy(update={"variants": tuple(chosen)})
            tasks = [task(variant) for variant in chosen]
            tasks, raced = race.run(params.train.seeds, tasks, fleets, train)
            _warn(chosen, _gather(params, tasks, fleets, out, raced, found), reported)
        _flag(out, standardized)


@contextmanager
def _stoppable() -> Iterator[None]:
    """Stop the training at once on a signal, or when the parent ends; raises `InputError` then."""
    workers.die_with(os.getppid(), lambda: os.kill(os.getpid(), signal.SIGTERM))
    previous = {
        number: signal.signal(number, _stop)
        for number in SIGNALS
        if signal.getsignal(number) != signal.SIG_IGN
    }
    try:
        yield
    except (KeyboardInterrupt, Exception) as error:
        # What was being written when a signal came may fail with an error of its own.
        stopped = signal.getsignal(signal.SIGTERM) == signal.SIG_IGN
        if not stopped and not isinstance(error, KeyboardInterrupt):
            raise
        raise InputError(
            "train: stopped; finished replicas and checkpoints are kept, "
            "and the next `dvc repro` resumes from them"
        ) from None
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _stop(*_: object) -> None:
    """Handle the first signal, and ignore later ones, so that they do not disturb the shutdown."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _warn(
    variants: Sequence[Variant], cases: Iterable[Case], reported: Collection[str] = ()
) -> Collection[str]:
    """Print each finding of the rules that only warn, once, with the variants it concerns.

    Leaves out findings that were `reported` before; returns all findings.
    """
    warnings: dict[str, list[str]] = {}
    for variant, case in zip(variants, cases, strict=True):
        for finding in findings(case, "warn", variant.allow):
            warnings.setdefault(finding, []).append(variant.name)
    for finding, names in warnings.items():
        if finding not in reported:
            print(f"train: warning: {', '.join(names)}: {finding}", flush=True)
    return warnings


def _flag(out: Path, standardized: Path) -> None:
    """Print why results are not to be trusted: learning curves, and inputs out of range."""
    lines = [flag["line"] for flag in read_json(out / "flags.json")]
    for line in [*lines, *shift.warnings(read_json(standardized / "shift.json"))]:
        print(f"train: not to be trusted: {line}", flush=True)


def _shape(params: Params, channels: Channels) -> Shape:
    """Return the shapes of the networks on data with these channels."""
    past = channels.past_covariates + channels.indicators + channels.static
    numeric = [name for name in channels.past_covariates if name in params.data.past_covariates]
    return Shape(
        lookback=params.window.lookback,
        horizon=params.window.horizon,
        targets=len(channels.targets),
        past=len(past),
        future=len(channels.future_covariates),
        levels=len(past) - len(numeric),
        calendar=calendars.channels(params.data.calendar, params.data.holidays),
    )


def _task(variant: Variant, shape: Shape, standardized: Path, windows: Path) -> FleetTask:
    """Return the seeds of a variant, those it has at first in a race, as one task."""
    data = data_hash(standardized, windows, variant.model.input.values)
    return FleetTask(
        fingerprint=fingerprint(variant.model, variant.train, shape, data),
        variant=variant.name,
        model=variant.model,
        train=variant.train,
        shape=shape,
        seeds=tuple(range(variant.train.first_seeds)),
        standardized=standardized,
        windows=windows,
    )


def _executor(train: Train) -> tuple[Executor, int]:
    """Return what executes tasks, on this machine or on a cluster, and its number of workers."""
    if train.cluster:
        number = cluster.connect()
        number = train.workers or number
        return partial(cluster.run, number=number), number
    number = train.workers or len(devices.gpus()) or cpu_count()
    return partial(workers.run, number=number), number


def _to_train(tasks: Sequence[FleetTask], store: FleetStore, number: int) -> list[FleetTask]:
    """Return the fleets that the store lacks, and record in it which seeds train together.

    Variants with the same fingerprint are trained once.
    """
    distinct = {task.fingerprint: task for task in tasks}
    stored = [
        Stored(task, tuning.finished(task, store), store.read_fleets(name))
        for name, task in distinct.items()
    ]
    plans = plan(stored, number)
    store.write_used()
    for each in plans:
        store.write_fleets(each.task.fingerprint, each.fleets)
    return [task for each in plans for task in each.tasks]


def _gather(
    params: Params,
    tasks: Sequence[FleetTask],
    store: FleetStore,
    out: Path,
    raced: race.Record | None,
    found: Mapping[str, Tuning],
) -> list[Case]:
    """Write a folder for each variant, and what belongs to all, and remove the checkpoints.

    `found` is what tuning found of a variant. Returns the variants as the rules see them after
    training.
    """
    cases = []
    with new_folder(out) as draft:
        for variant, task in zip(params.selected, tasks, strict=True):
            replicas = [store.replica(task.fingerprint, seed) for seed in task.seeds]
            folder = draft / variant.name
            case = params.case(variant, task.shape)
            cases.append(results.gather(case, variant, replicas, folder, found.get(variant.name)))
            store.drop_checkpoints(task.fingerprint)
        curves = {variant.name: flags.read(draft / variant.name) for variant in params.selected}
        write_json(draft / "flags.json", [*flags.flags(curves), *tuning.flags(found)])
        write_json(draft / "fingerprints.json", sorted(store.used))
        if raced:
            write_json(draft / race.NAME, raced)
    return cases


if __name__ == "__main__":
    command.main(run, params.read)
