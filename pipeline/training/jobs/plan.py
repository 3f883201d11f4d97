"""Which fleets the store still lacks, and which seeds train together: a plan, without any I/O."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from pipeline.training.jobs.task import FleetTask

Seeds = tuple[int, ...]


@dataclass(frozen=True)
class Stored:
    """What the store holds of a variant's `task`, which has all of its seeds."""

    task: FleetTask
    finished: Sequence[int]  # seeds whose replicas are complete
    begun: Sequence[Seeds]  # the fleets that were begun, perhaps for other seeds too

    @property
    def missing(self) -> set[int]:
        """The seeds that are not finished."""
        return set(self.task.seeds).difference(self.finished)


@dataclass(frozen=True)
class Plan:
    """All `fleets` of a variant, of which those with `missing` seeds are to be trained."""

    task: FleetTask
    missing: set[int]
    fleets: Sequence[Seeds]

    @property
    def tasks(self) -> list[FleetTask]:
        """A task for each fleet to train."""
        unfinished = [seeds for seeds in self.fleets if self.missing.intersection(seeds)]
        return [replace(self.task, seeds=seeds) for seeds in unfinished]


def plan(stored: Iterable[Stored], workers: int) -> list[Plan]:
    """Plan the fleets of every variant with missing seeds, those with the most work first."""
    lacking = [each for each in stored if each.missing]
    lacking.sort(key=lambda each: each.task.work, reverse=True)
    return [
        Plan(each.task, each.missing, _fleets(each, _ceil(workers, len(lacking))))
        for each in lacking
    ]


def _fleets(stored: Stored, workers: int) -> list[Seeds]:
    """Return the fleets of a variant that `workers` workers train.

    A fleet that was begun stays as it was, whatever has changed since: a fleet of another size
    rounds differently. Seeds that are in no fleet yet are split if they are too many for one, or if
    there are several workers.
    """
    begun = [seeds for seeds in stored.begun if set(seeds) <= set(stored.task.seeds)]
    new = sorted(stored.missing.difference(*begun))
    parts = min(len(new), max(workers, _ceil(len(new), stored.task.largest)))
    # Every `parts`-th seed goes into the same fleet, so that sizes differ by one at most.
    return [*begun, *(tuple(new[first::parts]) for first in range(parts))]


def _ceil(a: int, b: int) -> int:
    """Return a / b, rounded up."""
    return -(-a // b)
