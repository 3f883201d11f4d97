"""An MLflow experiment in which every run is logged exactly once, also after an interruption."""

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
from pipeline.tracking import provenance
from pipeline.tracking.connection import (
    DATABASE,
    address,
    connect,
    explained_errors,
    without_password,
)
from pipeline.tracking.runs import Run, Standing

if TYPE_CHECKING:
    from mlflow.entities import Run as LoggedRun

HOST = socket.gethostname()
ABANDONED_AFTER = 3600  # seconds; applies to unfinished runs of other machines
CONTENT, STANDING = "content_hash", "standing_hash"  # tags that identify what was logged


class Experiment:
    """An MLflow experiment; `folder` holds the default SQLite store, its artifacts and the lock."""

    def __init__(self, folder: Path, name: str) -> None:
        """Open the experiment, or create it.

        Raises `InputError` if MLflow cannot be reached, if the experiment was deleted, or if the
        folder was moved or copied.
        """
        self.folder = folder.resolve()
        self.uri = address(folder)
        with self.lock(), self.explained_errors():
            self.client = connect(self.uri)
            self.id = self._find_or_create(name)

    def __str__(self) -> str:
        return without_password(self.uri)

    def publish(self, runs: Iterable[Run]) -> int:
        """Make the experiment show these runs as the current ones; return how many were new.

        Incomplete runs are deleted, missing ones are logged, standings are updated, and the tag
        `current` distinguishes these runs from those of earlier results, which stay.
        """
        wanted = {run.content_hash: run for run in runs}
        with self.lock(), self.explained_errors():
            logged = self._complete(self.search("tags.role != 'seed' and tags.role != 'promotion'"))
            ids = {run.data.tags.get(CONTENT): run.info.run_id for run in logged}
            new = [run for content, run in wanted.items() if content not in ids]
            current = {ids[content] for content in wanted if content in ids}
            for run in new:
                self._log(run)
            for run in logged:
                self._update_standing(run, wanted.get(run.data.tags.get(CONTENT, "")))
                self._mark(run, run.info.run_id in current)
        return len(new)

    def describe(self, tags: Mapping[str, str]) -> None:
        """Set tags of the experiment itself, such as its note and its views."""
        with self.lock(), self.explained_errors():
            known = self.client.get_experiment(self.id).tags
            for name, value in tags.items():
                if known.get(name) != value:
                    self.client.set_experiment_tag(self.id, name, value)

    def search(self, query: str) -> "list[LoggedRun]":
        """Return all runs of the experiment that match MLflow's filter string, newest first."""
        runs: list[LoggedRun] = []
        token = None
        while True:
            page = self.client.search_runs([self.id], query, max_results=1000, page_token=token)
            runs.extend(page)
            token = page.token
            if not token:
                return runs

    def delete(self, run: "LoggedRun") -> None:
        """Delete a run and its children."""
        for each in [*self._children(run), run]:
            self.client.delete_run(each.info.run_id)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold a lock that excludes the other processes of this machine.

        Two processes that create an SQLite store at once break it, and aliases cannot be compared
        and set in one step.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def explained_errors(self) -> AbstractContextManager[None]:
        """Turn MLflow's exceptions into `InputError`s that say what to do."""
        return explained_errors(self.uri)

    def is_abandoned(self, run: "LoggedRun") -> bool:
        """Return whether the writer of this unfinished run has ended.

        The lock rules out another writer on this machine. Runs of other machines, on a shared
        server, are abandoned after `ABANDONED_AFTER` seconds.
        """
        age = time.time() - run.info.start_time / 1000
        return bool(run.data.tags.get("host") == HOST or age > ABANDONED_AFTER)

    def log_values(self, run_id: str, run: Run) -> None:
        """Log parameters, metrics and curves in as few calls as MLflow's limits allow.

        MLflow cannot store NaN and infinity, so such values are left out.
        """
        from mlflow.entities import Param

        points = [(name, 0, value) for name, value in run.metrics.items()]
        for name, curve in run.curves.items():
            points += [(name, step, value) for step, value in curve.items()]
        self._log_metrics(run_id, points)
        params = [Param(_valid_name(name), value) for name, value in run.params.items()]
        for start in range(0, len(params), 100):
            self.client.log_batch(run_id, params=params[start : start + 100])

    def _log_metrics(self, run_id: str, points: Iterable[tuple[str, int, float]]) -> None:
        """Log points, each a metric, a step and a value."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        metrics = [
            Metric(_valid_name(name), value, now, step)
            for name, step, value in points
            if math.isfinite(value)
        ]
        for start in range(0, len(metrics), 1000):
            self.client.log_batch(run_id, metrics=metrics[start : start + 1000])

    def _find_or_create(self, name: str) -> str:
        """Return the experiment's id.

        The place of the artifacts is absolute: a relative one would depend on the working folder.
        """
        found = self.client.get_experiment_by_name(name)
        place = (self.folder / "artifacts").as_uri()
        if found is None:
            remote = self.uri.startswith(("http", "databricks"))
            location = None if remote else place
            return str(self.client.create_experiment(name, artifact_location=location))
        if found.lifecycle_stage == "deleted":
            raise InputError(
                f"MLflow: the experiment {name!r} has been deleted; restore it, or change "
                "track.experiment in params.yaml"
            )
        is_local = self.uri.endswith(f"{self.folder / DATABASE}")
        if is_local and found.artifact_location != place:
            raise InputError(
                f"{self.folder}: was moved or copied; the files of its runs are in "
                f"{found.artifact_location}; move it back, or delete it: `dvc repro track` "
                "publishes the runs again, and `python -m pipeline.promote` registers a champion"
            )
        return str(found.experiment_id)

    def _complete(self, runs: "Iterable[LoggedRun]") -> "list[LoggedRun]":
        """Return the runs that were logged completely; delete those whose process died."""
        complete = []
        for run in runs:
            if run.info.status != "RUNNING":
                complete.append(run)
            elif self.is_abandoned(run):
                self.delete(run)
        return complete

    def _children(self, run: "LoggedRun") -> "list[LoggedRun]":
        return self.search(f"tags.mlflow.parentRunId = '{run.info.run_id}'")

    def _mark(self, run: "LoggedRun", current: bool) -> None:
        """Tag a run and its children with whether they belong to the current results."""
        value = str(current).lower()
        if run.data.tags.get("current") != value:
            for each in [*self._children(run), run]:
                self.client.set_tag(each.info.run_id, "current", value)

    def _log(self, run: Run, parent: str | None = None) -> None:
        """Log a run and its children; the final status says that the run is complete."""
        identity = {"host": HOST, CONTENT: run.content_hash, "current": "true"}
        tags = {**run.tags, **provenance.source(), **identity}
        if parent:
            tags["mlflow.parentRunId"] = parent
        created = self.client.create_run(self.id, run_name=run.name, tags=tags)
        run_id = str(created.info.run_id)
        self.log_values(run_id, run)
        self._log_files(run_id, run.artifacts)
        self._log_standing(run_id, run.standing)
        for child in run.children:
            self._log(child, run_id)
        self.client.set_terminated(run_id, "FAILED" if run.failed else "FINISHED")

    def _update_standing(self, logged: "LoggedRun", run: Run | None) -> None:
        """Replace what a logged run is among the others if that has changed."""
        if run and logged.data.tags.get(STANDING) != run.standing.content_hash:
            self._log_standing(logged.info.run_id, run.standing)

    def _log_standing(self, run_id: str, standing: Standing) -> None:
        """Log a standing; the tag with its hash comes last: an interrupted update is repeated."""
        self._log_metrics(run_id, [(name, 0, value) for name, value in standing.metrics.items()])
        self._log_files(run_id, standing.figures)
        for name, value in {**standing.tags, STANDING: standing.content_hash}.items():
            self.client.set_tag(run_id, name, value)

    def _log_files(self, run_id: str, files: Mapping[str, Path]) -> None:
        for name, file in files.items():
            folder = Path(name).parent.as_posix().removeprefix(".")
            self.client.log_artifact(run_id, str(file), folder or None)


def _valid_name(name: str) -> str:
    """Replace every character that MLflow does not allow in a name by an underscore."""
    return re.sub(r"[^\w\-. :/]", "_", name, flags=re.ASCII)
