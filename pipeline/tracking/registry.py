"""The registry: the versions of a registered model, and which of them is the champion."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from pipeline.core import manifest
from pipeline.core.errors import InputError
from pipeline.tracking import history, packaging
from pipeline.tracking.experiment import Experiment
from pipeline.tracking.history import Event
from pipeline.tracking.packaging import ARTIFACT, Candidate
from pipeline.tracking.runs import Run

CHAMPION, PREVIOUS = "champion", "previous_champion"
UNTIL = "data.until"  # the tag with the time of the table's last row at the promotion
ERROR = "mse."  # begins the tags that hold the errors of the references at the promotion
MISSING = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")  # no such model, no such alias


@dataclass(frozen=True)
class Version:
    """A version of a registered model; `digest` identifies the content of the model's files.

    `code_digest` does so for the code that travels with it; empty where an earlier release, which
    did not sign it, registered the version. `rolled_back` is true if a user has replaced it by an
    earlier champion. `errors` are those of baselines and plain networks when it was promoted, and
    `until` is the time of the last row that the table had then, empty if that was not recorded.
    """

    number: str
    digest: str
    variant: str
    rolled_back: bool
    errors: Mapping[str, float] = field(default_factory=dict, compare=False)
    until: str = field(default="", compare=False)
    code_digest: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"version {self.number} ({self.variant})"


@dataclass(frozen=True)
class VersionFiles:
    """The files of a version on this machine: the folders of its code and of the model itself."""

    code: Path
    model: Path


class Registry:
    """The versions of one registered model, and which of them is the champion."""

    def __init__(self, experiment: Experiment, name: str) -> None:
        self.experiment, self.client, self.name = experiment, experiment.client, name

    def version(self, alias: str = CHAMPION) -> Version | None:
        """Return the version with this alias, if there is one."""
        with self.experiment.explained_errors():
            return self._aliased(alias)

    def versions(self) -> list[Version]:
        """Return all versions, oldest first."""
        with self.experiment.explained_errors():
            found = map(_version, self.client.search_model_versions(f"name = '{self.name}'"))
            return sorted(found, key=lambda version: int(version.number))

    def find(self, digest: str) -> Version | None:
        """Return the version whose files have this digest, if there is one."""
        return next((each for each in self.versions() if each.digest == digest), None)

    def history(self) -> list[Event]:
        """Return who became champion, oldest first."""
        with self.experiment.explained_errors():
            return history.read(self.client.get_registered_model(self.name).tags)

    def fetch(self, version: Version) -> VersionFiles:
        """Download a version; raises `InputError` if its files are not the registered ones."""
        import mlflow

        uri = f"models:/{self.name}/{version.number}"
        with self.experiment.explained_errors():
            folder = Path(mlflow.artifacts.download_artifacts(uri))
        files = VersionFiles(folder / "code", folder / "artifacts" / ARTIFACT)
        signed = {"files": (files.model, version.digest), "code": (files.code, version.code_digest)}
        for what, (part, digest) in signed.items():
            if digest and manifest.digest(part) != digest:
                raise InputError(
                    f"MLflow: {what} of {self.name}, {version}, changed after its registration; "
                    "`python -m pipeline.promote --rollback` returns to an earlier champion"
                )
        return files

    def promote(
        self,
        candidate: Candidate,
        record: Run,
        expected: Version | None,
        proof: Callable[[VersionFiles], None] = lambda files: None,
    ) -> Version:
        """Register the candidate and make it the champion; `record` becomes the version's run.

        `proof` tries the registered files before that, and raises `InputError` if they are no good.
        Raises `InputError` if the champion is no longer the `expected` one.
        """
        with self.experiment.lock(), self.experiment.explained_errors():
            if self._aliased(CHAMPION) != expected:
                raise InputError(
                    f"MLflow: the champion of {self.name} has changed since the comparison; run "
                    "`python -m pipeline.promote` again to compare with the new one"
                )
            version = self.find(manifest.digest(candidate.folder))
            version = version or self._register(candidate, record)
            proof(self.fetch(version))
            for name, value in {**candidate.tags, "rolled_back": "false"}.items():
                self.client.set_model_version_tag(self.name, version.number, name, value)
            self.replace_champion(expected, version, "promotion")
            return _version(self.client.get_model_version(self.name, version.number))

    def replace_champion(
        self, old: Version | None, new: Version, how: Literal["promotion", "rollback"]
    ) -> None:
        """Move the aliases, and write it down; a stop between two calls loses no champion."""
        if old is not None:
            self.client.set_registered_model_alias(self.name, PREVIOUS, old.number)
        self.client.set_registered_model_alias(self.name, CHAMPION, new.number)
        event = Event.now(new.number, old.number if old else None, how)
        name, value = history.tag(self.history(), event)
        self.client.set_registered_model_tag(self.name, name, value)

    def _aliased(self, alias: str) -> Version | None:
        from mlflow.exceptions import MlflowException

        try:
            return _version(self.client.get_model_version_by_alias(self.name, alias))
        except MlflowException as error:
            if error.error_code in MISSING:
                return None
            raise

    def _register(self, candidate: Candidate, record: Run) -> Version:
        self._delete_unfinished_promotions()
        model = packaging.log(self.experiment.id, candidate, record)
        self.experiment.log_values(model.run_id, record)
        if not self.client.search_registered_models(f"name = '{self.name}'"):
            self.client.create_registered_model(self.name)
        tags = {
            "digest": manifest.digest(candidate.folder),
            "code_digest": manifest.digest_of(candidate.code()),
            "variant": candidate.variant,
        }
        created = self.client.create_model_version(
            self.name, model.model_uri, model.run_id, tags=tags, model_id=model.model_id
        )
        version = _version(created)
        self.client.set_tag(model.run_id, "version", version.number)
        return version

    def _delete_unfinished_promotions(self) -> None:
        for run in self.experiment.search("tags.role = 'promotion'"):
            if "version" not in run.data.tags and self.experiment.is_abandoned(run):
                self.experiment.delete(run)


class _ModelVersion(Protocol):
    """The part of MLflow's model version that is read here."""

    version: str | int
    tags: Mapping[str, str]


def _version(version: _ModelVersion) -> Version:
    return Version(
        number=str(version.version),
        digest=version.tags.get("digest", ""),
        variant=version.tags.get("variant", "?"),
        rolled_back=version.tags.get("rolled_back") == "true",
        until=version.tags.get(UNTIL, ""),
        code_digest=version.tags.get("code_digest", ""),
        errors={
            name.removeprefix(ERROR): float(value)
            for name, value in version.tags.items()
            if name.startswith(ERROR)
        },
    )
