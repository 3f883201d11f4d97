"""How far training has come: one live table on a terminal, one line per event everywhere else."""

import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from rich.live import Live
from rich.table import Table

from pipeline.training.jobs.task import FleetTask, Progress


class Display:
    """Shows the progress of `tasks`; a context, during which the live table is visible.

    Work before their checkpoints counts neither as done nor as left.
    """

    def __init__(self, tasks: Sequence[FleetTask]) -> None:
        self.total = sum(map(_work_left, tasks))
        self.done, self.began = 0.0, time.monotonic()
        self.running: dict[str, tuple[FleetTask, Progress]] = {}
        self.live: Live | None = None
        if sys.stdout.isatty():
            self.live = Live(get_renderable=self.table, refresh_per_second=2, transient=True)
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
        """Print one line, above the live table if there is one."""
        if self.live:
            self.live.console.print(line, markup=False, highlight=False, soft_wrap=True)
        else:
            print(line, flush=True)

    def progress(self, task: FleetTask, progress: Progress) -> None:
        """Show how far a fleet has come; progress with results is the end of the fleet."""
        self.running[task.name] = task, progress
        if progress.results:
            self.stopped(task)
            share, left = self._share(), self._time_left()
            self.say(f"train: {task.variant:28} {share:4.0%} done, about {left} left")

    def stopped(self, task: FleetTask, retries: Sequence[FleetTask] = ()) -> None:
        """Remove a fleet from the table; `retries` are the fleets that replace it."""
        self.running.pop(task.name, None)
        self.done += _work_left(task) - sum(map(_work_left, retries))

    def table(self) -> Table:
        """Return a table with a row for each fleet in training."""
        title = f"{self._share():.0%} done, about {self._time_left()} left"
        columns = ("fleet", "seeds", "epoch", "best validation loss so far")
        table = Table(*columns, title=title, title_justify="left")
        for task, progress in self.running.values():
            epoch = f"{progress.epoch} of at most {task.train.epochs}"
            table.add_row(task.variant, str(len(task.seeds)), epoch, f"{progress.best:.4f}")
        return table

    def _share(self) -> float:
        """Return the share of the work that is done, from 0 to 1."""
        if not self.total:
            return 1.0
        running = sum(
            _work_left(task) - _work_left(task, progress.epoch)
            for task, progress in self.running.values()
        )
        return (self.done + running) / self.total

    def _time_left(self) -> str:
        """Return the estimated time left, such as `2:05 min`."""
        share = self._share()
        if not share:
            return "? min"
        seconds = int((time.monotonic() - self.began) * (1 - share) / share)
        return f"{seconds // 60}:{seconds % 60:02d} min"


def _work_left(task: FleetTask, epoch: int | None = None) -> float:
    """Return the work left of a fleet after `epoch`, or after its checkpoint."""
    if epoch is None:
        epoch, _ = task.resumed_at
    return task.work * (1 - epoch / task.train.epochs)
