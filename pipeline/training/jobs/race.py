"""A race for seeds: rounds of training, after each of which `racing` decides who gets more.

A decision reads validation losses and seconds from the store, only those of the seeds of its round
and before. So a run that was killed goes on at its round, and a repeated one decides the same.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypedDict

import numpy as np

from pipeline.config.learning import Race
from pipeline.core.files import read_json
from pipeline.training.jobs.racing import Answer, Array, decide, schedule
from pipeline.training.jobs.results import lowest_loss
from pipeline.training.jobs.store import FleetStore
from pipeline.training.jobs.task import FleetTask

NAME = "race.json"
Tasks = list[FleetTask]
OPEN = ("undecided", "best")


class Place(TypedDict):
    """What became of a variant: its seeds, and the answer of its last round."""

    seeds: int
    answer: str


class Record(TypedDict):
    """A race as `race.json` keeps it; `line` says it in one sentence."""

    rounds: list[str]
    variants: dict[str, Place]
    replicas: int
    minutes: float
    stopped: str
    line: str


def run(
    seeds: int | Race, tasks: Tasks, store: FleetStore, train: Callable[[Tasks], None]
) -> tuple[Tasks, Record | None]:
    """Train the tasks, and again those that a race gives more seeds, until it ends.

    Returns the tasks with all of their seeds; without a race there is no record.
    """
    train(tasks)
    if not isinstance(seeds, Race):
        return tasks, None
    field_ = _Field(seeds, tasks, store)
    lines = [field_.judge()]
    print(f"train: race: {lines[-1]}", flush=True)
    for count in schedule(seeds.first, seeds.most)[1:]:
        if not field_.waiting or not field_.affords(count):
            break
        field_.grow(count)
        train(field_.tasks)
        lines.append(field_.judge())
        print(f"train: race: {lines[-1]}", flush=True)
    record = field_.record(lines)
    print(f"train: race: {record['line']}", flush=True)
    return field_.tasks, record


@dataclass
class _Field:
    """The variants of a race. Those with the same fingerprint are one; some have a fixed number."""

    race: Race
    tasks: Tasks
    store: FleetStore
    answers: dict[str, Answer] = field(default_factory=dict)  # by fingerprint

    @property
    def distinct(self) -> Mapping[str, FleetTask]:
        """One task for each fingerprint."""
        return {task.fingerprint: task for task in self.tasks}

    @property
    def waiting(self) -> list[str]:
        """The fingerprints that get the next seeds: none if nothing is undecided.

        The best gets them too, as all others are compared with it.
        """
        if "undecided" not in self.answers.values():
            return []
        distinct = self.distinct
        return [
            name
            for name, answer in self.answers.items()
            if answer in OPEN
            and isinstance(distinct[name].train.seeds, Race)
            and len(distinct[name].seeds) < self.race.most
        ]

    def judge(self) -> str:
        """Decide on the seeds trained so far, among variants with the same loss; returns a line."""
        number = len(schedule(self.race.first, self.race.most))
        kinds: dict[str, list[FleetTask]] = {}
        for task in self.distinct.values():
            kinds.setdefault(str(task.train.loss), []).append(task)
        for group in kinds.values():
            racing = [t for t in group if self.answers.get(t.fingerprint) != "worse"]
            losses = {task.fingerprint: validation_losses(self.store, task) for task in racing}
            self.answers |= decide(losses, len(group), number, self.race.margin)
        most = max(len(task.seeds) for task in self.tasks)
        return f"up to {most} seeds, {self.seconds / 60:.1f} minutes: {self._counts()}"

    def affords(self, count: int) -> bool:
        """Return whether the next round, with `count` seeds, is within the budget of minutes."""
        if self.race.minutes is None:
            return True
        next_ = sum(self._cost(name) * max(0, count - self._seeds(name)) for name in self.waiting)
        return self.seconds + next_ <= 60 * self.race.minutes

    def grow(self, count: int) -> None:
        """Give the variants that wait so many seeds."""
        waiting = set(self.waiting)
        self.tasks = [
            replace(task, seeds=tuple(range(max(count, len(task.seeds)))))
            if task.fingerprint in waiting
            else task
            for task in self.tasks
        ]

    def record(self, lines: list[str]) -> Record:
        """Return what was spent where, and why it ended."""
        stopped = "every comparison with the best is decided"
        if "undecided" in self.answers.values():
            stopped = "the minutes are spent" if self.waiting else "the most seeds are trained"
        replicas = sum(len(task.seeds) for task in self.distinct.values())
        every = self.race.most * len(self.distinct)
        counts = Counter(len(task.seeds) for task in self.tasks)
        spread = ", ".join(f"{n} with {seeds}" for seeds, n in sorted(counts.items()))
        line = (
            f"{replicas} of {every} seeds were trained, {self.seconds / 60:.1f} minutes summed over"
            f" the workers; variants by seeds: {spread}; {self._counts()}; it ended because "
            f"{stopped}"
        )
        places = {
            task.variant: Place(seeds=len(task.seeds), answer=self.answers[task.fingerprint])
            for task in self.tasks
        }
        minutes = round(self.seconds / 60, 2)
        return Record(
            rounds=lines,
            variants=places,
            replicas=replicas,
            minutes=minutes,
            stopped=stopped,
            line=line,
        )

    @property
    def seconds(self) -> float:
        """What all seeds so far have cost, in seconds of a worker."""
        return sum(self._cost(name) * self._seeds(name) for name in self.distinct)

    def _seeds(self, fingerprint: str) -> int:
        return len(self.distinct[fingerprint].seeds)

    def _cost(self, fingerprint: str) -> float:
        """Return the mean seconds of a seed of this variant."""
        folders = [self.store.replica(fingerprint, s) for s in self.distinct[fingerprint].seeds]
        return float(np.mean([read_json(folder / "cost.json")["seconds"] for folder in folders]))

    def _counts(self) -> str:
        counts = Counter(self.answers[task.fingerprint] for task in self.tasks)
        return ", ".join(f"{count} {answer}" for answer, count in sorted(counts.items()))


def validation_losses(store: FleetStore, task: FleetTask) -> Array:
    """Return the logarithm of the lowest validation loss of each trained seed, (seed,)."""
    found = (lowest_loss(store.replica(task.fingerprint, seed)) for seed in task.seeds)
    return np.log([loss for loss in found if loss is not None])
