"""An MLflow experiment as a projection of runs: idempotent, and whole again after any stop."""

import fcntl
import math
import re
import socket
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.core.errors import InputError
from pipeline.tracking.connection import DATABASE, address, connect, explained, public
from pipeline.tracking.runs import Run

if TYPE_CHECKING:
    from mlflow.entities import Run as Logged

HOST = socket.gethostname()
PATIENCE = 3600  # seconds after which an unfinished run of another machine counts as abandoned


class Experiment:
    """An MLflow experiment. `folder` holds the default SQLite store, its artifacts and the lock."""

    def __init__(self, folder: Path, experiment: str) -> None:
        """Open it, or create it; raises `InputError` when MLflow cannot be reached, or was moved away from its files."""
        self.folder = folder.resolve()
        self.uri = address(folder)
        with self.exclusive(), self.explained():
            self.client = connect(self.uri)
            self.experiment = self._find_experiment(experiment)

    def __str__(self) -> str:
        return public(self.uri)

    def publish(self, runs: Iterable[Run]) -> int:
        """Log each run that is not there yet, delete half-written ones, tag which are current; returns how many were logged."""
        with self.exclusive(), self.explained():
            there = self._complete(self.search("tags.role != 'seed' and tags.role != 'promotion'"))
            by_content = {run.data.tags["logged"]: run.info.run_id for run in there}
            wanted = list(runs)
            current = {by_content.get(run.fingerprint) or self._log(run) for run in wanted}
            self._renew({run.fingerprint: run for run in wanted}, there)
            self._mark(there, current)
        return sum(run.fingerprint not in by_content for run in wanted)

    def search(self, query: str) -> "list[Logged]":
        """All runs of the experiment that a filter finds, newest first."""
        runs: list[Logged] = []
        token = None
        while True:
            page = self.client.search_runs(
                [self.experiment], query, max_results=1000, page_token=token
            )
            runs.extend(page)
            token = page.token
            if not token:
                return runs

    def delete(self, run: "Logged") -> None:
        """Delete a run and its children."""
        for each in [*self._children(run), run]:
            self.client.delete_run(each.info.run_id)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """One process at a time: a fresh SQLite store breaks under two, and aliases know no compare-and-swap."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def explained(self) -> AbstractContextManager[None]:
        """What MLflow and the way to it raise, as a `InputError` that says what to do."""
        return explained(self.uri)

    def _find_experiment(self, name: str) -> str:
        found = self.client.get_experiment_by_name(name)
        place = (
            self.folder / "artifacts"
        ).as_uri()  # absolute: a relative one hangs on the working folder
        if found is None:
            remote = self.uri.startswith(("http", "databricks"))
            return str(
                self.client.create_experiment(name, artifact_location=None if remote else place)
            )
        if found.lifecycle_stage == "deleted":
            raise InputError(
                f"MLflow: the experiment {name!r} was deleted there; restore it, or give track.experiment in params.yaml another name"
            )
        if self.uri.endswith(f"{self.folder / DATABASE}") and found.artifact_location != place:
            raise InputError(
                f"{self.folder}: its runs keep their files in {found.artifact_location}, so the folder was moved or copied; "
                "move it back, or delete it: `dvc repro track` brings the runs back, and `python -m pipeline.promote` a champion"
            )
        return str(found.experiment_id)

    def _complete(self, runs: "Iterable[Logged]") -> "list[Logged]":
        """The runs that were logged to their end; those of a process that died are deleted."""
        complete = []
        for run in runs:
            if run.info.status != "RUNNING":
                complete.append(run)
            elif self.abandoned(run):
                self.delete(run)
        return complete

    def abandoned(self, run: "Logged") -> bool:
        """Whether nobody writes this unfinished run any more: `exclusive` says so of those of this machine, their age of others on a shared server."""
        age = time.time() - run.info.start_time / 1000
        return bool(run.data.tags.get("host") == HOST or age > PATIENCE)

    def _children(self, run: "Logged") -> "list[Logged]":
        return self.search(f"tags.mlflow.parentRunId = '{run.info.run_id}'")

    def _mark(self, runs: "Iterable[Logged]", current: set[str]) -> None:
        """Tag runs and their children `current: true` or `false`, so that one filter shows the present study; earlier results stay."""
        for run in runs:
            value = "true" if run.info.run_id in current else "false"
            if run.data.tags.get("current") != value:
                for each in [*self._children(run), run]:
                    self.client.set_tag(each.info.run_id, "current", value)

    def _log(self, run: Run, parent: str | None = None) -> str:
        """Log a run and its children; an end status says that all of it is there. Returns its id."""
        tags = {**run.tags, "host": HOST, "logged": run.fingerprint, "current": "true"} | (
            {"mlflow.parentRunId": parent} if parent else {}
        )
        run_id = str(
            self.client.create_run(self.experiment, run_name=run.name, tags=tags).info.run_id
        )
        self.log_values(run_id, run)
        self._files(run_id, run.artifacts)
        self._show(run_id, run)
        for child in run.children:
            self._log(child, run_id)
        self.client.set_terminated(run_id, "FAILED" if run.failed else "FINISHED")
        return run_id

    def _renew(self, wanted: Mapping[str, Run], there: "Iterable[Logged]") -> None:
        """Bring the pictures of runs up to date that are there already."""
        for logged in there:
            run = wanted.get(logged.data.tags["logged"])
            if run and logged.data.tags.get("pictures") != run.pictured:
                self._show(logged.info.run_id, run)

    def _show(self, run_id: str, run: Run) -> None:
        """Log a run's pictures; the tag comes last, so that a stop before it is made up for."""
        if pictured := run.pictured:
            self._files(run_id, run.pictures)
            self.client.set_tag(run_id, "pictures", pictured)

    def _files(self, run_id: str, files: Mapping[str, Path]) -> None:
        for name, file in files.items():
            self.client.log_artifact(
                run_id, str(file), Path(name).parent.as_posix().removeprefix(".") or None
            )

    def log_values(self, run_id: str, run: Run) -> None:
        """Parameters, metrics and curves in as few calls as MLflow's limits allow; it cannot hold NaN and infinity, so they are left out."""
        from mlflow.entities import Metric, Param

        now = int(time.time() * 1000)
        points = [(name, 0, value) for name, value in run.metrics.items()]
        points += [
            (name, step, value)
            for name, curve in run.curves.items()
            for step, value in curve.items()
        ]
        metrics = [
            Metric(_key(name), value, now, step)
            for name, step, value in points
            if math.isfinite(value)
        ]
        params = [Param(_key(name), value) for name, value in run.params.items()]
        for start in range(0, len(metrics), 1000):
            self.client.log_batch(run_id, metrics=metrics[start : start + 1000])
        for start in range(0, len(params), 100):
            self.client.log_batch(run_id, params=params[start : start + 100])


def _key(name: str) -> str:
    """MLflow's names know letters, digits and a few signs; everything else becomes an underscore."""
    return re.sub(r"[^\w\-. :/]", "_", name, flags=re.ASCII)
