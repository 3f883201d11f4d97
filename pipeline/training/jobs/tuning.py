"""`train.tune`: each variant at its own best point of a grid, chosen on validation.

A point is the variant with its settings written out, and so has a fingerprint of its own: the store
keeps its replicas under that, as if it had been trained alone. What trains the points together is a
task with a `Grid`; its fingerprint is the hash of theirs. The chosen point is the one with the
lowest validation loss at the best epoch, averaged over the seeds. A point of which a replica
diverged is chosen only if that is the case of all.
"""

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import TypedDict

from pipeline.config.learning import Train
from pipeline.config.variants import Variant
from pipeline.training.engine.grid import SPAN, Grid
from pipeline.training.jobs.flags import NAMED, Flag
from pipeline.training.jobs.results import lowest_loss
from pipeline.training.jobs.store import FleetStore
from pipeline.training.jobs.task import FleetTask

MakeTask = Callable[[Variant], FleetTask]


class Losses(TypedDict):
    """A point, and the lowest validation loss of each seed there; null if it diverged."""

    point: dict[str, float]
    validation_losses: list[float | None]
    mean: float | None


class Tuning(TypedDict):
    """What `tuning.json` holds: the values tried, the point chosen, and the losses at all.

    `edges` names the settings whose chosen value is the lowest or the highest that was tried.
    """

    tried: dict[str, list[float]]
    chosen: dict[str, float]
    edges: dict[str, str]
    points: list[Losses]


@dataclass(frozen=True)
class Point:
    """The values of the tuned settings, and the task of the variant with them."""

    values: dict[str, float]
    variant: Variant
    task: FleetTask


def points(variant: Variant, task: MakeTask) -> list[Point]:
    """Return the points of a variant's grid, the last setting varying fastest; none if it is off.

    `task` returns the task of a variant with all of its seeds.
    """
    axes = variant.train.tune.axes if variant.train.tune else {}
    if not axes:
        return []
    grid = [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]
    variants = [_at(variant, values) for values in grid]
    return [Point(values, at, task(at)) for values, at in zip(grid, variants, strict=True)]


def _at(variant: Variant, values: Mapping[str, float]) -> Variant:
    """Return a variant with these settings written out."""
    changes: dict[str, object] = {"tune": None}
    if "learning_rate" in values:
        changes["learning_rate"] = values["learning_rate"]
    if "weight_decay" in values:
        slot = variant.train.optimizer
        options = {**slot.options, "weight_decay": values["weight_decay"]}
        changes["optimizer"] = replace(slot, options=options)
    return variant.model_copy(update={"train": variant.train.model_copy(update=changes)})


def together(points: Sequence[Point]) -> FleetTask:
    """Return the task that trains all points with all seeds as one grid."""
    tasks = [point.task for point in points]
    trains: list[Train] = [task.train for task in tasks]
    names = tuple(task.fingerprint for task in tasks)
    return replace(
        tasks[0],
        fingerprint=hashlib.sha256("".join(names).encode()).hexdigest()[:32],
        seeds=tuple(SPAN * i + seed for i in range(len(tasks)) for seed in tasks[0].seeds),
        grid=Grid(
            tuple(train.learning_rate for train in trains),
            tuple(train.optimizer.options["weight_decay"] for train in trains),
        ),
        points=names,
    )


def tune(
    variants: Sequence[Variant],
    task: MakeTask,
    store: FleetStore,
    train: Callable[[Sequence[FleetTask]], None],
) -> tuple[list[Variant], dict[str, Tuning]]:
    """Train the grids with `train`, which leaves their replicas in the store.

    Returns all variants, those that are tuned at their chosen point, and what tuning found, by
    name.
    """
    grids = {variant.name: points(variant, task) for variant in variants}
    tasks = {name: together(grid) for name, grid in grids.items() if grid}
    if tasks:
        train([*tasks.values()])
    found, chosen = dict[str, Tuning](), list[Variant]()
    for variant in variants:
        if not (grid := grids[variant.name]):
            chosen.append(variant)
            continue
        tuning, best = choose(grid, [losses(point.task, store) for point in grid])
        found[variant.name] = tuning
        chosen.append(best)
        store.drop_checkpoints(tasks[variant.name].fingerprint)
    return chosen, found


def losses(task: FleetTask, store: FleetStore) -> list[float | None]:
    """Return the lowest validation loss of each seed, null if it diverged."""
    return [lowest_loss(store.replica(task.fingerprint, seed)) for seed in task.seeds]


def choose(
    grid: Sequence[Point], losses: Sequence[Sequence[float | None]]
) -> tuple[Tuning, Variant]:
    """Return what tuning found, and the variant at the chosen point; the first of equal ones."""
    best = min(range(len(grid)), key=lambda i: _order(losses[i]))
    tried: dict[str, list[float]] = {
        name: sorted({point.values[name] for point in grid}) for name in grid[0].values
    }
    chosen = grid[best].values
    results: list[Losses] = [
        {"point": point.values, "validation_losses": [*each], "mean": _mean(each)}
        for point, each in zip(grid, losses, strict=True)
    ]
    edges = dict(_edges(tried, chosen))
    return (
        {"tried": tried, "chosen": chosen, "edges": edges, "points": results},
        grid[best].variant,
    )


def _mean(losses: Sequence[float | None]) -> float | None:
    """Return the mean over the seeds, null if one of them diverged."""
    known = [loss for loss in losses if loss is not None]
    return sum(known) / len(known) if len(known) == len(losses) else None


def _order(losses: Sequence[float | None]) -> tuple[int, float]:
    """Return what to compare points by: the number of diverged seeds, then the mean of the rest."""
    known = [loss for loss in losses if loss is not None]
    mean = sum(known) / len(known) if known else math.inf
    return len(losses) - len(known), mean


def _edges(
    tried: Mapping[str, Sequence[float]], chosen: Mapping[str, float]
) -> Iterator[tuple[str, str]]:
    """Yield each setting chosen at the end of what was tried, if lower or higher ones exist."""
    for name, values in tried.items():
        if len(values) > 1 and chosen[name] in (values[0], values[-1]) and chosen[name] > 0:
            yield name, "lowest" if chosen[name] == values[0] else "highest"


def finished(task: FleetTask, store: FleetStore) -> list[int]:
    """Return the replicas of a task, with a grid or without, that the store holds complete."""
    store.used.add(task.fingerprint)
    places = {number: task.place(number) for number in task.seeds}
    return [number for number, (name, seed) in places.items() if store.finished(name, [seed])]


def flags(found: Mapping[str, Tuning]) -> list[Flag]:
    """Return one flag for each setting and end of the grid at which variants have their point."""
    at: dict[tuple[str, str], list[str]] = {}
    for name, tuning in found.items():
        for edge in tuning["edges"].items():
            at.setdefault(edge, []).append(name)
    return [_flag(setting, end, names, found) for (setting, end), names in sorted(at.items())]


def _flag(setting: str, end: str, names: Sequence[str], found: Mapping[str, Tuning]) -> Flag:
    total = sum(setting in tuning["tried"] for tuning in found.values())
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    side = "lower" if end == "lowest" else "higher"
    line = (
        f"{len(names)} of {total} tuned variants have their lowest validation loss at the {end} "
        f"{setting} that was tried: add {side} values to train.tune.{setting} "
        f"({', '.join(names[:NAMED])}{more})"
    )
    seeds = {name: len(found[name]["points"][0]["validation_losses"]) for name in names}
    return {"flag": f"{end} {setting}", "variants": seeds, "line": line}
