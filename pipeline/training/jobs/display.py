"""How far training is: one live table on a terminal, one line per event everywhere else."""

import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from rich.live import Live
from rich.table import Table

from pipeline.training.jobs.task import FleetTask, Report


class Display:
    """Hears what becomes of `tasks`; a context, in which the live table stands. What is done counts from where their checkpoints are."""

    def __init__(self, tasks: Sequence[FleetTask]) -> None:
        self.whole = sum(map(_ahead, tasks))
        self.done, self.began = 0.0, time.monotonic()
        self.running: dict[str, tuple[FleetTask, Report]] = {}
        self.live = (
            Live(get_renderable=self.table, refresh_per_second=2, transient=True)
            if sys.stdout.isatty()
            else None
        )
        self._open = ExitStack()
        self.say(f"train: {len(tasks)} fleets to train")

    def __enter__(self) -> Self:
        if self.live:
            self._open.enter_context(self.live)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def say(self, line: str) -> None:
        """An event."""
        if self.live:
            self.live.console.print(line, markup=False, highlight=False, soft_wrap=True)
        else:
            print(line, flush=True)

    def report(self, task: FleetTask, report: Report) -> None:
        """A fleet got further."""
        self.running[task.name] = task, report
        if report.replicas:
            self.lost(task)
            self.say(
                f"train: {task.variant:28} {self._share():4.0%} done, about {self._left()} left"
            )

    def lost(self, task: FleetTask, again: Sequence[FleetTask] = ()) -> None:
        """A fleet stopped, and those in `again` take its place."""
        self.running.pop(task.name, None)
        self.done += _ahead(task) - sum(map(_ahead, again))

    def table(self) -> Table:
        """A row for each fleet in training."""
        table = Table(
            "fleet",
            "seeds",
            "epoch",
            "best validation so far",
            title=f"{self._share():.0%} done, about {self._left()} left",
            title_justify="left",
        )
        for task, report in self.running.values():
            table.add_row(
                task.variant,
                str(len(task.seeds)),
                f"{report.epoch} of at most {task.train.epochs}",
                f"{report.best:.4f}",
            )
        return table

    def _share(self) -> float:
        running = sum(
            _ahead(task) - _ahead(task, report.epoch) for task, report in self.running.values()
        )
        return (self.done + running) / self.whole if self.whole else 1.0

    def _left(self) -> str:
        share = self._share()
        if not share:
            return "? min"
        seconds = int((time.monotonic() - self.began) * (1 - share) / share)
        return f"{seconds // 60}:{seconds % 60:02d} min"


def _ahead(task: FleetTask, epoch: int | None = None) -> float:
    """The work that a fleet has before it at the end of `epoch`, or at its checkpoint."""
    begun = int(task.checkpoint["epoch"]) if task.checkpoint else 0
    return task.work * (1 - (begun if epoch is None else epoch) / task.train.epochs)
