"""The only module that knows MLflow: runs as a projection of the result files, and the registry of champions.

Whatever is logged is in files first, so that a run that is missing, half-written or outdated can be written again from them.
MLflow itself is imported when a store is opened: it costs seconds that nobody else should pay.
"""

import fcntl
import hashlib
import importlib.metadata
import json
import math
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import layout
from pipeline.refusal import Refusal

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run as Logged

DEFAULTS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",  # by default, each call to an absent server waits for four minutes
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_RECORD_ENV_VARS_IN_MODEL_LOGGING": "false",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "GIT_PYTHON_REFRESH": "quiet",
}
for _name, _value in DEFAULTS.items():
    os.environ.setdefault(_name, _value)

DATABASE = "mlflow.db"
HOST = socket.gethostname()
PATIENCE = 3600  # seconds after which an unfinished run of another machine counts as abandoned
CHAMPION, PREVIOUS = "champion", "previous_champion"
SERVING = ("keras", "mlflow", "numpy", "pandas", "pyarrow", "pydantic", "ruamel.yaml", "scikit-learn", "tensorflow")  # what a served forecaster imports
WAY_OUT = "every result is in files already: start the server or correct MLFLOW_TRACKING_URI and run this again (`dvc repro track` publishes the runs)"


@dataclass(frozen=True)
class Run:
    """A run before it is logged. `curves` is metric -> step -> value, `artifacts` path in the run -> file; `tags` hold its `role`.

    `pictures` are artifacts that show the run among others: new ones take the place of those that are there, and make no new run.
    """

    name: str
    tags: Mapping[str, str]
    params: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    curves: Mapping[str, Mapping[int, float]] = field(default_factory=dict)
    artifacts: Mapping[str, Path] = field(default_factory=dict)
    pictures: Mapping[str, Path] = field(default_factory=dict)
    children: tuple["Run", ...] = ()
    failed: bool = False

    @cached_property
    def fingerprint(self) -> str:
        """Equal exactly for runs that would be logged equally, files and children included, pictures not."""
        files = _hashes(self.artifacts)
        children = [child.fingerprint for child in self.children]
        content = [self.name, self.tags, self.params, self.metrics, self.curves, files, children, self.failed]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Candidate:
    """A forecaster that may be registered: the model's name, the folder, what it was made from, names of the columns that go in."""

    name: str
    folder: Path
    variant: str
    inputs: Sequence[str]


@dataclass(frozen=True)
class Version:
    """A version of a registered model; `digest` identifies the forecaster's files, `rolled_back` that people took it off the throne."""

    number: str
    digest: str
    variant: str
    rolled_back: bool

    def __str__(self) -> str:
        return f"version {self.number} ({self.variant})"


class Store:
    """An MLflow experiment. `folder` holds the default SQLite store, its artifacts and the lock."""

    def __init__(self, folder: Path, experiment: str) -> None:
        """Open it, or create it; raises `Refusal` when MLflow cannot be reached, or was moved away from its files."""
        self.folder = folder.resolve()
        self.uri = address(folder)
        with self.exclusive(), self.explained():
            self.client = _client(self.uri)
            self.experiment = self._find_experiment(experiment)

    def __str__(self) -> str:
        return _public(self.uri)

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
            page = self.client.search_runs([self.experiment], query, max_results=1000, page_token=token)
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

    @contextmanager
    def explained(self) -> Iterator[None]:
        """What MLflow and the way to it raise, as a `Refusal` that says what to do."""
        from mlflow.exceptions import MlflowException

        try:
            with _chosen(self.uri):
                yield
        except (MlflowException, OSError) as error:
            what = "gives no answer" if "Max retries exceeded" in str(error) else _public((str(error).splitlines() or [type(error).__name__])[0])[:300]
            raise Refusal(f"MLflow at {self}: {what}; {WAY_OUT}") from error

    def _find_experiment(self, name: str) -> str:
        found = self.client.get_experiment_by_name(name)
        place = (self.folder / "artifacts").as_uri()  # absolute: a relative one hangs on the working folder
        if found is None:
            remote = self.uri.startswith(("http", "databricks"))
            return str(self.client.create_experiment(name, artifact_location=None if remote else place))
        if found.lifecycle_stage == "deleted":
            raise Refusal(f"MLflow: the experiment {name!r} was deleted there; restore it, or give track.experiment in params.yaml another name")
        if self.uri.endswith(f"{self.folder / DATABASE}") and found.artifact_location != place:
            raise Refusal(
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
        tags = {**run.tags, "host": HOST, "logged": run.fingerprint, "current": "true"} | ({"mlflow.parentRunId": parent} if parent else {})
        run_id = str(self.client.create_run(self.experiment, run_name=run.name, tags=tags).info.run_id)
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
            if run and logged.data.tags.get("pictures") != _pictured(run):
                self._show(logged.info.run_id, run)

    def _show(self, run_id: str, run: Run) -> None:
        """Log a run's pictures; the tag comes last, so that a stop before it is made up for."""
        if pictured := _pictured(run):
            self._files(run_id, run.pictures)
            self.client.set_tag(run_id, "pictures", pictured)

    def _files(self, run_id: str, files: Mapping[str, Path]) -> None:
        for name, file in files.items():
            self.client.log_artifact(run_id, str(file), Path(name).parent.as_posix().removeprefix(".") or None)

    def log_values(self, run_id: str, run: Run) -> None:
        """Parameters, metrics and curves in as few calls as MLflow's limits allow; it cannot hold NaN and infinity, so they are left out."""
        from mlflow.entities import Metric, Param

        now = int(time.time() * 1000)
        points = [(name, 0, value) for name, value in run.metrics.items()]
        points += [(name, step, value) for name, curve in run.curves.items() for step, value in curve.items()]
        metrics = [Metric(_key(name), value, now, step) for name, step, value in points if math.isfinite(value)]
        params = [Param(_key(name), value) for name, value in run.params.items()]
        for start in range(0, len(metrics), 1000):
            self.client.log_batch(run_id, metrics=metrics[start : start + 1000])
        for start in range(0, len(params), 100):
            self.client.log_batch(run_id, params=params[start : start + 100])


class Registry:
    """The versions of one registered model, and who of them is champion."""

    def __init__(self, store: Store, name: str) -> None:
        self.store, self.client, self.name = store, store.client, name

    def version(self, alias: str = CHAMPION) -> Version | None:
        """The version that bears `alias`."""
        with self.store.explained():
            return self._aliased(alias)

    def find(self, content: str) -> Version | None:
        """The version whose forecaster has this digest."""
        with self.store.explained():
            versions = map(_version, self.client.search_model_versions(f"name = '{self.name}'"))
            return next((version for version in versions if version.digest == content), None)

    def fetch(self, version: Version) -> Path:
        """A version's folder on this machine, with `code/` and `artifacts/forecaster/`; raises `Refusal` when it is not what was registered."""
        import mlflow

        with self.store.explained():
            folder = Path(mlflow.artifacts.download_artifacts(f"models:/{self.name}/{version.number}"))
        if digest(folder / "artifacts" / "forecaster") != version.digest:
            raise Refusal(
                f"MLflow: the files of {self.name}, {version}, are not the ones that were registered; "
                "`python -m pipeline.promote --rollback` returns to the champion before"
            )
        return folder

    def crown(self, candidate: Candidate, record: Run, instead_of: Version | None) -> Version:
        """Register the candidate and make it champion, if `instead_of` still is; `record` becomes the run that tells why."""
        with self.store.exclusive(), self.store.explained():
            if self._aliased(CHAMPION) != instead_of:
                raise Refusal(f"MLflow: {self.name} got another champion in the meantime; run `python -m pipeline.promote` again to compare with it")
            version = self.find(digest(candidate.folder)) or self._register(candidate, record)
            if instead_of is not None:  # first, so that a stop between the two calls forgets nobody
                self.client.set_registered_model_alias(self.name, PREVIOUS, instead_of.number)
            self.client.set_registered_model_alias(self.name, CHAMPION, version.number)
        return version

    def rollback(self) -> tuple[Version, Version]:
        """Swap champion and previous champion; returns the new and the dethroned one, which is tagged so that no gate brings it back."""
        with self.store.exclusive(), self.store.explained():
            present, previous = self._aliased(CHAMPION), self._aliased(PREVIOUS)
            if present is None or previous is None or present == previous:
                raise Refusal(f"MLflow: {self.name} has no earlier champion to return to; its champion is {present or 'not chosen yet'}")
            self.client.set_model_version_tag(self.name, present.number, "rolled_back", "true")
            self.client.set_model_version_tag(self.name, previous.number, "rolled_back", "false")
            self.client.set_registered_model_alias(self.name, CHAMPION, previous.number)
            self.client.set_registered_model_alias(self.name, PREVIOUS, present.number)
        return previous, present

    def _aliased(self, alias: str) -> Version | None:
        from mlflow.exceptions import MlflowException

        try:
            return _version(self.client.get_model_version_by_alias(self.name, alias))
        except MlflowException as error:
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):  # no such model; no such alias
                return None
            raise

    def _register(self, candidate: Candidate, record: Run) -> Version:
        for run in self.store.search("tags.role = 'promotion'"):
            if "version" not in run.data.tags and self.store.abandoned(run):  # of a promotion that died
                self.store.delete(run)
        model = self._log_model(candidate, record)
        self.store.log_values(model.run_id, record)
        if not self.client.search_registered_models(f"name = '{self.name}'"):
            self.client.create_registered_model(self.name)
        tags = {"digest": digest(candidate.folder), "variant": candidate.variant}
        version = _version(self.client.create_model_version(self.name, model.model_uri, model.run_id, tags=tags, model_id=model.model_id))
        self.client.set_tag(model.run_id, "version", version.number)
        return version

    def _log_model(self, candidate: Candidate, record: Run) -> Any:
        """Log a run with the model as code, arrays and JSON; the package as it is now travels with it. Gives MLflow's facts about the model."""
        import mlflow
        from mlflow.models import ModelSignature
        from mlflow.types import ColSpec, Schema
        from mlflow.types.schema import AnyType

        package = Path(__file__).parent
        # any type: the forecaster reads numbers and times itself, and tells more about bad ones than a cast of MLflow's
        signature = ModelSignature(inputs=Schema([ColSpec(AnyType(), name) for name in candidate.inputs]))
        here = {"experiment_id": self.store.experiment, "run_name": record.name, "tags": {**record.tags, "host": HOST}}
        with mlflow.start_run(**here), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # no input example: MLflow would import TensorFlow here to try it; the gate has done that already
            return mlflow.pyfunc.log_model(
                name="forecaster",
                python_model=str(package / "serving_model.py"),
                artifacts={"forecaster": str(candidate.folder)},
                code_paths=[str(package)],
                pip_requirements=[f"{name}=={importlib.metadata.version(name)}" for name in SERVING],
                signature=signature,
            )


def _hashes(files: Mapping[str, Path]) -> dict[str, str]:
    return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()}


def _pictured(run: Run) -> str | None:
    """What identifies the pictures of a run; null where it has none."""
    return hashlib.sha256(json.dumps(_hashes(run.pictures), sort_keys=True).encode()).hexdigest() if run.pictures else None


def address(folder: Path) -> str:
    """Where MLflow is: what MLFLOW_TRACKING_URI says, else an SQLite store in `folder`; absolute, so that the working folder does not matter."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{folder.resolve() / DATABASE}"


def digest(folder: Path) -> str:
    """Names and contents of a folder's files as one sha256."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    listing = [(path.relative_to(folder).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest()) for path in files]
    return hashlib.sha256(json.dumps(listing).encode()).hexdigest()


@contextmanager
def _chosen(uri: str) -> Iterator[None]:
    """Models are logged and fetched by way of a global address, which MLflow leaves in the environment, too; both are put back."""
    import mlflow

    before = os.environ.get("MLFLOW_TRACKING_URI")
    mlflow.set_tracking_uri(uri)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(before)


def _version(version: Any) -> Version:
    tags = version.tags
    return Version(str(version.version), tags.get("digest", ""), tags.get("variant", "?"), tags.get("rolled_back") == "true")


def _public(text: str) -> str:
    """Without the passwords of addresses."""
    return re.sub(r"//[^/@\s]*@", "//", text)


def _key(name: str) -> str:
    """MLflow's names know letters, digits and a few signs; everything else becomes an underscore."""
    return re.sub(r"[^\w\-. :/]", "_", name, flags=re.ASCII)


def _client(uri: str) -> "MlflowClient":
    """A client whose store answers; a SQLite store is created, or brought to the schema of the installed MLflow after a copy is kept."""
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    try:
        client = MlflowClient(uri)
        client.search_experiments(max_results=1)
    except MlflowException as error:
        if "out-of-date database schema" not in str(error) or not uri.startswith("sqlite:///"):
            raise
        database = Path(uri.removeprefix("sqlite:///"))
        shutil.copyfile(database, database.with_suffix(".before-upgrade.db"))
        subprocess.run([sys.executable, "-m", "mlflow", "db", "upgrade", uri], check=True, capture_output=True)
        return MlflowClient(uri)
    return client


def show(folder: Path) -> None:
    """Become MLflow's server for the store in `folder`, on this machine only, until Ctrl-C; of a server elsewhere, tell the address."""
    uri = address(folder)
    if uri.startswith("http"):
        print(f"MLflow runs at {_public(uri)}")
        return
    if uri.startswith("sqlite") and not Path(uri.removeprefix("sqlite:///")).exists():
        raise Refusal(f"{uri.removeprefix('sqlite:///')}: there is nothing to show yet; run `dvc repro`")
    os.environ["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"  # else a dozen processes, some of which survive the server
    serve = ["--host", "127.0.0.1", "--port", os.environ.get("MLFLOW_PORT", "5000"), "--workers", "1", "--backend-store-uri", uri]
    os.execv(sys.executable, [sys.executable, "-m", "mlflow", "server", *serve])


if __name__ == "__main__":
    try:
        show(layout.read().store)
    except Refusal as refused:
        sys.exit(f"\n{refused}\n")
